"""What is kept for readers of outcomes on disk: bounded, and nothing where nobody reads."""

from pathlib import Path

from bus_rig import DONE, GROUP, decided, some_events, tried

from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus
from eventbus.sqlite.ended import REMOVED_AT_ONCE


async def end(bus: SqliteBus, count: int, start: int) -> None:
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(count, start))
    await bus.commit(decided(await bus.read(GROUP, limit=count, timeout_s=1.0)))
    for taken in await bus.outbox.take(limit=count, timeout_s=1.0):
        await bus.outbox.close(taken.firing.id, DONE, attempt=tried(1), request=None)


def rows(bus: SqliteBus) -> int:
    return int(bus._files.store.ask("SELECT count(*) FROM ended")[0][0])


async def test_nothing_is_written_while_nobody_reads(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await end(bus, 5, 1)
    assert rows(bus) == 0
    await bus.aclose()


async def test_a_reader_that_is_too_far_behind_misses_the_oldest(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(max_ended=10))
    await bus.outcomes.keep_for(["slow", "quick"])
    await end(bus, 8, 1)
    quick = await bus.outcomes.read("quick", limit=100, timeout_s=0.0)
    await bus.outcomes.passed("quick", quick[-1].number)
    await end(bus, 8, 9)
    assert rows(bus) == 10
    assert [one.number for one in await bus.outcomes.read("slow", limit=100, timeout_s=0.0)] == list(range(7, 17))
    assert [one.number for one in await bus.outcomes.read("quick", limit=100, timeout_s=0.0)] == list(range(9, 17))
    await bus.aclose()


async def test_a_long_backlog_goes_a_part_at_a_time_and_all_at_once_with_its_last_reader(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await bus.outcomes.keep_for(["reader"])
    store = bus._files.store
    store.connection.executemany("INSERT INTO ended(body) VALUES (?)", ((b"",) for _ in range(3 * REMOVED_AT_ONCE)))
    await bus.outcomes.passed("reader", 3 * REMOVED_AT_ONCE)
    assert rows(bus) == 2 * REMOVED_AT_ONCE
    await bus.outcomes.keep_for([])
    assert rows(bus) == 0
    await bus.aclose()
