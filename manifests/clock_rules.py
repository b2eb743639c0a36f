"""Which texts name a time zone, a time of day or a five-field cron schedule, as the original accepts them."""

import re
from zoneinfo import ZoneInfo

_TIME = re.compile(r" *([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)


def zone_fault(name: str) -> str | None:
    """What is wrong with the zone `name`; None where it can be loaded. Empty is UTC, `Local` the machine's."""
    if name in ("", "Local", "UTC"):
        return None
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "not a known time zone; expected a name such as Europe/Lisbon or UTC"
    return None


def time_of_day(text: str) -> tuple[int, int, float] | None:
    """Hours, minutes and seconds of `HH:MM:SS`; None where `text` is nothing of the kind."""
    found = _TIME.fullmatch(text)
    return (int(found[1]), int(found[2]), float(found[3].replace(",", "."))) if found else None


def cron_fault(text: str) -> str | None:
    """What is wrong with the schedule `text`; None where it is a five-field cron expression.

    Semantics: robfig/cron's standard parser as the original uses it for resets: names, ranges, steps, lists, `?`, an
    optional `TZ=` or `CRON_TZ=` in front; no `@daily`, no seconds, no weekday 7.
    """
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition(" ")
        if fault := zone_fault(zone.partition("=")[2]):
            return fault
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"expected five fields (minute, hour, day of month, month, day of week), got {len(fields)}"
    for field, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        if not all(_range_holds(part, low, high, words) for part in field.split(",")):
            return f"the {name} must be {low} to {high}, a range, a step or a list of them"
    return None


def _range_holds(part: str, low: int, high: int, words: list[str]) -> bool:
    span, _, step = part.partition("/")
    if "/" in part and not (step.isascii() and step.isdigit() and int(step[:9]) > 0):
        return False
    if span in ("*", "?"):
        return True
    first, dash, last = span.partition("-")
    start = _number(first, low, words)
    end = _number(last, low, words) if dash else start
    return start is not None and end is not None and low <= start <= end <= high


def _number(text: str, low: int, words: list[str]) -> int | None:
    if text.lower() in words:
        return words.index(text.lower()) + low
    return int(text[:9]) if text.isascii() and text.isdigit() else None
