"""jq's `sub` and `gsub`, bounded: the engine's own copy the text made so far for each match, and keep every copy."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from purejq import builtins
from purejq.errors import JqError

from sensors.languages.jq.bounds import MAX_SIZE, OutOfSteps, run

Replacement = tuple[int, int, Iterator[Any]]
"""Where a match begins and ends, and what may stand in its place."""


def replace(  # noqa: PLR0917 - as the engine calls it
    text: Any, env: Any, pattern: Any, replacement: Any, flags: Any, everywhere: bool
) -> Iterator[str]:
    """What the engine's `_sub_impl` gives, output by output, with every text bounded. Raises `OutOfSteps`."""
    del env
    for compiled, every in builtins._regex_args(text, None, pattern, flags):  # noqa: SLF001
        found = [
            (match.start(), match.end(), replacement.vals(builtins._capture_obj(match)))  # noqa: SLF001
            for match in builtins._iter_matches(compiled, text, every or everywhere)  # noqa: SLF001
        ]
        yield from _replaced(text, found)


def _replaced(text: str, found: list[Replacement]) -> Iterator[str]:
    places = [(begin, end) for begin, end, _ in found]
    choices: list[list[Any]] = []
    for _, _, values in found:
        first = list(islice(values, 1))
        if not first:
            return
        choices.append(first)
    yield _joined(text, places, [first for first, *_ in choices])
    if found:  # more than the first output is seldom asked for
        every = [[*first, *values] for first, (_, _, values) in zip(choices, found, strict=True)]
        for chosen in islice(product(*every), 1, None):
            yield _joined(text, places, chosen)


def _joined(text: str, places: list[tuple[int, int]], chosen: Any) -> str:
    parts, last, size = [], 0, len(text)
    for (begin, end), piece in zip(places, chosen, strict=True):
        if not isinstance(piece, str):
            raise JqError(f"{builtins.describe(piece)} cannot be used as a replacement")
        run.spend()
        size += len(piece)
        if size > MAX_SIZE:
            raise OutOfSteps(f"a text grows past {MAX_SIZE:,} characters")
        parts += [text[last:begin], piece]
        last = end
    return "".join([*parts, text[last:]])
