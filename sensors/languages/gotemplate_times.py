"""Times in templates, and Sprig's functions on them: any year, nanoseconds, names of zones, as Go has them.

Semantics: `time` of Go, `dates.go` of Sprig 3.3.0. `Local` is UTC.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from goduration.go import SECOND, Duration, DurationParseError
from gotime._layout_parse import parse_layout
from gotime.go import UTC, Location, LocationError, Time
from gotpl.errors import TemplateExecutionError

from sensors.languages.expr.values import Int64

RFC3339 = "2006-01-02T15:04:05.999999999Z07:00"
_HTML_DATE = "2006-01-02"
_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1


class GoDuration:
    """A duration that prints as Go prints it and has the methods that templates call."""

    __slots__ = ("span",)

    def __init__(self, span: Duration) -> None:
        self.span = span

    def __str__(self) -> str:
        return str(self.span)

    def __gotemplate_lookup__(self, name: str) -> object:
        if name not in _DURATION_VALUES:
            raise TemplateExecutionError(f"can't evaluate field {name} in type time.Duration")
        return _DURATION_VALUES[name](self.span)


_DURATION_VALUES: Mapping[str, Callable[[Duration], object]] = {
    "Hours": lambda span: span.nanoseconds / 3_600_000_000_000,
    "Minutes": lambda span: span.nanoseconds / 60_000_000_000,
    "Seconds": lambda span: span.nanoseconds / 1_000_000_000,
    "Milliseconds": lambda span: Int64(_toward_zero(span.nanoseconds, 1_000_000)),
    "Microseconds": lambda span: Int64(_toward_zero(span.nanoseconds, 1_000)),
    "Nanoseconds": lambda span: Int64(span.nanoseconds),
    "String": str,
}


def _toward_zero(number: int, unit: int) -> int:
    return -(-number // unit) if number < 0 else number // unit


class GoTime:
    """A time that prints as Go prints it and has the methods that templates call."""

    __slots__ = ("time",)

    def __init__(self, time: Time) -> None:
        self.time = time

    def __str__(self) -> str:
        return str(self.time)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoTime) and self.time == other.time

    def __hash__(self) -> int:
        return hash(self.time)

    def __gotemplate_lookup__(self, name: str) -> object:
        if name in _TIME_METHODS:
            return getattr(self, _TIME_METHODS[name])
        if name not in _TIME_VALUES:
            raise TemplateExecutionError(f"can't evaluate field {name} in type time.Time")
        return _TIME_VALUES[name](self.time)

    def go_format(self, layout: str) -> str:
        """`Format(layout)`."""
        return self.time.format(layout)

    def moved(self, years: int, months: int, days: int) -> "GoTime":
        """`AddDate(years, months, days)`."""
        return GoTime(self.time.add_date(years, months, days))

    def since(self, other: Any) -> GoDuration:
        """`Sub(other)`."""
        return GoDuration(self.time.subtract(other.time))

    def before(self, other: Any) -> bool:
        """`Before(other)`."""
        return bool(self.time.before(other.time))

    def after(self, other: Any) -> bool:
        """`After(other)`."""
        return bool(self.time.after(other.time))

    def equal(self, other: Any) -> bool:
        """`Equal(other)`."""
        return bool(self.time.equal(other.time))


_TIME_METHODS: Mapping[str, str] = {
    "Format": "go_format", "AddDate": "moved", "Sub": "since", "Before": "before", "After": "after", "Equal": "equal",
}  # fmt: skip
_TIME_VALUES: Mapping[str, Callable[[Time], object]] = {
    "Year": lambda time: time.year,
    "Month": lambda time: time.format("January"),
    "Day": lambda time: time.day,
    "Hour": lambda time: time.hour,
    "Minute": lambda time: time.minute,
    "Second": lambda time: time.second,
    "Nanosecond": lambda time: time.nanosecond,
    "YearDay": lambda time: time.year_day,
    "Weekday": lambda time: time.format("Monday"),
    "Unix": lambda time: Int64(time.unix_seconds),
    "UnixMilli": lambda time: Int64(_nanoseconds(time) // 1_000_000),
    "UnixMicro": lambda time: Int64(_nanoseconds(time) // 1_000),
    "UnixNano": lambda time: Int64(_nanoseconds(time)),
    "IsZero": lambda time: time.is_zero(),
    "UTC": lambda time: GoTime(time.utc()),
    "Local": lambda time: GoTime(time.in_location(UTC)),
    "String": str,
}


def _nanoseconds(time: Time) -> int:
    return time.unix_seconds * 1_000_000_000 + time.nanosecond


def go_time(nanoseconds: int, offset_s: int = 0, zone: str = "UTC") -> GoTime:
    """The time `nanoseconds` after 1970, on the clock of a zone."""
    location = UTC if zone == "UTC" else Location.fixed(zone, offset_s)
    seconds, below = divmod(nanoseconds, 1_000_000_000)
    return GoTime(Time.from_unix(seconds, below, location=location))


def as_instant(moment: GoTime) -> tuple[int, int, str]:
    """Nanoseconds since 1970, the offset of its zone in seconds, the name of its zone."""
    zone, offset = moment.time.zone()
    return _nanoseconds(moment.time), offset, zone or moment.time.format("-0700")


class Dates:
    """Sprig's functions on times; `clock` tells what is now."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def functions(self) -> dict[str, Callable[..., object]]:
        """By the names that templates call them."""
        return {
            "now": lambda: GoTime(self._now()),
            "ago": self._ago,
            "date": lambda layout, value: self._shown(layout, value, "Local"),
            "dateInZone": self._shown,
            "date_in_zone": self._shown,
            "htmlDate": lambda value: self._shown(_HTML_DATE, value, "Local"),
            "htmlDateInZone": lambda value, zone: self._shown(_HTML_DATE, value, zone),
            "durationRound": self._rounded,
            "duration": _duration,
            "toDate": _to_date,
            "mustToDate": _must_to_date,
            "dateModify": _modified,
            "date_modify": _modified,
            "mustDateModify": _must_modified,
            "must_date_modify": _must_modified,
            "unixEpoch": lambda value: str(value.time.unix_seconds),
        }

    def _now(self) -> Time:
        return Time.from_datetime(self._clock())

    def _at(self, value: object) -> Time:
        """A time, or seconds since 1970; anything else is now."""
        if isinstance(value, GoTime):
            return value.time
        return Time.from_unix(value) if isinstance(value, int) and not isinstance(value, bool) else self._now()

    def _shown(self, layout: str, value: object, zone: str) -> str:
        try:
            location = UTC if zone == "Local" else Location.load(zone)
        except (LocationError, ValueError, OSError):
            location = UTC
        return self._at(value).in_location(location).format(layout)

    def _ago(self, value: object) -> str:
        return str(self._now().subtract(self._at(value)).round(SECOND))

    def _rounded(self, value: object) -> str:
        span = 0
        if isinstance(value, str):
            span = _span(value) or 0
        elif type(value) is Int64:
            span = int(value)
        elif isinstance(value, GoTime):
            span = self._now().subtract(value.time).nanoseconds
        for unit, letters in _ROUND_UNITS:
            if abs(span) > unit:
                return f"{abs(span) // unit}{letters}"
        return "0s"


