"""Which files a path names, and their bytes, with a limit on what is read."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from manifests.problems import Problem
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
    data: bytes
    named: bool


def read_files(paths: Sequence[Path | str], *, max_bytes: int = MAX_FILE_BYTES) -> Iterator[Found | Problem]:
    """Read what `paths` name, in that order, each file once.

    A folder gives its `.yaml`, `.yml` and `.json` files in name order, without hidden ones and subfolders; a file named
    directly is read whatever it is called; `-` is standard input. What cannot be read is a problem.
    """
    seen: set[tuple[int, int]] = set()
    for path in map(str, paths):
        if path == "-":
            yield _limited(STDIN, sys.stdin.buffer.read(max_bytes + 1), max_bytes)
        elif os.path.isdir(path):
            yield from _read_folder(path, seen, max_bytes)
        else:
            yield from _read_file(path, seen, max_bytes, named=True)


def _read_folder(path: str, seen: set[tuple[int, int]], max_bytes: int) -> Iterator[Found | Problem]:
    try:
        names = sorted(os.listdir(path))
    except OSError as exc:
        yield Problem(file=_shown(path), message=f"cannot be read: {_reason(exc)}")
        return
    names = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    files = [full for full in (os.path.join(path, name) for name in names) if not _is_special(full)]
    if not files:
        yield Problem(file=_shown(path), message=_NOTHING_HERE)
    for full in files:
        yield from _read_file(full, seen, max_bytes, named=False)


def _read_file(path: str, seen: set[tuple[int, int]], max_bytes: int, *, named: bool) -> Iterator[Found | Problem]:
    name = _shown(path)
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if (status.st_dev, status.st_ino) in seen:
                return
            seen.add((status.st_dev, status.st_ino))
            if status.st_size > max_bytes:
                yield _too_large(name, max_bytes)
                return
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as exc:
        yield Problem(file=name, message=f"cannot be read: {_reason(exc)}")
        return
    found = _limited(name, data, max_bytes)
    yield found if isinstance(found, Problem) or named else Found(found.name, found.data, named=False)


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
