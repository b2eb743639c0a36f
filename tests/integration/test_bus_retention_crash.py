"""A crash, a full disk or a lost power in the middle of removing: nothing needed is gone, and nothing is half gone."""

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from bus_rig import DONE, GROUP, Disk, an_event, close_all, decide_all, decided, some_events, tried, unsound
from test_bus_full_disk import fill, leave_room, until_healthy
from test_bus_power_loss import NEVER, Life
from waiting import until

from eventbus.retention import Retention
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus

CHILD = Path(__file__).with_name("bus_crash_child.py")
SHORT = Retention(age_s=0.05, journal_age_s=0.1)
QUICK = 0.005


def nothing() -> tuple[int, ...]:
    return ()


def live_and_die(folder: Path, run: str, dice: random.Random) -> None:
    """Work for a while, with retention on the heels of it, and be killed."""
    command = [sys.executable, str(CHILD), str(folder), run, "16", "0.05"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(CHILD.parent), str(CHILD.parent.parent.parent)])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(dice.uniform(0.2, 0.6))
        child.send_signal(signal.SIGKILL)
        child.stdout.read()


async def removed(bus: SqliteBus, count: int) -> bool:
    return (await bus.journal.kept()).removed_data >= count


async def test_a_process_killed_while_it_removes_leaves_a_store_that_adds_up(tmp_path: Path) -> None:
    dice, runs, removed = random.Random(3), 0, 0
    # On a busy machine little is removed in one life, so there are as many as it takes.
    while runs < 8 or removed <= 500:
        live_and_die(tmp_path, f"r{runs}", dice)
        bus = await open_bus(tmp_path)
        assert unsound(bus) == []
        runs, removed = runs + 1, (await bus.journal.kept()).removed_events
        await bus.aclose()
    bus = await open_bus(tmp_path)
    await decide_all(bus)
    await close_all(bus)
    assert (await bus.journal.tallies()).undecided == 0
    assert unsound(bus) == []
    await bus.aclose()


@pytest.mark.parametrize("seed", range(8))
async def test_a_power_failure_while_removing_loses_nothing_that_is_needed(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    folder, found = tmp_path / "before", tmp_path / "after"
    disk = Disk(folder)
    options = SqliteOptions(sync=disk.sync, checkpoint_bytes=NEVER, retain_interval_s=QUICK)
    bus = await open_bus(folder, options=options)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    life = Life(bus)
    bus.retain(Retention(age_s=0.01, journal_age_s=0.02, max_bytes=1 << 40), nothing)
    try:
        # On a busy machine so many syncs may be over before anything is old.
        while not (await bus.journal.kept()).removed_data:
            await life.live(disk.syncs + dice.randrange(40, 120), disk)
        disk.lose_power(found, dice)
    finally:
        bus.abandon()
    bus = await open_bus(found)
    assert unsound(bus) == []
    for id in life.decided - life.closed:
        record = await bus.journal.firing(id)
        # What was closed without being told may have gone; what is there and open has its events.
        if record is not None and record.outcome is None:
            assert all([await bus.journal.event(cause.position) for cause in record.firing.causes])
    await decide_all(bus)
    await close_all(bus)
    assert unsound(bus) == []
    await bus.aclose()


async def done_and_old(folder: Path, **given: Any) -> SqliteBus:
    """A bus whose two thousand events are done with, and old."""
    clock = [1_767_225_600_000_000]
    options = SqliteOptions(probe_interval_s=QUICK, retain_interval_s=QUICK, now_us=lambda: clock[0], **given)
    bus = await open_bus(folder, options=options)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(2000, data=b"x" * 500))
    await decide_all(bus)
    await close_all(bus)
    clock[0] += 10_000_000
    return bus


async def test_removing_needs_no_room_and_makes_some_on_a_full_disk(tmp_path: Path) -> None:
    bus = await done_and_old(tmp_path)
    leave_room(bus, 0)
    await fill(bus, [])
    assert "full" in bus.health().reason
    bus.retain(Retention(age_s=1.0, journal_age_s=1e6), nothing)
    await until(lambda: removed(bus, 1000))
    await until_healthy(bus)
    assert not (await bus.append([an_event("after", b"x" * 50_000)]))[0].repeat
    assert unsound(bus) == []
    await bus.aclose()


