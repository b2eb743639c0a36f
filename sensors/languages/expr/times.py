"""Times and durations: how texts become them, and what a time can be asked."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sensors.languages.expr.containers import fetch
from sensors.languages.expr.types import BOOL, DURATION, FLOAT, INT, TEXT, TIME, Type
from sensors.languages.expr.values import Duration, Function, Instant, Int64, duration_text, shown, text, wrapped
from sensors.languages.expr.words import ExprError
from sensors.languages.gotemplate import format_time, parse_time

_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNIT = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000,
    "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
}  # fmt: skip
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?")
_LONGEST = 200
"""Characters of a duration."""
_YEAR_0_S = -62_167_219_200
_LAYOUTS = (
    "2006-01-02",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
)


def instant_of(moment: datetime, nanosecond: int | None = None) -> Instant:
    """A time of Python's as one of ours."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    offset = moment.utcoffset() or timedelta(0)
    seconds = (moment.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    below = moment.microsecond * 1000 if nanosecond is None else nanosecond
    name = moment.tzname() or ""
    if not name or ("UTC" in name and name != "UTC"):
        name = f"{moment:%z}"
    return Instant(seconds * 1_000_000_000 + below, int(offset.total_seconds()), name)


def parse_duration(value: Any) -> Duration:
    """`duration("1h30m")`."""
    said = text(value)
    sign, rest = (-1, said[1:]) if said[:1] == "-" else (1, said.removeprefix("+"))
    parts = _PART.findall(rest) if len(rest) <= _LONGEST else []
    if rest == "0":
        return Duration(0)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise ExprError(f"{shown(said)} is no duration; expected one such as 30s or 1h30m")
    total = 0
    for number, unit in parts:
        whole, _, fraction = number.partition(".")
        total += int(whole or "0") * _UNIT[unit] + int(fraction or "0") * _UNIT[unit] // 10 ** len(fraction)
    if total > (1 << 63) - (sign > 0):
        raise ExprError(f"{shown(said)} is longer than a duration can be")
    return Duration(sign * total)


def parse_date(value: Any, layout: Any = None, zone: Any = None) -> Instant:
    """`date(text)`, `date(text, layout)` and `date(text, layout, zone)`."""
    said = text(value)
    if layout is not None:
        return _parsed(text(layout), said, "UTC" if zone is None else text(zone))
    if (clock := _CLOCK.fullmatch(said)) is not None:
        hour, minute, second = map(int, clock.groups()[:3])
        if hour < 24 and minute < 60 and second < 60:
            below = int((clock[4] or "0")[:9].ljust(9, "0"))
            return Instant((_YEAR_0_S + 3600 * hour + 60 * minute + second) * 1_000_000_000 + below)
    for one in _LAYOUTS:
        try:
            return _parsed(one, said, "UTC")
        except ExprError:
            continue
    raise ExprError(f"{shown(said)} is no date; give its layout, such as 2006-01-02 15:04")


def _parsed(layout: str, said: str, zone: str) -> Instant:
    try:
        location = UTC if zone in ("UTC", "", "Local") else ZoneInfo(zone)
        moment, nanosecond = parse_time(layout, said, location)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError) as exc:
        raise ExprError(f"{shown(said)} is no date as {shown(layout)} has it: {exc}") from None
    return instant_of(moment, nanosecond)


def fetch_member(value: Any, key: Any) -> Any:
    """`value[key]`, and the methods of times and durations."""
    if type(value) in METHODS_OF and type(key) is str:
        found = METHODS_OF[type(value)].get(key)
        if found is not None:
            parameters, _, call = found
            return Function(key, lambda *given: call(value, *given), tuple(map(_GO_PARAMETER.__getitem__, parameters)))
    return fetch(value, key)


Method = tuple[tuple[Type, ...], Type, Callable[..., Any]]
_GO_PARAMETER = {TIME: "time.Time", DURATION: "time.Duration", TEXT: "string", INT: "int"}


def _format(moment: Instant, layout: str) -> str:
    return format_time(moment.wall(), moment.nanoseconds % 1_000_000_000, layout)