_HOUR = 3_600_000_000_000
_ROUND_UNITS = (
    (365 * 24 * _HOUR, "y"),
    (30 * 24 * _HOUR, "mo"),
    (24 * _HOUR, "d"),
    (_HOUR, "h"),
    (60_000_000_000, "m"),
    (1_000_000_000, "s"),
)


def _span(text: str) -> int | None:
    try:
        return int(Duration.parse(text).nanoseconds)
    except DurationParseError:
        return None


def atoi(text: str) -> int:
    """A whole number as Go's `strconv` reads it with its error ignored: 0 for what is none, the nearest for one too large."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        return 0
    if len(digits) > _LONGEST_NUMBER:
        digits = "9" * 20 if digits.strip("0") else "0"
    number = -int(digits) if text[0] == "-" else int(digits)
    return max(_LOWEST, min(_HIGHEST, number))


_LONGEST_NUMBER = 1000


def _duration(value: object) -> str:
    seconds = atoi(value) if isinstance(value, str) else int(value) if type(value) is Int64 else 0
    return str(Duration((seconds * 1_000_000_000 - _LOWEST) % (1 << 64) + _LOWEST))


def _to_date(layout: str, text: str) -> GoTime:
    try:
        return _must_to_date(layout, text)
    except ValueError:
        return GoTime(Time.zero())


def _must_to_date(layout: str, text: str) -> GoTime:
    time = Time.parse_in_location(layout, text, UTC)
    name, offset = time.zone()
    if not name:  # a zone without a name shows its offset in its place
        name = time.format("-0700")
    elif name == "UTC" and "MST" in layout:  # any other name of a zone without an offset is kept
        name = parse_layout(layout, text).zone_name or name
    return GoTime(time if name == time.location.name else time.in_location(Location.fixed(name, offset)))


def _modified(text: str, value: GoTime) -> GoTime:
    span = _span(text)
    return value if span is None else GoTime(value.time.add(Duration(span)))


def _must_modified(text: str, value: GoTime) -> GoTime:
    return GoTime(value.time.add(Duration.parse(text)))
