"""When the write-ahead log is copied into the main file: off the loop, and complete, so that it starts over."""

from collections.abc import Callable

import apsw

from eventbus.errors import BusError
from eventbus.sqlite import faults
from eventbus.sqlite.checkpoints import Copied
from eventbus.sqlite.files import Files
from eventbus.sqlite.schema import PAGE_SIZE

LAST_LAP = 1024
"""Pages left over for which commits are held until they are copied."""


class Copying:
    """Decides when to checkpoint.

    SQLite starts the log over only at a commit that finds all of it copied. While commits go on a passive checkpoint never
    gets there, so a second one copies what came meanwhile, a few pages, with commits held.
    """

    def __init__(self, files: Files, *, resume: Callable[[], None], distrust: Callable[[BusError], None]) -> None:
        """`resume` is called when commits may go on, `distrust` when the main file could not be synced."""
        self._files = files
        self._resume = resume
        self._distrust = distrust
        self._limit = files.options.checkpoint_bytes // PAGE_SIZE
        self._next = self._limit
        self.busy = False
        self.paused = False
        self.trouble = ""
        """Why the last copy failed; empty where it did not."""

    def at_most(self, max_bytes: int) -> None:
        """Copy at this size, where the options say a larger one."""
        self._limit = self._next = min(self._limit, max(1, max_bytes // PAGE_SIZE))

    def look(self) -> None:
        """Start a checkpoint where the log has grown enough."""
        if self._files.store.wal_pages >= self._next and not self.busy:
            self.busy = True
            self._files.checkpoints.start(self._done)

    def _done(self, answer: Copied | Exception) -> None:
        self.busy = False
        was_paused, self.paused = self.paused, False
        if isinstance(answer, Exception):
            self._failed(answer)
        else:
            self.trouble = ""
            left = self._files.store.wal_pages - answer.copied
            if 0 < left <= LAST_LAP and not was_paused:
                self.busy = self.paused = True
                self._files.checkpoints.start(self._done)
                return
            # With pages left a reader is in the way: it will be gone by the time as much was written again.
            self._next = self._limit if left <= 0 else self._files.store.wal_pages + self._limit
        self._resume()

    def _failed(self, exc: Exception) -> None:
        path = self._files.path
        error = faults.translate(exc, path) or faults.from_system(OSError(str(exc)), path)
        self.trouble = f"the write-ahead log cannot be copied: {error}"
        self._next = self._files.store.wal_pages + self._limit // 4
        if isinstance(exc, apsw.IOError):
            self._distrust(error)
