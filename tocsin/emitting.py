"""What a source calls for each event: append to the log, and count."""

from time import perf_counter

from eventbus.contract import Appended, Bus
from eventbus.errors import BusError
from eventbus.event import Event, Road
from sources.source import Emit
from tocsin.changes import Changes
from tocsin.metrics import Metrics


def metered(bus: Bus, metrics: Metrics, changes: Changes, road: Road) -> Emit:
    """An `emit` for the source of `road`, whose series must exist."""
    series = metrics.roads[road]

    async def emit(event: Event) -> Appended:
        began = perf_counter()
        try:
            (appended,) = await bus.append((event,))
        except BusError:
            series.refused += 1
            raise
        metrics.accepted(series, perf_counter() - began, repeat=appended.repeat)
        changes.appended()
        return appended

    return emit
