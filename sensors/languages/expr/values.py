"""Values as Go has them: whole numbers of 64 bits, floats, texts of bytes, lists and maps that remember their type in Go."""

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from sensors.languages.expr.words import ExprError
from sensors.languages.expression_values import power as go_power
from sensors.languages.gonumbers import format_general

MAX_TEXT = 1 << 20
"""Bytes of a text that an expression may build."""

_LOWEST, _SPAN = -(1 << 63), 1 << 64


class Uint8(int):
    """A byte of a text."""


class Int64(int):
    """A whole number that a function of Sprig gives: equal to others, and not of their type."""


class Duration(int):
    """A span of time in nanoseconds."""


class IntList(list[Any]):
    """`[]int`."""


class TextList(list[Any]):
    """`[]string`."""


class PairList(list[Any]):
    """`[][2]interface{}`."""


class NilList(list[Any]):
    """A list that is nil."""


class AnyMap(dict[Any, Any]):
    """A map whose keys may be anything."""


class GroupMap(AnyMap):
    """What `groupBy` gives: lists by what their elements have in common."""


class TextMap(dict[str, Any]):
    """`map[string]string`."""


_YEAR_1 = -62_135_596_800 * 1_000_000_000
_LEAP_YEAR_4 = 1_461 * 86_400 * 1_000_000_000


class Instant(NamedTuple):
    """A time."""

    nanoseconds: int
    """Since 1970, UTC."""
    offset_s: int = 0
    zone: str = "UTC"

    def wall(self) -> datetime:
        """The clock on the wall, without what is below a microsecond. Raises `ExprError` outside the years 1 to 9999."""
        try:
            shown = timezone(timedelta(seconds=self.offset_s))
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.nanoseconds // 1000)).astimezone(shown)
        except OverflowError:
            raise ExprError("a time outside the years 1 to 9999") from None

    def __str__(self) -> str:
        below = self.nanoseconds % 1_000_000_000
        if (
            self.nanoseconds < _YEAR_1 and self.offset_s == 0
        ):  # a time of day without a date is in the year 0, which Python has not
            wall = self._replace(nanoseconds=self.nanoseconds + _LEAP_YEAR_4).wall().replace(tzinfo=UTC)
            return f"0000{wall:-%m-%d %H:%M:%S}{f'.{below:09d}'.rstrip('0') if below else ''} +0000 UTC"
        wall = self.wall()
        fraction = f".{below:09d}".rstrip("0") if below else ""
        return f"{wall:%Y-%m-%d %H:%M:%S}{fraction} {wall:%z} {self.zone}"


class Function(NamedTuple):
    """A function of the environment."""

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    """Go's types of what it takes; `*` before the last one: any number of it."""


_NUMBERS = frozenset((int, float, Uint8, Int64))
_WHOLE = frozenset((int, Uint8, Int64))
LISTS = (list, IntList, TextList, PairList, NilList)


def wrapped(number: int) -> int:
    """Within 64 bits, as machines count."""
    return number if _LOWEST <= number < -_LOWEST else (number - _LOWEST) % _SPAN + _LOWEST


def type_name(value: Any) -> str:
    """Go's name of the type, for messages and for calls of functions."""
    return _GO_NAMES.get(type(value), type(value).__name__)


_GO_NAMES: dict[type, str] = {
    type(None): "nil",
    bool: "bool",
    int: "int",
    Int64: "int64",
    Uint8: "uint8",
    float: "float64",
    str: "string",
    list: "[]interface {}",
    NilList: "[]interface {}",
    IntList: "[]int",
    TextList: "[]string",
    PairList: "[][2]interface {}",
    dict: "map[string]interface {}",
    TextMap: "map[string]string",
    AnyMap: "map[interface {}]interface {}",
    GroupMap: "map[interface {}][]interface {}",
    Instant: "time.Time",
    Duration: "time.Duration",
    Function: "func",
}


def as_bytes(text: str) -> bytes:
    """The bytes of a text; those that are no UTF-8 are kept as lone surrogates."""
    return text.encode("utf-8", "surrogateescape")


def as_text(data: bytes) -> str:
    """See `as_bytes`."""
    return data.decode("utf-8", "surrogateescape")


def bounded(text: str) -> str:
    """`text`, where it is not too long."""
    if len(text) > MAX_TEXT:
        raise ExprError(f"the text grows past {MAX_TEXT} characters")
    return text


def is_nil(value: Any) -> bool:
    """Whether it is nil, or a list that is."""
    return value is None or type(value) is NilList