async def test_removing_waits_while_the_disk_refuses_and_goes_on_afterwards(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    bus = await done_and_old(tmp_path, sync=disk.sync)
    bus.retain(Retention(age_s=1.0, journal_age_s=2.0), nothing)
    await until(lambda: removed(bus, 300), every_s=0)
    disk.error = OSError(errno.EIO, "Input/output error")
    await until(lambda: not bus.health().ok)
    before = await bus.journal.kept()
    assert before.removed_data < 1999
    disk.error = None
    await until_healthy(bus)
    await bus.tidy()
    after = await bus.journal.kept()
    assert (after.removed_data, after.removed_events) == (1999, 1999)
    assert unsound(bus) == []
    await bus.aclose()


async def test_space_that_was_freed_is_used_again_and_the_rest_given_back(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(retain_interval_s=QUICK))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    file = tmp_path / "tocsin.db"
    bus.retain(Retention(max_bytes=32 << 20), nothing)
    sizes = []
    for start in range(0, 12_000, 2000):
        await bus.append(some_events(2000, start + 1, data=b"x" * 10_000))
        await decide_all(bus)
        await close_all(bus)
        await bus.tidy()
        sizes.append(file.stat().st_size)
    # Six times twenty megabytes went through it.
    assert max(sizes) <= 32 << 20
    await bus.append([an_event("small")])
    await decide_all(bus)
    await close_all(bus)
    bus.retain(Retention(age_s=1e-6, journal_age_s=1e-6, max_bytes=32 << 20), nothing)
    await bus.tidy()
    connection = bus._files.store.connection
    # What is left is small, and so is the file, though a little of it stays free for what comes.
    assert int(connection.pragma("page_count")) * 8192 < 32 << 20
    await bus.aclose()
    assert file.stat().st_size < 32 << 20


async def test_a_file_of_before_that_cannot_shrink_is_kept_below_the_limit_from_then_on(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((Path(__file__).parent.parent / "fixtures" / "bus" / "version-1.sql").read_text())
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(retain_interval_s=QUICK))
    assert bus._files.store.connection.pragma("auto_vacuum") == 0
    bus.retain(Retention(max_bytes=32 << 20), nothing)
    for start in range(0, 6000, 2000):
        await bus.append(some_events(2000, start + 100, data=b"x" * 10_000))
        await decide_all(bus)
        await close_all(bus)
        await bus.tidy()
    assert (await bus.journal.kept()).bytes_used <= 32 << 20
    assert (tmp_path / "tocsin.db").stat().st_size <= 40 << 20
    await bus.aclose()


async def test_appends_and_firings_go_on_while_a_long_past_is_removed(tmp_path: Path) -> None:
    clock = [1_767_225_600_000_000]
    bus = await open_bus(tmp_path, options=SqliteOptions(retain_interval_s=QUICK, now_us=lambda: clock[0]))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    for start in range(0, 10_000, 1000):
        await bus.append(some_events(1000, start + 1))
    await decide_all(bus)
    await close_all(bus)
    clock[0] += 10_000_000
    bus.retain(Retention(age_s=1.0, journal_age_s=1.0), nothing)
    tidying = asyncio.ensure_future(bus.tidy())
    for number in range(200):
        ((answer),) = await bus.append([an_event(f"new-{number}")])
        ((event),) = await bus.read(GROUP, limit=1, timeout_s=1.0)
        step = decided([event])
        await bus.commit(step)
        ((taken),) = await bus.outbox.take(limit=1, timeout_s=1.0)
        assert taken.firing.causes[0].position == answer.position
        await bus.outbox.close(taken.firing.id, DONE, attempt=tried(), request=None)
    await tidying
    assert (await bus.journal.kept()).removed_events == 10_000
    assert unsound(bus) == []
    await bus.aclose()
