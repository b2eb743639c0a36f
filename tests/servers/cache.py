"""Where programs of servers are kept between runs: outside the checkout, by version."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path


class Missing(Exception):
    """A server cannot be had on this machine. The message says what is missing and how to get it."""


def cache_folder() -> Path:
    """`$TOCSIN_TEST_CACHE`, or a folder in the user's cache."""
    given = os.environ.get("TOCSIN_TEST_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else base / "tocsin-tests"


def need(programs: Sequence[str], *, packages: str) -> None:
    """Raise `Missing` where one of `programs` is not installed; Debian has them in `packages`."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        raise Missing(f"{', '.join(absent)} not found; on Debian and Ubuntu: apt-get install {packages}")


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """The folder `key`, made by `make` where it is not there yet, by one process while others wait. Cut off, it is made again."""
    folder = cache_folder() / key
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            fresh = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=folder.parent))
            try:
                make(fresh)
                fresh.rename(folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return folder
