"""Fair shares of taking in: while several event sources send, none may fill the log so that others' events wait behind its own.

A source that sends more than its share is slowed down, not turned away: its senders are answered later, which most of them
follow by sending less at a time. One that is alone is never slowed. Why so: docs/decisions/0006-slow-the-flood.md.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from eventbus.event import Road
from sensors.router import Stepped

LEAST_AT_ONCE, MOST_AT_ONCE = 4, 256
"""Bounds of how many appends of one source go on at a time while others send, too."""
TURN_S = 0.0015
"""A turn of the event loop that takes longer makes them fewer, a shorter one more: then everyone else is soon served. Seconds."""
_FEWER, _MORE = 0.8, 0.25
LAG_S = 0.005
"""Seconds of work that may wait to be decided before the source with more than its share has to wait itself."""
WAIT_S = 2.0
"""Longest time that an event is held back: then it is taken in, whatever its source does. Well below any sender's timeout."""
ACTIVE_S = 5.0
"""A source that sent within so many seconds counts as one that others share with."""
ACTING_S = 0.0003
"""What carrying out one firing costs the process, beside the deciding that is measured."""
FLOODS_EVENTS, FLOODS_S = 50, 3.0
"""A source is named as flooding when so many of its events had to wait over so many seconds."""
_COUNT_EVERY_S = 0.1
_SMOOTH, _SMOOTH_UP = 0.1, 0.5
"""How much one measured cost counts: more where it is higher than what was thought."""
GUESSED_S = 0.001
"""What deciding an event of a source is taken to cost before one was decided: else a new source would fill the log before
the first says that its rules take long."""


class Flood(NamedTuple):
    """An event source that sends more than its share."""

    source: tuple[str, str]
    lasted_s: float
    held: int
    """Events that had to wait for their turn meanwhile."""
    rate: float
    """Events taken in a second meanwhile."""


class Flow:
    """One event source as it sends."""

    __slots__ = (
        "cost_s",
        "held",
        "held_at",
        "held_since",
        "in_flight",
        "known",
        "last",
        "pending",
        "source",
        "taken",
        "taken_before",
        "waiting",
    )

    def __init__(self, source: tuple[str, str]) -> None:
        self.source = source
        """Namespace and name."""
        self.in_flight = 0
        """Appends under way."""
        self.pending = 0
        """Events that wait to be decided, those on their way into the log included."""
        self.cost_s = GUESSED_S
        """What deciding one of them, and doing what follows, takes; smoothed."""
        self.known = False
        """Whether one was decided, and that is more than a guess."""
        self.last = -ACTIVE_S
        """When it last sent. This and the other times are seconds of one monotonic clock."""
        self.waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        """Who waits for a turn, with how many events."""
        self.taken = 0
        """Events taken in."""
        self.held = 0
        """Events that had to wait since `held_since`."""
        self.held_since = 0.0
        self.held_at = -ACTIVE_S
        self.taken_before = 0
        """Events taken in before `held_since`."""

    @property
    def busy(self) -> bool:
        """Whether an event waits to be decided that takes so long that no second one should wait with it."""
        return self.pending > 0 and self.cost_s > LAG_S / 2


