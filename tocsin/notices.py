"""What Linux tells of the folders that manifests are in: which files were closed after writing, or took another's place.

Only a hint. Where there is none (another system, a network, the far end of a link), looking again and again finds what changed,
a little later. Semantics: inotify(7).
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import Self

_MODIFY, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x8, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _IGNORED, _ONLY_FOLDERS = 0x400, 0x800, 0x8000, 0x1000000
_WATCHED = _MODIFY | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _ONLY_FOLDERS
_WHOLE = _CLOSE_WRITE | _MOVED_TO
_HEAD = Struct("iIII")
_READ_BYTES = 1 << 16


class Notices:
    """Watches folders; `told` is called whenever something may have changed."""

    def __init__(self, descriptor: int, folders: set[str], told: Callable[[], None]) -> None:
        self._descriptor, self._folders, self._told = descriptor, folders, told
        self._watched: dict[int, str] = {}
        self._whole: set[str] = set()
        """Files that were closed, or moved to their place, and not written since."""

    @classmethod
    def of(cls, paths: Sequence[Path], told: Callable[[], None]) -> Self | None:
        """Watch the folders that `paths` name, or are in; None where the system cannot tell. Use from one event loop."""
        if not sys.platform.startswith("linux") or (descriptor := _libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)) < 0:
            return None
        folders = {str(path) if path.is_dir() else os.path.dirname(path) or "." for path in paths}
        notices = cls(descriptor, folders, told)
        notices.watch()
        asyncio.get_running_loop().add_reader(descriptor, notices._readable)
        return notices

    def watch(self) -> None:
        """Watch folders that are not watched yet, or not any more. Changes nothing for the others."""
        for folder in self._folders - set(self._watched.values()):
            watched = _libc().inotify_add_watch(self._descriptor, os.fsencode(folder), ctypes.c_uint32(_WATCHED))
            if watched >= 0:
                self._watched[watched] = folder

    def whole(self, names: Collection[str]) -> bool:
        """Whether each of these files was closed, or moved to its place, and not written since."""
        self._take()
        return all(os.path.join(os.path.dirname(name) or ".", os.path.basename(name)) in self._whole for name in names)

    def close(self) -> None:
        """Watch nothing more."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _readable(self) -> None:
        # Who writes also closes: until then there is nothing to look at.
        if self._take() & ~_MODIFY:
            self._told()

    def _take(self) -> int:
        """Note what happened since; all kinds of it."""
        kinds = 0
        while events := self._read():
            for watched, mask, name in _events(events):
                self._note(watched, mask, name)
                kinds |= mask
        return kinds

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return b""

    def _note(self, watched: int, mask: int, name: str) -> None:
        folder = self._watched.get(watched)
        if folder is None or not name:
            # The folder itself went, or there were too many events to be told: nothing is known of any file.
            self._whole.clear()
            if mask & (_IGNORED | _MOVE_SELF):
                self._watched.pop(watched, None)
        elif mask & _WHOLE:
            self._whole.add(os.path.join(folder, name))
        else:
            self._whole.discard(os.path.join(folder, name))


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    at = 0
    while at < len(data):
        watched, mask, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield watched, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))
        at += length


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
