"""What SQLite and the operating system report, as errors of the bus that say what to do."""

import errno
from pathlib import Path

import apsw

from eventbus.errors import BusDamaged, BusError, BusUnavailable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OF_VALUES = (apsw.ConstraintError, apsw.MismatchError, apsw.SQLError, apsw.TooBigError)
"""What follows from values that were handed in is no fault of the disk."""
DENIED = (errno.EACCES, errno.EPERM)


class RowDamaged(Exception):
    """A stored row does not match its checksum."""


def from_sqlite(exc: apsw.Error, path: Path) -> BusError:  # noqa: PLR0911
    """Translate an error of SQLite on the file at `path`."""
    if isinstance(exc, apsw.ConnectionClosedError):
        return BusUnavailable("the bus is closed")
    if isinstance(exc, apsw.FullError):
        return full(path)
    if isinstance(exc, apsw.ReadOnlyError):
        return read_only(path)
    if isinstance(exc, apsw.NotADBError):
        return BusDamaged(f"{path} is no SQLite file, or its header is damaged; restore the folder from a backup or move it away")
    if isinstance(exc, apsw.CorruptError):
        return damaged(path, str(exc))
    if isinstance(exc, apsw.CantOpenError | apsw.PermissionsError | apsw.AuthError):
        return BusUnavailable(f"cannot open {path} ({exc}); check that this user may read and write it and its folder")
    if isinstance(exc, apsw.BusyError | apsw.LockedError):
        return BusUnavailable(f"{path} is locked by another program ({exc}); end that program")
    return BusUnavailable(f"cannot use {path}: {exc}; check the disk and the system log")


def from_system(exc: OSError, path: Path) -> BusError:
    """Translate an error of the operating system on `path`."""
    if exc.errno in FULL:
        return full(path)
    if exc.errno == errno.EROFS:
        return read_only(path)
    if exc.errno in DENIED:
        return BusUnavailable(f"no permission to use {path}; give this user the right to read and write it")
    if exc.errno in (errno.ENOTDIR, errno.EEXIST):
        return BusUnavailable(f"the data folder {path} is not a folder; name another one, or move the file away")
    return BusUnavailable(f"cannot use {path}: {exc.strerror or exc}; check the disk and the system log")


def translate(exc: Exception, path: Path) -> BusError | None:
    """The bus error for `exc`, or None where it is neither SQLite's nor the system's but a mistake in a program."""
    if isinstance(exc, BusError):
        return exc
    if isinstance(exc, OSError):
        return from_system(exc, path)
    if isinstance(exc, RowDamaged):
        return damaged(path, str(exc))
    if isinstance(exc, apsw.Error) and not isinstance(exc, OF_VALUES):
        return from_sqlite(exc, path)
    return None


def full(path: Path) -> BusUnavailable:
    """The error for a disk without room."""
    return BusUnavailable(f"the disk that holds {path} is full; make room, and a service that runs goes on by itself")


def read_only(path: Path) -> BusUnavailable:
    """The error for a file that cannot be written."""
    return BusUnavailable(f"{path} is read-only; make it and its folder writable, and a service that runs goes on by itself")


def damaged(path: Path, what: str) -> BusDamaged:
    """The error for a file that cannot be trusted."""
    return BusDamaged(f"{path} is damaged ({what}); stop the service and restore the folder from a backup")


def again(error: BusError) -> BusError:
    """An error of the same kind for one more caller: an exception carries the traceback of where it was raised."""
    return type(error)(str(error))
