"""The thread that syncs the write-ahead log: one call that releases the interpreter lock, and nothing else."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue


class Syncer:
    """Syncs one file on request. Use from one event loop."""

    def __init__(self, path: Path, sync: Callable[[int], None]) -> None:
        """`path` is the write-ahead log, `sync` what makes a descriptor's file survive a power failure."""
        self._loop = asyncio.get_running_loop()
        # A descriptor of our own: SQLite holds no POSIX lock on this file that closing it could release.
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._sync = sync
        # Not `run_in_executor`: a future, a work item and a second lock for each call cost as much as the commit.
        self._orders: SimpleQueue[Callable[[OSError | None], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tocsin-sync", daemon=True)
        self._thread.start()

    def start(self, done: Callable[[OSError | None], None]) -> None:
        """Begin a sync; `done` is called in the loop with None, or with what the system answered."""
        self._orders.put(done)

    def close(self) -> None:
        """End the thread after the sync it is in. Blocks for that long."""
        self._orders.put(None)
        self._thread.join()
        os.close(self._fd)

    def _run(self) -> None:
        while (done := self._orders.get()) is not None:
            failed = None
            try:
                self._sync(self._fd)
            except OSError as exc:
                failed = exc
            with contextlib.suppress(RuntimeError):  # the loop was closed under us: nobody waits for the answer
                self._loop.call_soon_threadsafe(done, failed)


def sync_file(path: Path) -> None:
    """Make what was written to the file survive a power failure."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Make the names of newly created files survive a power failure."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
