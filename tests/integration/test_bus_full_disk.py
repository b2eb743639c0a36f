"""A disk that takes nothing: clear refusals, nothing acknowledged lost, and work that goes on by itself."""

import asyncio
import errno
import shutil
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bus_rig import DONE, GROUP, Disk, an_event, decided, some_events, tried
from waiting import until

from eventbus.errors import BusUnavailable
from eventbus.firing import FiringId, Outcome, OutcomeKind
from eventbus.journal import EventFilter
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus, open_reader

QUICK = 0.02
"""Seconds between two tries of a disk that refuses."""
KIB = 1024


def leave_room(bus: SqliteBus, pages: int) -> None:
    """Let the file grow by so many pages: SQLite then answers as it does on a full disk."""
    connection = bus._files.store.connection
    connection.pragma("max_page_count", int(connection.pragma("page_count")) + pages)


def make_room(bus: SqliteBus) -> None:
    bus._files.store.connection.pragma("max_page_count", 1 << 30)


async def until_healthy(bus: SqliteBus) -> None:
    await until(lambda: bus.health().ok, every_s=QUICK)


async def fill(bus: SqliteBus, acknowledged: list[str], size: int = 50 * KIB) -> BusUnavailable:
    """Append until the disk refuses."""
    for number in range(10_000):
        try:
            await bus.append([an_event(f"fill-{number}", b"x" * size)])
        except BusUnavailable as exc:
            return exc
        acknowledged.append(f"fill-{number}")
    raise AssertionError("the disk never refused")


async def test_an_append_on_a_full_disk_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(probe_interval_s=QUICK))
    await bus.append(some_events(3))
    leave_room(bus, 1)
    with pytest.raises(BusUnavailable, match="is full; make room") as refused:
        await bus.append([an_event("big", b"x" * 500 * KIB)])
    assert refused.value.retry_after_s == 1.0
    assert str(tmp_path) in str(refused.value)
    health = bus.health()
    assert not health.ok
    assert "full" in health.reason
    make_room(bus)
    await until_healthy(bus)
    assert (await bus.append([an_event("big", b"x" * 500 * KIB)]))[0].position == 4
    assert [one.event.id for one in (await bus.journal.events(EventFilter())).items] == ["big", "3", "2", "1"]
    await bus.aclose()


async def test_while_the_disk_is_full_appends_are_refused_at_once_and_reads_go_on(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(probe_interval_s=60.0))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(2))
    leave_room(bus, 1)
    await fill(bus, [])
    with pytest.raises(BusUnavailable, match="full"):
        bus.append(some_events(1, start=50))
    assert [one.event.id for one in await bus.read(GROUP, limit=2, timeout_s=0.0)] == ["1", "2"]
    assert await bus.journal.find("1")
    await bus.aclose()


async def test_decisions_and_outcomes_wait_for_the_disk_and_are_recorded_once_it_has_room(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(probe_interval_s=QUICK))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(40))
    got = await bus.read(GROUP, limit=40, timeout_s=1.0)
    await bus.commit(decided(got[:20]))
    taken = await bus.outbox.take(limit=5, timeout_s=1.0)
    leave_room(bus, 0)
    waiting = [asyncio.ensure_future(bus.commit(decided(got[20:])))]
    body = b"x" * 20 * KIB
    waiting += [asyncio.ensure_future(bus.outbox.close(t.firing.id, DONE, attempt=tried(), request=body)) for t in taken]
    done, _ = await asyncio.wait(waiting, timeout=10 * QUICK)
    assert done == set()
    assert not bus.health().ok
    make_room(bus)
    await asyncio.wait_for(asyncio.gather(*waiting), 10.0)
    tallies = await bus.journal.tallies()
    assert (tallies.open_firings, tallies.undecided) == (35, 0)
    bus.abandon()
    bus = await open_bus(tmp_path)
    assert (await bus.journal.tallies()).open_firings == 35
    assert len(await bus.outbox.take(limit=100, timeout_s=0.0)) == 35
    await bus.aclose()


