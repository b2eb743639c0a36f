"""An event loop whose time passes only while there is nothing to do: hours of waiting take no time, and always end alike.

Work that other threads do takes no virtual time: the loop stands still until they are done.
"""

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

REAL_LIMIT_S = 60.0
"""Seconds of real time after which a play is given up: something in it goes round for ever."""


class NeverRests(Exception):
    """A play that comes to no end."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module. `time` begins at 0 and counts whole microseconds."""

    def __init__(self, *, limit_s: float = REAL_LIMIT_S) -> None:
        self._now_us = 0
        self._in_threads = 0
        self._settling: list[asyncio.Future[None]] = []
        self._limit_s, self._until = limit_s, time.monotonic() + limit_s
        super().__init__(_Patient(self))
        # What is due within this of now is due. With the machine's nanosecond, which a float of a year's seconds cannot hold,
        # a timer that is due would never be.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now_us / 1e6

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """As any loop; time stands still until `func` has ended."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        """As any loop: another thread waits for those that are left."""
        self._in_threads += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._in_threads -= 1

    def settled(self) -> asyncio.Future[None]:
        """Done when nothing is left to do at this moment, and before time passes."""
        waiter: asyncio.Future[None] = self.create_future()
        self._settling.append(waiter)
        return waiter

    def _thread_ended(self, future: "asyncio.Future[Any]") -> None:
        self._in_threads -= 1

    def pass_time(self, seconds: float | None) -> bool:
        """Let `seconds` pass, or tell those who wait for that; False while a thread works. None: nothing else can ever happen.

        Raises `NeverRests`.
        """
        if time.monotonic() > self._until:
            raise NeverRests(f"it goes on and on: given up after {self._limit_s:g}s at {self.time():g}s of its own time")
        if self._in_threads:
            return False
        if self._settling:
            waiters, self._settling = self._settling, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            return True
        if seconds is None:
            raise NeverRests("everything waits for something that cannot happen")
        self._now_us += max(1, math.ceil(seconds * 1e6 - 1e-3))
        return True


class _Patient(selectors.BaseSelector):
    """A selector that lets virtual time pass instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return [] if self._loop.pass_time(timeout) else self._real.select(1.0)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualClock:
    """The time of day on a virtual loop. Make it inside the loop."""

    look_again_s = math.inf  # nobody sets it, and it never stands still

    def __init__(self, start: datetime) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("a virtual clock needs a virtual loop")
        self._loop = loop
        self._began_us = round(self._loop.time() * 1e6)
        self.start_us = round(start.timestamp() * 1e6)
        """Microseconds since 1970 UTC."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return self.start_us - self._began_us + round(self._loop.time() * 1e6)

    def now(self) -> datetime:
        """See `sources.clock.Clock`."""
        return datetime.fromtimestamp(self.now_us() / 1e6, UTC)

    async def sleep(self, seconds: float) -> None:
        """See `sources.clock.Clock`."""
        await asyncio.sleep(seconds)

    async def until(self, us: int) -> None:
        """Wait until so many microseconds after the start; at once where that has passed."""
        left = self.start_us + us - self.now_us()
        if left > 0:
            await asyncio.sleep(left / 1e6)

    async def settle(self) -> None:
        """Return when all has happened that happens at this moment, and before time passes."""
        await self._loop.settled()


def run(main: Coroutine[Any, Any, T], *, limit_s: float = REAL_LIMIT_S) -> T:
    """Run `main` on a virtual loop of its own. Raises `NeverRests` after `limit_s` seconds of real time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit_s=limit_s)) as runner:
        return runner.run(main)
