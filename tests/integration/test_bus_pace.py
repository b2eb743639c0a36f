"""A loop that has no time to spare commits less often, and what arrives meanwhile shares a commit."""

import asyncio
import time
from pathlib import Path

from bus_rig import an_event

from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus

GATHER_S = 0.1


async def _until_it_waits(bus: SqliteBus) -> None:
    """Append until an append had to wait for its commit."""
    number, took_s = 0, 0.0
    while took_s < GATHER_S / 2:
        began = time.perf_counter()
        await bus.append([an_event(f"before-{number}")])
        number, took_s = number + 1, time.perf_counter() - began


async def test_what_arrives_at_a_busy_loop_turn_after_turn_shares_a_commit(tmp_path: Path) -> None:
    syncs = 0

    def sync(fd: int) -> None:
        nonlocal syncs
        syncs += 1
        SqliteOptions().sync(fd)

    # All of the time counts as spent.
    bus = await open_bus(tmp_path, options=SqliteOptions(sync=sync, gather_s=GATHER_S, spent_ns=time.perf_counter_ns))
    async with asyncio.timeout(30):
        await _until_it_waits(bus)
        before = syncs
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(_appended(bus, f"turn-{number}"))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        assert syncs == before + 1
    await bus.aclose()


async def _appended(bus: SqliteBus, id: str) -> int:
    (appended,) = await bus.append([an_event(id)])
    return appended.position


async def test_a_busy_loop_that_closes_the_bus_waits_for_no_company(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(gather_s=GATHER_S, spent_ns=time.perf_counter_ns))
    async with asyncio.timeout(30):
        await _until_it_waits(bus)
        appended = asyncio.ensure_future(_appended(bus, "last"))
        await asyncio.sleep(0)
        await bus.aclose()
        position = await appended
    bus = await open_bus(tmp_path)
    recorded = await bus.journal.event(position)
    assert recorded is not None
    assert recorded.event.id == "last"
    await bus.aclose()
