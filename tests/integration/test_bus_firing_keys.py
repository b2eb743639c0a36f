"""Firings are found by their ids wherever those are: in memory, on the way to their table, in it, and after a crash."""

import random
from pathlib import Path

import pytest
from bus_rig import DONE, GROUP, decided, some_events, tried

from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus, open_reader
from eventbus.sqlite.firing_keys import MOVED
from eventbus.sqlite.store import FILE_NAME, Store

FEW = SqliteOptions(keys_in_memory=200)


async def fire(bus: SqliteBus, count: int) -> list[str]:
    """Append and decide that many events; the ids of their firings."""
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    last = (await bus.journal.tallies()).last_position
    await bus.append(some_events(count, last + 1))
    ids = []
    while got := await bus.read(GROUP, limit=100, timeout_s=0.0):
        step = decided(got)
        await bus.commit(step)
        # Deciding again finds them all, so nothing is put twice.
        await bus.commit(step)
        ids += [firing.id for firing in step.firings]
    return ids


@pytest.mark.parametrize("seed", range(4))
async def test_a_crash_at_any_moment_loses_and_doubles_no_firing(data_dir: Path, seed: int) -> None:
    plan = random.Random(seed)
    ids: list[str] = []
    for _ in range(5):
        bus = await open_bus(data_dir, options=FEW)
        for _ in range(plan.randrange(1, 6)):
            ids += await fire(bus, plan.randrange(1, 200))
        for id in plan.sample(ids, 5):
            record = await bus.journal.firing(id)
            assert record is not None
            assert record.firing.id == id
        bus.abandon()
    bus = await open_bus(data_dir, options=FEW)
    assert (await bus.journal.tallies()).open_firings == len(ids)
    async with open_reader(data_dir) as reader:
        for id in plan.sample(ids, 20):
            for journal in (reader, bus.journal):
                record = await journal.firing(id[:10])
                assert record is not None
                assert record.firing.id == id
            assert await reader.firing("0" * 32) is None
    # By its id, whoever has it, and whether it was handed out or not.
    for id in ids:
        await bus.outbox.close(id, DONE, attempt=tried(), request=None)
    assert (await bus.journal.tallies()).open_firings == 0
    with pytest.raises(LookupError, match="there is no firing 0000"):
        await bus.outbox.close("0" * 32, DONE, attempt=tried(), request=None)
    await bus.aclose()


async def test_ids_move_to_their_table_and_what_is_there_is_known(data_dir: Path) -> None:
    bus = await open_bus(data_dir, options=FEW)
    ids = await fire(bus, 3000)
    await bus.aclose()
    store = Store(data_dir / FILE_NAME, FEW, read_only=True)
    try:
        in_table = {key.hex() for (key,) in store.ask("SELECT key FROM firing_keys")}
        assert len(in_table) > 1000
        assert in_table <= set(ids)
        assert store.total(MOVED) > 1000
    finally:
        store.close()


async def test_a_prefix_that_a_firing_in_memory_and_one_in_the_table_share_names_none(data_dir: Path) -> None:
    bus = await open_bus(data_dir, options=FEW)
    *_, newest = await fire(bus, 10)
    store = bus._files.store
    with store.connection:
        store.execute("INSERT INTO firing_keys VALUES (?, 1)", (bytes.fromhex(newest[:16] + "f" * 16),))
    assert await bus.journal.firing(newest[:16]) is None
    found = await bus.journal.firing(newest[:17])
    assert (found is None) == (newest[16] == "f")
    await bus.aclose()
