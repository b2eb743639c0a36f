"""The loop from the log to the outbox: read, decide in short steps, commit, hand over.

One reader for all sensors. A step is short, so that deciding never keeps the event loop from answering senders; what a step
decided is committed together with the position, so that a crash decides again exactly what was not committed.
"""

import asyncio
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from eventbus.contract import Bus, Decisions, DependencyRef, Group, StateChange, VerdictCounts
from eventbus.errors import BusUnavailable
from eventbus.event import Recorded, Road
from eventbus.firing import Firing
from sensors.beside.asking import AskBeside, Asking, Taken, nowhere
from sensors.bound import EventView
from sensors.decide import Decided, Decider, Search

logger = structlog.get_logger("sensors")

GROUP: Group = "sensors"
CAREFUL_STARTS = 2
"""From this start in a row at one position on, one event is decided and committed at a time."""
QUARANTINE_STARTS = 4
"""At this start in a row at one position, the event there is set aside."""
TURN_S = 0.0005
"""Seconds of one event's rules after which others run: an answer to a sender takes some turns of the loop."""

Fresh = tuple[Firing, Mapping[int, EventView]]
"""A firing just committed, and its events by position, already parsed."""


class Stepped(NamedTuple):
    """What a committed step decided, by road."""

    seen: Mapping[Road, int]
    """Events."""
    took_s: Mapping[Road, float]
    """Seconds that deciding them took."""
    fired: Mapping[Road, int]
    """Firings."""