def equal(left: Any, right: Any) -> bool:
    """`==`: numbers by value, everything else only where the types agree."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return bool(left == right) if type(left) in _WHOLE and type(right) in _WHOLE else float(left) == float(right)
    if type(left) is Instant and type(right) is Instant:
        return left.nanoseconds == right.nanoseconds
    return (is_nil(left) and is_nil(right)) or _same(left, right)


def _same(left: Any, right: Any) -> bool:
    """Deep equality without conversions: `[1] == [1.0]` is false."""
    if type(left) is not type(right) or type(left) is Function:
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(key in right and _same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def ordered(compare: Callable[[Any, Any], bool], symbol: str) -> Callable[[Any, Any], bool]:
    """A comparison of two numbers, two texts by their bytes, two times or two durations."""

    def apply(left: Any, right: Any) -> bool:
        kinds = (type(left), type(right))
        if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
            if kinds[0] in _WHOLE and kinds[1] in _WHOLE:
                return compare(left, right)
            return compare(float(left), float(right))
        if kinds == (str, str):
            return compare(as_bytes(left), as_bytes(right))
        if kinds == (Duration, Duration):
            return compare(left, right)
        if kinds == (Instant, Instant):
            return compare(left.nanoseconds, right.nanoseconds)
        raise mismatch(left, symbol, right)

    return apply


def mismatch(left: Any, symbol: str, right: Any) -> ExprError:
    """What is said of two values that an operator does not join."""
    return ExprError(f"{shown(left)} {symbol} {shown(right)}: {type_name(left)} and {type_name(right)} do not go together")


def add(left: Any, right: Any) -> Any:
    """`+`."""
    kinds = (type(left), type(right))
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return _arithmetic(left, right, operator.add)
    if kinds == (str, str):
        return bounded(left + right)
    if kinds == (Duration, Duration):
        return Duration(wrapped(int(left) + int(right)))
    if kinds == (Instant, Duration):
        return left._replace(nanoseconds=left.nanoseconds + int(right))
    if kinds == (Duration, Instant):
        return right._replace(nanoseconds=right.nanoseconds + int(left))
    raise mismatch(left, "+", right)


def _arithmetic(left: Any, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    if type(left) in _WHOLE and type(right) in _WHOLE:
        return wrapped(compute(int(left), int(right)))
    return compute(float(left), float(right))


def subtract(left: Any, right: Any) -> Any:
    """`-`."""
    kinds = (type(left), type(right))
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return _arithmetic(left, right, operator.sub)
    if kinds == (Duration, Duration):
        return Duration(wrapped(int(left) - int(right)))
    if kinds == (Instant, Duration):
        return left._replace(nanoseconds=left.nanoseconds - int(right))
    if kinds == (Instant, Instant):
        return Duration(min(max(left.nanoseconds - right.nanoseconds, _LOWEST), -_LOWEST - 1))
    raise mismatch(left, "-", right)


def multiply(left: Any, right: Any) -> Any:
    """`*`."""
    kinds = (type(left), type(right))
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        return _arithmetic(left, right, operator.mul)
    if Duration in kinds and kinds[0] in _NUMBERS | {Duration} and kinds[1] in _NUMBERS | {Duration}:
        if float in kinds:
            return float(left) * float(right)
        return Duration(wrapped(int(left) * int(right)))
    raise mismatch(left, "*", right)


def divide(left: Any, right: Any) -> float:
    """`/`: always a float; by zero it is an infinity, or no number."""
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise mismatch(left, "/", right)
    above, below = float(left), float(right)
    if below == 0:
        return math.nan if above == 0 or math.isnan(above) else math.copysign(math.inf, above) * math.copysign(1.0, below)
    return above / below


def remainder(left: Any, right: Any) -> int:
    """`%`: of whole numbers, with the sign of the left one."""
    if type(left) not in _WHOLE or type(right) not in _WHOLE:
        raise mismatch(left, "%", right)
    if right == 0:
        raise ExprError(f"{shown(left)} % 0: division by zero")
    return wrapped(int(math.copysign(1, left)) * (abs(int(left)) % abs(int(right))))


def power(left: Any, right: Any) -> float:
    """`**`: always a float."""
    return go_power(to_float(left, "**"), to_float(right, "**"))


def negated(value: Any) -> Any:
    """`-value`."""
    if type(value) is Uint8:
        return Uint8(-int(value) % 256)
    if type(value) in _WHOLE:
        return type(value)(wrapped(-int(value)))
    if type(value) is float:
        return -value
    raise ExprError(f"-{shown(value)}: {type_name(value)} is no number")


def inverted(value: Any) -> bool:
    """`!value`."""
    return not truth(value)


def truth(value: Any) -> bool:
    """`value`, where it is true or false."""
    if type(value) is not bool:
        raise ExprError(f"{shown(value)} is neither true nor false")
    return value


def text(value: Any) -> str:
    """`value`, where it is a text."""
    if type(value) is not str:
        raise ExprError(f"{shown(value)} is no text")
    return value


def to_int(value: Any) -> int:
    """A number as a whole one; what does not fit is the lowest."""
    if type(value) in _WHOLE:
        return int(value)
    if type(value) is float:
        return int(value) if -(2.0**63) <= value < 2.0**63 else _LOWEST
    raise ExprError(f"{shown(value)} is no number")


def to_float(value: Any, what: str) -> float:
    """A number as a float."""
    if type(value) not in _NUMBERS:
        raise ExprError(f"{what}: {shown(value)} is no number")
    return float(value)


def fetch(value: Any, key: Any) -> Any:
    """`value[key]`. What a map does not have is nil; of what is no list, map or text it is an error."""
    kind = type(value)
    if kind is dict or kind is TextMap:
        if key is not None and type(key) is not str:
            raise ExprError(f"a key is a text, not {shown(key)}")
        return value.get(key or "", "" if kind is TextMap else None)
    if isinstance(value, dict):
        return value.get(hashable(key), NilList() if type(value) is GroupMap else None)
    if isinstance(value, list) or kind is str:
        return _element(value, to_int(key))
    raise ExprError(f"{shown(key)} of {shown(value)}: {type_name(value)} has no members")


def _element(value: Any, index: int) -> Any:
    elements = as_bytes(value) if type(value) is str else value
    if not -len(elements) <= index < len(elements):
        raise ExprError(f"there is no element {index}; there are {len(elements)}")
    found = elements[index]
    return Uint8(found) if type(value) is str else found


class _Key(tuple[Any, ...]):
    """A key of a map that remembers its type, because 1 and 1.0 are two keys."""


def hashable(key: Any) -> Any:
    """`key`, where a map may have it."""
    if isinstance(key, list | dict):
        raise ExprError(f"{shown(key)} cannot be a key")
    return key if type(key) in (str, type(None)) else _Key((type(key).__name__, key))


def key_value(key: Any) -> Any:
    """The key that `hashable` was given."""
    return key[1] if type(key) is _Key else key


def sliced(value: Any, start: Any, stop: Any) -> Any:
    """`value[start:stop]`: what lies outside is left out."""
    if not isinstance(value, list) and type(value) is not str:
        raise ExprError(f"{shown(value)} cannot be sliced")
    elements: Any = as_bytes(value) if type(value) is str else value
    length = len(elements)
    first, last = to_int(start), to_int(stop)
    first = max(first + length if first < 0 else first, 0)
    last = min(max(last + length if last < 0 else last, 0), length)
    found = elements[min(first, last) : last]
    if type(value) is str:
        return as_text(found)
    return (list if type(value) is NilList else type(value))(found)


def length(value: Any) -> int:
    """`len`: bytes of a text, elements, members."""
    if type(value) is str:
        return len(as_bytes(value))
    if isinstance(value, list | dict):
        return len(value)
    raise ExprError(f"{shown(value)} has no length")


def contained(needle: Any, value: Any) -> bool:
    """`needle in value`: an element of a list, a key of a map; nothing is in nil."""
    if value is None:
        return False
    if isinstance(value, list):
        return any(equal(element, needle) for element in value)
    if isinstance(value, dict):
        if isinstance(value, AnyMap):
            return hashable(needle) in value
        if needle is not None and type(needle) is not str:
            raise ExprError(f"a key is a text, not {shown(needle)}")
        return (needle or "") in value
    raise ExprError(f"in: {shown(value)} is neither a list nor a map")


def printed(value: Any) -> str:  # noqa: PLR0911 - one line for each type
    """A value as `string` writes it: Go's `%v`."""
    if value is None:
        return "<nil>"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return format_general(value)
    if type(value) is Duration:
        return duration_text(value)
    if isinstance(value, list):
        return bounded(f"[{' '.join(map(printed, value))}]")
    if isinstance(value, dict):
        members = sorted((printed(key_value(key)), printed(member)) for key, member in value.items())
        return bounded(f"map[{' '.join(f'{key}:{member}' for key, member in members)}]")
    return f"func {value.name}" if type(value) is Function else str(value)