async def test_closing_on_a_full_disk_ends_and_says_what_was_not_recorded(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(probe_interval_s=60.0))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(40))
    got = await bus.read(GROUP, limit=40, timeout_s=1.0)
    await bus.commit(decided(got))
    (taken,) = await bus.outbox.take(limit=1, timeout_s=0.0)
    leave_room(bus, 0)
    body = b"x" * 100 * KIB
    closing = asyncio.ensure_future(bus.outbox.close(taken.firing.id, DONE, attempt=tried(), request=body))
    async with asyncio.timeout(10.0):
        await until(lambda: not bus.health().ok, every_s=QUICK)
        await bus.aclose()
    with pytest.raises(BusUnavailable, match="full"):
        await closing
    bus = await open_bus(tmp_path)
    assert len(await bus.outbox.take(limit=100, timeout_s=0.0)) == 40
    await bus.aclose()


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "full"), (errno.EIO, "check the disk"), (errno.EROFS, "read-only")])
async def test_after_a_failed_sync_nothing_unsynced_is_believed_and_all_of_it_is_written_anew(
    tmp_path: Path, number: int, said: str
) -> None:
    disk = Disk(tmp_path)
    bus = await open_bus(tmp_path, options=SqliteOptions(sync=disk.sync, probe_interval_s=QUICK))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(5))
    got = await bus.read(GROUP, limit=5, timeout_s=1.0)
    await bus.commit(decided(got[:2]))
    taken = await bus.outbox.take(limit=1, timeout_s=1.0)
    disk.error = OSError(number, "no")
    results = await asyncio.gather(*[_append(bus, f"lost-{n}") for n in range(3)], return_exceptions=True)
    assert [type(one) for one in results] == [BusUnavailable] * 3
    assert said in str(results[0])
    waiting = [
        asyncio.ensure_future(bus.commit(decided(got[2:]))),
        asyncio.ensure_future(bus.outbox.close(taken[0].firing.id, DONE, attempt=tried(), request=None)),
    ]
    await asyncio.sleep(5 * QUICK)
    assert not bus.health().ok
    assert not any(task.done() for task in waiting)
    disk.error = None
    await asyncio.wait_for(asyncio.gather(*waiting), 10.0)
    assert bus.health().ok
    # Whoever was refused sends again: it is stored once, whether or not the first try had reached the disk.
    answers = [await bus.append([an_event(f"lost-{n}")]) for n in range(3)]
    assert len({answer[0].position for answer in answers}) == 3
    assert len(await bus.outbox.take(limit=100, timeout_s=0.0)) == 4
    assert len(await bus.read(GROUP, limit=100, timeout_s=0.0)) == 3
    assert [len(await bus.journal.find(f"lost-{n}")) for n in range(3)] == [1, 1, 1]
    await bus.aclose()


async def in_order(folder: Path, disk: Disk) -> tuple[SqliteBus, list[FiringId]]:
    """A bus with three firings of one order key."""
    bus = await open_bus(folder, options=SqliteOptions(sync=disk.sync, probe_interval_s=QUICK))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(3))
    made = decided(await bus.read(GROUP, limit=3, timeout_s=1.0))
    firings = [msgspec.structs.replace(firing, order_key="k") for firing in made.firings]
    await bus.commit(msgspec.structs.replace(made, firings=firings))
    return bus, [firing.id for firing in firings]


async def while_syncs_fail(bus: SqliteBus, disk: Disk, doing: Coroutine[Any, Any, None]) -> None:
    disk.error = OSError(errno.EIO, "no")
    task = asyncio.ensure_future(doing)
    async with asyncio.timeout(10.0):
        await until(lambda: not bus.health().ok, every_s=QUICK)
        disk.error = None
        await task


async def taken_now(bus: SqliteBus) -> list[FiringId]:
    return [one.firing.id for one in await bus.outbox.take(limit=10, timeout_s=1.0)]


