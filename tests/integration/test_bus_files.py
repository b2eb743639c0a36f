"""The files of a data folder: whose they are, of which version, and whether they are whole."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
import uvloop
from bus_rig import DONE, GROUP, an_event, close_all, decide_all, decided, some_events, tried

from eventbus.errors import BusDamaged, BusInUse, BusUnavailable
from eventbus.firing import OutcomeKind
from eventbus.journal import EventFilter, FiringFilter
from eventbus.sqlite import SqliteOptions, open_bus, open_reader, removing
from eventbus.sqlite.schema import APPLICATION_ID, STEPS, migrate

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bus"
HOLD = """
import asyncio, sys
from pathlib import Path
from eventbus.errors import BusInUse
from eventbus.sqlite import open_bus

async def main():
    try:
        bus = await open_bus(Path(sys.argv[1]))
    except BusInUse as exc:
        print(exc, flush=True)
        return
    await bus.append([])
    print("open", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def filled(folder: Path, count: int = 50) -> None:
    bus = await open_bus(folder)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(count, data=b"x" * 500))
    await decide_all(bus)
    await close_all(bus)
    await bus.aclose()


async def test_a_second_bus_on_the_folder_is_refused_and_told_whose_it_is(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    with pytest.raises(BusInUse, match=f"used by process {os.getpid()}; stop it"):
        await open_bus(tmp_path)
    await bus.append(some_events(1))
    await bus.aclose()
    await (await open_bus(tmp_path)).aclose()


async def test_a_second_process_on_the_folder_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "open\n"
    second = subprocess.run([sys.executable, "-c", HOLD, str(tmp_path)], capture_output=True, text=True, timeout=30, check=True)
    assert f"used by process {first.pid}" in second.stdout
    with pytest.raises(BusInUse, match=str(first.pid)):
        await open_bus(tmp_path)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    first.stdout.close()
    bus = await open_bus(tmp_path)
    await bus.aclose()


@pytest.mark.parametrize("make", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_bus_works_on_either_event_loop(tmp_path: Path, make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(filled(tmp_path))


async def test_the_journal_is_read_while_a_service_runs(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(3))
    async with open_reader(tmp_path) as journal:
        assert len((await journal.events(EventFilter())).items) == 3
        await bus.append(some_events(2, start=4))
        assert len(await journal.find("5")) == 1
        assert (await journal.tallies()) == (await bus.journal.tallies())
        with pytest.raises(apsw.ReadOnlyError):
            journal._store.execute("DELETE FROM events")  # type: ignore[attr-defined]
    await bus.append(some_events(1, start=6))
    await bus.aclose()


async def test_the_journal_is_read_after_a_crash_and_after_a_clean_end(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await bus.append(some_events(3))
    bus.abandon()
    async with open_reader(tmp_path) as journal:
        assert len((await journal.events(EventFilter())).items) == 3
    bus = await open_bus(tmp_path)
    await bus.aclose()
    async with open_reader(tmp_path) as journal:
        assert len((await journal.events(EventFilter())).items) == 3


async def test_where_there_is_no_store_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(BusUnavailable, match="there is no store at"):
        async with open_reader(tmp_path / "none"):
            pass
    assert not (tmp_path / "none").exists()


async def test_a_data_folder_that_is_made_here_is_nobody_elses_to_read(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o750)
    for folder, rights in ((tmp_path / "a" / "data", 0o700), (there, 0o750)):
        await (await open_bus(folder)).aclose()
        assert folder.stat().st_mode & 0o777 == rights


async def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("a file")
    with pytest.raises(BusUnavailable, match="is not a folder"):
        await open_bus(file)
    with pytest.raises(BusUnavailable, match="is not a folder"):
        await open_bus(file / "below")
    assert file.read_text() == "a file"


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of another user's, and that user's rights taken away."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_a_folder_that_may_not_be_written_is_named(as_nobody: Path) -> None:
    with pytest.raises(BusUnavailable, match=r"no permission to use .*give this user the right"):
        await open_bus(as_nobody)
    with pytest.raises(BusUnavailable, match="no permission"):
        await open_bus(as_nobody / "below")


def overwrite_header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"not a database at all")


def cut_in_half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def replace_by_text(file: Path) -> None:
    file.write_text("hello\n" * 5000)


@pytest.mark.parametrize("damage", [overwrite_header, cut_in_half, replace_by_text])
async def test_a_damaged_file_is_refused_with_what_to_do_and_left_as_it_is(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    await filled(tmp_path, 400)
    file = tmp_path / "tocsin.db"
    damage(file)
    before = file.read_bytes()
    with pytest.raises(BusDamaged, match="restore the folder from a backup"):
        await open_bus(tmp_path)
    with pytest.raises(BusDamaged):
        await open_bus(tmp_path)
    assert file.read_bytes() == before


async def test_a_page_that_was_overwritten_is_found_after_a_crash(tmp_path: Path) -> None:
    await filled(tmp_path, 400)
    file = tmp_path / "tocsin.db"
    content = bytearray(file.read_bytes())
    for page in range(10, len(content) // 8192):
        content[page * 8192 : page * 8192 + 64] = b"\xff" * 64
    bus = await open_bus(tmp_path)
    await bus.append([an_event("last")])
    bus.abandon()
    file.write_bytes(content)
    with pytest.raises(BusDamaged, match="is damaged"):
        await open_bus(tmp_path)


async def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "tocsin.db"))
    other.execute("CREATE TABLE precious(x); INSERT INTO precious VALUES (1)")
    other.close()
    with pytest.raises(BusDamaged, match="of another program"):
        await open_bus(tmp_path)
    with pytest.raises(BusDamaged, match="of another program"):
        async with open_reader(tmp_path):
            pass
    other = apsw.Connection(str(tmp_path / "tocsin.db"))
    assert other.execute("SELECT * FROM precious").get == 1
    assert other.pragma("journal_mode") == "delete"
    other.close()


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    await filled(tmp_path)
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.pragma("user_version", len(STEPS) + 1)
    connection.close()
    for opening in (open_bus(tmp_path), open_reader(tmp_path).__aenter__()):
        with pytest.raises(BusDamaged, match=f"newer Tocsin .schema version {len(STEPS) + 1}, this one knows up to {len(STEPS)}"):
            await opening


async def test_a_file_of_version_1_is_brought_up_to_date_with_all_it_holds(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((FIXTURES / "version-1.sql").read_text())
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=lambda: 1_767_225_700_000_000))
    assert int(bus._files.store.connection.pragma("user_version")) == len(STEPS)
    assert [one.position for one in await bus.read(GROUP, limit=10, timeout_s=0.0)] == [2]
    assert [one.event.id for one in (await bus.journal.events(EventFilter())).items] == ["2", "1"]
    assert (await bus.append([an_event("1")]))[0].repeat
    (taken,) = await bus.outbox.take(limit=10, timeout_s=0.0)
    assert taken.attempt == 2
    assert taken.request == b"{}"
    await bus.aclose()


async def test_a_file_of_version_2_is_brought_up_to_date_with_what_retention_left_in_it(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((FIXTURES / "version-2.sql").read_text())
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=lambda: 1_767_227_900_000_000))
    assert int(bus._files.store.connection.pragma("user_version")) == len(STEPS)
    listed = (await bus.journal.events(EventFilter())).items
    assert [(one.position, one.event.forgotten) for one in listed] == [(5, None), (4, 26), (3, 26), (2, None)]
    assert [one.repeat for one in await bus.append([an_event(id) for id in ("1", "2", "4", "5")])] == [True] * 4
    firings = [(await bus.journal.firings_of(position))[0] for position in (2, 3, 4, 5)]
    for record in firings:
        assert await bus.journal.firing(record.firing.id) == record
        assert await bus.journal.firing(record.firing.id[:8]) == record
    assert not await bus.outbox.redrive(firings[1].firing.id)
    again = decided([event for event in listed if event.position == 5])
    await bus.commit(again)
    assert len((await bus.journal.firings(FiringFilter())).items) == 4
    ((gap),) = await bus.journal.gaps()
    assert (gap.first, gap.last) == (3, 4)
    await bus.aclose()


async def test_a_file_of_version_3_is_brought_up_to_date_with_its_dead_letters(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((FIXTURES / "version-3.sql").read_text())
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=lambda: 1_777_225_800_000_000))
    assert int(bus._files.store.connection.pragma("user_version")) == len(STEPS)
    for wanted in (
        FiringFilter(outcome=OutcomeKind.DEAD_LETTERED),
        FiringFilter(outcome=OutcomeKind.DEAD_LETTERED, trigger="deploy"),
    ):
        (dead,) = (await bus.journal.firings(wanted)).items
        assert [attempt.number for attempt in dead.attempts] == [1, 2]
    assert len((await bus.journal.firings(FiringFilter(outcome=OutcomeKind.SUCCEEDED))).items) == 3
    assert await bus.outbox.redrive(dead.firing.id)
    await bus.aclose()


