"""Applying changed manifests while the service runs: on SIGHUP, and with `--watch` when a file changes."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic

import structlog

from eventbus.errors import BusUnavailable
from tocsin.declared import Declarations, Reading
from tocsin.notices import Notices
from tocsin.watching import Look, Settling

logger = structlog.get_logger()

POLL_S = 0.5
"""Seconds between two looks at the files. Looking works on every file system, mounted ConfigMaps included."""
MOVING_S = 0.1
"""The same, while something is changing."""
EFFORT = 50
"""Looking takes at most one part in so many of the time: thousands of files are looked at less often."""
TOLD_S = 0.01
"""Seconds between being told of a change and the look at it: what is saved in one go is applied in one go."""
TURN_S = 0.00005
"""Longest turn of a thread that reads files while the loop waits for the interpreter."""
RETRY_S = 1.0
"""Seconds until what could not be applied is tried again."""


@contextlib.contextmanager
def _short_turns() -> Iterator[None]:
    """While a thread reads files, let the loop interrupt it at once.

    The loop gives the interpreter away whenever it waits for the system, some ten times until a request is answered, and waits a
    turn of the thread each time: beside 500 events a second and other work on both cores, the slowest of a hundred answers took
    82 ms while files of 1,000 sensors were edited, and takes 28.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Reloader:
    """Reads and applies when it is told to, or when the files have changed and come to rest."""

    name = "reloader"

    def __init__(
        self,
        reading: Reading,
        apply: Callable[[Declarations], Awaitable[None]],
        *,
        polls: bool,
        loses: Callable[[Declarations], bool] = lambda declared: False,
    ) -> None:
        """`loses` says whether something that runs would end: then other files may be about to say where it went."""
        self.ready = asyncio.Event()
        self._reading, self._apply, self._polls, self._loses = reading, apply, polls, loses
        self._wake = asyncio.Event()
        self._asked = self._told = False
        """Whether SIGHUP asks for everything to be applied, and whether the system told of a change."""
        self._stopping = False
        self._looking_s = 0.0

    async def run(self) -> None:
        """Run until `stop`."""
        loop = asyncio.get_running_loop()
        settling = Settling(self._reading.looked)
        loop.add_signal_handler(signal.SIGHUP, self._ask)
        notices = Notices.of(self._reading.paths, self._tell) if self._polls else None
        self.ready.set()
        try:
            while not self._stopping:
                await self._sleep(self._pause_s(settling))
                if not self._stopping:
                    await self._once(settling, notices)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            if notices is not None:
                notices.close()

    def stop(self) -> None:
        """Apply nothing more."""
        self._stopping = True
        self._wake.set()

    def _ask(self) -> None:
        self._asked = True
        self._wake.set()

    def _tell(self) -> None:
        self._told = True
        self._wake.set()

    async def _once(self, settling: Settling, notices: Notices | None) -> None:
        asked, told, self._asked, self._told = self._asked, self._told, False, False
        self._wake.clear()
        if told:
            await asyncio.sleep(max(TOLD_S, self._looking_s))
        now = await self._look() if self._polls else {}
        if notices is not None:
            notices.watch()
        rested = settling.rested(now, monotonic(), notices.whole) if notices is not None else settling.rested(now, monotonic())
        if not (rested or asked):
            return
        with _short_turns():
            declared = await asyncio.to_thread(self._reading.read)
        if settling.early and not asked and (self._reading.looked != now or self._loses(declared)):
            settling.wait()
        elif await self._reload(declared):
            settling.applied(self._reading.looked)
        else:
            await self._sleep(RETRY_S)
            self._ask()

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

    async def _reload(self, declared: Declarations) -> bool:
        """Apply; False where it has to be tried again."""
        done = False
        try:
            await self._apply(declared)
            done = True
        except* BusUnavailable as group:
            logger.warning("reload_will_retry", reason=str(group.exceptions[0]), retry_in_s=RETRY_S)
        return done
