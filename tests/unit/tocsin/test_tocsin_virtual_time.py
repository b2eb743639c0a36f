"""The loop whose time passes only while there is nothing to do."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.scenarios.virtual_time import NeverRests, VirtualClock, run

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_year_passes_at_once_and_in_order() -> None:
    async def main() -> list[tuple[str, datetime]]:
        clock, seen = VirtualClock(START), []

        async def one(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            seen.append((name, clock.now()))

        async with asyncio.TaskGroup() as group:
            for name, days in (("c", 365), ("a", 1), ("b", 30)):
                group.create_task(one(name, days * 86_400.0))
        return seen

    began = time.monotonic()
    assert run(main()) == [(name, START + timedelta(days=days)) for name, days in (("a", 1), ("b", 30), ("c", 365))]
    assert time.monotonic() - began < 5


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        gone = loop.create_task(asyncio.sleep(3600))
        assert await asyncio.to_thread(lambda: time.sleep(0.05) or 7) == 7
        now = loop.time()
        assert not gone.done()
        gone.cancel()
        return now

    assert run(main()) == 0


def test_settling_waits_for_all_that_happens_at_this_moment_and_no_later() -> None:
    async def main() -> list[str]:
        clock, seen = VirtualClock(START), []

        async def chain() -> None:
            for step in range(5):
                await asyncio.sleep(0)
                seen.append(str(step))
            await asyncio.sleep(0.001)
            seen.append("later")

        task = asyncio.get_running_loop().create_task(chain())
        await clock.settle()
        found = list(seen)
        await task
        return found

    assert run(main()) == ["0", "1", "2", "3", "4"]


def test_settling_takes_no_time_and_waits_for_threads() -> None:
    async def main() -> tuple[float, bool]:
        loop, clock = asyncio.get_running_loop(), VirtualClock(START)
        worked = loop.run_in_executor(None, time.sleep, 0.05)
        await clock.settle()
        return loop.time(), worked.done()

    assert run(main()) == (0.0, True)


def test_what_waits_for_ever_or_never_rests_is_given_up() -> None:
    async def for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    async def restless() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(NeverRests, match="cannot happen"):
        run(for_ever())
    with pytest.raises(NeverRests, match=r"given up after 0\.1s"):
        run(restless(), limit_s=0.1)


def test_a_deadline_is_met_to_the_microsecond() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(123456.789)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.sleep(0.2)
        return loop.time()

    assert run(main()) == pytest.approx(123456.889, abs=3e-6)
