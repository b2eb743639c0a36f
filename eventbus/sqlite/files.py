"""The files of a data folder, opened, opened anew after a disk lied, and closed."""

import contextlib
import os
from pathlib import Path

import apsw

from eventbus.errors import BusUnavailable
from eventbus.sqlite import faults
from eventbus.sqlite.checkpoints import Checkpointer
from eventbus.sqlite.lock import FolderLock
from eventbus.sqlite.options import SqliteOptions
from eventbus.sqlite.store import FILE_NAME, Store
from eventbus.sqlite.syncer import Syncer, sync_file, sync_folder

OWN = 0o700
"""Rights of a data folder that is made here: events are nobody else's to read. A folder that is there keeps its own."""


class Files:
    """Owns the lock, the store and the two threads of one data folder."""

    def __init__(self, folder: Path, options: SqliteOptions) -> None:
        """Open or create everything; the folder too. Raises errors of the bus. Needs a running loop; blocks for the disk."""
        self.folder = folder
        self.path = folder / FILE_NAME
        self.options = options
        try:
            if not folder.is_dir():
                folder.mkdir(mode=OWN, parents=True)
                sync_folder(folder.parent)
            self._lock = FolderLock(folder)
        except OSError as exc:
            raise faults.from_system(exc, folder) from exc
        try:
            self._open()
        except BaseException:  # only to undo: the folder must not stay locked
            self._lock.release()
            raise

    def reopen(self) -> None:
        """Close and open again, so that nothing which only the page cache has is taken for stored.

        What follows a failed sync, as PostgreSQL learned in 2018: Linux reports a failed write-back once and marks the
        pages clean, so a second sync of the same descriptor succeeds without having written them. Opening anew makes
        SQLite verify the checksum of every frame of the write-ahead log and drop its tail from the first bad one; the
        checkpoint that follows writes every page again into the main file and syncs that. Raises errors of the bus.
        """
        self._shut()
        self._open(self.store)

    def close(self, *, clean: bool) -> None:
        """Release everything. `clean` copies the write-ahead log first, so that the next start has nothing to recover."""
        try:
            if clean:
                _copy_all(self.store)
        except apsw.Error as exc:
            raise faults.from_sqlite(exc, self.path) from exc
        finally:
            self._shut()
            self._lock.release()

    def _open(self, store: Store | None = None) -> None:
        try:
            self._open_store(store)
        except apsw.Error as exc:
            raise faults.from_sqlite(exc, self.path) from exc
        except OSError as exc:
            raise faults.from_system(exc, self.path) from exc

    def _open_store(self, store: Store | None) -> None:
        wal = self.path.with_name(FILE_NAME + "-wal")
        crashed = wal.exists() and wal.stat().st_size > 0
        again = store is not None
        if store is None:
            store = Store(self.path, self.options)
        else:
            store.open()
        with contextlib.ExitStack() as undo:
            undo.callback(store.close)
            if _copy_all(store):
                _check(store, thoroughly=crashed)
            elif again:
                raise BusUnavailable(f"a reader keeps {self.path} from being written anew; end what reads it")
            else:
                # What the last process wrote and never synced is about to be taken for stored.
                sync_file(wal)
            # The first write creates the write-ahead log where there is none.
            with store.connection:
                store.add_to_total("openings", 1)
            syncer = Syncer(wal, self.options.sync)
            undo.callback(syncer.close)
            sync_folder(self.folder)
            checkpoints = Checkpointer(self.path, self.options.vfs)
            undo.callback(checkpoints.close)
            self.store, self.syncer, self.checkpoints = store, syncer, checkpoints
            self._undo = undo.pop_all()

    def _shut(self) -> None:
        self._undo.close()


def _copy_all(store: Store) -> bool:
    """Copy the write-ahead log into the main file, synced, and empty it; False where a reader is in the way."""
    store.connection.pragma("synchronous", "FULL")
    try:
        store.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return False  # a reader in another process: the log is copied later
    finally:
        store.connection.pragma("synchronous", "NORMAL")
    store.wal_pages = 0
    return True


def _check(store: Store, *, thoroughly: bool) -> None:
    """Raise `BusDamaged` where the main file cannot be whole."""
    pages = int(store.connection.pragma("page_count"))
    expected = pages * int(store.connection.pragma("page_size"))
    size = os.stat(store.path).st_size
    if size < expected:
        raise faults.damaged(store.path, f"it has {size} of {expected} bytes")
    if not thoroughly or size > store.options.check_below_bytes:
        return
    first = store.connection.execute("PRAGMA quick_check(1)").get
    if first != "ok":
        raise faults.damaged(store.path, str(first))
