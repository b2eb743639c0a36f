"""Waiting for a fact: it is looked at until it is there, and one that does not come in time fails the test."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def until(fact: Callable[[], Any | Awaitable[Any]], *, timeout_s: float = 20.0, every_s: float = 0.005) -> Any:
    """What `fact` gives, or what it gives to wait for, once that is true. Raises `TimeoutError`."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = fact()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(every_s)


def wait_until(
    fact: Callable[[], Any], told: Callable[[], object] = lambda: "", *, timeout_s: float = 20.0, every_s: float = 0.02
) -> Any:
    """The same in a thread: what `fact` gives, once that is true. Fails with what `told` gives."""
    end = time.monotonic() + timeout_s
    while not (found := fact()):
        assert time.monotonic() < end, told()
        time.sleep(every_s)
    return found
