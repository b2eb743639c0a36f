"""Identities are found wherever they are: in memory, on the way to their table, in it, and after a crash."""

import random
from pathlib import Path

import pytest
from bus_rig import an_event, some_events

from eventbus.sqlite import SqliteOptions, open_bus, open_reader
from eventbus.sqlite.identities import MOVED
from eventbus.sqlite.store import FILE_NAME, Store

FEW = SqliteOptions(keys_in_memory=200)


async def test_a_repeat_is_found_in_memory_and_in_the_table(data_dir: Path) -> None:
    bus = await open_bus(data_dir, options=FEW)
    first: dict[str, int] = {}
    plan = random.Random(7)
    for start in range(1, 2000, 100):
        answers = await bus.append(some_events(100, start))
        first |= {answer.id: answer.position for answer in answers}
        again = plan.sample(sorted(first), 20)
        assert [(a.id, a.position, a.repeat) for a in await bus.append([an_event(id) for id in again])] == [
            (id, first[id], True) for id in again
        ]
    await bus.aclose()
    store = Store(data_dir / FILE_NAME, FEW, read_only=True)
    try:
        assert store.ask("SELECT count(*) FROM identities")[0][0] > 1000, "too few were moved to the table"
        assert store.total(MOVED) > 1000
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(4))
async def test_a_crash_at_any_moment_forgets_no_identity(data_dir: Path, seed: int) -> None:
    plan = random.Random(seed)
    first: dict[str, int] = {}
    for _ in range(6):
        bus = await open_bus(data_dir, options=FEW)
        for _ in range(plan.randrange(1, 12)):
            answers = await bus.append(some_events(plan.randrange(1, 150), len(first) + 1))
            assert not any(answer.repeat for answer in answers)
            first |= {answer.id: answer.position for answer in answers}
        bus.abandon()
    bus = await open_bus(data_dir, options=FEW)
    ids = sorted(first)
    answers = await bus.append([an_event(id) for id in ids])
    assert {answer.id: answer.position for answer in answers} == first
    assert all(answer.repeat for answer in answers)
    async with open_reader(data_dir) as reader:
        for id in plan.sample(ids, 20):
            assert [one.position for one in await reader.find(id)] == [first[id]]
            assert [one.position for one in await bus.journal.find(id)] == [first[id]]
    await bus.aclose()


async def test_a_flood_of_full_commits_does_not_fill_memory_with_identities(data_dir: Path) -> None:
    bus = await open_bus(data_dir, options=FEW)
    largest = 0
    for start in range(1, 30_000, 1000):
        await bus.append(some_events(1000, start))
        largest = max(largest, len(bus._identities._recent))
    # Those of one move, and what sixteen full commits bring meanwhile, twice.
    assert largest < 9_000
    await bus.aclose()
