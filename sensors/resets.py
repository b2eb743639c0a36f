"""`conditionsReset`: the moments at which partial matches are forgotten.

Semantics: Argo Events' `conditionsReset.byTime`, five cron fields in a zone, UTC where none is given. A tick that passes while
the service is down counts like any other, because it is asked for when the next event comes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from manifests.cron import Schedule, parse
from manifests.objects import ConditionsReset

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ClockReset:
    """Forgets at each tick of a schedule."""

    __slots__ = ("_from_us", "_schedule", "_tick_us", "_until_us")

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        # The answer holds from one tick up to the next: a walk through the calendar is dear, and events come in order.
        self._tick_us: int | None = None
        self._from_us = self._until_us = 0

    def latest(self, moment_us: int) -> int | None:
        """The last tick at or before `moment_us`, microseconds since 1970 UTC."""
        if not self._from_us <= moment_us < self._until_us:
            self._look_up(moment_us)
        return self._tick_us

    def _look_up(self, moment_us: int) -> None:
        moment = _EPOCH + timedelta(microseconds=moment_us)
        tick = self._schedule.previous_before(moment + _MICROSECOND)
        following = self._schedule.next_after(moment)
        self._tick_us = None if tick is None else _microseconds(tick)
        self._from_us = moment_us if tick is None else _microseconds(tick)
        self._until_us = moment_us + 1 if following is None else _microseconds(following)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def compile_resets(declared: Iterable[ConditionsReset]) -> tuple[ClockReset, ...]:
    """The resets of a trigger. Raises `ValueError` with the reason for a schedule that cannot be read."""
    by_time = [reset.by_time for reset in declared if reset.by_time is not None]
    return tuple(ClockReset(parse(one.cron, one.timezone or None)) for one in by_time)
