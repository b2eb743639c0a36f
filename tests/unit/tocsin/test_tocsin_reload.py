"""Applying changed manifests."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from eventbus.errors import BusUnavailable
from manifests.load import Loaded, load_text
from manifests.stamps import Stamp
from tocsin import reload, watching
from tocsin.components import Died, running
from tocsin.declared import Declarations, Reading, kinds
from tocsin.notices import Notices
from tocsin.reload import Reloader
from tocsin.watching import Settling, look


class Applying:
    """Notes what was applied, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0
        self.applied = asyncio.Event()
        self.declared: list[list[str]] = []

    async def __call__(self, declared: Declarations) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._fail())
        self.declared.append(sorted(ref.name for ref in declared.refs()))
        self.applied.set()

    async def _fail(self) -> None:
        raise BusUnavailable("the disk is full")


def source(name: str) -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: {name}}}
spec: {{webhook: {{push: {{endpoint: /x, port: "12000", method: POST}}}}}}
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_S", "MOVING_S", "RETRY_S"):
        monkeypatch.setattr(reload, name, 0.01)
    monkeypatch.setattr(watching, "QUIET_S", 0.03)


def reading(folder: Path) -> Reading:
    """What a service has read before it looks again."""
    made = Reading([folder])
    made.read()
    return made


async def test_a_changed_file_is_applied_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    apply = Applying()
    (tmp_path / "a.yaml").write_text(source("a"))
    async with running(Reloader(reading(tmp_path), apply, polls=True)):
        await asyncio.sleep(0.1)  # several polls, in which nothing may happen
        assert apply.calls == 0
        (tmp_path / "b.yaml").write_text(source("b"))
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert apply.declared == [["a", "b"]]


async def test_what_changed_while_the_service_started_is_applied(tmp_path: Path) -> None:
    apply, read = Applying(), reading(tmp_path)
    (tmp_path / "a.yaml").write_text(source("a"))
    async with running(Reloader(read, apply, polls=True)):
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert apply.declared == [["a"]]


async def test_sighup_applies_without_watching(tmp_path: Path) -> None:
    apply = Applying()
    async with running(Reloader(reading(tmp_path), apply, polls=False)):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert apply.calls == 1


async def test_the_loop_may_interrupt_the_thread_that_reads_files_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, read, turns_s = Applying(), reading(tmp_path), []
    unwatched, before_s = read.read, sys.getswitchinterval()

    def watched() -> Declarations:
        turns_s.append(sys.getswitchinterval())
        return unwatched()

    monkeypatch.setattr(read, "read", watched)
    async with running(Reloader(read, apply, polls=False)):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert turns_s == [pytest.approx(reload.TURN_S)]
    assert sys.getswitchinterval() == before_s


async def test_what_the_bus_could_not_take_is_tried_again(tmp_path: Path) -> None:
    apply = Applying(failures=2)
    async with running(Reloader(reading(tmp_path), apply, polls=True)):
        (tmp_path / "a.yaml").write_text(source("a"))
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert (apply.calls, apply.declared) == (3, [["a"]])


@pytest.fixture
def told_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found by looking again, and nothing comes to rest: what is applied is what the system told of."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells when a file is closed")
    for name in ("POLL_S", "MOVING_S"):
        monkeypatch.setattr(reload, name, 60.0)
    monkeypatch.setattr(watching, "QUIET_S", 60.0)


@pytest.mark.usefixtures("told_only")
async def test_a_file_that_was_saved_whole_is_applied_at_once(tmp_path: Path) -> None:
    apply, folder = Applying(), tmp_path / "manifests"
    folder.mkdir()
    (folder / "a.yaml").write_text(source("a"))
    async with running(Reloader(reading(folder), apply, polls=True)):
        (folder / "b.yaml").write_text(source("b"))
        await asyncio.wait_for(apply.applied.wait(), 20)
        apply.applied.clear()
        (tmp_path / "new").write_text(source("c") + "---" + source("a"))
        (tmp_path / "new").replace(folder / "a.yaml")
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert apply.declared == [["a", "b"], ["a", "b", "c"]]


@pytest.mark.usefixtures("told_only")
async def test_a_file_that_is_being_written_is_applied_when_it_is_closed(tmp_path: Path) -> None:
    apply = Applying()
    async with running(Reloader(reading(tmp_path), apply, polls=True)):
        with (tmp_path / "a.yaml").open("w") as file:
            file.write(source("a"))
            file.flush()
            (tmp_path / "other.txt").write_text("")  # the folder is looked at, and a.yaml left alone
            await asyncio.sleep(0.1)
            assert apply.calls == 0
            file.write("---" + source("b"))
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert apply.declared == [["a", "b"]]


