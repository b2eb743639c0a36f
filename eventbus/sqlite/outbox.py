"""Open firings: taken, tried, put off, closed."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from eventbus.errors import BusUnavailable
from eventbus.firing import Attempt, Firing, FiringEnded, FiringId, Outcome, OutcomeKind, Taken, TriggerRef
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.dead_letters import Drop, Redrive
from eventbus.sqlite.firing_rows import load_entry
from eventbus.sqlite.journal import count_firings
from eventbus.sqlite.keytable import Keys
from eventbus.sqlite.lanes import HELD, Entry, Lanes
from eventbus.sqlite.outcomes import Closed, Closes, PutOff, Started
from eventbus.sqlite.set_back import TimeKept
from eventbus.sqlite.store import Store
from eventbus.sqlite.waiting import Waiters

LOOK_AGAIN_S = 1.0
"""Longest sleep of a taker: the wall clock that due times are in may step."""


class SqliteOutbox:
    """See `Outbox`."""

    def __init__(
        self, store: Store, committer: Committer, keys: Keys, ended: Callable[[Firing], None], told: Callable[[], None]
    ) -> None:
        """`keys` are the firings there are; `ended` is told of every firing that was closed, `told` that readers of outcomes
        may learn it.
        """
        self._store = store
        self._keys = keys
        self._ended = ended
        self.told = told
        self._committer = committer
        self.clock = store.clock
        self._loop = asyncio.get_running_loop()
        self._waiters = Waiters()
        self._stopped = False
        self._taken: dict[FiringId, Entry] = {}
        self._settling: dict[FiringId, list[asyncio.Future[None]]] = {}
        """Firings whose last record is not durable yet, with those who wait for that."""
        self._batch: Closes | None = None
        self.lanes = Lanes(store)
        self.cut_off: Sequence[FiringEnded] = ()
        self.reload()

    def reload(self) -> None:
        """Begin with what is on disk; what is handed out stays so."""
        self.lanes.reload()
        self.open, self.dead = count_firings(self._store)
        self._waiters.wake()

    def moved(self) -> None:
        """Due times went back with the clock."""
        self.lanes.reload()
        self._waiters.wake()

    def stop(self) -> None:
        """End waiting takes with `BusUnavailable`."""
        self._stopped = True
        self._waiters.wake()

    async def take(self, *, limit: int, full: Collection[TriggerRef] = (), timeout_s: float) -> Sequence[Taken]:
        """See `Outbox.take`."""
        deadline = self._loop.time() + timeout_s
        while True:
            if self._stopped:
                raise BusUnavailable("the bus is closed")
            now_us = self.clock()
            if self.clock.back_us(now_us):
                await self._set_back()
                continue
            entries = self.lanes.take(limit, full, now_us)
            left_s = deadline - self._loop.time()
            if entries or left_s <= 0:
                return [self._hand_out(entry) for entry in entries]
            due_us = self.lanes.next_due_us()
            if due_us is not None:
                left_s = min(left_s, max((due_us - now_us) / 1e6, 0.001))
            await self._waiters.wait(min(left_s, LOOK_AGAIN_S))

    async def _set_back(self) -> None:
        """Firings that were due by the old time must not wait for it to come again."""
        work = TimeKept()
        self._committer.submit(work)
        await work.answered

    async def started(self, firing: FiringId, *, attempt: int) -> None:
        """See `Outbox.started`. Raises `LookupError` where the firing is not handed out."""
        entry = self._taken.get(firing)
        if entry is None:
            raise LookupError(f"firing {firing} is not handed out")
        work = Started(entry, attempt)
        self._committer.submit(work)
        await work.answered

    async def close(self, firing: FiringId, outcome: Outcome, *, attempt: Attempt | None, request: bytes | None) -> None:
        """See `Outbox.close`. Raises `LookupError` where there never was such a firing."""
        while firing in self._settling:
            await self._settlement(firing)
        entry = self._claim(firing)
        if entry is not None:
            await self._close(entry, outcome, attempt, request)

    async def _close(self, entry: Entry, outcome: Outcome, attempt: Attempt | None, request: bytes | None) -> None:
        batch = self._batch
        if batch is None or batch.sealed:
            batch = Closes(self)
            self._committer.submit(batch)
            self._batch = batch
        closed = Closed(entry, outcome, self.clock(), attempt, request, self._loop.create_future())
        batch.add(closed)
        self._settling[entry.firing.id] = []
        await closed.answered

    async def again(self, firing: FiringId, *, attempt: Attempt, due_us: int, request: bytes | None) -> None:
        """See `Outbox.again`. Does nothing to a closed firing. Raises `LookupError` where there never was such a firing."""
        while firing in self._settling:
            await self._settlement(firing)
        entry = self._claim(firing)
        if entry is not None:
            await self._put_off(PutOff(self, entry, due_us, attempt, request))

    async def give_back(self, firings: Sequence[FiringId], *, due_us: int = 0) -> None:
        """See `Outbox.give_back`. A firing that is not handed out stays as it is."""
        later = []
        for firing in firings:
            entry = self._taken.get(firing)
            if entry is None or firing in self._settling:
                continue
            if due_us > entry.due_us or entry.firing.order_key is not None:
                # On disk too: what memory has no room for is loaded from there.
                later.append(self._put_off(PutOff(self, entry, max(due_us, entry.due_us), None, None)))
            else:
                self.waits(entry)
        await asyncio.gather(*later)

    async def redrive(self, firing: FiringId) -> bool:
        """See `Outbox.redrive`."""
        work = Redrive(self, firing)
        self._committer.submit(work)
        return await work.answered

    async def drop(self, firing: FiringId, reason: str) -> bool:
        """See `Outbox.drop`."""
        work = Drop(self, firing, reason)
        self._committer.submit(work)
        return await work.answered

    async def cancel(self, firing: FiringId, reason: str) -> bool:
        """See `Outbox.cancel`."""
        if firing in self._taken:
            return False
        entry = self._stored(firing)
        # One that was decided or opened again a moment ago, and is not durable yet, is about to be handed out.
        if entry is None or entry.seq in self.lanes.busy or entry.seq > self.lanes.durable_seq:
            return False
        self._hold(entry)
        await self._close(entry, Outcome(kind=OutcomeKind.SKIPPED, reason=reason), None, None)
        return True

    def put(self, entries: Iterable[Entry], last_seq: int) -> None:
        """Firings that were decided, durable now."""
        lanes = self.lanes
        lanes.durable_seq = max(lanes.durable_seq, last_seq)
        for entry in entries:
            self.open += 1
            if entry.due_us != HELD:
                lanes.push(entry)
        self._waiters.wake()

    def settled(self, entry: Entry) -> None:
        """What was last recorded of `entry` is durable, or failed: nobody has it any more."""
        id = entry.firing.id
        self._taken.pop(id, None)
        self.lanes.busy.discard(entry.seq)
        for waiter in self._settling.pop(id, ()):
            if not waiter.done():
                waiter.set_result(None)

    def closed(self, entry: Entry) -> None:
        """The outcome of `entry` is durable."""
        self.settled(entry)
        self._ended(entry.firing)

    def waits(self, entry: Entry) -> None:
        """`entry` is open and nobody has it."""
        self.settled(entry)
        if entry.due_us != HELD:
            self.lanes.push(entry)
            self._waiters.wake()

    def _put_off(self, work: PutOff) -> asyncio.Future[None]:
        self._committer.submit(work)
        self._settling[work.entry.firing.id] = []
        return work.answered

    async def _settlement(self, firing: FiringId) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._settling[firing].append(waiter)
        await waiter

    def _hand_out(self, entry: Entry) -> Taken:
        firing = entry.firing
        self._taken[firing.id] = entry
        self.lanes.busy.add(entry.seq)
        request = None
        if entry.attempts:
            rows = self._store.execute("SELECT body FROM requests WHERE seq = ?", (entry.seq,)).fetchall()
            request = rows[0][0] if rows else None
        return Taken(firing=firing, attempt=entry.attempts + 1, request=request)

    def seq_of(self, firing: str) -> int | None:
        """The number of the firing with this id; None where there is none."""
        return self._keys.find([bytes.fromhex(firing)]).get(bytes.fromhex(firing))

    def _stored(self, firing: FiringId) -> Entry | None:
        """The open firing with this id, from disk; None where it is closed. Raises `LookupError` where there never was one."""
        seq = self.seq_of(firing)
        if seq is None:
            raise LookupError(f"there is no firing {firing}")
        return load_entry(self._store, seq)

    def _claim(self, firing: FiringId) -> Entry | None:
        """The open firing with this id, which nobody else gets from now on; None where it is closed."""
        entry = self._taken.get(firing)
        if entry is None:
            entry = self._stored(firing)
            if entry is not None:
                self._hold(entry)
        return entry

    def _hold(self, entry: Entry) -> None:
        """Keep an open firing from being handed out."""
        self.lanes.drop(entry.trigger, entry.seq)
        self.lanes.busy.add(entry.seq)
        self._taken[entry.firing.id] = entry
