"""Readers of the log: where each group is, in this process and on disk."""

import asyncio
from collections.abc import Sequence

from eventbus.contract import Group
from eventbus.errors import BusUnavailable
from eventbus.event import Recorded
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.handover import Handover
from eventbus.sqlite.reading import read_on
from eventbus.sqlite.store import Store
from eventbus.sqlite.waiting import Waiters
from eventbus.sqlite.work import Asked


class Groups:
    """Hands durable events to readers in order."""

    def __init__(self, store: Store, committer: Committer, handover: Handover) -> None:
        self._store = store
        self._committer = committer
        self._handover = handover
        self._loop = asyncio.get_running_loop()
        self._cursors: dict[Group, int] = {}
        self._waiters = Waiters()
        self._closed = False

    async def read(self, group: Group, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        """See `Bus.read`."""
        if group not in self._cursors:
            position = await self._start(group)
            self._cursors.setdefault(group, position)
        deadline = self._loop.time() + timeout_s
        while True:
            if self._closed:
                raise BusUnavailable("the bus is closed")
            found = self._next(group, limit)
            left_s = deadline - self._loop.time()
            if found or left_s <= 0:
                return found
            await self._waiters.wait(left_s)

    async def began(self, group: Group) -> int:
        """See `Bus.began`."""
        work = _Began(group, self._handover.last)
        self._committer.submit(work)
        _, starts = await work.answered
        return starts

    async def release(self, group: Group) -> None:
        """See `Bus.release`."""
        self._cursors.pop(group, None)
        work = _Release(group)
        self._committer.submit(work)
        await work.answered

    def skipped(self, group: Group, position: int) -> None:
        """What `group` has not read up to `position` is gone."""
        if group in self._cursors:
            self._cursors[group] = max(self._cursors[group], position)

    def published(self) -> None:
        """Wake readers, after whoever waits for the answer of an append has had two turns to give it."""
        if self._waiters:
            self._loop.call_soon(self._loop.call_soon, self._waiters.wake)

    def close(self) -> None:
        """End all reads with `BusUnavailable`."""
        self._closed = True
        self._waiters.wake()

    def tidy(self) -> None:
        """A clean end: the next start is no sign of a crash. Call with nothing in flight."""
        with self._store.connection:
            self._store.execute("UPDATE groups SET starts = 0")

    async def _start(self, group: Group) -> int:
        rows = self._store.ask("SELECT position FROM groups WHERE name = ?", (group,))
        if rows:
            return int(rows[0][0])
        # Where a group begins is stored before it reads: a crash before its first commit must not begin it later.
        work = _Began(group, self._handover.last, count=False)
        self._committer.submit(work)
        position, _ = await work.answered
        return position

    def _next(self, group: Group, limit: int) -> list[Recorded]:
        after, last = self._cursors[group], self._handover.last
        found: list[Recorded] | None = []
        while after < last:
            found = self._handover.take(after, limit)
            if found is None:
                found, after = self._stored(after, last, limit)
            if found:
                after = found[-1].position
                break
        if after != self._cursors[group]:
            self._cursors[group] = after
            self._handover.forget(min(self._cursors.values()))
        return found or []

    def _stored(self, after: int, last: int, limit: int) -> tuple[list[Recorded], int]:
        """Events of the table after `after`, and the position up to which there are no more among them."""
        rows, position = read_on(self._store, after, last, limit)
        return self._store.recorded(rows), position


class _Release(Asked[None]):
    """Forgets a group."""

    def __init__(self, group: Group) -> None:
        super().__init__()
        self._group = group

    def write(self, store: Store) -> None:
        store.execute("DELETE FROM groups WHERE name = ?", (self._group,))

    def settle(self) -> None:
        self.answer(None)


class _Began(Asked[tuple[int, int]]):
    """Stores where a group begins, and counts its start where that is asked."""

    def __init__(self, group: Group, position: int, *, count: bool = True) -> None:
        super().__init__()
        self._group = group
        self._position = position
        self._count = count
        self._found = (0, 0)

    def write(self, store: Store) -> None:
        execute = store.execute
        execute("INSERT OR IGNORE INTO groups(name, position) VALUES (?, ?)", (self._group, self._position))
        if self._count:
            # `starts` counts at `started_at`; a start with nothing left to decide proves nothing about what comes.
            execute(
                "UPDATE groups SET starts = iif(started_at IS position AND position < ?, starts + 1, 1), started_at = position"
                " WHERE name = ?",
                (store.last_position, self._group),
            )
        self._found = execute("SELECT position, starts FROM groups WHERE name = ?", (self._group,)).fetchall()[0]

    def settle(self) -> None:
        self.answer(self._found)
