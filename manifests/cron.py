"""Schedules: cron expressions in a time zone, and fixed periods.

A schedule is a set of moments; what is asked of it is the next one after a moment and the last one before.
"""

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from cronsim import CronSim, CronSimError

from manifests.cron_fields import Values, read_fields
from manifests.fields import parse_duration
from manifests.wall_clock import Walk, next_once, next_shown, previous_once, previous_shown, zone_of

ClockChange = Literal["once", "shown"]
"""What a change of the clock does to a schedule with fixed hours and minutes. `once`: it is due once on each of its days, a
time that is left out when the clock goes on, a time that is repeated the first time (Debian's cron). `shown`: whenever the
clock shows the time, so never for one left out and twice for one repeated (robfig/cron). Schedules that begin with `*` in the
minutes or hours go by what the clock shows in either case."""

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due. Made by `parse` and `every`; equal where text, zone and clock change are."""

    text: str
    """As written, without the zone in front."""
    zone: str
    """Name of the zone; empty where there is none to speak of (a fixed period)."""
    clock_change: ClockChange = "once"
    _cron: CronSim | None = field(default=None, repr=False, compare=False)
    _zone: tzinfo = field(default=UTC, repr=False, compare=False)
    _by_clock: bool = field(default=True, repr=False, compare=False)
    _period: timedelta | None = field(default=None, repr=False, compare=False)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due moment after `moment`, in UTC; None where none comes in 50 years."""
        if self._period is not None:
            return _EPOCH + ((moment - _EPOCH) // self._period + 1) * self._period
        search = next_shown if self._by_clock else next_once
        return search(moment, self._zone, self._walk(reverse=False))

    def previous_before(self, moment: datetime) -> datetime | None:
        """The last due moment before `moment`, in UTC; None where none came in 50 years."""
        if self._period is not None:
            return _EPOCH - ((_EPOCH - moment) // self._period + 1) * self._period
        search = previous_shown if self._by_clock else previous_once
        return search(moment, self._zone, self._walk(reverse=True))

    def _walk(self, *, reverse: bool) -> Walk:
        """Steps through the local times. The expression was parsed once; only the place in it is new."""

        def step(local: datetime) -> datetime | None:
            cron = copy.copy(self._cron)
            if cron is None:
                raise RuntimeError("a schedule without fields and without a period")
            cron.dt, cron.tick_direction = local.replace(microsecond=0), -1 if reverse else 1
            cron.skip_initial_tick = reverse and local.microsecond > 0
            try:
                return next(cron)
            except (StopIteration, OverflowError, ValueError):  # the end of the search, or of Python's calendar
                return None

        return step


def every(period: timedelta) -> Schedule:
    """Due at each multiple of `period` since 1970 UTC, so that a restart changes nothing. Raises `ValueError` below 1 s."""
    if period < _SHORTEST:
        raise ValueError("expected a period of at least 1s")
    return Schedule(f"@every {period.total_seconds():g}s", "", _period=period)


def parse(text: str, zone: str | None = None, *, descriptors: bool = False, clock_change: ClockChange = "once") -> Schedule:
    """The schedule that `text` writes, in `zone` (None or empty: UTC; `Local`: the machine's).

    A `TZ=` or `CRON_TZ=` in front wins over `zone`. With `descriptors`, `@daily` and its like and `@every 1h30m` are
    schedules too. Raises `ValueError` with what is wrong and what is expected, also where the schedule never comes due.
    """
    text, name = _without_zone(text.strip(), zone or "")
    where = zone_of(name)
    if text.startswith("@"):
        if not descriptors:
            raise ValueError("expected five fields (minute, hour, day of month, month, day of week); @ words are not read here")
        if text.startswith("@every "):
            return every(parse_duration(text.removeprefix("@every ").strip()))
        if text.lower() not in _DESCRIPTORS:
            raise ValueError(f"expected one of {', '.join(_DESCRIPTORS)} or @every with a duration, got {text!r}")
    fields = read_fields(_DESCRIPTORS.get(text.lower(), text))
    by_clock = clock_change == "shown" or fields[0].starred or fields[1].starred
    return Schedule(text, name or "UTC", clock_change, _compiled(fields), where, by_clock)


def _without_zone(text: str, zone: str) -> tuple[str, str]:
    if not text.startswith(("TZ=", "CRON_TZ=")):
        return text, zone
    prefix, _, rest = text.partition(" ")
    return rest.strip(), prefix.partition("=")[2]


def _compiled(fields: tuple[Values, ...]) -> CronSim:
    """The fields with their meaning spelled out: a list of numbers each, or a star where the other day field decides."""
    text = " ".join("*" if values.any else ",".join(map(str, sorted(values.numbers))) for values in fields)
    try:
        cron = CronSim(text, datetime(2000, 1, 1))  # noqa: DTZ001 - local times: the zone is ours
        next(cron)
    except (CronSimError, StopIteration):
        raise ValueError("never comes due: no month that it names has that day") from None
    return cron