async def test_after_a_failed_sync_of_an_outcome_the_next_of_its_order_key_has_its_turn(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    bus, ids = await in_order(tmp_path, disk)
    for id in ids:
        assert await taken_now(bus) == [id]
        await while_syncs_fail(bus, disk, bus.outbox.close(id, DONE, attempt=tried(), request=None))
    assert (await bus.journal.tallies()).open_firings == 0
    await bus.aclose()


async def test_after_a_failed_sync_an_elder_that_was_opened_again_goes_before_what_was_put_off(tmp_path: Path) -> None:
    disk, dead = Disk(tmp_path), Outcome(kind=OutcomeKind.DEAD_LETTERED, reason="no")
    bus, (first, second, third) = await in_order(tmp_path, disk)
    assert await taken_now(bus) == [first]
    await bus.outbox.close(first, dead, attempt=tried(), request=None)
    assert await taken_now(bus) == [second]
    assert await bus.outbox.redrive(first)
    await while_syncs_fail(bus, disk, bus.outbox.again(second, attempt=tried(), due_us=0, request=None))
    for id in (first, second, third):
        assert await taken_now(bus) == [id]
        await bus.outbox.close(id, DONE, attempt=tried(2), request=None)
    await bus.aclose()


async def _append(bus: SqliteBus, id: str) -> None:
    await bus.append([an_event(id)])


async def test_a_file_that_becomes_read_only_is_named(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path, options=SqliteOptions(probe_interval_s=QUICK))
    bus._files.store.connection.pragma("query_only", True)
    with pytest.raises(BusUnavailable, match="is read-only; make it and its folder writable"):
        await bus.append(some_events(1))
    bus._files.store.connection.pragma("query_only", False)
    await until_healthy(bus)
    await bus.append(some_events(1))
    await bus.aclose()


async def test_more_than_fits_in_memory_is_refused_at_once(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    options = SqliteOptions(sync=disk.sync, max_pending_events=10, max_pending_bytes=5_000, max_pending_works=3)
    bus = await open_bus(tmp_path, options=options)
    disk.go.clear()
    accepted = [asyncio.ensure_future(bus.append([event])) for event in some_events(10)]
    with pytest.raises(BusUnavailable, match="10 events wait for the disk") as refused:
        bus.append(some_events(1, start=50))
    assert refused.value.retry_after_s == 1.0
    disk.go.set()
    await asyncio.gather(*accepted)
    disk.go.clear()
    accepted = [asyncio.ensure_future(bus.append([an_event("a", b"x" * 4_000)]))]
    with pytest.raises(BusUnavailable):
        bus.append([an_event("b", b"x" * 4_000)])
    disk.go.set()
    await asyncio.gather(*accepted)
    # Alone, an event larger than what may wait is taken.
    await bus.append([an_event("c", b"x" * 9_000)])
    disk.go.clear()
    first = asyncio.ensure_future(bus.state.put("k", b"v"))
    await asyncio.sleep(0.05)
    writes = [asyncio.ensure_future(bus.state.put(f"k{n}", b"v")) for n in range(4)]
    results = asyncio.gather(first, *writes, return_exceptions=True)
    await asyncio.sleep(0)
    disk.go.set()
    assert [type(one) for one in await results] == [bool, bool, bool, bool, BusUnavailable]
    await bus.aclose()


async def test_a_mistake_in_one_write_does_not_fail_what_shares_its_commit(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    results = await asyncio.gather(
        bus.append(some_events(2)),
        bus.state.put("k", b"v", expires_us=1 << 80),
        bus.state.put("other", b"v"),
        return_exceptions=True,
    )
    assert [type(one) for one in results] == [list, OverflowError, bool]
    assert bus.health().ok
    assert (await bus.append(some_events(3)))[2].position == 3
    await bus.aclose()


async def test_appends_go_before_a_heap_of_decisions(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    bus = await open_bus(tmp_path, options=SqliteOptions(sync=disk.sync))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(2000))
    got = await bus.read(GROUP, limit=2000, timeout_s=1.0)
    committing = [asyncio.ensure_future(bus.commit(decided(got[n : n + 50]))) for n in range(0, 2000, 50)]
    await asyncio.sleep(0)
    before = disk.syncs
    await bus.append([an_event("quick")])
    assert disk.syncs - before <= 2
    assert not committing[-1].done()
    await asyncio.gather(*committing)
    await bus.aclose()


async def test_senders_are_answered_before_readers_are_woken(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    order: list[str] = []

    async def send(number: int) -> None:
        await asyncio.gather(bus.append([an_event(str(number))]))
        order.append("answered")

    async def read() -> None:
        await bus.read(GROUP, limit=10, timeout_s=5.0)
        order.append("read")

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    await asyncio.gather(reading, *[send(number) for number in range(5)])
    assert order == ["answered"] * 5 + ["read"]
    await bus.aclose()


async def test_the_write_ahead_log_stays_bounded_under_load_with_a_reader_beside(tmp_path: Path) -> None:
    limit = 512 * KIB
    bus = await open_bus(tmp_path, options=SqliteOptions(checkpoint_bytes=limit))
    largest = 0
    async with open_reader(tmp_path) as journal:
        for start in range(0, 4000, 40):
            await asyncio.gather(*[bus.append([event]) for event in some_events(40, start=start, data=b"x" * 2 * KIB)])
            await journal.events(EventFilter(), limit=5)
            largest = max(largest, (tmp_path / "tocsin.db-wal").stat().st_size)
        # Two checkpoints and what was written meanwhile; without them it would be some 20 MiB.
        assert largest < 8 * limit
        assert (await journal.tallies()).appended == 4000
    await bus.aclose()
    assert (tmp_path / "tocsin.db-wal").stat().st_size == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("this user may not mount a small file system; the other tests of this file stand for it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_really_full_disk_loses_nothing_acknowledged_and_goes_on_when_it_has_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1024 * KIB)
    data = small_disk / "data"
    bus = await open_bus(data, options=SqliteOptions(probe_interval_s=QUICK, checkpoint_bytes=256 * KIB))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    acknowledged: list[str] = []
    refused = await fill(bus, acknowledged)
    assert "full" in str(refused)
    assert acknowledged
    got = await bus.read(GROUP, limit=100, timeout_s=0.0)
    committing = asyncio.ensure_future(bus.commit(decided(got)))
    await asyncio.sleep(5 * QUICK)
    ballast.unlink()
    await asyncio.wait_for(committing, 10.0)
    await until_healthy(bus)
    await bus.append([an_event("after")])
    bus.abandon()
    bus = await open_bus(data)
    for id in [*acknowledged, "after"]:
        assert len(await bus.journal.find(id)) == 1
    await bus.aclose()


async def test_a_folder_on_a_full_disk_is_refused_with_the_reason(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_disk / "ballast").write_bytes(b"x" * 4096 * KIB)
    with pytest.raises(BusUnavailable, match="full"):
        await open_bus(small_disk / "data")


def test_no_thread_outlives_the_bus() -> None:
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("tocsin-")]
