"""The disk that the data folder is on: a small file system of its own where this user may mount one."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

SIZE_MIB = 256
PAGE = 4096


class Disk:
    """A file system that is mounted for the block and can be filled; the disk that `mount` is on where that is not allowed."""

    def __init__(self, mount: Path) -> None:
        self._mount = mount
        self.own = False
        """Whether it is a file system of its own, and so can be filled."""
        self.keep = True
        """Whether what is on it is worth a look after the end; then it is copied beside it."""

    @property
    def folder(self) -> Path:
        """Where data go."""
        return self._mount / "data"

    def __enter__(self) -> Self:
        self._mount.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(self._mount)]
        self.own = shutil.which("mount") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self.own:
            self.empty()
            if self.keep and self.folder.exists():
                shutil.copytree(self.folder, self._mount.with_name("data-kept"))
            subprocess.run(["umount", str(self._mount)], check=True)

    def fill(self) -> None:
        """Leave no room at all."""
        with (self._mount / "ballast").open("ab") as ballast:
            size = self._free()
            while size >= PAGE:
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.seek(0, os.SEEK_END), size)
                except OSError:
                    size //= 2  # what is free is counted roughly, and the service takes some of it in between

    def empty(self) -> None:
        """Make room again."""
        (self._mount / "ballast").unlink(missing_ok=True)

    def _free(self) -> int:
        found = os.statvfs(self._mount)
        return found.f_bavail * found.f_frsize
