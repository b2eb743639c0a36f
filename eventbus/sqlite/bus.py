"""The bus on SQLite, put together."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import apsw

from eventbus.contract import Appended, Decisions, Declarations, Health, Outbox, Outcomes, StateStore
from eventbus.errors import BusUnavailable
from eventbus.event import Event
from eventbus.firing import FiringEnded
from eventbus.journal import Journal
from eventbus.sqlite import faults
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.decisions import Decide
from eventbus.sqlite.declarations import SqliteDeclarations
from eventbus.sqlite.ended import SqliteOutcomes
from eventbus.sqlite.files import Files
from eventbus.sqlite.firing_keys import FIRINGS, begin_with
from eventbus.sqlite.groups import Groups
from eventbus.sqlite.handover import Handover
from eventbus.sqlite.identities import IDENTITIES
from eventbus.sqlite.journal import SqliteJournal
from eventbus.sqlite.keytable import Keys
from eventbus.sqlite.log import Log
from eventbus.sqlite.options import SqliteOptions
from eventbus.sqlite.outbox import SqliteOutbox
from eventbus.sqlite.outcomes import close_unknown
from eventbus.sqlite.retention import Retainer
from eventbus.sqlite.state import State
from eventbus.sqlite.store import FILE_NAME, Store


class SqliteBus:
    """See `Bus`. Made by `open_bus`."""

    def __init__(self, files: Files, cut_off: Sequence[FiringEnded] = ()) -> None:
        """`cut_off`: see `Outbox.cut_off`."""
        self._files = files
        store = files.store
        self._committer = Committer(files, self._recovered, self._moved)
        self._handover = Handover(files.options.handover_events, files.options.handover_bytes)
        self._handover.clear(store.last_position)
        self._groups = Groups(store, self._committer, self._handover)
        self._identities = Keys(IDENTITIES, store, self._committer)
        self._firings = Keys(FIRINGS, store, self._committer)
        self._retainer = Retainer(store, self._committer, self._groups.skipped)
        self._log = Log(store, self._committer, self._identities, self._handover, self._published)
        self._closed = False
        self._outcomes = SqliteOutcomes(store, self._committer)
        self._outbox = SqliteOutbox(store, self._committer, self._firings, self._retainer.closed, self._outcomes.settled)
        self._outbox.cut_off = cut_off
        self.outbox: Outbox = self._outbox
        self.outcomes: Outcomes = self._outcomes
        self.state: StateStore = State(store, self._committer)
        self.declarations: Declarations = SqliteDeclarations(self._committer)
        self.journal: Journal = LiveJournal(store, self._identities, self._firings, self._outbox, self._retainer)
        # Called for every event: no wrapper around it.
        self.append: Callable[[Sequence[Event]], Awaitable[Sequence[Appended]]] = self._log.append
        self.read = self._groups.read
        self.began = self._groups.began
        self.release = self._groups.release
        self.retain = self._retainer.retain
        self.tidy = self._retainer.tidy

    async def commit(self, decided: Decisions) -> None:
        """See `Bus.commit`. One step is one transaction: decide what has many firings in several steps, all but the last
        with the position before.
        """
        work = Decide(decided, self._firings, self._outbox.put, self._outbox.clock)
        self._committer.submit(work)
        await work.answered

    def health(self) -> Health:
        """See `Bus.health`."""
        return self._committer.health()

    async def aclose(self) -> None:
        """See `Bus.aclose`. Repeating it changes nothing."""
        if self._closed:
            return
        self._closed = True
        self._retainer.stop()
        self._outbox.stop()
        self._outcomes.stop()
        self._groups.close()
        try:
            await self._committer.stop()
            clean = self._committer.healthy
            if clean:
                self._groups.tidy()
        except BaseException:  # cancelled while it drains, too: the lock of the folder must not stay behind
            self.abandon()
            raise
        self._files.close(clean=clean)

    def abandon(self) -> None:
        """Let go without a goodbye, as a crash would: what was not durable is lost."""
        self._closed = True
        self._retainer.stop()
        self._outbox.stop()
        self._outcomes.stop()
        self._groups.close()
        self._committer.drop()
        self._files.close(clean=False)

    def _published(self, size: int) -> None:
        self._groups.published()
        self._retainer.grown(size)

    def _moved(self) -> None:
        self._outbox.moved()

    def _recovered(self) -> None:
        self._log.recovered()
        self._outbox.reload()
        self._outcomes.reload()


class LiveJournal(SqliteJournal):
    """The journal of a bus that runs: what the outbox has counted needs no query."""

    def __init__(self, store: Store, identities: Keys, firings: Keys, outbox: SqliteOutbox, retainer: Retainer) -> None:
        super().__init__(store)
        self._identities = identities
        self._firings = firings
        self._outbox = outbox
        self._retainer = retainer

    def _at(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        return self._identities.find(keys)

    def _beginning(self, prefix: str) -> set[int]:
        return begin_with(self._store, self._firings.recent, prefix)

    def _counts(self) -> tuple[int, int]:
        return self._outbox.open, self._outbox.dead

    def _limit(self) -> int | None:
        return self._retainer.policy.max_bytes if self._retainer.policy is not None else None


async def open_bus(folder: Path, *, options: SqliteOptions | None = None) -> SqliteBus:
    """Open the store in `folder`, created where it is missing, and own it until `aclose`.

    Raises `BusInUse`, `BusDamaged`, and `BusUnavailable` where the disk refuses. Blocks the loop while it migrates and checks:
    nothing runs yet that would mind.
    """
    files = Files(folder, options or SqliteOptions())
    try:
        with files.store.connection:
            cut_off = close_unknown(files.store, files.options.now_us())
        return SqliteBus(files, cut_off)
    except apsw.Error as exc:
        files.close(clean=False)
        raise faults.from_sqlite(exc, files.path) from exc
    except BaseException:  # only to undo: nobody else knows the files
        files.close(clean=False)
        raise


@contextlib.asynccontextmanager
async def open_reader(folder: Path, *, options: SqliteOptions | None = None) -> AsyncIterator[Journal]:
    """The journal of the store in `folder`, read only; also while a service runs on it.

    Raises `BusUnavailable` where there is none, and `BusDamaged`.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise BusUnavailable(f"there is no store at {path}; name the data folder of a service that ran")
    try:
        store = Store(path, options or SqliteOptions(), read_only=True)
    except apsw.Error as exc:
        raise faults.from_sqlite(exc, path) from exc
    try:
        yield SqliteJournal(store)
    except apsw.Error as exc:
        raise faults.from_sqlite(exc, path) from exc
    finally:
        store.close()
