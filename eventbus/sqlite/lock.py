"""One process per data folder, held by a lock on `tocsin.lock`."""

import fcntl
import os
from pathlib import Path

from eventbus.errors import BusInUse

LOCK_NAME = "tocsin.lock"


class FolderLock:
    """Held from construction to `release`; the kernel releases it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises `BusInUse` naming the process that has it, and `OSError`."""
        # `flock` and not `lockf`: closing another descriptor of the file must not release it.
        self._fd = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as exc:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise BusInUse(f"the data folder {folder} is used by process {owner}; stop it, or name another folder") from exc
        except BaseException:  # only to undo: nobody else knows the descriptor
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Let the next process have the folder. The file stays: removing it would race with who just opened it."""
        os.close(self._fd)