def shown(value: Any) -> str:
    """A value in a message, shortened."""
    said = f'"{value}"' if type(value) is str else "nil" if value is None else _brief(value)
    return said if len(said) <= 80 else f"{said[:80]}…"


def _brief(value: Any) -> str:
    return f"{type_name(value)} of {len(value)}" if isinstance(value, list | dict) else printed(value)


def duration_text(value: Duration) -> str:
    """Go's `Duration.String`: `1h30m0s`, `1.5s`, `20ms`."""
    amount = abs(int(value))
    sign = "-" if value < 0 else ""
    if amount == 0:
        return "0s"
    if amount < 1_000_000_000:
        unit, name = next((unit, name) for unit, name in ((1_000_000, "ms"), (1_000, "µs"), (1, "ns")) if amount >= unit)
        return f"{sign}{_decimal(amount, unit)}{name}"
    seconds = _decimal(amount % 60_000_000_000, 1_000_000_000) + "s"
    minutes = amount // 60_000_000_000
    if minutes < 60:
        return f"{sign}{f'{minutes}m' if minutes else ''}{seconds}"
    return f"{sign}{minutes // 60}h{minutes % 60}m{seconds}"


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    return f"{whole}.{str(rest).rjust(len(str(unit)) - 1, '0')}".rstrip("0").rstrip(".") if rest else str(whole)
