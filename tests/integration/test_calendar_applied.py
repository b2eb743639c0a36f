"""A calendar under changes of its declaration."""

import asyncio
from typing import Any

from eventbus.event import Road
from eventbus.memory.bus import MemoryBus
from manifests.objects import DeclaredEvent, Dialect, EventSource, ObjectRef
from manifests.secrets import SecretMissing, SecretValue
from sources.calendar import Calendar
from sources.calendar_spec import CalendarSpec
from sources.http.listener import HttpListener
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.kinds import source_kinds
from tocsin.metrics import Metrics
from tocsin.pauses import Pauses
from tocsin.running_sources import RunningSources


class NoValues:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


def declared(**spec: Any) -> EventSource:
    event = DeclaredEvent(kind="calendar", name="tick", spec=CalendarSpec.model_validate(spec), path="spec.calendar.tick")
    return EventSource(ref=ObjectRef("EventSource", "default", "clock"), dialect=Dialect.TOCSIN, events=(event,))


def calendars() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task.get_name() == "source-default/clock/tick"}


async def test_the_same_declaration_changes_nothing_and_another_ends_the_old_schedule_at_once() -> None:
    bus = MemoryBus()
    listener = HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False)
    assert source_kinds().get("calendar") is Calendar
    metrics = Metrics()
    metrics.declare_roads([Road("default", "clock", "tick")])
    sources = RunningSources(
        bus, metrics, Changes(), Pauses(bus.state), kinds=source_kinds(), values=NoValues(), listener=listener
    )
    group = "test"
    assert list(await bus.read(group, limit=1, timeout_s=0.0)) == []  # a group begins at the end of the log
    async with running(sources):
        await sources.apply([declared(interval="1s", catchUp="all")])
        first = calendars()
        await sources.apply([declared(interval="1s", catchUp="all")])
        assert calendars() == first
        (recorded,) = await bus.read(group, limit=1, timeout_s=20.0)
        await sources.apply([declared(schedule="0 0 29 2 *", catchUp="all")])
        (old,) = first
        assert old.done()
        assert len(calendars()) == 1
        await sources.apply([])
        assert calendars() == set()
    assert recorded.event.type == "calendar"
    await bus.aclose()