def _add_date(moment: Instant, years: int, months: int, days: int) -> Instant:
    wall = moment.wall()
    total = (wall.year + years) * 12 + wall.month - 1 + months
    try:
        moved = wall.replace(year=total // 12, month=total % 12 + 1, day=1) + timedelta(days=wall.day - 1 + days)
    except (ValueError, OverflowError):
        raise ExprError("a time outside the years 1 to 9999") from None
    return moment._replace(nanoseconds=moment.nanoseconds + (moved - wall) // timedelta(microseconds=1) * 1000)


def _truncated(moment: Instant, to: int) -> Instant:
    if to <= 0:
        return moment
    since = moment.nanoseconds + 62_135_596_800_000_000_000
    return moment._replace(nanoseconds=moment.nanoseconds - since % to)


TIME_METHODS: Mapping[str, Method] = {
    "Year": ((), INT, lambda moment: moment.wall().year),
    "Day": ((), INT, lambda moment: moment.wall().day),
    "Hour": ((), INT, lambda moment: moment.wall().hour),
    "Minute": ((), INT, lambda moment: moment.wall().minute),
    "Second": ((), INT, lambda moment: moment.wall().second),
    "Nanosecond": ((), INT, lambda moment: moment.nanoseconds % 1_000_000_000),
    "YearDay": ((), INT, lambda moment: moment.wall().timetuple().tm_yday),
    "Unix": ((), Type("int64", "int64"), lambda moment: Int64(moment.nanoseconds // 1_000_000_000)),
    "UnixMilli": ((), Type("int64", "int64"), lambda moment: Int64(moment.nanoseconds // 1_000_000)),
    "UnixMicro": ((), Type("int64", "int64"), lambda moment: Int64(moment.nanoseconds // 1_000)),
    "UnixNano": ((), Type("int64", "int64"), lambda moment: Int64(wrapped(moment.nanoseconds))),
    "Format": ((TEXT,), TEXT, _format),
    "String": ((), TEXT, str),
    "Before": ((TIME,), BOOL, lambda moment, other: moment.nanoseconds < other.nanoseconds),
    "After": ((TIME,), BOOL, lambda moment, other: moment.nanoseconds > other.nanoseconds),
    "Equal": ((TIME,), BOOL, lambda moment, other: moment.nanoseconds == other.nanoseconds),
    "IsZero": ((), BOOL, lambda moment: moment.nanoseconds == -62_135_596_800_000_000_000),
    "Add": ((DURATION,), TIME, lambda moment, span: moment._replace(nanoseconds=moment.nanoseconds + int(span))),
    "Sub": ((TIME,), DURATION, lambda moment, other: Duration(moment.nanoseconds - other.nanoseconds)),
    "AddDate": ((INT, INT, INT), TIME, _add_date),
    "Truncate": ((DURATION,), TIME, _truncated),
    "UTC": ((), TIME, lambda moment: Instant(moment.nanoseconds)),
}
"""What of Go's `time.Time` is here: what it takes, gives and does."""

DURATION_METHODS: Mapping[str, Method] = {
    "Hours": ((), FLOAT, lambda span: int(span) / 3.6e12),
    "Minutes": ((), FLOAT, lambda span: int(span) / 6e10),
    "Seconds": ((), FLOAT, lambda span: int(span) / 1e9),
    "Milliseconds": ((), Type("int64", "int64"), lambda span: Int64(int(int(span) / 1_000_000))),
    "Microseconds": ((), Type("int64", "int64"), lambda span: Int64(int(int(span) / 1_000))),
    "Nanoseconds": ((), Type("int64", "int64"), Int64),
    "String": ((), TEXT, duration_text),
}
"""The same for `time.Duration`."""

METHODS_OF: Mapping[type, Mapping[str, Method]] = {Instant: TIME_METHODS, Duration: DURATION_METHODS}
METHODS: Mapping[Type, Mapping[str, Method]] = {TIME: TIME_METHODS, DURATION: DURATION_METHODS}
