"""How firings ended, for those who read it: rows of the same transaction as the outcome, gone once every reader has passed."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from json import dumps

import msgspec
import structlog

from eventbus.errors import BusUnavailable
from eventbus.firing import FiringEnded, OutcomeKind
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.statements import Rows
from eventbus.sqlite.store import Store
from eventbus.sqlite.waiting import Waiters
from eventbus.sqlite.work import Asked

logger = structlog.get_logger("eventbus")

REMOVED_AT_ONCE = 512
"""Rows that one step removes, so that nobody waits for a long backlog to go."""

INSERT = Rows("INSERT INTO ended(body) VALUES", 1)
LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'ended'"
READ = "SELECT number, body FROM ended WHERE number > ? AND number <= ? ORDER BY number LIMIT ?"
FORGET = "DELETE FROM readers WHERE name NOT IN (SELECT value FROM json_each(?))"
REGISTER = "INSERT OR IGNORE INTO readers SELECT value, ? FROM json_each(?)"
MOVE_ON = "UPDATE readers SET number = max(number, ?) WHERE name = ?"
REMOVE = "DELETE FROM ended WHERE number <= (SELECT min(number) FROM readers) AND number < (SELECT min(number) FROM ended) + ?"
CUT = "UPDATE readers SET number = ? WHERE number < ? RETURNING name"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FiringEnded).decode


def write_ended(store: Store, ended: Iterable[FiringEnded]) -> None:
    """Tell readers of `ended`, where there are any. Inside the transaction that closes."""
    if not store.readers:
        return
    bodies: list[object] = [_encode(one) for one in ended if one.outcome.kind is not OutcomeKind.LOOPED]
    INSERT.insert(store.execute, bodies)
    if bodies:
        _cut(store)


def _cut(store: Store) -> None:
    """Remove the oldest where a reader is so far behind that they would fill the disk, and say so."""
    upto = last_number(store) - store.options.max_ended
    if upto <= 0:
        return
    for (name,) in store.execute(CUT, (upto, upto)).fetchall():
        logger.error("outcomes_skipped", reader=name, upto=upto, kept=store.options.max_ended)
    _remove(store)


def _remove(store: Store) -> None:
    """Remove some of what every reader has passed."""
    store.execute(REMOVE, (REMOVED_AT_ONCE,))


def last_number(store: Store) -> int:
    """The last number that was given; 0 where none was."""
    rows = store.execute(LAST).fetchall()
    return int(rows[0][0]) if rows else 0


class SqliteOutcomes:
    """See `Outcomes`."""

    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer
        self._loop = asyncio.get_running_loop()
        self._waiters = Waiters()
        self._durable = 0
        self._stopped = False
        self.reload()

    def reload(self) -> None:
        """Begin with what is on disk."""
        self._durable = last_number(self._store)

    def settled(self) -> None:
        """Whatever was written so far is durable."""
        if self._store.readers:
            self._durable = last_number(self._store)
            self._waiters.wake()

    def stop(self) -> None:
        """End waiting reads with `BusUnavailable`."""
        self._stopped = True
        self._waiters.wake()

    async def keep_for(self, readers: Collection[str]) -> None:
        """See `Outcomes.keep_for`."""
        work = _KeepFor(sorted(readers))
        self._committer.submit(work)
        await work.answered

    async def read(self, reader: str, *, limit: int, timeout_s: float) -> Sequence[FiringEnded]:
        """See `Outcomes.read`."""
        deadline = self._loop.time() + timeout_s
        while True:
            if self._stopped:
                raise BusUnavailable("the bus is closed")
            found = self._next(reader, limit)
            left_s = deadline - self._loop.time()
            if found or left_s <= 0:
                return found
            await self._waiters.wait(left_s)

    def _next(self, reader: str, limit: int) -> list[FiringEnded]:
        passed = self._store.ask("SELECT number FROM readers WHERE name = ?", (reader,))
        if not passed:
            raise LookupError(f"{reader!r} does not read outcomes")
        rows = self._store.ask(READ, (passed[0][0], self._durable, limit))
        return [msgspec.structs.replace(_decode(body), number=number) for number, body in rows]

    async def passed(self, reader: str, number: int) -> None:
        """See `Outcomes.passed`."""
        work = _Passed(reader, number)
        self._committer.submit(work)
        await work.answered


class _KeepFor(Asked[None]):
    """One call of `keep_for`."""

    rows = 2

    def __init__(self, readers: Sequence[str]) -> None:
        super().__init__()
        self._readers = readers

    def write(self, store: Store) -> None:
        names = dumps(self._readers)
        store.execute(FORGET, (names,))
        store.execute(REGISTER, (last_number(store), names))
        store.readers = len(self._readers)
        if self._readers:
            _remove(store)
        else:
            store.execute("DELETE FROM ended")

    def settle(self) -> None:
        self.answer(None)


class _Passed(Asked[None]):
    """One call of `passed`."""

    rows = 2

    def __init__(self, reader: str, number: int) -> None:
        super().__init__()
        self._reader = reader
        self._number = number

    def write(self, store: Store) -> None:
        store.execute(MOVE_ON, (self._number, self._reader))
        _remove(store)

    def settle(self) -> None:
        self.answer(None)