@pytest.mark.usefixtures("told_only")
async def test_what_takes_something_away_waits_for_the_file_that_has_it(tmp_path: Path) -> None:
    apply, looked = Applying(), asyncio.Event()
    (tmp_path / "a.yaml").write_text(source("a"))

    def loses(declared: Declarations) -> bool:
        looked.set()
        return "a" not in {ref.name for ref in declared.refs()}

    async with running(Reloader(reading(tmp_path), apply, polls=True, loses=loses)):
        (tmp_path / "a.yaml").write_text(source("b"))
        await asyncio.wait_for(looked.wait(), 20)
        await asyncio.sleep(0.05)
        assert apply.calls == 0
        (tmp_path / "c.yaml").write_text(source("a"))
        await asyncio.wait_for(apply.applied.wait(), 20)
    assert apply.declared == [["a", "b"]]


@pytest.mark.usefixtures("told_only")
async def test_a_folder_that_is_away_for_a_while_is_watched_again(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    told = asyncio.Event()
    notices = Notices.of([folder], told.set)
    assert notices is not None
    folder.rmdir()
    await asyncio.wait_for(told.wait(), 20)
    folder.mkdir()
    notices.watch()
    told.clear()
    (folder / "a.yaml").write_text(source("a"))
    await asyncio.wait_for(told.wait(), 20)
    assert notices.whole([str(folder / "a.yaml")])
    assert not notices.whole([str(folder / "b.yaml")])
    notices.close()


def test_files_that_change_while_they_are_read_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(source("moves"))
    read = Reading([tmp_path])
    load, calls = read._loader.load, []

    def moving() -> Loaded:
        loaded = load()
        if not calls:  # between the reading of one file and of the other it moved
            calls.append(1)
            first.unlink()
            second.write_text(source("moves"))
            return load_text("", kinds())
        return loaded

    monkeypatch.setattr(read._loader, "load", moving)
    assert [ref.name for ref in read.read().refs()] == ["moves"]


def test_a_look_changes_with_content_name_and_absence(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    seen = [look([tmp_path])]
    for change in (lambda: file.write_text("1"), lambda: file.write_text("22"), lambda: file.rename(tmp_path / "b.yaml")):
        change()
        now = look([tmp_path])
        assert now not in seen
        seen.append(now)
    assert look([tmp_path / "nowhere"]) == {}


def test_a_mount_that_swaps_a_link_looks_different(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text("same")
    data, mount = tmp_path / "..data", tmp_path / "mount"
    mount.mkdir()
    data.symlink_to("1")
    (mount / "a.yaml").symlink_to("../..data/a.yaml")
    before = look([mount])
    (tmp_path / "..tmp").symlink_to("2")
    (tmp_path / "..tmp").replace(data)
    assert look([mount]) != before


def stamp(size: int, modified_ns: int = 0) -> Stamp:
    return Stamp(modified_ns, modified_ns, size, 1, 1)


def test_what_keeps_changing_is_applied_when_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET_S", 0.3)
    settling = Settling({"a": stamp(5)})
    assert not settling.rested({"a": stamp(5)}, 0.0)
    assert not settling.rested({"a": stamp(3, 1)}, 1.0)
    assert not settling.rested({"a": stamp(4, 2)}, 1.2)
    assert not settling.rested({"a": stamp(4, 2)}, 1.4)
    assert settling.rested({"a": stamp(4, 2)}, 1.5)
    settling.applied({"a": stamp(4, 2)})
    assert not settling.rested({"a": stamp(4, 2)}, 9.0)


def test_a_file_that_was_put_back_is_not_applied() -> None:
    settling = Settling({"a": stamp(5)})
    assert not settling.rested({}, 1.0)
    assert not settling.rested({"a": stamp(5)}, 1.1)
    assert not settling.rested({"a": stamp(5)}, 9.0)


def test_a_file_that_was_emptied_is_given_more_time_to_be_written() -> None:
    settling = Settling({"a": stamp(5)})
    assert not settling.rested({"a": stamp(0, 1)}, 0.0)
    assert not settling.rested({"a": stamp(0, 1)}, 2.9)
    assert settling.rested({"a": stamp(0, 1)}, 3.0)


def test_what_never_rests_is_applied_in_the_end() -> None:
    settling = Settling({"a": stamp(1)})
    rested = [settling.rested({"a": stamp(2 + number, number)}, number / 10) for number in range(102)]
    assert rested.index(True) == 100


class Ending:
    """Ends by itself."""

    name = "ending"

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def run(self) -> None:
        self.ready.set()

    def stop(self) -> None:
        return


class Hanging(Ending):
    """Does not end when told."""

    name = "hanging"

    async def run(self) -> None:
        self.ready.set()
        await asyncio.Event().wait()


async def test_a_part_that_ends_by_itself_brings_the_rest_down_and_says_so() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with running(Ending()):
            await asyncio.Event().wait()
    assert caught.group_contains(Died, match="ending")


async def test_a_part_that_does_not_end_is_cancelled_after_its_grace() -> None:
    began = asyncio.get_running_loop().time()
    async with running(Hanging(), grace_s=0.05):
        pass
    assert asyncio.get_running_loop().time() - began < 5


async def test_what_is_raised_inside_cancels_the_part_at_once() -> None:
    with pytest.raises(ExceptionGroup):
        async with running(Hanging(), grace_s=60):
            raise ValueError
