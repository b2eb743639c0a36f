"""Which files a path names, and their bytes, with a limit on what is read."""

import os
import sys
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from manifests.problems import Problem
from manifests.stamps import Stamp
from manifests.words import one_line

MAX_FILE_BYTES = 10 * 1024 * 1024
"""The largest file that is read, unless told otherwise. A cluster's largest object is 1.5 MiB."""
SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "<stdin>"
_NOTHING_HERE = "no manifests here: expected .yaml, .yml or .json files; subfolders are not read"


@dataclass(frozen=True, slots=True)
class Found:
    """One file and its bytes. `named` where the user named it, and did not just name its folder."""

    name: str
    data: bytes | None
    """None where it is as it was when `Seen` was last asked."""
    named: bool
    path: str = ""
    """As the system spells it; names that cannot be printed may look alike."""

    @property
    def key(self) -> tuple[str, bool]:
        """Tells it from every other."""
        return self.path, self.named


class Seen:
    """The files read before, by what they looked like."""

    def __init__(self) -> None:
        self._stamps: dict[tuple[str, bool], Stamp] = {}
        self.stdin: bytes | None = None

    def same(self, path: str, status: os.stat_result, *, named: bool) -> bool:
        """Whether the file is as it was the last time; notes how it looks now."""
        stamp, key = Stamp.of(status), (path, named)
        if self._stamps.get(key) == stamp:
            return True
        self._stamps.pop(key, None)
        if stamp.settled(time.time_ns()):
            self._stamps[key] = stamp
        return False

    def forget(self, path: str, *, named: bool) -> None:
        """The file could not be read: it is unknown."""
        self._stamps.pop((path, named), None)

    def keep(self, keys: Container[tuple[str, bool]]) -> None:
        """Forget every file that is not among `keys`."""
        self._stamps = {key: stamp for key, stamp in self._stamps.items() if key in keys}


def manifests_in(folder: str) -> list[str]:
    """The files that `folder` stands for, in name order. Raises `OSError`."""
    names = sorted(os.listdir(folder))
    return [os.path.join(folder, name) for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]


def read_files(
    paths: Sequence[Path | str], *, max_bytes: int = MAX_FILE_BYTES, before: Seen | None = None
) -> Iterator[Found | Problem]:
    """Read what `paths` name, in that order, each file once.

    A folder gives its `.yaml`, `.yml` and `.json` files in name order, without hidden ones and subfolders; a file named
    directly is read whatever it is called; `-` is standard input. What cannot be read is a problem. With `before`, what did
    not change since is given without its bytes.
    """
    reading = _Reading(max_bytes, before)
    for path in map(str, paths):
        if path == "-":
            data = sys.stdin.buffer.read(max_bytes + 1) if before is None or before.stdin is None else before.stdin
            if before is not None:
                before.stdin = data  # it cannot be read twice
            yield _limited(STDIN, data, max_bytes)
        elif os.path.isdir(path):
            yield from reading.folder(path)
        else:
            yield from reading.file(path, named=True)


class _Reading:
    def __init__(self, max_bytes: int, before: Seen | None) -> None:
        self._max_bytes = max_bytes
        self._before = before
        self._seen: set[tuple[int, int]] = set()

    def folder(self, path: str) -> Iterator[Found | Problem]:
        try:
            listed = manifests_in(path)
        except OSError as exc:
            yield Problem(file=_shown(path), message=f"cannot be read: {_reason(exc)}")
            return
        files = [full for full in listed if not _is_special(full)]
        if not files:
            yield Problem(file=_shown(path), message=_NOTHING_HERE)
        for full in files:
            yield from self.file(full, named=False)

    def file(self, path: str, *, named: bool) -> Iterator[Found | Problem]:
        name = _shown(path)
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) in self._seen:
                    return
                self._seen.add((status.st_dev, status.st_ino))
                if self._before is not None and self._before.same(path, status, named=named):
                    yield Found(name, None, named, path)
                    return
                if status.st_size > self._max_bytes:
                    self._forget(path, named=named)
                    yield _too_large(name, self._max_bytes)
                    return
                data = file.read(self._max_bytes + 1)
        except (OSError, ValueError) as exc:
            self._forget(path, named=named)
            yield Problem(file=name, message=f"cannot be read: {_reason(exc)}")
            return
        found = _limited(name, data, self._max_bytes)
        if isinstance(found, Problem):
            self._forget(path, named=named)
        yield found if isinstance(found, Problem) else Found(name, data, named, path)

    def _forget(self, path: str, *, named: bool) -> None:
        if self._before is not None:
            self._before.forget(path, named=named)


def _limited(name: str, data: bytes, max_bytes: int) -> Found | Problem:
    return _too_large(name, max_bytes) if len(data) > max_bytes else Found(name, data, named=True)


def _too_large(name: str, max_bytes: int) -> Problem:
    return Problem(file=name, message=f"larger than {max_bytes:,} bytes; split it")


def _is_special(path: str) -> bool:
    """Pipes, sockets and devices are read only where they are named, folders never from their parent."""
    return os.path.exists(path) and not os.path.isfile(path)


def _shown(path: str) -> str:
    """`path` for a message: what cannot be printed is escaped."""
    return one_line(path.encode(errors="backslashreplace").decode(), limit=4096)


def _reason(exc: Exception) -> str:
    if isinstance(exc, FileNotFoundError):
        return "there is no such file or folder"
    return (exc.strerror or type(exc).__name__).lower() if isinstance(exc, OSError) else str(exc)
