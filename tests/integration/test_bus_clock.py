"""The SQLite bus while the clock on the wall is set to another time: nothing is lost, repeated, or waits for the old time."""

import asyncio
from pathlib import Path

import pytest
from bus_rig import GROUP, decided, some_events, tried

from eventbus.firing import FiringId
from eventbus.journal import EventFilter
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus
from eventbus.sqlite.set_back import KEPT_US

HOUR_US = 3_600_000_000
START_US = 1_795_000_000_000_000


class Clock:
    """Says what it is set to, a microsecond later each time."""

    def __init__(self) -> None:
        self.us = START_US

    def __call__(self) -> int:
        self.us += 1
        return self.us


@pytest.mark.parametrize("step_us", [-HOUR_US, HOUR_US, -2_000_000])
async def test_every_page_of_a_list_ends_and_shows_each_event_once_across_a_step_of_the_clock(
    tmp_path: Path, step_us: int
) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    for start in (1, 31, 61):
        await bus.append(some_events(30, start=start))
        clock.us += step_us
    found: list[str] = []
    cursor = None
    for _ in range(20):
        page = await bus.journal.events(EventFilter(), limit=7, cursor=cursor)
        found += [one.event.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == [str(number) for number in range(90, 0, -1)]
    await bus.aclose()


async def two_open(bus: SqliteBus, clock: Clock) -> tuple[FiringId, FiringId]:
    """Two open firings: one due at once, one that failed and is due in a minute."""
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(1))
    await bus.commit(decided(await bus.read(GROUP, limit=1, timeout_s=0.0)))
    (first,) = await bus.outbox.take(limit=1, timeout_s=0.0)
    await bus.outbox.again(first.firing.id, attempt=tried(), due_us=clock.us + 60_000_000, request=b"{}")
    await bus.append(some_events(1, start=2))
    (event,) = await bus.read(GROUP, limit=1, timeout_s=0.0)
    step = decided([event])
    await bus.commit(step)
    return first.firing.id, step.firings[0].id


@pytest.mark.parametrize("restart", [False, True])
async def test_firings_do_not_wait_for_the_time_that_the_clock_was_set_back_from(tmp_path: Path, restart: bool) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    later, at_once = await two_open(bus, clock)
    if restart:
        bus.abandon()
    clock.us -= HOUR_US
    if restart:
        bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
        assert await bus.outbox.take(limit=9, timeout_s=0.0) == []
        clock.us += KEPT_US  # the last second of the process before is not on record
    assert [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)] == [at_once]
    clock.us += 58_000_000
    assert await bus.outbox.take(limit=9, timeout_s=0.0) == []
    clock.us += 2_000_000
    assert [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)] == [later]
    await bus.aclose()


async def test_an_event_that_is_kept_at_the_new_time_is_not_kept_without_the_due_times(tmp_path: Path) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    later, at_once = await two_open(bus, clock)
    bus.abandon()
    clock.us -= HOUR_US
    for start in (3, 4):  # nothing else was done before it ended again
        bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
        await bus.append(some_events(1, start=start))
        bus.abandon()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    clock.us += KEPT_US
    assert [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)] == [at_once]
    clock.us += 60_000_000
    assert [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)] == [later]
    await bus.aclose()


async def test_a_restart_after_the_clock_was_set_back_brings_nothing_forward(tmp_path: Path) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    later, at_once = await two_open(bus, clock)
    clock.us -= 30_000_000
    assert [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)] == [at_once]
    for _ in range(3):
        bus.abandon()
        bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
        assert later not in [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)]
    clock.us += 60_000_000
    assert later in [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)]
    await bus.aclose()


async def test_an_attempt_that_ended_before_the_clock_was_set_back_waits_as_long_as_it_should(tmp_path: Path) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(1))
    await bus.commit(decided(await bus.read(GROUP, limit=1, timeout_s=0.0)))
    (taken,) = await bus.outbox.take(limit=1, timeout_s=0.0)
    attempt = tried(ended_us=clock.us)
    due_us = clock.us + 60_000_000
    clock.us -= HOUR_US
    await bus.outbox.again(taken.firing.id, attempt=attempt, due_us=due_us, request=b"{}")
    clock.us += 59_000_000
    assert await bus.outbox.take(limit=9, timeout_s=0.0) == []
    clock.us += 2_000_000
    assert [one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)] == [taken.firing.id]
    await bus.aclose()


async def test_what_is_decided_around_a_step_of_the_clock_is_handed_out_once(tmp_path: Path) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    found: list[FiringId] = []
    for start in range(1, 200, 20):
        await bus.append(some_events(20, start=start))
        step = decided(await bus.read(GROUP, limit=20, timeout_s=1.0))
        committing = asyncio.ensure_future(bus.commit(step))
        clock.us -= HOUR_US
        found += [one.firing.id for one in await bus.outbox.take(limit=15, timeout_s=0.0)]
        await committing
        found += [one.firing.id for one in await bus.outbox.take(limit=15, timeout_s=0.0)]
    while more := await bus.outbox.take(limit=100, timeout_s=0.0):
        found += [one.firing.id for one in more]
    assert len(found) == len(set(found)) == 200
    await bus.aclose()


async def test_a_step_forward_makes_due_what_has_come_due(tmp_path: Path) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    both = await two_open(bus, clock)
    clock.us += HOUR_US
    assert {one.firing.id for one in await bus.outbox.take(limit=9, timeout_s=0.0)} == set(both)
    await bus.aclose()
