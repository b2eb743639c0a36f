"""Deadlines that share a timer."""

import asyncio

import pytest

from sensors.deadlines import Deadlines


async def sleeps(deadlines: Deadlines, within_s: float, sleep_s: float) -> str:
    try:
        with deadlines.within(within_s) as deadline:
            await asyncio.sleep(sleep_s)
    except TimeoutError:
        return f"expired {deadline.expired}"
    return f"ended {deadline.expired}"


async def test_each_has_its_own_time() -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()
    began = loop.time()
    given = [(0.03, 60), (0.03, 0), (0.06, 60), (60, 0.01), (0, 60), (0.03, 0.01)]
    answers = await asyncio.gather(*(sleeps(deadlines, *one) for one in given))
    assert answers == ["expired True", "ended False", "expired True", "ended False", "expired True", "ended False"]
    assert 0.05 <= loop.time() - began < 10


async def test_one_that_begins_later_ends_later_though_the_first_has_ended() -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()
    early = asyncio.create_task(sleeps(deadlines, 0.1, 0.06))
    await asyncio.sleep(0.05)
    began = loop.time()
    assert await sleeps(deadlines, 0.1, 60) == "expired True"
    assert 0.09 <= loop.time() - began < 10
    assert await early == "ended False"


async def test_a_block_that_is_cancelled_by_somebody_else_is_cancelled() -> None:
    deadlines = Deadlines()
    task = asyncio.create_task(sleeps(deadlines, 60, 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_as_the_deadline_comes_is_cancelled() -> None:
    deadlines = Deadlines()

    async def block() -> None:
        with deadlines.within(60) as deadline:
            deadline.expire()
            task.cancel()
            await asyncio.sleep(60)

    task = asyncio.create_task(block())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_is_its_own() -> None:
    with pytest.raises(ValueError, match="mine"), Deadlines().within(60):
        raise ValueError("mine")


async def test_nothing_is_waited_for_once_all_have_ended() -> None:
    loop, timers = asyncio.get_running_loop(), list[asyncio.TimerHandle]()
    call_at = loop.call_at

    def noted(*given: object) -> asyncio.TimerHandle:
        timers.append(call_at(*given))  # type: ignore[arg-type]
        return timers[-1]

    deadlines = Deadlines()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "call_at", noted)
        with deadlines.within(60):
            for _ in range(3):
                with deadlines.within(60):
                    pass
    assert [timer.cancelled() for timer in timers] == [True]


async def test_a_deadline_is_for_a_task() -> None:
    loop = asyncio.get_running_loop()
    said: asyncio.Future[str] = loop.create_future()

    def enter() -> None:
        try:
            Deadlines().within(1).__enter__()
        except RuntimeError as exc:
            said.set_result(str(exc))
        else:
            said.set_result("")

    loop.call_soon(enter)
    assert await said == "a deadline is for a task"
