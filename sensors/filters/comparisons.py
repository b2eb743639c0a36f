"""How one value of an event compares with the values a `data` clause lists: any one of them is enough.

Semantics: `filterData` of Argo Events' `pkg/sensors/dependencies/filter.go`. Values are tried in order, so one that cannot be
read is an error only where no earlier one held.
"""

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

from sensors.filters.held import Held, Key, Needs
from sensors.languages.gjson import Result
from sensors.languages.gonumbers import parse_bool, parse_float
from sensors.languages.pattern_literals import required_literal
from sensors.languages.patterns import compile_pattern

T = TypeVar("T")
Comparison = Callable[[Result], Held]

_ORDER: dict[str, Callable[[float, float], bool]] = {
    "": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_PLAIN = re.compile(r"(\^?)((?:[^\\.+*?()|\[\]{}^$]|\\[.+*?()|\[\]{}^$/-])+)(\$?)", re.DOTALL)
"""Text that stands for itself, anchored or not; without flags `$` is the very end."""


class _Search(Protocol):
    def __call__(self, text: bytes) -> object | None: ...


def truth_comparison(values: Sequence[str]) -> Comparison:
    """Equality of truth; a comparator changes nothing."""
    wanted, ends_badly = _readable([parse_bool(value) for value in values])
    otherwise = Held.ERROR if ends_badly else Held.NO

    def compare(found: Result) -> Held:
        return Held.YES if found.truth in wanted else otherwise

    return compare


def number_comparison(values: Sequence[str], comparator: str) -> Comparison:
    """Comparison of floats; a comparator that is none of the seven never holds."""
    wanted, ends_badly = _readable([_filter_number(value) for value in values])
    otherwise = Held.ERROR if ends_badly else Held.NO
    holds = _ORDER.get(comparator)
    if holds is None:
        return lambda found: otherwise
    if holds is operator.eq:
        equal = frozenset(wanted)
        return lambda found: Held.YES if found.number in equal else otherwise
    compares = holds

    def compare(found: Result) -> Held:
        seen = found.number
        for value in wanted:
            if compares(seen, value):
                return Held.YES
        return otherwise

    return compare


def text_comparison(values: Sequence[str], comparator: str) -> Comparison:
    """Unanchored patterns that match, or with `!=` do not; any other comparator never holds."""
    tests, ends_badly = _readable([_pattern(value) for value in values])
    otherwise = Held.ERROR if ends_badly else Held.NO
    if comparator not in {"", "=", "!="}:
        return lambda found: otherwise
    wanted = comparator != "!="
    if len(tests) == 1:
        only = tests[0]
        return lambda found: Held.YES if only(found.text) is wanted else otherwise

    def compare(found: Result) -> Held:
        seen = found.text
        for test in tests:
            if test(seen) is wanted:
                return Held.YES
        return otherwise

    return compare


def _readable(values: Sequence[T | None]) -> tuple[list[T], bool]:
    """The values before the first that could not be read, and whether there is such."""
    readable: list[T] = []
    for value in values:
        if value is None:
            return readable, True
        readable.append(value)
    return readable, False


def _filter_number(value: str) -> float | None:
    number = parse_float(value)
    # Go reports what is out of range as an error too.
    if number is not None and math.isinf(number) and "n" not in value.lower():
        return None
    return number


def _pattern(value: str) -> Callable[[str], bool] | None:
    # Plain text needs no engine, which is dearer to compile, to keep and to ask.
    if plain := _PLAIN.fullmatch(value):
        return _plain(*plain.groups())
    try:
        search = cast("_Search", compile_pattern(value).search)
    except ValueError:
        return None
    literal = required_literal(value) or ""
    # Most values lack the literal, and looking for it costs a fiftieth of asking the engine. In bytes, because the library
    # translates every offset of a match in text, which takes three times as long as the match.
    return lambda text: literal in text and search(text.encode("utf-8", "replace")) is not None


def _plain(start: str, escaped: str, end: str) -> Callable[[str], bool]:
    literal = _ESCAPE.sub(r"\1", escaped)
    if start and end:
        return lambda text: text == literal
    if start:
        return lambda text: text.startswith(literal)
    if end:
        return lambda text: text.endswith(literal)
    return lambda text: literal in text


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def bad_patterns(values: Sequence[str]) -> list[tuple[int, str]]:
    """Index and reason of each value that is no pattern."""
    bad = []
    for index, value in enumerate(values):
        if _PLAIN.fullmatch(value):
            continue
        try:
            compile_pattern(value)
        except ValueError as exc:
            bad.append((index, str(exc)))
    return bad


def bad_numbers(values: Sequence[str]) -> list[int]:
    """Indexes of the values that are no numbers."""
    return [index for index, value in enumerate(values) if _filter_number(value) is None]


def bad_truths(values: Sequence[str]) -> list[int]:
    """Indexes of the values that are no truth values."""
    return [index for index, value in enumerate(values) if parse_bool(value) is None]


def errs_at_last(kind: str, values: Sequence[str]) -> bool:
    """Whether a value that cannot be read makes the clause an error where no earlier one holds."""
    if kind == "string":
        return bool(bad_patterns(values))
    return bool(bad_truths(values) if kind == "bool" else bad_numbers(values))


def needs(kind: str, comparator: str, values: Sequence[str], where: str) -> Needs:
    """What a value at the plain path `where` must be like for the clause to hold; None where that cannot be looked up."""
    if kind == "bool":
        truths, _ = _readable([parse_bool(value) for value in values])
        return tuple(Key("truth", where, truth) for truth in dict.fromkeys(truths))
    if comparator not in {"", "="}:
        return None
    if kind == "number":
        numbers, _ = _readable([_filter_number(value) for value in values])
        return tuple(Key("number", where, number) for number in dict.fromkeys(numbers))
    if kind == "string":
        keys, _ = _readable([_text_key(value, where) for value in values])
        return None if any(key.value == "" and key.what == "text" for key in keys) else tuple(dict.fromkeys(keys))
    return ()


def _text_key(value: str, where: str) -> Key | None:
    """What a match must equal or contain, the empty text where nothing is known, None where the pattern is bad."""
    if plain := _PLAIN.fullmatch(value):
        start, escaped, end = plain.groups()
        return Key("exact" if start and end else "text", where, _ESCAPE.sub(r"\1", escaped))
    try:
        compile_pattern(value)
    except ValueError:
        return None
    return Key("text", where, required_literal(value) or "")
