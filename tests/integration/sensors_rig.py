"""Sensors that run on a bus in memory, which can crash and come back."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from waiting import until

from eventbus.event import Event
from eventbus.journal import FiringFilter
from eventbus.memory.bus import MemoryBus
from eventbus.memory.stored import Stored
from manifests.objects import ObjectRef, Sensor
from sensors.web.client import Web
from tocsin.armory import Armory
from tocsin.changes import Changes
from tocsin.declared import object_of
from tocsin.kinds import trigger_kinds
from tocsin.metrics import Metrics
from tocsin.running_sensors import RunningSensors
from tocsin.secrets import LocalValues


def sensor(name: str = "s", ref: str = "main", *, conditions: str = "", dependencies: Sequence[str] = (), **more: Any) -> Sensor:
    """A sensor of one dependency on pushes to `ref`, or of several on pushes to refs of their names."""
    found = [(one, f"^{one}$") for one in dependencies] or [("d", ref)]
    trigger: dict[str, Any] = {"template": {"name": "t", "log": {}, "conditions": conditions} | more}
    declared = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": name},
        "spec": {"dependencies": [_dependency(one, pattern) for one, pattern in found], "triggers": [trigger]},
    }
    made = object_of(json.dumps(declared).encode())
    assert isinstance(made, Sensor)
    return made


def _dependency(name: str, pattern: str) -> dict[str, Any]:
    filters = {"data": [{"path": "ref", "type": "string", "value": [pattern]}]}
    return {"name": name, "eventSourceName": "hooks", "eventName": "push", "filters": filters}


def push(id: str, ref: str = "main") -> Event:
    """An event that a sensor for `ref` looks for."""
    data = json.dumps({"ref": ref}).encode()
    return Event(namespace="default", source="hooks", name="push", id=id, type="push", time="2026-01-01T00:00:00Z", data=data)


class Rig:
    """Running sensors and what they decided."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus = bus
        self.armory = Armory(bus.journal, trigger_kinds(), LocalValues(), Web())
        self.metrics = Metrics()
        self.sensors = RunningSensors(bus, self.armory, self.metrics, Changes(), grace_s=1.0)

    async def apply(self, *wanted: Sensor) -> None:
        """Declare exactly these."""
        await self.sensors.apply({one.ref: one for one in wanted})

    async def send(self, *events: Event) -> None:
        """Append, and wait until all is decided by what is not held."""
        await self.bus.append(events)
        await until(lambda: (self.bus.stored.groups.get("sensors", -1)) >= self.bus.stored.last)

    async def fired(self, name: str = "s") -> list[str]:
        """The events of each firing of the sensor `name`, in the order decided, such as `1` or `1+2`."""
        page = await self.bus.journal.firings(FiringFilter(sensor=name), limit=1000)
        return ["+".join(sorted(cause.identity.id for cause in one.firing.causes)) for one in reversed(page.items)]


@asynccontextmanager
async def rig(stored: Stored | None = None, now_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> AsyncIterator[Rig]:
    """Run on what a crash left, or on nothing. The end is a crash."""
    bus = MemoryBus(stored, now_us=now_us)
    made = Rig(bus)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(component.run()) for component in components(made)]
        try:
            yield made
        finally:
            for component in reversed(components(made)):
                component.stop()
            bus.abandon()
            await asyncio.wait(running)
            await made.armory.aclose()


def components(made: Rig) -> Sequence[Any]:
    """What has to run, in the order of starting."""
    return [made.sensors.router, made.sensors.holding]


def ref_of(name: str = "s") -> ObjectRef:
    """The name of a sensor."""
    return ObjectRef("Sensor", "default", name)


def revisions(stored: Stored) -> Mapping[str, str]:
    """What is in force."""
    return {one.ref: one.revision for one in stored.declared if one.until is None}
