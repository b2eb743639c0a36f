"""Values as Go has them: whole numbers of 64 bits, floats, texts of bytes, lists and maps that remember their type in Go."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from sensors.languages.expr.words import ExprError
from sensors.languages.gonumbers import format_general

MAX_TEXT = 1 << 20
"""Bytes of a text that an expression may build."""

LOWEST, _SPAN = -(1 << 63), 1 << 64


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


NUMBERS = frozenset((int, float, Uint8, Int64))
WHOLE = frozenset((int, Uint8, Int64))
LISTS = (list, IntList, TextList, PairList, NilList)


def wrapped(number: int) -> int:
    """Within 64 bits, as machines count."""
    return number if LOWEST <= number < -LOWEST else (number - LOWEST) % _SPAN + LOWEST


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
    if type(value) in WHOLE:
        return int(value)
    if type(value) is float:
        return int(value) if -(2.0**63) <= value < 2.0**63 else LOWEST
    raise ExprError(f"{shown(value)} is no number")


def to_float(value: Any, what: str) -> float:
    """A number as a float."""
    if type(value) not in NUMBERS:
        raise ExprError(f"{what}: {shown(value)} is no number")
    return float(value)


class Key(tuple[Any, ...]):
    """A key of a map that remembers its type, because 1 and 1.0 are two keys."""


def key_value(key: Any) -> Any:
    """The key that `hashable` was given."""
    return key[1] if type(key) is Key else key


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
