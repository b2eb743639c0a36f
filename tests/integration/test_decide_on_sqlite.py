"""The router on the real store."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, an_event
from waiting import until

from eventbus.contract import Bus
from eventbus.journal import FiringFilter
from eventbus.sqlite import open_bus
from sensors.compile import compile_sensor
from sensors.decide import Decider
from sensors.router import GROUP, Router

MAIN = [{"path": "ref", "type": "string", "value": ["^main$"]}]


@pytest.fixture
async def bus(data_dir: Path) -> AsyncIterator[Bus]:
    opened = await open_bus(data_dir)
    assert list(await opened.read(GROUP, limit=1, timeout_s=0.0)) == []  # the group begins here
    yield opened
    await opened.aclose()


def a_router(bus: Bus) -> Router:
    return Router(bus, Decider([compile_sensor(a_sensor(a_dependency("push", data=MAIN)), KINDS, NoValues())]))


async def decided(router: Router, position: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(router.run())
        await until(lambda: router.position >= position)
        router.stop()


async def test_what_was_appended_is_decided_and_kept(bus: Bus) -> None:
    await bus.append([an_event({"ref": "main" if at % 3 == 0 else "dev"}, id=str(at)) for at in range(300)])
    await decided(a_router(bus), 300)
    page = await bus.journal.firings(FiringFilter(), limit=200)
    assert len(page.items) == 100
    assert {record.firing.causes[0].identity.id for record in page.items} == {str(at) for at in range(0, 300, 3)}
    assert (await bus.journal.matched("default", "sensor"))["push"] == (100, 0)
    assert (await bus.journal.tallies()).undecided == 0


async def test_an_event_that_ended_three_starts_is_set_aside_at_the_fourth(bus: Bus) -> None:
    await bus.append([an_event({"ref": "main"}, id=str(at)) for at in range(3)])
    for _ in range(3):
        await bus.began(GROUP)
    await decided(a_router(bus), 3)
    [(position, reason)] = await bus.journal.quarantined()
    assert position == 1
    assert "4 starts in a row" in reason
    page = await bus.journal.firings(FiringFilter())
    assert {record.firing.causes[0].identity.id for record in page.items} == {"1", "2"}
