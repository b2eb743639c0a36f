"""Who may start: the firings that this process holds, by trigger, and the places they share.

Pure: told the time and what ended, it says what to start, what to give back, and when to ask again.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from eventbus.firing import FiringId, Taken, TriggerRef
from sensors.limits import ActingLimits, TriggerLimits, pace_of, share

_ALL = 1 << 30
GIVE_BACK_S = 30.0
"""A longer wait than this is spent in the outbox, where another worker can have the firing."""


class Lane:
    """One trigger's firings: those that wait here, and how many are being carried out."""

    __slots__ = ("_pace", "delayed", "limit", "own", "queued", "ref", "running", "shut_until", "waiting")

    def __init__(self, ref: TriggerRef, own: TriggerLimits, limit: int, now: float) -> None:
        self.ref = ref
        self.own = own
        self.limit = limit
        """Attempts at a time."""
        self.running = 0
        self.waiting: deque[Taken] = deque()
        self.delayed = False
        """Whether it waits for a time, not for room."""
        self.queued: int | None = None
        """Its attempts under way when it began to wait for room; None while it does not."""
        self.shut_until = 0.0
        """The target asked for a pause until then."""
        self._pace = pace_of(own, now)

    def declare(self, own: TriggerLimits, limit: int, now: float) -> None:
        """Take over what an edited declaration says."""
        if own.rate != self.own.rate:
            self._pace = pace_of(own, now)
        self.own = own
        self.limit = limit

    def free_at(self, now: float) -> float:
        """When the next attempt may start; not later than `now` where it may at once."""
        return self.shut_until if self._pace is None else max(self.shut_until, self._pace.free_at(now))

    def next(self, now: float) -> Taken:
        """The firing to start now; it runs until `Lanes.ended`."""
        if self._pace is not None:
            self._pace.take(now)
        self.running += 1
        return self.waiting.popleft()

    def forgettable(self, now: float) -> bool:
        """Whether nothing would be lost by making this lane anew."""
        return not self.running and not self.waiting and self._pace is None and self.shut_until <= now


class Hanging(NamedTuple):
    """Attempts of one trigger that have been under way for long."""

    running: int
    """Of all its attempts under way, so many have been for long."""
    oldest_s: float
    waiting: bool
    """Whether firings of the trigger wait here for room."""


class GivenBack(NamedTuple):
    """Firings to return to the outbox untried, and in how many seconds they are due again."""

    firings: Sequence[FiringId]
    due_in_s: float


class Lanes:
    """All lanes of one dispatcher. Times are seconds of one monotonic clock."""

    def __init__(self, limits: ActingLimits) -> None:
        self.full: set[TriggerRef] = set()
        """Triggers of which the outbox is to hand out no more for now. Changes in place."""
        self.eased = False
        """Set when a trigger left `full`; whoever acts on it clears it."""
        self.running = 0
        self.waiting = 0
        self._limits = limits
        self._lanes: dict[TriggerRef, Lane] = {}
        self._ready: dict[int, dict[Lane, None]] = {}
        """Lanes whose firings wait for room only, by their attempts under way, in the order they came: who has the fewest is
        next. So whether anyone may start shows in one look, however many wait."""
        self._delayed: list[tuple[float, int, Lane]] = []
        self._order = count()

    def put(self, taken: Taken, own: TriggerLimits, now: float) -> None:
        """Hold `taken` until there is room for it; `own` is what is declared of its trigger now."""
        ref = taken.firing.trigger
        lane = self._lanes.get(ref)
        if lane is None:
            lane = self._lanes[ref] = Lane(ref, own, self._limits.concurrency(own), now)
        elif lane.own is not own:
            lane.declare(own, self._limits.concurrency(own), now)
        lane.waiting.append(taken)
        self.waiting += 1
        self._queue(lane)
        self._judge(lane)

    def start(self, now: float, at_most: int = _ALL) -> tuple[list[tuple[Lane, Taken]], list[GivenBack]]:
        """What to start at `now`, and what would wait too long here."""
        self._awaken(now)
        starting: list[tuple[Lane, Taken]] = []
        back: list[GivenBack] = []
        while len(starting) < at_most and (lane := self._next()) is not None:
            at = lane.free_at(now)
            if at > now:
                back.extend(self._delay(lane, at, now))
            else:
                starting.append((lane, lane.next(now)))
                self.running += 1
                self.waiting -= 1
            self._queue(lane)
            self._judge(lane)
        return starting, back

    def ended(self, lane: Lane, *, pause_s: float, now: float) -> None:
        """An attempt ended. `pause_s`: the target asked all of its trigger to wait that long."""
        lane.running -= 1
        self.running -= 1
        if pause_s > 0:
            lane.shut_until = max(lane.shut_until, now + pause_s)
        self._queue(lane)
        if lane.forgettable(now):
            self._lanes.pop(lane.ref, None)

    def next_at(self) -> float | None:
        """When a lane that waits for a time may go on; None where none does."""
        return self._delayed[0][0] if self._delayed else None

    def remove(self, firing: FiringId) -> Taken | None:
        """Let go of a firing that waits here, and return it; None where it does not."""
        for lane in self._lanes.values():
            for taken in lane.waiting:
                if taken.firing.id == firing:
                    lane.waiting.remove(taken)
                    self.waiting -= 1
                    self._queue(lane)
                    self._judge(lane)
                    return taken
        return None

    def empty(self) -> list[FiringId]:
        """Let go of everything that waits, and return it."""
        ids = [taken.firing.id for lane in self._lanes.values() for taken in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
            lane.queued = None
        self._ready.clear()
        self._delayed.clear()
        self.waiting = 0
        return ids

    def _next(self) -> Lane | None:
        """The lane that starts next; None where none may."""
        if not self._ready or self.running >= self._limits.running:
            return None
        fewest = min(self._ready)
        lane = next(iter(self._ready[fewest]))
        return lane if fewest < share(lane.limit, free=self._limits.running - self.running) else None

    def _queue(self, lane: Lane) -> None:
        """Let `lane` wait for room behind those that have as much under way; or not, where room is not what it lacks."""
        place = lane.running if lane.waiting and not lane.delayed and lane.running < lane.limit else None
        if place == lane.queued:
            return
        if lane.queued is not None:
            same = self._ready[lane.queued]
            del same[lane]
            if not same:
                del self._ready[lane.queued]
        if place is not None:
            self._ready.setdefault(place, {})[lane] = None
        lane.queued = place

    def _delay(self, lane: Lane, at: float, now: float) -> list[GivenBack]:
        lane.delayed = True
        heapq.heappush(self._delayed, (at, next(self._order), lane))
        if at - now <= GIVE_BACK_S:
            return []
        ids = [taken.firing.id for taken in lane.waiting]
        self.waiting -= len(ids)
        lane.waiting.clear()
        return [GivenBack(ids, at - now)]

    def _awaken(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            lane = heapq.heappop(self._delayed)[2]
            lane.delayed = False
            self._queue(lane)
            self._judge(lane)
            if lane.forgettable(now):
                self._lanes.pop(lane.ref, None)

    def _judge(self, lane: Lane) -> None:
        """Keep `full`: a trigger enters it when it holds its share, and leaves it when half of that is gone."""
        waiting = len(lane.waiting)
        if lane.ref in self.full:
            if waiting <= lane.limit // 2 and not (lane.delayed and not waiting):
                self.full.remove(lane.ref)
                self.eased = True
        elif waiting >= share(lane.limit, free=self._limits.held - self.waiting) or (lane.delayed and not waiting):
            self.full.add(lane.ref)
