"""Open firings of each trigger in the order they are due: the first ones in memory, the rest on disk."""

from collections import deque
from collections.abc import Collection
from heapq import heappop, heappush

from eventbus.firing import Firing, TriggerRef
from eventbus.sqlite.store import FiringRow, Store

HELD = 1 << 62
"""Due time of a firing that waits for an elder one of its order key."""
REFILL = 128
NOTHING_LOADED = (0, 0)

# `due_us` before `seq`, as the index has them.
LOAD = (
    "SELECT seq, id, revision, decided_us, order_key, body, attempts, due_us FROM firings INDEXED BY firings_due"
    " WHERE trigger = ? AND due_us >= ? AND due_us < ? AND (due_us, seq) >= (?, ?) ORDER BY due_us, seq LIMIT ?"
)


class Entry:
    """An open firing in memory."""

    __slots__ = ("attempts", "due_us", "firing", "gone", "seq", "trigger")

    def __init__(self, seq: int, trigger: int, due_us: int, firing: Firing, attempts: int = 0) -> None:
        self.seq = seq
        self.trigger = trigger
        self.due_us = due_us
        self.firing = firing
        self.attempts = attempts
        self.gone = False
        """Closed or held while it waited in its lane."""


class Lane:
    """One trigger's open firings. Memory has all that come before `horizon`; None: all there are."""

    __slots__ = ("heap", "horizon", "queued", "ref", "timer_us", "trigger")

    def __init__(self, trigger: int, ref: TriggerRef) -> None:
        self.trigger = trigger
        self.ref = ref
        self.heap: list[tuple[int, int, Entry]] = []
        self.horizon: tuple[int, int] | None = None
        self.queued = False
        self.timer_us = 0


class Lanes:
    """All lanes, taken from in turn, so that a flood on one trigger starves no other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._per_lane = store.options.ready_per_trigger
        self._total = store.options.ready_total
        self._held = 0
        self._lanes: dict[int, Lane] = {}
        self._turns: deque[Lane] = deque()
        self._timers: list[tuple[int, int]] = []
        self.busy: set[int] = set()
        """Firings handed out, or whose last change is not durable yet: not to be loaded from disk."""
        self.durable_seq = 0

    def reload(self) -> None:
        """Begin with what is on disk."""
        self._lanes.clear()
        self._turns.clear()
        self._timers.clear()
        self._held = 0
        self.durable_seq = self._store.last_seq
        rows = self._store.execute(
            "SELECT id FROM triggers WHERE EXISTS (SELECT 1 FROM firings WHERE trigger = triggers.id AND due_us IS NOT NULL)"
        ).fetchall()
        for (trigger,) in rows:
            lane = self._lane(trigger)
            lane.horizon = NOTHING_LOADED
            self._queue(lane)

    def push(self, entry: Entry) -> None:
        """Add a firing that is open, durable and not held by another."""
        lane = self._lanes.get(entry.trigger) or self._lane(entry.trigger)
        due_us, seq = entry.due_us, entry.seq
        if lane.horizon is None or (due_us, seq) < lane.horizon:
            heappush(lane.heap, (due_us, seq, entry))
            self._held += 1
            if len(lane.heap) > self._per_lane or self._held > self._total:
                self._spill(lane)
        if not lane.queued:
            self._queue(lane)

    def drop(self, trigger: int, seq: int) -> None:
        """Forget a firing that waits in its lane, where it does."""
        lane = self._lanes.get(trigger)
        for _, held, entry in lane.heap if lane is not None else ():
            if held == seq:
                entry.gone = True

    def take(self, limit: int, full: Collection[TriggerRef], now_us: int) -> list[Entry]:
        """Up to `limit` firings due at `now_us`, one of each lane in turn, none of a trigger in `full`."""
        self._fire_timers(now_us)
        taken: list[Entry] = []
        skipped: list[Lane] = []
        turns = self._turns
        while turns and len(taken) < limit:
            lane = turns.popleft()
            if lane.ref in full:
                skipped.append(lane)
                continue
            entry = self._pop(lane, now_us)
            if entry is None:
                lane.queued = False
            else:
                taken.append(entry)
                turns.append(lane)
        turns.extendleft(reversed(skipped))
        return taken

    def next_due_us(self) -> int | None:
        """When the next firing will be due that is not yet."""
        return self._timers[0][0] if self._timers else None

    def _pop(self, lane: Lane, now_us: int) -> Entry | None:
        heap = lane.heap
        while heap or self._refill(lane):
            due_us, _, entry = heap[0]
            if due_us > now_us and not entry.gone:
                if lane.timer_us != due_us:
                    lane.timer_us = due_us
                    heappush(self._timers, (due_us, lane.trigger))
                return None
            heappop(heap)
            self._held -= 1
            if not entry.gone:
                return entry
        return None

    def _refill(self, lane: Lane) -> bool:
        """Load the next firings of `lane` from disk; False where there are none."""
        names = self._store.names
        while lane.horizon is not None and not lane.heap:
            due, first = lane.horizon
            rows = self._store.execute(LOAD, (lane.trigger, due, HELD, due, first, REFILL)).fetchall()
            for seq, id, revision, decided_us, order_key, body, attempts, due_us in rows:
                if seq not in self.busy and seq <= self.durable_seq:
                    firing = FiringRow(id, lane.trigger, revision, decided_us, order_key, body).decode(names)
                    lane.heap.append((due_us, seq, Entry(seq, lane.trigger, due_us, firing, attempts)))
            self._held += len(lane.heap)
            lane.horizon = (rows[-1][7], rows[-1][0] + 1) if len(rows) == REFILL else None
        return bool(lane.heap)

    def _spill(self, lane: Lane) -> None:
        """Leave the later half on disk, where it is anyway."""
        lane.heap.sort()
        kept = len(lane.heap) // 2
        lane.horizon = lane.heap[kept][:2]
        self._held -= len(lane.heap) - kept
        del lane.heap[kept:]

    def _lane(self, trigger: int) -> Lane:
        return self._lanes.setdefault(trigger, Lane(trigger, self._store.names.trigger(trigger)))

    def _queue(self, lane: Lane) -> None:
        if not lane.queued:
            lane.queued = True
            self._turns.append(lane)

    def _fire_timers(self, now_us: int) -> None:
        timers = self._timers
        while timers and timers[0][0] <= now_us:
            _, trigger = heappop(timers)
            lane = self._lanes[trigger]
            lane.timer_us = 0
            self._queue(lane)
