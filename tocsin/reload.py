"""Applying changed manifests while the service runs: on SIGHUP, and with `--watch` when a file changes."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from eventbus.errors import BusUnavailable
from tocsin.declared import Declarations, Reading
from tocsin.watching import Look, Settling

logger = structlog.get_logger()

POLL_S = 0.5
"""Seconds between two looks at the files. Looking works on every file system, mounted ConfigMaps included."""
MOVING_S = 0.1
"""The same, while something is changing."""
EFFORT = 50
"""Looking takes at most one part in so many of the time: thousands of files are looked at less often."""
RETRY_S = 1.0
"""Seconds until what could not be applied is tried again."""


class Reloader:
    """Reads and applies when it is told to, or when the files have changed and come to rest."""

    name = "reloader"

    def __init__(self, reading: Reading, apply: Callable[[Declarations], Awaitable[None]], *, polls: bool) -> None:
        self.ready = asyncio.Event()
        self._reading, self._apply, self._polls = reading, apply, polls
        self._wake = asyncio.Event()
        self._stopping = False
        self._looking_s = 0.0

    async def run(self) -> None:
        """Run until `stop`."""
        loop = asyncio.get_running_loop()
        settling = Settling(self._reading.looked)
        loop.add_signal_handler(signal.SIGHUP, self._wake.set)
        self.ready.set()
        try:
            while not self._stopping:
                await self._sleep(self._pause_s(settling))
                if not self._stopping:
                    await self._once(settling)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def stop(self) -> None:
        """Apply nothing more."""
        self._stopping = True
        self._wake.set()

    async def _once(self, settling: Settling) -> None:
        told = self._wake.is_set()
        self._wake.clear()
        now = await self._look() if self._polls else {}
        if not (settling.rested(now, monotonic()) or told):
            return
        if await self._reload():
            settling.applied(self._reading.looked)
        else:
            await self._sleep(RETRY_S)
            self._wake.set()

    async def _look(self) -> Look:
        """In a thread: a network file system may take its time."""
        began = monotonic()
        found = await asyncio.to_thread(self._reading.look)
        self._looking_s = monotonic() - began
        return found

    def _pause_s(self, settling: Settling) -> float | None:
        if not self._polls:
            return None
        return max(MOVING_S if settling.moving else POLL_S, EFFORT * self._looking_s)

    async def _sleep(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _reload(self) -> bool:
        """Apply; False where it has to be tried again."""
        done = False
        try:
            await self._apply(await asyncio.to_thread(self._reading.read))
            done = True
        except* BusUnavailable as group:
            logger.warning("reload_will_retry", reason=str(group.exceptions[0]), retry_in_s=RETRY_S)
        return done