class Sharing:
    """Lets the events of all sources in, each in its turn. Use from one event loop."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._flows: dict[tuple[str, str], Flow] = {}
        self._waiting: dict[Flow, None] = {}
        self._work_s = 0.0
        self.at_once = float(MOST_AT_ONCE)
        """Appends of one source at a time while others send, too."""
        self._turn_began = 0.0
        self._active = 0
        self._counted_at = -_COUNT_EVERY_S

    def flow(self, road: Road) -> Flow:
        """The flow of the event source of `road`."""
        source = (road.namespace, road.source)
        flow = self._flows.get(source)
        if flow is None:
            flow = self._flows[source] = Flow(source)
        return flow

    def keep(self, sources: Iterable[tuple[str, str]]) -> None:
        """Forget all sources but these, and those that have events under way."""
        kept = set(sources)
        for source, flow in list(self._flows.items()):
            if source not in kept and not flow.in_flight and not flow.waiting:
                self._work_s -= flow.pending * flow.cost_s
                del self._flows[source]

    def crowded(self, flow: Flow) -> bool:
        """Whether `flow` has to wait for its turn. Costs a flow that has not two comparisons."""
        if flow.in_flight >= self.at_once or flow.waiting:
            return self._shared()
        return (self._work_s > LAG_S or flow.busy) and self._shared() and self._over(flow)

    async def turn(self, flow: Flow, count: int = 1) -> None:
        """Return when `flow` may append `count` more, or after `WAIT_S`; that append has begun then, as with `entered`."""
        self._note_held(flow, count)
        waiter = (asyncio.get_running_loop().create_future(), count)
        flow.waiting.append(waiter)
        self._waiting[flow] = None
        try:
            async with asyncio.timeout(WAIT_S):
                await waiter[0]
        except TimeoutError:
            if self._withdrew(flow, waiter):
                self.entered(flow, self._clock(), count)
        except BaseException:  # cancelled: only to give the turn back
            if not self._withdrew(flow, waiter):
                self.left(flow, count, 0)
            raise

    def _withdrew(self, flow: Flow, waiter: "tuple[asyncio.Future[None], int]") -> bool:
        """Whether `waiter` waited no more to be let in; False where it has been already."""
        if waiter not in flow.waiting:
            return False
        flow.waiting.remove(waiter)
        if not flow.waiting:
            self._waiting.pop(flow, None)
        return True

    def _note_held(self, flow: Flow, count: int) -> None:
        now = self._clock()
        if now - flow.held_at > ACTIVE_S:
            flow.held_since, flow.held, flow.taken_before = now, 0, flow.taken
        flow.held += count
        flow.held_at = now

    def entered(self, flow: Flow, now: float, count: int = 1) -> None:
        """An append of `flow` begins; call `left` when it has ended."""
        flow.in_flight += 1
        flow.pending += count
        self._work_s += count * flow.cost_s
        if now - flow.last >= ACTIVE_S:
            self._counted_at = -_COUNT_EVERY_S  # one more: what it sends next is shared
        flow.last = now
        if not self._turn_began:
            self._turn_began = now
            asyncio.get_running_loop().call_soon(self._turned)

    def _turned(self) -> None:
        """The loop has been round since an append began."""
        took_s, self._turn_began = self._clock() - self._turn_began, 0.0
        if took_s > TURN_S:
            self.at_once = max(self.at_once * _FEWER, LEAST_AT_ONCE)
        elif self.at_once < MOST_AT_ONCE:
            self.at_once += _MORE

    def left(self, flow: Flow, count: int, stored: int) -> None:
        """It has ended, and `stored` of its events are in the log that were not before."""
        flow.in_flight -= 1
        flow.taken += stored
        if stored != count:
            flow.pending -= count - stored
            self._work_s -= (count - stored) * flow.cost_s
        if flow.waiting:
            self._let_in(flow)

    def decided(self, step: Stepped) -> None:
        """Events were decided: there is room for others."""
        for road, count in step.seen.items():
            flow = self._flows.get((road.namespace, road.source))
            if flow is not None:
                took_s = (step.took_s.get(road, 0.0) + ACTING_S * step.fired.get(road, 0)) / count
                self._settle(flow, min(count, flow.pending), took_s)
        if self._waiting:
            for flow in list(self._waiting):
                self._let_in(flow)

    def _settle(self, flow: Flow, count: int, cost_s: float) -> None:
        before = flow.pending * flow.cost_s
        flow.pending -= count
        weight = (_SMOOTH_UP if cost_s > flow.cost_s else _SMOOTH) if flow.known else 1.0
        flow.cost_s, flow.known = flow.cost_s + (cost_s - flow.cost_s) * weight, True
        self._work_s = max(0.0, self._work_s + flow.pending * flow.cost_s - before)

    def _let_in(self, flow: Flow) -> None:
        """Let in as many as may append now; counted here, because they run only later."""
        shared, now = self._shared(), self._clock()
        while flow.waiting and not (shared and (flow.in_flight >= self.at_once or self._over(flow))):
            let_in, count = flow.waiting.popleft()
            # Where it was cancelled just now, `turn` undoes this.
            self.entered(flow, now, count)
            if not let_in.done():
                let_in.set_result(None)
        if not flow.waiting:
            self._waiting.pop(flow, None)

    def _over(self, flow: Flow) -> bool:
        """Whether too much waits to be decided and more than its share of it comes from `flow`, or one event that is much."""
        return flow.busy or (self._work_s > LAG_S and flow.pending * flow.cost_s * self._active > self._work_s)

    def _shared(self) -> bool:
        """Whether more than one source sends at present."""
        now = self._clock()
        if now - self._counted_at >= _COUNT_EVERY_S:
            self._counted_at = now
            self._active = sum(now - flow.last < ACTIVE_S or flow.pending > 0 for flow in self._flows.values())
        return self._active > 1

    def flooding(self) -> list[Flood]:
        """Sources that have been held back again and again until a moment ago."""
        now = self._clock()
        return [
            Flood(flow.source, now - flow.held_since, flow.held, (flow.taken - flow.taken_before) / (now - flow.held_since))
            for flow in self._flows.values()
            if now - flow.held_at <= ACTIVE_S and flow.held >= FLOODS_EVENTS and flow.held_at - flow.held_since >= FLOODS_S
        ]