async def test_a_file_of_version_4_is_brought_up_to_date_and_nobody_reads_its_outcomes(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((FIXTURES / "version-4.sql").read_text())
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=lambda: 1_767_225_700_000_000))
    assert int(bus._files.store.connection.pragma("user_version")) == len(STEPS)
    assert [one.outcome for one in (await bus.journal.firings(FiringFilter())).items] == [None, OutcomeKind.SUCCEEDED]
    await bus.outcomes.keep_for(["reader"])
    (taken,) = await bus.outbox.take(limit=10, timeout_s=0.0)
    await bus.outbox.close(taken.firing.id, DONE, attempt=tried(1), request=b"{}")
    ((told),) = await bus.outcomes.read("reader", limit=10, timeout_s=0.0)
    assert (told.number, told.firing) == (1, taken.firing)
    await bus.aclose()


async def test_a_file_of_version_5_is_brought_up_to_date_and_its_replays_can_be_listed(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((FIXTURES / "version-5.sql").read_text())
    # A row that nobody can read is left as it is.
    connection.execute("INSERT INTO firings(seq, id, trigger, revision, decided_us, body) VALUES (6, x'00', 1, 1, 5, x'c1')")
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=lambda: 1_767_225_700_000_000))
    assert int(bus._files.store.connection.pragma("user_version")) == len(STEPS)
    listed = {number: (await bus.journal.firings(FiringFilter(replay=number))).items for number in (1, 2, 3)}
    assert {number: [one.firing.causes[0].position for one in items] for number, items in listed.items()} == {
        1: [2, 1],
        2: [1],
        3: [],
    }
    assert bus._files.store.ask("SELECT seq, replay FROM firings") == [(1, None), (2, None), (3, 1), (4, 1), (5, 2), (6, None)]
    await bus.aclose()