class Views:
    """The events looked at last, by position, so that acting need not read and parse them again. Bounded."""

    def __init__(self, capacity: int = 2048, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = 0
        self._views: OrderedDict[int, EventView] = OrderedDict()

    def __len__(self) -> int:
        return len(self._views)

    def get(self, position: int) -> EventView | None:
        """The event at `position`, where it is still held."""
        view = self._views.get(position)
        if view is not None:
            self._views.move_to_end(position)
        return view

    def put(self, position: int, view: EventView) -> None:
        """Hold `view`, and let go of the ones used longest ago."""
        self._bytes += _size(view) - _size(self._views.get(position))
        self._views[position] = view
        while len(self._views) > self._capacity or (self._bytes > self._max_bytes and len(self._views) > 1):
            _, gone = self._views.popitem(last=False)
            self._bytes -= _size(gone)


def _size(view: EventView | None) -> int:
    return len(view.event.data or b"") if view is not None else 0


class _Step:
    """What some events in a row led to, until it is committed."""

    def __init__(self) -> None:
        self.firings: list[Firing] = []
        self.seen: dict[Road, int] = {}
        self.took_s: dict[Road, float] = {}
        self.fired: dict[Road, int] = {}
        self.matched: dict[DependencyRef, int] = {}
        self.errors: dict[DependencyRef, int] = {}
        self.quarantined: dict[int, str] = {}
        self.state: dict[str, StateChange] = {}
        """The last change of each record."""
        self.position = 0

    def decisions(self, group: Group) -> Decisions:
        return Decisions(
            group=group,
            position=self.position,
            firings=self.firings,
            counts=VerdictCounts(seen=self.seen, matched=self.matched, errors=self.errors),
            quarantined=self.quarantined,
            state=list(self.state.values()),
        )


class Router:
    """Decides everything that the log holds, in order, until stopped."""

    name = "router"

    def __init__(
        self,
        bus: Bus,
        decider: Decider,
        *,
        group: Group = GROUP,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        limit: int = 256,
        step_s: float = 0.002,
        most: int = sys.maxsize,
        hand_over: Callable[[Sequence[Fresh]], None] = lambda fresh: None,
        on_quarantine: Callable[[Recorded, str], None] = lambda recorded, reason: None,
        on_step: Callable[[Stepped], None] = lambda step: None,
        ask_beside: AskBeside = nowhere,
    ) -> None:
        """`limit` events are read at a time; a step decides at most `step_s` seconds, and no further
        than to `most` firings, before it commits and lets others run.
        """
        self._bus = bus
        self._decider = decider
        self._group = group
        self._clock_us = clock_us
        self._limit = limit
        self._step_s = step_s
        self._most = most
        self._hand_over = hand_over
        self._on_quarantine = on_quarantine
        self._on_step = on_step
        self._ask_beside = ask_beside
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()
        self.views = Views()
        self.position = 0
        """Everything up to here was decided and committed by this process; 0 before the first step."""

    async def run(self) -> None:
        """Run until `stop` or cancelled. What was not committed is decided again after the next start."""
        self.ready.set()
        started = False
        while not self._stopping.is_set():
            events = await self._read()
            if not events:
                continue
            if started:
                await self.decide(events)
            else:
                started = True
                await self.begin(events)

    def stop(self) -> None:
        """End after the step at hand."""
        self._stopping.set()

    async def _read(self) -> Sequence[Recorded]:
        try:
            return await self._bus.read(self._group, limit=self._limit, timeout_s=1.0)
        except BusUnavailable as exc:
            await self._wait_out(exc)
            return ()

    async def _wait_out(self, exc: BusUnavailable) -> None:
        logger.warning("deciding_waits", reason=str(exc), retry_in_s=exc.retry_after_s)
        try:
            async with asyncio.timeout(exc.retry_after_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def decide(self, events: Sequence[Recorded]) -> None:
        """Decide and commit `events`, which follow those decided before; when stopped, the first of them."""
        await self._decide_all(events, careful=False)

    async def begin(self, events: Sequence[Recorded]) -> None:
        """Decide the first events of this process, with care where starts before it ended among them.

        A start counts only once there is something to decide, so that restarts of an idle service never add up.
        """
        starts = await self._bus.began(self._group)
        if starts >= QUARANTINE_STARTS:
            head, *events = events
            await self._quarantine(head, starts)
        if starts >= CAREFUL_STARTS:
            logger.warning("deciding_with_care", starts=starts, position=events[0].position if events else self.position)
        await self._decide_all(events, careful=starts >= CAREFUL_STARTS)

    async def _quarantine(self, head: Recorded, starts: int) -> None:
        reason = f"{starts} starts in a row ended while this event was being decided"
        step = _Step()
        step.position = head.position
        step.quarantined[head.position] = reason
        logger.error(
            "event_quarantined", road=str(head.event.road), event_id=head.event.id, position=head.position, reason=reason
        )
        await self._commit(step)
        self._on_quarantine(head, reason)

    async def _decide_all(self, events: Sequence[Recorded], *, careful: bool) -> None:
        done = 0
        while done < len(events) and not self._stopping.is_set():
            step = _Step()
            done = await self._decide_some(events, done, step, careful=careful)
            if step.position:
                await self._commit(step)
            await asyncio.sleep(0)

    async def _decide_some(self, events: Sequence[Recorded], begin: int, step: _Step, *, careful: bool) -> int:
        """Decide from `begin` on until the step's time is over; return the first that is left."""
        until = time.perf_counter() + self._step_s
        now_us = self._clock_us()
        for index in range(begin, len(events)):
            decided = await self._decide_one(events[index], now_us, until, step)
            if decided is None:
                return index
            self._note(events[index], decided, step)
            if careful or len(step.firings) >= self._most or time.perf_counter() >= until:
                return index + 1
        return len(events)

    async def _decide_one(self, recorded: Recorded, now_us: int, until: float, step: _Step) -> Decided | None:
        """Decide one event; where that takes longer than a step, others run in between. None when stopped meanwhile."""
        slices = self._decider.slices(recorded, now_us=recorded.received_us, decided_us=now_us)
        road, took_s = recorded.event.road, 0.0
        turn_ends = min(until, time.perf_counter() + TURN_S)
        answers: Taken | None = None
        while True:
            began = time.perf_counter()
            try:
                wish = slices.send(answers)
            except StopIteration as ended:
                decided: Decided = ended.value
                step.took_s[road] = step.took_s.get(road, 0.0) + took_s + time.perf_counter() - began
                return decided
            now = time.perf_counter()
            took_s += now - began
            answers = None
            if wish is not None:
                answers = await self._fulfil(wish)
                took_s += time.perf_counter() - now
            if wish is not None or now >= turn_ends:
                await asyncio.sleep(0)
                if self._stopping.is_set():
                    return None
                turn_ends = time.perf_counter() + TURN_S

    async def _fulfil(self, wish: Search | Asking) -> Taken | None:
        """Have done beside the loop what takes long."""
        if isinstance(wish, Asking):
            return await self._ask_beside(wish)
        await asyncio.to_thread(wish)
        return None

    def _note(self, recorded: Recorded, decided: Decided, step: _Step) -> None:
        road = recorded.event.road
        step.seen[road] = step.seen.get(road, 0) + 1
        step.position = recorded.position
        for ref in decided.matched:
            step.matched[ref] = step.matched.get(ref, 0) + 1
        for ref in decided.errors:
            step.errors[ref] = step.errors.get(ref, 0) + 1
        for change in decided.state:
            step.state[change.key] = change
        if decided.firings:
            step.fired[road] = step.fired.get(road, 0) + len(decided.firings)
        if (decided.firings or decided.state) and decided.view is not None:
            step.firings.extend(decided.firings)
            self.views.put(recorded.position, decided.view)

    async def _commit(self, step: _Step) -> None:
        """Commit, however long the bus is unavailable; when stopping it is left, to be decided again after the next start."""
        decisions = step.decisions(self._group)
        while True:
            try:
                await self._bus.commit(decisions)
                break
            except BusUnavailable as exc:
                if self._stopping.is_set():
                    return
                await self._wait_out(exc)
        self.position = step.position
        self._decider.passed(step.position)
        self._on_step(Stepped(step.seen, step.took_s, step.fired))
        if step.firings:
            self._hand_over([(firing, self._views_of(firing)) for firing in step.firings])

    def _views_of(self, firing: Firing) -> dict[int, EventView]:
        found = {cause.position: self.views.get(cause.position) for cause in firing.causes}
        return {position: view for position, view in found.items() if view is not None}
