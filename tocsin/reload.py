"""Applying changed manifests while the service runs: on SIGHUP, and with `--watch` when a file changes."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import structlog

from eventbus.errors import BusUnavailable

logger = structlog.get_logger()

POLL_S = 1.0
"""Seconds between two looks at the files. Looking works on every file system, mounted ConfigMaps included."""
Stamp = frozenset[tuple[str, int, int, int]]


class Reloader:
    """Calls `apply` when it is told to, or when the files look different."""

    name = "reloader"

    def __init__(self, paths: Sequence[Path], apply: Callable[[], Awaitable[None]], *, polls: bool) -> None:
        self.ready = asyncio.Event()
        self._paths, self._apply, self._polls = paths, apply, polls
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Run until `stop`."""
        loop = asyncio.get_running_loop()
        seen = stamp(self._paths) if self._polls else frozenset()
        loop.add_signal_handler(signal.SIGHUP, self._wake.set)
        self.ready.set()
        try:
            while not self._stopping:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S if self._polls else None):
                        await self._wake.wait()
                now = stamp(self._paths) if self._polls else seen
                if not self._stopping and (self._wake.is_set() or now != seen):
                    self._wake.clear()
                    if await self._reload():
                        seen = now
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def stop(self) -> None:
        """Apply nothing more."""
        self._stopping = True
        self._wake.set()

    async def _reload(self) -> bool:
        """Apply; False where it has to be tried again."""
        done = False
        try:
            await self._apply()
            done = True
        except* BusUnavailable as group:
            logger.warning("reload_will_retry", reason=str(group.exceptions[0]))
        if done:
            logger.info("manifests_reloaded")
        return done


def stamp(paths: Sequence[Path]) -> Stamp:
    """What the files look like from outside: name, time of change, size and inode of each."""
    found = set()
    for path in paths:
        for file in _files(path):
            with contextlib.suppress(OSError):  # a file that is gone is not in the stamp, which is a change
                stat = os.stat(file)
                found.add((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        with contextlib.suppress(OSError):
            yield from path.iterdir()
    yield path
