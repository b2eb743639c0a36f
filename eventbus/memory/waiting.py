"""Waiting for the bus in memory to change."""

import asyncio

LOOK_AGAIN_S = 0.01
"""The longest wait without a look at the clock, which a test may have moved. Seconds."""


class Changed:
    """Wakes whoever waits for something to be stored, or for the end."""

    def __init__(self, look_again_s: float = LOOK_AGAIN_S) -> None:
        """`look_again_s` bounds each wait: infinite where the bus's clock is that of the loop."""
        self._look_again_s = look_again_s
        self._waiting: set[asyncio.Future[None]] = set()

    def tell(self) -> None:
        """Something changed."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Return on the next change, or sooner: after `seconds` at the latest."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            async with asyncio.timeout(max(0.0, min(seconds, self._look_again_s))) as late:
                await waiter
        except TimeoutError:
            if not late.expired():
                raise
        finally:
            self._waiting.discard(waiter)
