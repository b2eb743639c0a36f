"""Plain words for messages: values, types, paths, and the nearest right word."""

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

_SHOWN = 60
_COMPARED = 500
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def one_line(text: str, *, limit: int = 500) -> str:
    """`text` shortened, with what does not print escaped."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return shown if shown.isprintable() else "".join(map(_printable, shown))


def quoted(text: str, *, limit: int = _SHOWN) -> str:
    """`text` in single quotes, shortened, with what does not print escaped, so that a message stays one honest line."""
    return f"'{one_line(text, limit=limit)}'"


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """` (did you mean 'x'?)` with the nearest of `right`, or nothing where none is near."""
    by_folded = {word.lower(): word for word in islice(right, _COMPARED)}
    near = difflib.get_close_matches(wrong.lower()[:_SHOWN], by_folded, n=1, cutoff=0.6)
    return f" (did you mean {quoted(by_folded[near[0]])}?)" if near else ""


def one_of(words: Iterable[str], *, limit: int = 12) -> str:
    """`'a', 'b' or 'c'`; the first `limit` words only."""
    shown = [quoted(word) for word in words]
    if len(shown) > limit:
        return ", ".join(shown[:limit]) + ", …"
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else "nothing"


def type_of(value: Any) -> str:
    """What `value` is, as its author would say it, without showing it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


def value_of(value: Any) -> str:
    """What `value` is, shown where it is short and simple."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {str(value)[:_SHOWN]}"
    return f"the text {quoted(value)}" if isinstance(value, str) else type_of(value)


def path_text(path: Sequence[str | int]) -> str:
    """`spec.triggers[0].template.http.url`; keys that are no plain word stand in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text


_PATH_PART = re.compile(r"\[(\d+)\]|\['([^']*)'\]|([^.\[\]]+)")


def path_of(text: str) -> tuple[str | int, ...]:
    """The path that `path_text` wrote as `text`, but for keys that had to be shortened or escaped."""
    return tuple(int(index) if index else in_quotes or plain for index, in_quotes, plain in _PATH_PART.findall(text))
