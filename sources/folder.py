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


def look_at(folder: Path) -> tuple[int, dict[str, Seen]]:
    """The folder's own inode, 0 where it is not there, and its entries. Raises as `look`."""
    try:
        place = folder.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return 0, {}
    return place, look(folder)


def _seen(entry: "os.DirEntry[str]") -> Seen | None:
    for follow in (True, False):
        try:
            stat = entry.stat(follow_symlinks=follow)
        except OSError:
            continue  # it leads nowhere, or went away in between
        return Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, (stat.st_mode, stat.st_uid, stat.st_gid))
    return None


def _self(file: Seen) -> tuple[int, int, int]:
    return file.inode, file.size, file.modified_ns


def changes(before: Mapping[str, Seen], now: Mapping[str, Seen]) -> Iterator[Change]:
    """What happened in between, as far as it can be told: first what went, then what came, then what changed.

    A renamed file keeps its number, size and time; a number alone does not tell, because a new file may get that of a removed
    one. A file that took the place of another, as by a rename over it, is new, and written where it is not empty.
    """
    came = {_self(file) for name, file in now.items() if _is_another(before.get(name), file)}
    for name, file in before.items():
        if name not in now:
            yield Change(Op.RENAME if _self(file) in came else Op.REMOVE, name, file)
    moved = {_self(file) for name, file in before.items() if name not in now}
    for name, file in now.items():
        old = before.get(name)
        if _is_another(old, file):
            yield Change(Op.CREATE, name, file)
            if file.size and (old is not None or _self(file) not in moved):
                yield Change(Op.WRITE, name, file)
        elif old is not None and _self(old) != _self(file):
            yield Change(Op.WRITE, name, file)
        elif old is not None and old.access != file.access:
            yield Change(Op.CHMOD, name, file)


def _is_another(old: Seen | None, file: Seen) -> bool:
    return old is None or old.inode != file.inode
