"""The log, the records and the declarations in memory, put together."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

import msgspec

from eventbus.contract import Appended, Decisions, Declarations, Group, Health, Outbox, Outcomes, StateChange, StateStore
from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event, Recorded
from eventbus.journal import Declared, Journal
from eventbus.memory.journal import MemoryJournal
from eventbus.memory.outbox import MemoryOutbox
from eventbus.memory.outcomes import MemoryOutcomes
from eventbus.memory.retention import Removal, bytes_used
from eventbus.memory.stored import Stored
from eventbus.memory.waiting import LOOK_AGAIN_S, Changed
from eventbus.retention import Needed, Retention

WEEK_S = 7 * 86_400.0
MAX_EVENT_BYTES = 32 << 20
FULL = "the store holds more open work than it may keep; let it be done"


class MemoryBus:
    """See `Bus`. What is in `stored` outlives it, as a file would."""

    def __init__(
        self,
        stored: Stored | None = None,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        dedupe_window_s: float = WEEK_S,
        max_event_bytes: int = MAX_EVENT_BYTES,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        """`look_again_s`: see `Changed`."""
        self.stored = stored if stored is not None else Stored()
        self._now_us = now_us
        self._window_us = int(dedupe_window_s * 1e6)
        self._max_event_bytes = max_event_bytes
        self._loop = asyncio.get_running_loop()
        self._cursors: dict[Group, int] = {}
        self._closed = False
        self._policy: Retention | None = None
        self._needed: Needed = tuple
        self.changed = Changed(look_again_s)
        """Tells of everything that is stored."""
        self._outbox = MemoryOutbox(self.stored, now_us, self.changed)
        self.outbox: Outbox = self._outbox
        self.outcomes: Outcomes = MemoryOutcomes(self.stored, self._require_open, self.changed)
        self.state: StateStore = MemoryState(self.stored, now_us, self._require_open)
        self.declarations: Declarations = MemoryDeclarations(self.stored, self._require_open)
        self.journal: Journal = MemoryJournal(self.stored, now_us)

    def append(self, batch: Sequence[Event]) -> Awaitable[Sequence[Appended]]:
        """See `Bus.append`."""
        self._require_open()
        if self._policy is not None and bytes_used(self.stored) > self._policy.refuse_bytes:
            raise BusUnavailable(FULL)
        for event in batch:
            self._require_storable(event)
        answered: asyncio.Future[Sequence[Appended]] = self._loop.create_future()
        answered.set_result([self._append(event) for event in batch])
        self.changed.tell()
        return answered

    async def read(self, group: Group, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        """See `Bus.read`."""
        after = self._cursors.setdefault(group, self.stored.groups.setdefault(group, self.stored.last))
        deadline = self._loop.time() + timeout_s
        while True:
            self._require_open()
            after = self._cursors[group]
            found = list(islice(self.stored.whole(after), limit))
            if found or self._loop.time() >= deadline:
                self._cursors[group] = found[-1].position if found else after
                return found
            await self.changed.wait(deadline - self._loop.time())

    async def commit(self, decided: Decisions) -> None:
        """See `Bus.commit`."""
        self._require_open()
        stored = self.stored
        self._outbox.put(decided.firings)
        for firing in decided.firings:
            stored.revisions.setdefault(firing.revision, b"")
        if decided.group is not None:
            before = stored.groups.get(decided.group, -1)
            if decided.position < before:
                return
            stored.groups[decided.group] = decided.position
            if decided.position > before:
                self._count(decided)
        for position, reason in decided.quarantined.items():
            stored.quarantined.setdefault(position, reason)
        for change in decided.state:
            stored.write(change, None, self._now_us())
        for name, revisions in decided.pins.items():
            stored.pins[name] = frozenset(revisions)
        stored.gaps += [gap for gap in decided.gaps if gap not in stored.gaps]
        self.changed.tell()

    async def began(self, group: Group) -> int:
        """See `Bus.began`."""
        self._require_open()
        stored = self.stored
        position = stored.groups.setdefault(group, stored.last)
        at, starts = stored.starts.get(group, (-1, 0))
        starts = starts + 1 if at == position < stored.last else 1
        stored.starts[group] = (position, starts)
        return starts

    def health(self) -> Health:
        """See `Bus.health`."""
        if self._closed:
            return Health(False, "the bus is closed", records=False)
        if self._policy is not None and bytes_used(self.stored) > self._policy.refuse_bytes:
            return Health(False, FULL)
        return Health(True)

    def retain(self, policy: Retention, needed: Needed) -> None:
        """See `Bus.retain`."""
        self._policy, self._needed = policy, needed

    async def tidy(self) -> None:
        """See `Bus.tidy`; in the background nothing happens here."""
        self._require_open()
        if self._policy is not None:
            Removal(self.stored, self._policy, self._needed(), self._now_us()).run()

    async def release(self, group: Group) -> None:
        """See `Bus.release`."""
        self._require_open()
        self.stored.groups.pop(group, None)
        self._cursors.pop(group, None)

    async def aclose(self) -> None:
        """See `Bus.aclose`."""
        if not self._closed:
            self.stored.starts.clear()
            self.abandon()

    def abandon(self) -> None:
        """Let go without a goodbye, as a crash would."""
        self._closed = self._outbox.closed = True
        self.changed.tell()

    def _append(self, event: Event) -> Appended:
        stored = self.stored
        now_us = self._now_us()
        first = stored.newest.get(event.identity)
        if first is not None and first.received_us >= now_us - self._window_us:
            stored.repeats += 1
            return Appended(first.position, first.event.id, True)
        stored.last += 1
        recorded = stored.events[stored.last] = Recorded(stored.last, now_us, event)
        stored.newest[event.identity] = recorded
        return Appended(recorded.position, event.id, False)

    def _count(self, decided: Decisions) -> None:
        stored, counts = self.stored, decided.counts
        for road, events in counts.seen.items():
            stored.seen[road] = stored.seen.get(road, 0) + events
        for ref in counts.matched.keys() | counts.errors.keys():
            matched, errors = stored.matched.get(ref, (0, 0))
            stored.matched[ref] = (matched + counts.matched.get(ref, 0), errors + counts.errors.get(ref, 0))

    def _require_storable(self, event: Event) -> None:
        try:
            size = len("".join([*event.identity, event.type, event.time or "", event.causation or ""]).encode())
            size += len(event.data or b"") + len(msgspec.msgpack.encode((event.attributes, event.correlation)))
        except UnicodeEncodeError as exc:
            raise EventRejected(f"event {event.id[:100]!a} holds text that is no Unicode") from exc
        if size > self._max_event_bytes:
            raise EventRejected(f"event {event.id[:100]!r} is {size} bytes, more than the {self._max_event_bytes} allowed")

    def _require_open(self) -> None:
        if self._closed:
            raise BusUnavailable("the bus is closed")


class MemoryState:
    """See `StateStore`."""

    def __init__(self, stored: Stored, now_us: Callable[[], int], require_open: Callable[[], None]) -> None:
        self._stored = stored
        self._now_us = now_us
        self._require_open = require_open

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """See `StateStore.get`."""
        found = self._stored.record(key, self._now_us())
        return found[:2] if found is not None else None

    async def put(self, key: str, value: bytes | None, *, version: int | None = None, expires_us: int | None = None) -> bool:
        """See `StateStore.put`."""
        self._require_open()
        return self._stored.write(StateChange(key=key, value=value, expires_us=expires_us), version, self._now_us())


class MemoryDeclarations:
    """See `Declarations`."""

    def __init__(self, stored: Stored, require_open: Callable[[], None]) -> None:
        self._stored = stored
        self._require_open = require_open

    async def put(self, ref: str, revision: str, content: bytes) -> Declared:
        """See `Declarations.put`."""
        self._require_open()
        for declared in self._stored.declared:
            if declared.ref == ref and declared.until is None and declared.revision == revision:
                return declared
        await self.withdraw(ref)
        self._stored.revisions[revision] = self._stored.revisions.get(revision) or content
        new = Declared(ref=ref, revision=revision, content=content, since=self._stored.last, until=None)
        self._stored.declared.append(new)
        return new

    async def withdraw(self, ref: str) -> int:
        """See `Declarations.withdraw`."""
        self._require_open()
        self._stored.declared[:] = [
            msgspec.structs.replace(declared, until=self._stored.last)
            if declared.ref == ref and declared.until is None
            else declared
            for declared in self._stored.declared
        ]
        return self._stored.last
