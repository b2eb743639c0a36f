"""An object in a file of the machine that the service runs on."""

import asyncio
import os
import stat
from pathlib import Path, PurePosixPath
from typing import Any

from sensors.artifacts.content import MAX_BYTES
from sensors.artifacts.spec import FileLocation
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.trigger import TriggerContext

_NO_FILES = ("/proc", "/sys", "/dev")


class FilePlace:
    """A regular file. Links are followed within its own folder only, as mounted ConfigMaps need it."""

    def __init__(self, declared: FileLocation, _context: TriggerContext) -> None:
        path = PurePosixPath(declared.path)
        if not path.is_absolute() or ".." in path.parts or "\0" in declared.path:
            raise ValueError(f"path {declared.path!r}: expected an absolute path without '..'")
        self._path = Path(path)

    @property
    def what(self) -> str:
        """Names it in errors."""
        return f"file {self._path}"

    def show(self) -> dict[str, Any]:
        """The path."""
        return {"path": str(self._path)}

    async def read(self) -> bytes:
        """The text."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        try:
            real = Path(os.path.realpath(self._path))
            if not real.is_relative_to(os.path.realpath(self._path.parent)):
                raise TriggerRefused(f"{self.what} is a link that leads out of its folder")
            if any(real.is_relative_to(folder) for folder in _NO_FILES):
                raise TriggerRefused(f"{self.what} is no file of a disk")
            # Not blocking: opening a pipe would wait for whoever writes to it.
            handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as exc:
            raise TriggerUnavailable(f"{self.what} cannot be read: {exc.strerror}") from exc
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise TriggerRefused(f"{self.what} is no regular file")
            with open(handle, "rb", closefd=False) as file:
                text = file.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
        if len(text) > MAX_BYTES:
            raise TriggerRefused(f"{self.what} is larger than {MAX_BYTES >> 20} MiB")
        return text
