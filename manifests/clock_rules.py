"""Which texts name a time zone, a time of day or a five-field cron schedule, as the original accepts them."""

import re

from manifests.cron import parse
from manifests.wall_clock import zone_of

_TIME = re.compile(r" *([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)")


def zone_fault(name: str) -> str | None:
    """What is wrong with the zone `name`; None where it can be loaded. Empty is UTC, `Local` the machine's."""
    try:
        zone_of(name)
    except ValueError as exc:
        return str(exc)
    return None


def time_of_day(text: str) -> tuple[int, int, float] | None:
    """Hours, minutes and seconds of `HH:MM:SS`; None where `text` is nothing of the kind."""
    found = _TIME.fullmatch(text)
    return (int(found[1]), int(found[2]), float(found[3].replace(",", "."))) if found else None


def cron_fault(text: str) -> str | None:
    """What is wrong with the schedule `text`; None where it is a five-field cron expression that comes due some time."""
    try:
        parse(text)
    except ValueError as exc:
        return str(exc)
    return None
