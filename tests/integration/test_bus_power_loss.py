"""What was answered survives a power failure; what was not answered is whole or absent."""

import asyncio
import random
from pathlib import Path

import pytest
from bus_rig import DONE, GROUP, Disk, an_event, close_all, decide_all, decided, some_events

from eventbus.errors import BusDamaged
from eventbus.journal import EventFilter
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus

NEVER = 1 << 40
"""No checkpoint: they sync the main file themselves, which the rig does not see."""


class Life:
    """Appends, decides and closes until the power fails, and notes what was answered."""

    def __init__(self, bus: SqliteBus) -> None:
        self.bus = bus
        self.appended: dict[int, str] = {}
        self.decided: set[str] = set()
        self.closed: set[str] = set()
        self._made = 0

    async def append(self) -> None:
        while True:
            self._made += 1
            event = an_event(str(self._made), b"x" * (self._made % 3000))
            (answer,) = await self.bus.append([event])
            self.appended[answer.position] = event.id

    async def decide(self) -> None:
        while True:
            step = decided(got) if (got := await self.bus.read(GROUP, limit=7, timeout_s=1.0)) else None
            if step is not None:
                await self.bus.commit(step)
                self.decided |= {firing.id for firing in step.firings}

    async def act(self) -> None:
        while True:
            for taken in await self.bus.outbox.take(limit=5, timeout_s=1.0):
                id = taken.firing.id
                await self.bus.outbox.close(id, DONE, attempt=None, request=None)
                self.closed.add(id)

    async def live(self, syncs: int, disk: Disk) -> None:
        tasks = [asyncio.ensure_future(work) for work in (*[self.append() for _ in range(8)], self.decide(), self.act())]
        try:
            while disk.syncs < syncs:
                await asyncio.sleep(0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def missing_after_power_loss(tmp_path: Path, seed: int, *, honest: bool) -> list[str]:
    dice = random.Random(seed)
    folder, found = tmp_path / "before", tmp_path / "after"
    disk = Disk(folder)
    bus = await open_bus(folder, options=SqliteOptions(sync=disk.sync, checkpoint_bytes=NEVER))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    disk.honest = honest
    life = Life(bus)
    try:
        await life.live(disk.syncs + dice.randrange(3, 40), disk)
        disk.lose_power(found, dice)
    finally:
        bus.abandon()
    bus = await open_bus(found)
    try:
        return await _missing(bus, life)
    finally:
        await bus.aclose()


async def _missing(bus: SqliteBus, life: Life) -> list[str]:
    missing = []
    for position, id in life.appended.items():
        found = await bus.journal.event(position)
        if found is None or found.event.id != id:
            missing.append(f"event {id} at {position}")
    missing += [f"firing {firing}" for firing in life.decided if await bus.journal.firing(firing) is None]
    for firing in life.closed:
        record = await bus.journal.firing(firing)
        if record is None or record.outcome is None:
            missing.append(f"outcome of {firing}")
    await decide_all(bus)
    await close_all(bus)
    stored = range(1, (await bus.journal.tallies()).last_position + 1)
    return missing + [f"decision on {position}" for position in stored if len(await bus.journal.firings_of(position)) != 1]


@pytest.mark.parametrize("seed", range(12))
async def test_nothing_answered_is_lost_when_the_power_fails(tmp_path: Path, seed: int) -> None:
    assert await missing_after_power_loss(tmp_path, seed, honest=True) == []


async def test_the_check_notices_a_disk_that_never_syncs(tmp_path: Path) -> None:
    assert await missing_after_power_loss(tmp_path, 1, honest=False) != []


async def test_an_append_is_not_answered_while_its_sync_runs(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    bus = await open_bus(tmp_path, options=SqliteOptions(sync=disk.sync))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    disk.go.clear()
    answer = asyncio.ensure_future(bus.append(some_events(1)))
    assert await asyncio.wait({answer}, timeout=0.1) == (set(), {answer})
    assert await bus.read(GROUP, limit=1, timeout_s=0.0) == []
    disk.go.set()
    assert (await answer)[0].position == 1
    assert len(await bus.read(GROUP, limit=1, timeout_s=0.0)) == 1
    await bus.aclose()


async def test_what_arrives_during_a_sync_waits_for_the_next_one(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    bus = await open_bus(tmp_path, options=SqliteOptions(sync=disk.sync))
    disk.go.clear()
    first = asyncio.ensure_future(bus.append(some_events(1)))
    await asyncio.sleep(0.05)
    late = [asyncio.ensure_future(bus.append([event])) for event in some_events(20, start=2)]
    await asyncio.sleep(0.05)
    before = disk.syncs
    disk.go.set()
    await asyncio.gather(first, *late)
    assert disk.syncs == before + 2
    await bus.aclose()


async def test_no_firing_is_handed_out_before_its_decision_is_durable(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    bus = await open_bus(tmp_path, options=SqliteOptions(sync=disk.sync))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(1))
    got = await bus.read(GROUP, limit=1, timeout_s=1.0)
    disk.go.clear()
    committing = asyncio.ensure_future(bus.commit(decided(got)))
    await asyncio.sleep(0.05)
    assert await bus.outbox.take(limit=1, timeout_s=0.0) == []
    disk.go.set()
    await committing
    assert len(await bus.outbox.take(limit=1, timeout_s=0.0)) == 1
    await bus.aclose()


@pytest.mark.parametrize("cut", [1, 23, 24, 25, 4000, 8000])
async def test_a_torn_last_record_is_dropped_and_what_came_before_stays(tmp_path: Path, cut: int) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(checkpoint_bytes=NEVER))
    for event in some_events(10):
        await bus.append([event])
    wal = tmp_path / "tocsin.db-wal"
    whole = wal.stat().st_size
    torn = asyncio.ensure_future(bus.append([an_event("torn", b"x" * 50_000)]))
    while wal.stat().st_size == whole:
        await asyncio.sleep(0)
    bus.abandon()
    await asyncio.gather(torn, return_exceptions=True)
    with wal.open("r+b") as file:
        file.truncate(whole + cut)
    bus = await open_bus(tmp_path)
    assert [one.event.id for one in reversed((await bus.journal.events(EventFilter())).items)] == [str(n) for n in range(1, 11)]
    assert (await bus.append([an_event("next")]))[0].position == 11
    await bus.aclose()


async def test_a_flipped_bit_is_reported_and_not_served(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append([an_event(str(number), b"payload-%d" % number) for number in range(1, 6)])
    await bus.aclose()
    file = tmp_path / "tocsin.db"
    content = bytearray(file.read_bytes())
    at = content.index(b"payload-3")
    content[at] ^= 0x10
    file.write_bytes(content)
    bus = await open_bus(tmp_path)
    with pytest.raises(BusDamaged, match="position 3 does not match its checksum"):
        await bus.journal.event(3)
    assert [one.position for one in await bus.read(GROUP, limit=10, timeout_s=0.0)] == [1, 2, 4, 5]
    ((position, reason),) = await bus.journal.quarantined()
    assert position == 3
    assert "checksum" in reason
    assert [one.position for one in (await bus.journal.events(EventFilter())).items] == [5, 4, 2, 1]
    await bus.aclose()
