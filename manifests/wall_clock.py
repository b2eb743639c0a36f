"""From local times to moments and back, through changes of a zone's clock."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

Walk = Callable[[datetime], datetime | None]
"""Gives the nearest local time of a schedule strictly after (or before) another; None where there is none."""

_DAY, _SECOND, _INSTANT = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)


def zone_of(name: str) -> tzinfo:
    """The zone `name`: empty is UTC, `Local` the machine's. Raises `ValueError` where it is not known."""
    if name in ("", "UTC"):
        return UTC
    try:
        return _machine_zone() if name == "Local" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a known time zone; expected a name such as Europe/Lisbon or UTC") from None


def _machine_zone() -> tzinfo:
    if name := os.environ.get("TZ", "").removeprefix(":"):
        return ZoneInfo(name)
    local = Path("/etc/localtime")
    if not local.exists():
        return UTC
    with local.open("rb") as file:
        return ZoneInfo.from_file(file, key="Local")


def wall(moment: datetime, zone: tzinfo) -> datetime:
    """What a clock on the wall shows at `moment`, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def once(local: datetime, zone: tzinfo) -> datetime:
    """The one moment (UTC) of a local time: the first of a repeated one; for one left out, when the clock goes on."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall(moment, zone) == local:
        return moment
    return _change(local.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def next_once(moment: datetime, zone: tzinfo, walk: Walk) -> datetime | None:
    """The first moment after `moment`, where each local time comes once."""
    local = walk(wall(moment, zone))
    while local is not None and (due := once(local, zone)) <= moment:
        local = walk(local)  # the clock was put back, and this hour is the second of its name
    return None if local is None else due


def previous_once(moment: datetime, zone: tzinfo, walk: Walk) -> datetime | None:
    """The last moment before `moment`, where each local time comes once."""
    here = moment.astimezone(zone)
    start = wall(moment, zone)
    if here.fold:  # all of the repeated hour had its turn when it came first
        start += _offset(here.replace(fold=0)) - _offset(here)
    local = walk(start)
    while local is not None and (due := once(local, zone)) >= moment:
        local = walk(local)
    return None if local is None else due


def next_shown(moment: datetime, zone: tzinfo, walk: Walk) -> datetime | None:
    """The first moment after `moment` at which the clock shows a time of the schedule, as often as it shows it."""
    start = moment
    while True:
        offset = _offset(start.astimezone(zone))
        # From a change of the clock on, its own moment counts too.
        local = walk(wall(start, zone) - (_INSTANT if start is not moment else timedelta(0)))
        if local is None:
            return None
        due = (local - offset).replace(tzinfo=UTC)
        horizon = min(due, start + _DAY)
        if _offset(horizon.astimezone(zone)) != offset:
            change = _change(start, horizon, zone)
            if due < change:
                return due
            start = change
        elif due <= horizon:
            return due
        else:
            start = max(horizon, due - 2 * _DAY)


def previous_shown(moment: datetime, zone: tzinfo, walk: Walk) -> datetime | None:
    """The last moment before `moment` at which the clock shows a time of the schedule."""
    end = moment
    while True:
        offset = _offset((end - _INSTANT).astimezone(zone))
        local = walk((end + offset).replace(tzinfo=None))
        if local is None:
            return None
        due = (local - offset).replace(tzinfo=UTC)
        horizon = max(due, end - _DAY)
        if _offset(horizon.astimezone(zone)) != offset:
            change = _change(horizon, end - _INSTANT, zone)
            if due >= change:
                return due
            end = change
        elif due >= horizon:
            return due
        else:
            end = min(horizon, due + 2 * _DAY)


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta(0)


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first second in (`before`, `after`] that has the offset of `after`. Zones change on whole seconds."""
    low, high = before.replace(microsecond=0), after.replace(microsecond=0)
    offset = _offset(high.astimezone(zone))
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (low, middle) if _offset(middle.astimezone(zone)) == offset else (middle, high)
    return high
