"""Cutting off what Azure's libraries do, however they take it."""

import asyncio
import gc
from typing import Any

import pytest

from sensors.triggers.azure_sending import _insisting


async def test_what_a_cut_off_send_says_at_last_is_nobodys_business() -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    began = asyncio.Event()

    async def send() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("the library's own way of ending") from None

    task = asyncio.create_task(_insisting(send()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    await asyncio.sleep(0)
    assert told == []


async def test_a_send_that_loses_a_cancellation_is_cancelled_again() -> None:
    began, lost = asyncio.Event(), 0

    async def send() -> None:
        nonlocal lost
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(_insisting(send()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task
    assert lost == 1
