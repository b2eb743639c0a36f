"""The log: events stored once each, in order, and handed to readers when they are durable."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from eventbus.contract import Appended
from eventbus.errors import BusError, BusUnavailable
from eventbus.event import Event, Recorded
from eventbus.sqlite.clock import STEP_BACK_US
from eventbus.sqlite.codec import Encoded, checksum, encode, with_earlier
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.faults import again
from eventbus.sqlite.handover import Handover
from eventbus.sqlite.keytable import Keys
from eventbus.sqlite.statements import Rows
from eventbus.sqlite.store import Store
from eventbus.sqlite.window import Window

CHUNK = 128
"""Events of one work; a longer batch is several."""

INSERT_EVENTS = Rows("INSERT INTO events VALUES", 9)


class Log:
    """Takes events in."""

    def __init__(
        self, store: Store, committer: Committer, identities: Keys, handover: Handover, published: Callable[[int], None]
    ) -> None:
        """`published` is called when there is something new to read, with its bytes."""
        self._store = store
        self._committer = committer
        self._options = store.options
        self._max_bytes = store.options.max_event_bytes
        self._handover = handover
        self._published = published
        self._window = Window(store)
        self._identities = identities
        self._loop = asyncio.get_running_loop()
        self._gathering: _Appends | None = None
        self.pending_events = 0
        self.pending_bytes = 0

    def append(self, batch: Sequence[Event]) -> Awaitable[Sequence[Appended]]:
        """See `Bus.append`. Raises at the call where the batch is refused."""
        self._committer.require_room()
        limit = self._max_bytes
        encoded = [encode(event, limit) for event in batch]
        if len(encoded) <= CHUNK:
            return self._queue(encoded)
        return self._queue_all([self._queue(encoded[start : start + CHUNK]) for start in range(0, len(encoded), CHUNK)])

    async def _queue_all(self, parts: Sequence[Awaitable[Sequence[Appended]]]) -> Sequence[Appended]:
        answers = await asyncio.gather(*parts)
        return [answer for part in answers for answer in part]

    def _queue(self, encoded: list[Encoded]) -> Awaitable[Sequence[Appended]]:
        size = 0
        for item in encoded:
            size += item.size
        events, bytes = self.pending_events + len(encoded), self.pending_bytes + size
        if self.pending_events and (events > self._options.max_pending_events or bytes > self._options.max_pending_bytes):
            raise BusUnavailable(f"{self.pending_events} events wait for the disk; try again later")
        self.pending_events, self.pending_bytes = events, bytes
        answered: asyncio.Future[Sequence[Appended]] = self._loop.create_future()
        if not encoded:
            answered.set_result([])
            return answered
        gathering = self._gathering
        if gathering is None or gathering.rows + len(encoded) > CHUNK:
            gathering = self._gathering = _Appends(self)
            gathering.add(encoded, size, answered)
            self._committer.append(gathering)
        else:
            gathering.add(encoded, size, answered)
        return answered

    def sealed(self, appends: "_Appends") -> None:
        """`appends` is being written, or has failed: it takes in no more calls."""
        if self._gathering is appends:
            self._gathering = None

    def write(self, store: Store, encoded: list[Encoded]) -> tuple[list[Appended], list[Recorded], int]:
        """Store what is new of `encoded`: the answers, what was stored, and its bytes. Inside a transaction."""
        now_us = self._received_us(store)
        known = self._known(encoded, now_us)
        answers: list[Appended] = []
        stored: list[Recorded] = []
        rows: list[object] = []
        size = 0
        position = store.last_position
        kind_id = store.names.kind_id
        add = self._identities.add
        for event, key, kind, extra, bytes in encoded:
            first = known.get(key)
            if first is not None and first > 0:
                answers.append(Appended(first, event.id, True))
                continue
            position += 1
            known[key] = position
            if first is not None:
                extra = with_earlier(extra, -first)  # noqa: PLW2901
            number = kind_id(kind)
            id, time, causation, data = event.id, event.time, event.causation, event.data
            crc = checksum(position, now_us, number, id, time, causation, extra, data)
            rows += (position, now_us, number, id, time, causation, extra, crc, data)
            add(key, position)
            answers.append(Appended(position, id, False))
            stored.append(Recorded(position, now_us, event))
            size += bytes
        execute = store.execute
        if rows:
            INSERT_EVENTS.insert(execute, rows)
            store.last_position = position
        if len(stored) < len(answers):
            store.add_to_total("repeats", len(answers) - len(stored))
        return answers, stored, size

    def _received_us(self, store: Store) -> int:
        now_us: int = self._options.now_us()
        last_us = store.last_received_us
        if now_us < last_us:
            if last_us - now_us < STEP_BACK_US:
                return last_us
            store.execute("INSERT OR IGNORE INTO epochs VALUES (?)", (store.last_position + 1,))
        store.last_received_us = now_us
        return now_us

    def _known(self, encoded: list[Encoded], now_us: int) -> dict[bytes, int]:
        """Positions of the keys that are stored already; negative where that was before the window."""
        known = self._identities.find([item.key for item in encoded])
        if known:
            floor = self._window.floor(now_us)
            for key, position in known.items():
                if position < floor:
                    known[key] = -position
        return known

    def recovered(self) -> None:
        """The log may have lost its end, none of it acknowledged."""
        self._window.forget()
        self._handover.clear(self._store.last_position)

    def settled(self, events: int, bytes: int) -> None:
        """Give back the room that was taken."""
        self.pending_events -= events
        self.pending_bytes -= bytes

    def publish(self, stored: Sequence[Recorded], size: int) -> None:
        """Hand durable events to readers."""
        if stored:
            self._identities.settled(self._store.last_position)
            self._handover.put(stored, size)
            self._published(size)


class _Appends:
    """The calls of `append` that share their statements: most have one event each, and a statement costs more than a row."""

    __slots__ = ("answers", "bytes", "calls", "encoded", "keep", "log", "rows", "size", "stored")

    def __init__(self, log: Log) -> None:
        self.log = log
        self.encoded: list[Encoded] = []
        self.calls: list[tuple[asyncio.Future[Sequence[Appended]], int]] = []
        self.size = 0
        self.rows = 0
        self.keep = False
        self.answers: list[Appended] = []
        self.stored: list[Recorded] = []
        self.bytes = 0

    def add(self, encoded: list[Encoded], size: int, answered: asyncio.Future[Sequence[Appended]]) -> None:
        """Take in one call, to be answered with as many answers as it has events."""
        self.encoded += encoded
        self.calls.append((answered, len(encoded)))
        self.size += size
        self.rows += len(encoded)

    def write(self, store: Store) -> None:
        self.log.sealed(self)
        self.answers, self.stored, self.bytes = self.log.write(store, self.encoded)

    def settle(self) -> None:
        self.log.settled(self.rows, self.size)
        start = 0
        for answered, count in self.calls:
            if not answered.done():
                answered.set_result(self.answers[start : start + count])
            start += count
        self.log.publish(self.stored, self.bytes)

    def fail(self, error: Exception) -> None:
        self.log.sealed(self)
        self.log.settled(self.rows, self.size)
        for answered, _ in self.calls:
            if not answered.done():
                answered.set_exception(again(error) if isinstance(error, BusError) else error)
