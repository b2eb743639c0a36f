"""Applying changed manifests."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from eventbus.errors import BusUnavailable
from tocsin import reload
from tocsin.components import Died, running
from tocsin.reload import Reloader, stamp


class Applying:
    """Counts, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0
        self.applied = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._fail())
        self.applied.set()

    async def _fail(self) -> None:
        raise BusUnavailable("the disk is full")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "POLL_S", 0.01)


async def test_a_changed_file_is_applied_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    apply = Applying()
    async with running(Reloader([tmp_path], apply, polls=True)):
        await asyncio.sleep(0.05)  # several polls, in which nothing may happen
        assert apply.calls == 0
        (tmp_path / "a.yaml").write_text("x")
        await asyncio.wait_for(apply.applied.wait(), 5)
    assert apply.calls == 1


async def test_sighup_applies_without_watching(tmp_path: Path) -> None:
    apply = Applying()
    async with running(Reloader([tmp_path], apply, polls=False)):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(apply.applied.wait(), 5)
    assert apply.calls == 1


async def test_what_the_bus_could_not_take_is_tried_again(tmp_path: Path) -> None:
    apply = Applying(failures=2)
    async with running(Reloader([tmp_path], apply, polls=True)):
        (tmp_path / "a.yaml").write_text("x")
        await asyncio.wait_for(apply.applied.wait(), 5)
    assert apply.calls == 3


def test_a_stamp_changes_with_content_name_and_absence(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    seen = {stamp([tmp_path])}
    for change in (lambda: file.write_text("1"), lambda: file.write_text("22"), lambda: file.rename(tmp_path / "b.yaml")):
        change()
        seen.add(stamp([tmp_path]))
    assert len(seen) == 4
    assert stamp([tmp_path / "nowhere"]) == frozenset()


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
