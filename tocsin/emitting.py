"""What a source calls for its events: append to the log, and count."""

from collections.abc import Callable, Sequence
from time import perf_counter

from eventbus.contract import Appended, Bus
from eventbus.errors import BusError
from eventbus.event import Event, Road
from manifests.objects import ObjectRef
from sources.source import LEFT_OUT
from tocsin.changes import Changes
from tocsin.metrics import Metrics
from tocsin.pauses import RETRY_AFTER_S, Paused, Pauses
from tocsin.sharing import Sharing

Passes = Callable[[Event], bool]
"""Whether an event goes to the log."""


class Emitter:
    """An `Emit` for one source. What does not pass is acknowledged and not kept."""

    def __init__(
        self,
        bus: Bus,
        metrics: Metrics,
        changes: Changes,
        pauses: Pauses,
        *,
        sharing: Sharing,
        road: Road,
        passes: Passes | None = None,
    ) -> None:
        """`road` is that of the source; its series must exist."""
        self._sharing, self._flow = sharing, sharing.flow(road)
        self._passes = passes
        self._pauses, self._ref = pauses, ObjectRef("EventSource", road.namespace, road.source)
        self._append, self._metrics, self._changes = bus.append, metrics, changes
        self._series = metrics.roads[road]

    async def __call__(self, event: Event) -> Appended:
        """See `Emit.__call__`."""
        if self._pauses and (dropped := self._dropped((event,))):
            return dropped[0]
        if self._passes is not None and not self._passes(event):
            self._series.filtered += 1
            return LEFT_OUT
        began = perf_counter()
        sharing, flow, stored = self._sharing, self._flow, 0
        if sharing.crowded(flow):
            await sharing.turn(flow)
        else:
            sharing.entered(flow, began)
        try:
            (appended,) = await self._append((event,))
            stored = not appended.repeat
        except BusError:
            self._series.refused += 1
            raise
        finally:
            sharing.left(flow, 1, stored)
        self._metrics.accepted(self._series, perf_counter() - began, repeat=appended.repeat)
        self._changes.appended()
        return appended

    async def batch(self, events: Sequence[Event]) -> Sequence[Appended]:
        """See `Emit.batch`."""
        if self._pauses and (dropped := self._dropped(events)):
            return dropped
        if self._passes is not None:
            return await self._passing(events, [self._passes(event) for event in events])
        return await self._all(events)

    async def _passing(self, events: Sequence[Event], passed: Sequence[bool]) -> Sequence[Appended]:
        """The answers for `events`, of which only those that passed go to the log."""
        taken = [event for event, passes in zip(events, passed, strict=True) if passes]
        answers = iter(await self._all(taken) if taken else ())
        # Counted once it is done: a batch that the log cannot take now comes again.
        self._series.filtered += len(events) - len(taken)
        return [next(answers) if passes else LEFT_OUT for passes in passed]

    async def _all(self, events: Sequence[Event]) -> Sequence[Appended]:
        began = perf_counter()
        sharing, flow, stored, count = self._sharing, self._flow, 0, len(events)
        if sharing.crowded(flow):
            await sharing.turn(flow, count)
        else:
            sharing.entered(flow, began, count)
        try:
            answers = await self._append(events)
            stored = sum(not appended.repeat for appended in answers)
        finally:
            sharing.left(flow, count, stored)
        seconds = perf_counter() - began
        for appended in answers:
            self._metrics.accepted(self._series, seconds, repeat=appended.repeat)
        self._changes.appended()
        return answers

    def _dropped(self, events: Sequence[Event]) -> Sequence[Appended]:
        """The answers for events that a pause drops; nothing where the source runs. Raises `Paused` where it is held."""
        pause = self._pauses.of(self._ref)
        if pause is None:
            return ()
        if pause.mode == "hold":
            pause.held += len(events)
            raise Paused(f"the event source {self._ref.name} is paused", retry_after_s=RETRY_AFTER_S)
        pause.dropped += len(events)
        self._series.dropped += len(events)
        return [Appended(0, event.id, False) for event in events]

    def unusable(self, count: int = 1) -> None:
        """See `Emit.unusable`."""
        self._series.refused += count
