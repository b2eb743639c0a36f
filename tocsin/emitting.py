"""What a source calls for its events: append to the log, and count."""

from collections.abc import Sequence
from time import perf_counter

from eventbus.contract import Appended, Bus
from eventbus.errors import BusError
from eventbus.event import Event, Road
from sources.source import Emit
from tocsin.changes import Changes
from tocsin.metrics import Metrics


class Emitter:
    """See `Emit`."""

    def __init__(self, bus: Bus, metrics: Metrics, changes: Changes, road: Road) -> None:
        """The series of `road` must exist."""
        self._append, self._metrics, self._changes = bus.append, metrics, changes
        self._series = metrics.roads[road]

    async def __call__(self, event: Event) -> Appended:
        """See `Emit.__call__`."""
        began = perf_counter()
        try:
            (appended,) = await self._append((event,))
        except BusError:
            self._series.refused += 1
            raise
        self._metrics.accepted(self._series, perf_counter() - began, repeat=appended.repeat)
        self._changes.appended()
        return appended

    async def batch(self, events: Sequence[Event]) -> Sequence[Appended]:
        """See `Emit.batch`."""
        began = perf_counter()
        answers = await self._append(events)
        seconds = perf_counter() - began
        for appended in answers:
            self._metrics.accepted(self._series, seconds, repeat=appended.repeat)
        self._changes.appended()
        return answers

    def unusable(self, count: int = 1) -> None:
        """See `Emit.unusable`."""
        self._series.refused += count


def metered(bus: Bus, metrics: Metrics, changes: Changes, road: Road) -> Emit:
    """An `emit` for the source of `road`, whose series must exist."""
    return Emitter(bus, metrics, changes, road)
