"""Group commit: everything that arrived since the last commit is one transaction, and one sync answers for it."""

import asyncio
from collections import deque
from collections.abc import Callable

from eventbus.contract import Health
from eventbus.errors import BusDamaged, BusError, BusUnavailable
from eventbus.sqlite import faults
from eventbus.sqlite.copying import Copying
from eventbus.sqlite.files import Files
from eventbus.sqlite.set_back import keep_time
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Work

SHARE = 64
"""Rows of a transaction that appends leave to decisions and outcomes, however many of them wait."""


class Committer:
    """Writes works in the order they came, appends before all others. Use from one event loop."""

    def __init__(self, files: Files, recovered: Callable[[], None], moved: Callable[[], None]) -> None:
        """`recovered` is called after the file was opened anew, when memory may hold what the disk lost, `moved` after due times
        went back with the clock.
        """
        self._files = files
        self._clock = files.store.clock
        self._steps = self._clock.steps
        self._moved = moved
        self._options = files.options
        self._recovered = recovered
        self._loop = asyncio.get_running_loop()
        self._appends: deque[Work] = deque()
        self._works: deque[Work] = deque()
        self._in_flight: list[Work] = []
        self._scheduled = False
        self._closed = False
        self._fault: BusError | None = None
        self._suspect = False
        self.refusing: BusUnavailable | None = None
        """Why no events are taken in, while none are; everything else goes on."""
        self._probe: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._copying = Copying(files, resume=self._go_on, distrust=self._distrust)

    def health(self) -> Health:
        """Whether the last write succeeded."""
        if self._closed:
            return Health(False, "the bus is closed", records=False)
        if (trouble := self._fault or self.refusing) is not None:
            return Health(False, str(trouble), records=self._fault is None)
        return Health(True, self._copying.trouble)

    @property
    def healthy(self) -> bool:
        """Whether the last write succeeded, or the bus was closed after one."""
        return self._fault is None

    def keep_log_below(self, max_bytes: int) -> None:
        """Copy the write-ahead log at this size, where it would be copied later."""
        self._copying.at_most(max_bytes)

    def require(self) -> None:
        """Raise `BusUnavailable`, or `BusDamaged`, where nothing can be written now."""
        if self._closed:
            raise BusUnavailable("the bus is closed")
        if self._fault is not None:
            raise faults.again(self._fault)

    def require_room(self) -> None:
        """Raise also where there is no room for more events."""
        self.require()
        if self.refusing is not None:
            raise faults.again(self.refusing)

    def append(self, work: Work) -> None:
        """Queue `work` before all that is no append; call `require_room` first."""
        self._appends.append(work)
        if not (self._scheduled or self._in_flight):
            self._kick()

    def submit(self, work: Work) -> None:
        """Queue `work`. Raises `BusUnavailable` when the bus is closed, too much waits, or the disk refuses what cannot wait."""
        if self._closed or not work.keep:
            self.require()
        if len(self._works) >= self._options.max_pending_works:
            raise BusUnavailable(f"{len(self._works)} writes wait for the disk; try again later")
        self._works.append(work)
        if not (self._scheduled or self._in_flight):
            self._kick()

    async def stop(self) -> None:
        """Take nothing more; return when all that was taken is durable, or failed because the disk refuses."""
        self._closed = True
        if self._fault is not None:
            self._fail_all(self._fault)
        self._kick()
        while self._in_flight or self._appends or self._works or self._copying.busy:
            self._changed.clear()
            await self._changed.wait()
        self.drop()

    def drop(self) -> None:
        """Forget what waits; nothing more is written."""
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
        flying, self._in_flight = self._in_flight, []
        for work in flying:
            work.fail(BusUnavailable("the bus was closed before the disk answered"))
        self._fail_all(BusUnavailable("the bus is closed"))

    def _fail_all(self, error: BusError) -> None:
        for work in self._take_all([]):
            work.fail(faults.again(error))

    def _go_on(self) -> None:
        self._changed.set()
        self._kick()

    def _kick(self) -> None:
        """Commit at the end of this turn of the loop, with all that arrives in it."""
        if not (self._scheduled or self._in_flight or self._copying.paused or self._fault) and (self._appends or self._works):
            self._scheduled = True
            self._loop.call_soon(self._step)

    def _step(self) -> None:
        self._scheduled = False
        # While a sync runs nothing is committed: what arrives meanwhile could not be answered sooner, and shares one commit.
        if not (self._in_flight or self._copying.paused or self._fault):
            self._commit(self._gather())

    def _gather(self) -> list[Work]:
        batch: list[Work] = []
        rows, limit = 0, self._options.rows_per_commit
        appends, works = self._appends, self._works
        while appends and (rows + appends[0].rows <= limit or not batch):
            rows += appends[0].rows
            batch.append(appends.popleft())
        limit = max(limit, rows + SHARE)
        first = True
        while works and (first or rows + works[0].rows <= limit):
            first = False
            rows += works[0].rows
            batch.append(works.popleft())
        return batch

    def _commit(self, batch: list[Work]) -> None:
        store = self._files.store
        try:
            store.execute("BEGIN IMMEDIATE")
            keep_time(store)
            for work in batch:
                work.write(store)
            store.execute("COMMIT")
        except Exception as exc:  # a fault of the disk, or a mistake in one of the works: told apart there
            self._not_written(batch, exc)
            return
        self._sync(batch)

    def _sync(self, batch: list[Work]) -> None:
        if batch:
            self._in_flight = batch
            self._files.syncer.start(self._synced)

    def _synced(self, failed: OSError | None) -> None:
        batch, self._in_flight = self._in_flight, []
        if not batch:
            return  # dropped meanwhile
        if failed is not None:
            # See `Files.reopen` why a second sync would prove nothing.
            self._suspect = True
            self._refuse(batch, faults.from_system(failed, self._files.path))
            return
        if self._steps != self._clock.steps:
            self._steps = self._clock.steps
            self._moved()
        for work in batch:
            work.settle()
        self._copying.look()
        self._go_on()

    def _not_written(self, batch: list[Work], exc: Exception) -> None:
        error = faults.translate(exc, self._files.path)
        try:
            self._files.store.rollback()
        except Exception as undo:  # whatever it is, the connection is not trusted any more
            self._suspect = True
            error = error or faults.translate(undo, self._files.path) or BusUnavailable(f"cannot undo a transaction: {undo}")
        if error is not None:
            self._refuse(batch, error)
        elif len(batch) == 1:
            batch[0].fail(exc)
            self._go_on()
        else:
            # One of them is a mistake in a program; the others must not pay for it.
            self._commit_each(batch)

    def _commit_each(self, batch: list[Work]) -> None:
        store = self._files.store
        written: list[Work] = []
        for number, work in enumerate(batch):
            try:
                with store.connection:
                    work.write(store)
            except Exception as exc:  # whoever asked for this work is told; the others are written
                store.reload()
                error = faults.translate(exc, self._files.path)
                if error is not None:
                    self._sync(written)
                    self._refuse(batch[number:], error)
                    return
                work.fail(exc)
            else:
                written.append(work)
        self._sync(written)
        self._go_on()

    def _refuse(self, batch: list[Work], error: BusError) -> None:
        """Fail what may fail, keep what may not, and try again in a while."""
        self._fault = error
        hopeless = self._closed or isinstance(error, BusDamaged)
        waiting = self._take_all(batch)
        self._works.extend([work for work in waiting if work.keep and not hopeless])
        for work in waiting:
            if hopeless or not work.keep:
                work.fail(faults.again(error))
        if self._probe is None and not self._closed:
            self._probe = self._loop.call_later(self._options.probe_interval_s, self._try_again)
        self._changed.set()

    def _take_all(self, batch: list[Work]) -> list[Work]:
        waiting = [*batch, *self._appends, *self._works]
        self._appends.clear()
        self._works.clear()
        return waiting

    def _distrust(self, error: BusError) -> None:
        """The main file could not be synced: nothing is believed until it was written anew."""
        self._suspect = True
        self._refuse([], error)

    def _try_again(self) -> None:
        """Write once while the disk refuses: what was kept, or a mark of no meaning."""
        self._probe = None
        if self._in_flight or self._copying.busy:
            self._probe = self._loop.call_later(self._options.probe_interval_s, self._try_again)
            return
        try:
            if self._suspect:
                self._files.reopen()
                self._suspect = False
                self._recovered()
        except BusError as error:
            self._refuse([], error)
            return
        self._commit([_Mark(self._believe), *self._gather()])

    def _believe(self) -> None:
        self._fault = None


class _Mark:
    """A write that tells whether the disk takes any, and room for what follows it."""

    rows = 1
    keep = False

    def __init__(self, settled: Callable[[], None]) -> None:
        self.settle = settled

    def write(self, store: Store) -> None:
        store.add_to_total("probes", 1)

    def fail(self, error: Exception) -> None:
        """Nobody waits for it."""
