"""Waiting for something to happen, with a bound."""

import asyncio


class Waiters:
    """Who waits for the next `wake`. Cancelling a waiter leaves nothing behind."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def wait(self, timeout_s: float) -> None:
        """Return at the next `wake`, or after `timeout_s` seconds."""
        waiter = self._loop.create_future()
        self._waiting.add(waiter)
        timer = self._loop.call_later(timeout_s, _release, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)

    def wake(self) -> None:
        """Let all go on that wait now."""
        for waiter in self._waiting:
            _release(waiter)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
