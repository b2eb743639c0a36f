"""Texts that Go's `time.ParseInLocation` reads as a time: RFC 3339 and the other layouts that expressions know.

Semantics: `time.Parse` of Go's standard library: names in any case, a fraction after the seconds whether or not the layout has
one, one digit where the layout has one. A text without a zone is read as UTC.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_DAY_NAME = r"(?:[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt]|[Ss][Uu][Nn])"
_NAMED = rf"{_DAY_NAME} +(?P<name>[A-Za-z]{{3}}) +"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.,][0-9]+)?"
_MINUTES = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
_YEAR = r" +(?P<year>[0-9]{4})"
_COLON = r"(?P<sign>[+-])(?P<zone_hours>[0-9]{2}):(?P<zone_minutes>[0-9]{2})"
_PLAIN = r"(?P<sign>[+-])(?P<zone_hours>[0-9]{2})(?P<zone_minutes>[0-9]{2})"
_ABBREVIATED = r"(?:UTC|GMT(?P<gmt>[+-][0-9]{1,2})?|ChST|MeST|WITA|[A-Z]{3}T?|[A-Z]{4}T|[+-][0-9]{2})"

_LAYOUTS = tuple(
    re.compile(layout)
    for layout in (
        rf"{_NAMED}(?P<day>[0-9]{{1,2}}) +{_CLOCK}{_YEAR}",
        rf"{_NAMED}(?P<day>[0-9]{{1,2}}) +{_CLOCK} +{_ABBREVIATED}{_YEAR}",
        rf"{_NAMED}(?P<day>[0-9]{{2}}) +{_CLOCK} +{_PLAIN}{_YEAR}",
        r"(?P<hour12>[0-9]{1,2}):(?P<minute>[0-9]{2})(?P<half>AM|PM)",
        rf"{_DATE}T{_CLOCK}(?:Z|{_COLON})",
        _DATE,
        rf"{_DATE} +{_MINUTES}",
        rf"{_DATE} +{_CLOCK}",
        rf"{_DATE} +{_CLOCK}{_COLON}",
        rf"{_DATE}T(?P<hour>[0-9]{{1,2}})(?:Z|{_PLAIN})",
        rf"{_DATE}T{_MINUTES}(?:Z|{_PLAIN})",
        rf"{_DATE}T{_CLOCK}(?:Z|{_PLAIN})",
    )
)
_RFC3339 = _LAYOUTS[4]
_FRACTION = re.compile(r"[.,]([0-9]+)")
_SECONDS_IN_400_YEARS = 146_097 * 86_400
_LATE_YEAR = 9000


def unix_seconds(text: str) -> int | None:
    """Whole seconds since 1970 of a text in one of the layouts; None where it is in none of them."""
    if not 6 <= len(text) <= 64 or not text.isascii():
        return None
    return next(_readings(text), None)


def rfc3339_nanoseconds(text: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 time, of any precision; None where `text` is none."""
    seconds = unix_seconds(text) if _RFC3339.fullmatch(text) else None
    if seconds is None:
        return None
    fraction = _FRACTION.search(text)
    return seconds * 1_000_000_000 + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)


def _readings(text: str) -> Iterator[int]:
    for layout in _LAYOUTS:
        found = layout.fullmatch(text)
        if (
            found is not None
            and (seconds := _seconds({name: part for name, part in found.groupdict().items() if part})) is not None
        ):
            yield seconds


def _seconds(parts: dict[str, str]) -> int | None:
    month = _month(parts)
    zone = _zone_seconds(parts)
    hour = _hour(parts)
    if month is None or zone is None or hour is None:
        return None
    try:
        # Go has a year 0, Python has none: count from one cycle of the calendar later, or before where that would be too late.
        year = int(parts.get("year", "0"))
        cycle = 1 if year < _LATE_YEAR else -1
        moment = datetime(
            year + 400 * cycle,
            month,
            int(parts.get("day", "1")),
            hour,
            int(parts.get("minute", "0")),
            int(parts.get("second", "0")),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return int(moment.timestamp()) - cycle * _SECONDS_IN_400_YEARS - zone


def _month(parts: dict[str, str]) -> int | None:
    name = parts.get("name")
    if name is None:
        return int(parts.get("month", "1"))
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else None


def _hour(parts: dict[str, str]) -> int | None:
    if "hour12" not in parts:
        return int(parts.get("hour", "0"))
    hour = int(parts["hour12"])
    if hour > 12:
        return None
    return hour % 12 + 12 if parts["half"] == "PM" else hour % 12


def _zone_seconds(parts: dict[str, str]) -> int | None:
    if "gmt" in parts:
        hours = int(parts["gmt"])
        return hours * 3600 if -23 <= hours <= 23 else None
    if "sign" not in parts:
        return 0
    hours, minutes = int(parts["zone_hours"]), int(parts["zone_minutes"])
    if hours > 24 or minutes > 60:
        return None
    return (-1 if parts["sign"] == "-" else 1) * (hours * 3600 + minutes * 60)
