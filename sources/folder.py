"""What changed in a folder between two looks at it."""

import os
from collections.abc import Iterator, Mapping
from enum import IntFlag
from pathlib import Path
from typing import NamedTuple

MOST_FILES = 100_000


class Op(IntFlag):
    """What happened to a file, with the numbers of Argo Events."""

    CREATE = 1
    WRITE = 2
    REMOVE = 4
    RENAME = 8
    CHMOD = 16


class Seen(NamedTuple):
    """A file at one look."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    access: tuple[int, int, int]
    """Mode, owner, group."""


class Change(NamedTuple):
    """One thing that happened to one file."""

    op: Op
    name: str
    file: Seen
    """As it is now, or as it was last seen."""


class TooMany(Exception):
    """The folder holds more than is looked at."""


def look(folder: Path) -> dict[str, Seen]:
    """The entries of `folder`, not of folders in it; empty where it is not there. Raises `OSError` and `TooMany`.

    A symbolic link is what it leads to, or itself where it leads nowhere.
    """
    found: dict[str, Seen] = {}
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return found
    with entries:
        for entry in entries:
            if len(found) >= MOST_FILES:
                raise TooMany(f"{folder} holds more than {MOST_FILES} entries; watch a smaller folder")
            if (seen := _seen(entry)) is not None:
                found[entry.name] = seen
    return found


def _seen(entry: "os.DirEntry[str]") -> Seen | None:
    for follow in (True, False):
        try:
            stat = entry.stat(follow_symlinks=follow)
        except OSError:
            continue  # it leads nowhere, or went away in between
        return Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, (stat.st_mode, stat.st_uid, stat.st_gid))
    return None


def changes(before: Mapping[str, Seen], now: Mapping[str, Seen]) -> Iterator[Change]:
    """What happened in between, as far as it can be told: first what went, then what came, then what changed."""
    came = {file.inode for name, file in now.items() if name not in before}
    for name, file in before.items():
        if name not in now:
            yield Change(Op.RENAME if file.inode in came else Op.REMOVE, name, file)
    moved = {file.inode for name, file in before.items() if name not in now}
    for name, file in now.items():
        old = before.get(name)
        if old is None:
            yield Change(Op.CREATE, name, file)
            if file.size and file.inode not in moved:
                yield Change(Op.WRITE, name, file)
        elif (old.inode, old.size, old.modified_ns) != (file.inode, file.size, file.modified_ns):
            yield Change(Op.WRITE, name, file)
        elif old.access != file.access:
            yield Change(Op.CHMOD, name, file)