async def test_a_file_of_version_6_is_brought_up_to_date_and_what_was_pinned_in_it_stays_so(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tocsin.db"))
    connection.execute((FIXTURES / "version-6.sql").read_text())
    connection.close()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=lambda: 1_767_225_700_000_000))
    ask = bus._files.store.ask
    assert int(bus._files.store.connection.pragma("user_version")) == len(STEPS)
    assert ask("SELECT name, revision FROM pins") == [("replay/0000000001", 1)]
    assert [one.firing.replay for one in (await bus.journal.firings(FiringFilter(replay=2))).items] == [2]
    plan = " ".join(str(row[-1]) for row in ask(f"EXPLAIN QUERY PLAN {removing._UNNAMED}"))
    assert "INDEX revisions_named" in plan
    await bus.aclose()


def new_file(tmp_path: Path) -> apsw.Connection:
    return apsw.Connection(str(tmp_path / "any.db"))


def test_each_step_of_a_migration_runs_once_and_in_order(tmp_path: Path) -> None:
    ran: list[int] = []
    connection = new_file(tmp_path)
    steps = ["CREATE TABLE one(x)", lambda c: (ran.append(2), c.execute("INSERT INTO one VALUES (2)"))]
    migrate(connection, "any.db", steps[:1])
    migrate(connection, "any.db", steps)
    migrate(connection, "any.db", steps)
    assert ran == [2]
    assert connection.pragma("user_version") == 2
    assert connection.pragma("application_id") == APPLICATION_ID
    connection.close()


def test_a_step_that_fails_changes_nothing_and_is_tried_again(tmp_path: Path) -> None:
    connection = new_file(tmp_path)
    broken = "CREATE TABLE two(x); INSERT INTO nowhere VALUES (1)"
    with pytest.raises(apsw.SQLError):
        migrate(connection, "any.db", ["CREATE TABLE one(x)", broken])
    assert connection.pragma("user_version") == 1
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("one",)]
    migrate(connection, "any.db", ["CREATE TABLE one(x)", "CREATE TABLE two(x)"])
    assert connection.pragma("user_version") == 2
    connection.close()


async def test_a_backlog_of_firings_is_not_loaded_at_once(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(5000))
    await decide_all(bus)
    bus.abandon()
    bus = await open_bus(tmp_path, options=SqliteOptions(ready_per_trigger=100))
    assert len(await bus.outbox.take(limit=10, timeout_s=0.0)) == 10
    assert bus._outbox.lanes._held <= 200
    assert (await bus.journal.tallies()).open_firings == 5000
    assert await close_all(bus) == 4990
    await bus.aclose()
