"""Copies the write-ahead log into the main file, in a thread with a connection of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import apsw

from eventbus.sqlite.store import open_connection


class Copied(NamedTuple):
    """What one checkpoint found and did."""

    pages: int
    """Pages in the write-ahead log."""
    copied: int
    """Pages of them that are in the main file now."""


Done = Callable[[Copied | Exception], None]


class Checkpointer:
    """Runs checkpoints on request. Use from one event loop."""

    def __init__(self, path: Path, vfs: str | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = open_connection(path, apsw.SQLITE_OPEN_READWRITE, vfs, statements=8)
        self._connection.pragma("cache_size", -256)
        self._orders: SimpleQueue[Done | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tocsin-checkpoint", daemon=True)
        self._thread.start()

    def start(self, done: Done) -> None:
        """Begin a checkpoint that waits for nobody; `done` is called in the loop."""
        self._orders.put(done)

    def close(self) -> None:
        """End the thread after the checkpoint it is in. Blocks for that long."""
        self._orders.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (done := self._orders.get()) is not None:
            answer: Copied | Exception
            try:
                answer = Copied(*self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE))
            except apsw.Error as exc:
                answer = exc
            with contextlib.suppress(RuntimeError):  # the loop was closed under us
                self._loop.call_soon_threadsafe(done, answer)
