"""Sources with a loop of their own: started again when they fail, ended in order when they go."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from eventbus.event import Road
from manifests.fields import Spec
from manifests.objects import Dialect
from sources.source import Emit, Source, SourceContext
from tocsin import kept_running
from tocsin.kept_running import Fares, KeptRunning
from tocsin.objects import EventState, State
from tocsin.secrets import LocalValues

ROAD = Road("default", "src", "tick")


class Toy(Source[Spec]):
    """Does what it is told each time it is run."""

    def __init__(self, *turns: Callable[["Toy"], Awaitable[None]], graceful: bool = False) -> None:
        super().__init__(Spec(), SourceContext(road=ROAD, dialect=Dialect.ARGO, values=LocalValues({})))
        self.turns = list(turns)
        self.graceful = graceful
        self.stopped = asyncio.Event()
        self.acknowledged = False

    def stop(self) -> bool:
        self.stopped.set()
        return self.graceful

    async def run(self, emit: Emit) -> None:
        await self.turns.pop(0)(self)


async def fails(toy: Toy) -> None:
    raise OSError("nobody answers")


async def goes_on(toy: Toy) -> None:
    await toy.stopped.wait()
    toy.acknowledged = True


class Rig:
    def __init__(self, toy: Toy) -> None:
        self.state = EventState(kind="toy", running=True)
        self.seen: list[tuple[bool, str]] = []
        self.changed = asyncio.Event()
        self.kept = KeptRunning(ROAD, toy, cast("Any", None), Fares(ROAD, self.state, self.note))

    def note(self, road: Road) -> None:
        self.seen.append((self.state.running, self.state.message))
        self.changed.set()

    def start(self, group: asyncio.TaskGroup) -> None:
        self.kept.task = group.create_task(self.kept.run())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_running, "FIRST_PAUSE_S", 0.01)


async def test_a_source_that_fails_is_started_again_and_every_change_is_noted() -> None:
    toy = Toy(fails, goes_on, graceful=True)
    rig = Rig(toy)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        rig.start(group)
        while len(rig.seen) < 2:
            rig.changed.clear()
            await rig.changed.wait()
        rig.kept.stop()
    assert rig.seen == [(False, "OSError: nobody answers; started again in 0.01s"), (True, "")]
    assert toy.acknowledged


async def test_a_source_that_can_finish_is_not_cancelled() -> None:
    toy = Toy(goes_on, graceful=True)
    rig = Rig(toy)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        rig.start(group)
        await asyncio.sleep(0)
        rig.kept.stop()
    assert toy.acknowledged


async def test_a_source_that_cannot_finish_is_cancelled() -> None:
    async def for_ever(toy: Toy) -> None:
        await asyncio.Event().wait()

    rig = Rig(Toy(for_ever))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        rig.start(group)
        await asyncio.sleep(0)
        rig.kept.stop()
    assert rig.kept.task is not None
    assert rig.kept.task.cancelled()


async def test_one_that_waits_to_be_started_again_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_running, "FIRST_PAUSE_S", 60.0)
    rig = Rig(Toy(fails, graceful=True))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        rig.start(group)
        await rig.changed.wait()
        rig.kept.stop()


def test_what_a_source_tells_twice_is_noted_once() -> None:
    state, noted = EventState(kind="toy", running=True), []
    fares = Fares(ROAD, state, noted.append)
    for reason in ("", "no broker", "no broker", "", ""):
        fares.tell(reason)
    assert (state.running, state.message, len(noted)) == (True, "", 2)


def test_what_the_listener_serves_is_degraded_and_not_stopped_since_it_was_first_told() -> None:
    state = EventState(kind="toy", running=True)
    fares = Fares(ROAD, state, lambda road: None, served=True)
    fares.tell("no hooks")
    since_us = state.since_us
    fares.tell("no hooks: 404")
    assert (state.state, state.message, state.since_us) == (State.DEGRADED, "no hooks: 404", since_us)
    assert since_us > 0
    fares.tell("")
    assert (state.state, state.message, state.since_us) == (State.RUNNING, "", 0)
