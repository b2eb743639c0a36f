"""Clients that triggers share, with clients that count."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sensors.errors import TriggerUnavailable
from sensors.triggers import pool
from sensors.triggers.pool import Pool


class Counted:
    def __init__(self, way: str) -> None:
        self.way = way
        self.closed = False
        self.broken = False
        self.stuck = False
        self.gone = asyncio.Event()


class Counting(Pool[str, Counted]):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[Counted] = []
        self.go = asyncio.Event()
        self.go.set()
        self.fault: Exception | None = None
        self.may_close, self.closing = asyncio.Event(), asyncio.Event()
        self.may_close.set()

    async def open(self, way: str) -> Counted:
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        self.made.append(Counted(way))
        return self.made[-1]

    async def close(self, client: Counted) -> None:
        self.closing.set()
        await self.may_close.wait()
        if client.stuck:
            raise OSError("broken")
        client.closed = True
        client.gone.set()

    def usable(self, client: Counted) -> bool:
        return not client.broken


@pytest.fixture
async def clients() -> AsyncIterator[Counting]:
    made = Counting()
    yield made
    await made.aclose()


async def use(clients: Counting, way: str = "a") -> Counted:
    async with clients.client(way) as client:
        await asyncio.sleep(0)
        return client


async def test_equal_ways_share_a_client(clients: Counting) -> None:
    used = await asyncio.gather(*(use(clients, way) for way in "aabab"))
    assert len(set(used)) == 2
    assert len(clients.made) == 2


async def test_an_error_of_opening_reaches_all_who_wait_and_the_next_opens_anew(clients: Counting) -> None:
    clients.go.clear()
    waiting = [asyncio.create_task(use(clients)) for _ in range(3)]
    await asyncio.sleep(0)
    clients.fault = OSError("away")
    clients.go.set()
    assert {str(answer) for answer in await asyncio.gather(*waiting, return_exceptions=True)} == {"away"}
    assert len(clients) == 0
    clients.fault = None
    assert (await use(clients)).way == "a"


async def test_one_who_is_cancelled_while_it_opens_does_not_take_it_from_the_others(clients: Counting) -> None:
    clients.go.clear()
    first, second = (asyncio.create_task(use(clients)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    clients.go.set()
    assert (await second).way == "a"
    assert first.cancelled()
    assert len(clients.made) == 1


async def test_a_broken_client_is_replaced(clients: Counting) -> None:
    first = await use(clients)
    first.broken = True
    second = await use(clients)
    assert second is not first
    assert (first.closed, second.closed) == (True, False)


async def test_a_discarded_client_is_closed_and_replaced(clients: Counting) -> None:
    first = await use(clients)
    await clients.discard("a", first)
    assert first.closed
    second = await use(clients)
    await clients.discard("a", first)
    assert await use(clients) is second, "who is late does not take the next one away"


async def test_a_client_that_nobody_uses_is_closed_though_nobody_calls(
    clients: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.0)
    async with clients.client("b") as used:
        first, second = await use(clients, "a"), await use(clients, "c")
        async with asyncio.timeout(10):
            await first.gone.wait()
            await second.gone.wait()
        assert not used.closed
        assert len(clients) == 1
    async with asyncio.timeout(10):
        await used.gone.wait()
    assert len(clients) == 0


async def test_an_idle_client_that_cannot_be_closed_does_not_keep_the_others(
    clients: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.0)
    first, second = await use(clients, "a"), await use(clients, "c")
    first.stuck = True
    async with asyncio.timeout(10):
        await second.gone.wait()
    assert not first.closed
    assert len(clients) == 0


async def test_who_sends_does_not_wait_for_idle_clients_to_close(clients: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.0)
    first = await use(clients, "a")
    clients.may_close.clear()
    async with asyncio.timeout(10):
        await clients.closing.wait()
        assert (await use(clients, "b")).way == "b"
    assert not first.closed
    clients.may_close.set()


async def test_closing_ends_what_is_being_opened(clients: Counting) -> None:
    clients.go.clear()
    waiting = asyncio.create_task(use(clients))
    await asyncio.sleep(0)
    await clients.aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await waiting
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await use(clients)
