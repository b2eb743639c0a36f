"""The outbox in memory."""

import asyncio
import math
from collections.abc import Callable, Collection, Iterator, Sequence

from eventbus.errors import BusUnavailable
from eventbus.firing import Attempt, Firing, FiringEnded, FiringId, Outcome, OutcomeKind, Taken, TriggerRef
from eventbus.memory.stored import Kept, Stored
from eventbus.memory.waiting import Changed


class MemoryOutbox:
    """See `Outbox`."""

    def __init__(self, stored: Stored, now_us: Callable[[], int], changed: Changed) -> None:
        self._changed = changed
        self._stored = stored
        self._now_us = now_us
        self._loop = asyncio.get_running_loop()
        self._taken: set[FiringId] = set()
        self._given_back: dict[FiringId, int] = {}
        self._last_turn: dict[TriggerRef, int] = {}
        self._turn = 0
        self.closed = False
        self.cut_off: list[FiringEnded] = []
        for kept in stored.firings.values():
            if kept.outcome is None and kept.started is not None and kept.firing.record_start:
                self._cut_off(kept, kept.started)
            kept.started = None

    def put(self, firings: Sequence[Firing]) -> None:
        """Open what is not there yet."""
        for firing in firings:
            if firing.id not in self._stored.firings:
                self._stored.firing_numbers += 1
                self._stored.firings[firing.id] = Kept(self._stored.firing_numbers, firing, self._now_us())

    async def take(self, *, limit: int, full: Collection[TriggerRef] = (), timeout_s: float) -> Sequence[Taken]:
        """See `Outbox.take`."""
        deadline = self._loop.time() + timeout_s
        while True:
            self._require_open()
            taken = [self._hand_out(kept) for kept in self._due(full)[:limit]]
            if taken or self._loop.time() >= deadline:
                return taken
            await self._changed.wait(min(deadline - self._loop.time(), self._next_due_s()))

    async def started(self, firing: FiringId, *, attempt: int) -> None:
        """See `Outbox.started`."""
        self._require_open()
        if firing not in self._taken:
            raise LookupError(f"firing {firing} is not handed out")
        self._stored.firings[firing].started = attempt

    async def close(self, firing: FiringId, outcome: Outcome, *, attempt: Attempt | None, request: bytes | None) -> None:
        """See `Outbox.close`."""
        kept = self._open(firing)
        if kept is not None:
            _record(kept, attempt, request)
            self._end(kept, outcome)

    async def again(self, firing: FiringId, *, attempt: Attempt, due_us: int, request: bytes | None) -> None:
        """See `Outbox.again`."""
        kept = self._open(firing)
        if kept is not None:
            _record(kept, attempt, request)
            kept.due_us = due_us
            self._release(firing)
            self._changed.tell()

    async def give_back(self, firings: Sequence[FiringId], *, due_us: int = 0) -> None:
        """See `Outbox.give_back`."""
        self._require_open()
        for firing in self._taken.intersection(firings):
            self._release(firing)
            self._given_back[firing] = due_us
        self._changed.tell()

    async def redrive(self, firing: FiringId) -> bool:
        """See `Outbox.redrive`."""
        self._require_open()
        kept = self._stored.firings.get(firing)
        if kept is None or kept.outcome is None or kept.outcome.kind is not OutcomeKind.DEAD_LETTERED:
            return False
        kept.outcome = kept.closed_us = None
        kept.due_us = self._now_us()
        self._changed.tell()
        return True

    async def drop(self, firing: FiringId, reason: str) -> bool:
        """See `Outbox.drop`."""
        self._require_open()
        kept = self._stored.firings.get(firing)
        if kept is None or kept.outcome is None or kept.outcome.kind is not OutcomeKind.DEAD_LETTERED:
            return False
        self._stored.end(kept, Outcome(kind=OutcomeKind.SKIPPED, reason=reason), self._now_us())
        self._changed.tell()
        return True

    async def cancel(self, firing: FiringId, reason: str) -> bool:
        """See `Outbox.cancel`."""
        kept = self._open(firing)
        if kept is None or firing in self._taken:
            return False
        self._end(kept, Outcome(kind=OutcomeKind.SKIPPED, reason=reason))
        return True

    def _waiting(self) -> Iterator[tuple[int, int, Kept]]:
        """What nobody has and nothing is in front of, each with when it is due and its number."""
        heads: dict[object, Kept] = {}
        busy = {self._stored.firings[id].key for id in self._taken}
        for kept in self._stored.firings.values():
            if kept.outcome is None:
                heads.setdefault(kept.key or kept.firing.id, kept)
        for kept in heads.values():
            if kept.firing.id not in self._taken and (kept.key is None or kept.key not in busy):
                yield max(kept.due_us, self._given_back.get(kept.firing.id, 0)), kept.number, kept

    def _next_due_s(self) -> float:
        """Seconds until something else becomes due; infinite where nothing will by itself."""
        now_us = self._now_us()
        return min((due_us - now_us for due_us, _, _ in self._waiting() if due_us > now_us), default=math.inf) / 1e6

    def _due(self, full: Collection[TriggerRef]) -> list[Kept]:
        """What may be handed out, the trigger first that waited longest for its turn."""
        now_us = self._now_us()
        due = [one for one in self._waiting() if one[2].firing.trigger not in full]
        lanes: dict[TriggerRef, int] = {}
        turns = []
        for due_us, number, kept in sorted(due, key=lambda one: one[:2]):
            if due_us <= now_us:
                place = lanes[kept.firing.trigger] = lanes.get(kept.firing.trigger, -1) + 1
                turns.append((place, self._last_turn.get(kept.firing.trigger, 0), number, kept))
        return [kept for *_, kept in sorted(turns, key=lambda one: one[:3])]

    def _hand_out(self, kept: Kept) -> Taken:
        self._turn += 1
        self._last_turn[kept.firing.trigger] = self._turn
        self._taken.add(kept.firing.id)
        self._given_back.pop(kept.firing.id, None)
        return Taken(firing=kept.firing, attempt=kept.next_attempt, request=kept.request)

    def _open(self, firing: FiringId) -> Kept | None:
        self._require_open()
        kept = self._stored.firings.get(firing)
        if kept is None:
            raise LookupError(f"there is no firing {firing}")
        return kept if kept.outcome is None else None

    def _end(self, kept: Kept, outcome: Outcome) -> None:
        self._stored.end(kept, outcome, self._now_us())
        self._release(kept.firing.id)
        self._changed.tell()

    def _cut_off(self, kept: Kept, started: int) -> None:
        outcome = Outcome(kind=OutcomeKind.UNKNOWN, reason=f"the process ended during attempt {started}")
        self._end(kept, outcome)
        ended = FiringEnded(firing=kept.firing, outcome=outcome, attempts=started, closed_us=self._now_us())
        self.cut_off.append(ended)

    def _release(self, firing: FiringId) -> None:
        self._taken.discard(firing)
        self._stored.firings[firing].started = None

    def _require_open(self) -> None:
        if self.closed:
            raise BusUnavailable("the bus is closed")


def _record(kept: Kept, attempt: Attempt | None, request: bytes | None) -> None:
    if attempt is not None:
        kept.attempts.setdefault(attempt.number, attempt)
    if kept.request is None:
        kept.request = request
