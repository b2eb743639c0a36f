"""Fills a data folder with events, and with what became of them, straight through the bus."""

import asyncio
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import uvloop

from benchmarks.declare import Object, http_trigger, on_ref, sensor, source, write
from benchmarks.processes import free_port
from benchmarks.service import running
from eventbus.contract import Decisions, DependencyRef, VerdictCounts
from eventbus.event import Event, Recorded
from eventbus.firing import Attempt, Cause, Firing, Outcome, OutcomeKind, Taken, TriggerRef, firing_id
from eventbus.journal import Declared
from eventbus.sqlite import SqliteBus, open_bus
from sensors.binding import bind
from sensors.bound import EventView
from tocsin.pinned import compiled

SOURCES = 20
SENSORS = 200
GROUP = "sensors"
STEP = 128
CHUNK = 12_800
"""Events appended before those so far are decided and closed."""
ENDS = {50: OutcomeKind.DEAD_LETTERED, 150: OutcomeKind.SKIPPED, 250: OutcomeKind.TIMED_OUT}
"""Events whose number ends on this, of a thousand, and how their firing ended; all others succeeded."""
OPEN = 999
"""The one in a thousand whose firing stays open, due in a year."""
_BODY = b'"ref":"refs/heads/branch-%d","seq":"%010d","sent":"0000000000000000001","pad":"' + b"x" * 900
DATA = b'{"header":{},"body":{' + _BODY + b'"}}'
"""As the load generator sends it, of 1 KiB."""
YEAR_US = 365 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Folder:
    """A data folder and the manifests that it was filled for."""

    manifests: Path
    data: Path
    events: int


def objects(target: str, port: int) -> list[Object]:
    """Twenty event sources, and two hundred sensors that each want one branch of one of them."""
    made = [source(f"hooks-{n}", {"push": (f"/push-{n}", port)}) for n in range(SOURCES)]
    for n in range(SENSORS):
        dependency = on_ref("main", f"^refs/heads/branch-{n}$", source_name=f"hooks-{n % SOURCES}")
        made.append(sensor(f"sensor-{n}", [dependency], [http_trigger("call", target, "main")]))
    return made


def event(number: int) -> Event:
    """A webhook of about 1 KiB that exactly one sensor wants."""
    return Event(
        namespace="default",
        source=f"hooks-{number % SOURCES}",
        name="push",
        id=event_id(number),
        type="webhook",
        time="2026-01-01T00:00:00.000000Z",
        data=DATA % (number % SENSORS, number),
    )


def event_id(number: int) -> str:
    """The id of the event with this number."""
    return f"72d3162e-cc78-11e3-81ab-{number:012d}"


def fill(folder: Path, events: int, *, decided: bool, target: str = "http://127.0.0.1:9/act") -> Folder:
    """Declare everything by the real service, then append `events`; where `decided`, with their firings and outcomes."""
    filled = Folder(write(folder / "manifests", objects(target, free_port())), folder / "data", events)
    with running(filled.manifests, folder):
        pass
    uvloop.run(_fill(filled.data, events, decided=decided))
    return filled


async def _fill(data: Path, events: int, *, decided: bool) -> None:
    bus = await open_bus(data)
    try:
        declared = {one.ref: one for one in await bus.journal.in_force(None)}
        numbers = iter(range(events))
        while chunk := list(islice(numbers, CHUNK)):
            for start in range(0, len(chunk), STEP):
                await bus.append([event(number) for number in chunk[start : start + STEP]])
            if decided:
                await _decide(bus, declared)
                await _close(bus, declared)
    finally:
        await bus.aclose()


async def _decide(bus: SqliteBus, declared: dict[str, Declared]) -> None:
    while got := await bus.read(GROUP, limit=STEP, timeout_s=0.0):
        firings = [_firing(one, declared) for one in got]
        counts = VerdictCounts(
            seen={one.event.road: 1 for one in got},
            matched={DependencyRef("default", firing.trigger.sensor, "main"): 1 for firing in firings},
        )
        await bus.commit(Decisions(group=GROUP, position=got[-1].position, firings=firings, counts=counts))


def _firing(recorded: Recorded, declared: dict[str, Declared]) -> Firing:
    name = f"sensor-{_number(recorded.event.id) % SENSORS}"
    trigger, identity = TriggerRef("default", name, "call"), recorded.event.identity
    return Firing(
        id=firing_id(trigger, [("main", identity)]),
        trigger=trigger,
        revision=declared[f"Sensor/default/{name}"].revision,
        causes=(Cause("main", recorded.position, identity),),
        decided_us=recorded.received_us,
        correlation=identity.id,
    )


def _number(id: str) -> int:
    return int(id.rsplit("-", 1)[1])


_requests: dict[str, bytes] = {}


def _request(firing: Firing, declared: dict[str, Declared]) -> bytes:
    """What such a firing sends, rendered once for each sensor: all of them are alike."""
    name = firing.trigger.sensor
    if name not in _requests:
        trigger = compiled(declared[f"Sensor/default/{name}"].content).triggers["call"]
        views = {firing.causes[0].position: EventView(event(_number(firing.causes[0].identity.id)))}
        _requests[name] = trigger.acting.render(bind(firing, views, trigger.transforms))
    return _requests[name]


async def _close(bus: SqliteBus, declared: dict[str, Declared]) -> None:
    while taken := await bus.outbox.take(limit=STEP, timeout_s=0.0):
        await asyncio.gather(*[_end(bus, one, declared) for one in taken])


async def _end(bus: SqliteBus, taken: Taken, declared: dict[str, Declared]) -> None:
    number, now_us = _number(taken.firing.causes[0].identity.id) % 1000, time.time_ns() // 1000
    kind = ENDS.get(number, OutcomeKind.SUCCEEDED)
    attempt = Attempt(number=1, started_us=now_us, ended_us=now_us + 900, succeeded=kind is OutcomeKind.SUCCEEDED, status=200)
    request = _request(taken.firing, declared)
    if number == OPEN:
        await bus.outbox.again(taken.firing.id, attempt=attempt, due_us=now_us + YEAR_US, request=request)
    else:
        await bus.outbox.close(taken.firing.id, Outcome(kind=kind), attempt=attempt, request=request)
