"""One life of the service in a scenario: the real router, dispatcher and sources on the bus in memory and a virtual clock."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from eventbus.contract import Group, Outbox
from eventbus.event import Recorded, Road
from eventbus.firing import Taken, TriggerRef
from eventbus.memory import MemoryBus, Stored
from manifests.objects import EventSource, ObjectRef, Sensor
from sensors.attempt import Clock
from tocsin.changes import Changes
from tocsin.components import Component, Died
from tocsin.kinds import trigger_kinds
from tocsin.metrics import Metrics
from tocsin.outcome_readers import OutcomeReaders
from tocsin.running_sensors import RunningSensors
from tocsin.scenarios.targets import Script, ScriptedArmory
from tocsin.scenarios.virtual_time import VirtualClock
from tocsin.sharing import Sharing

if TYPE_CHECKING:
    from tocsin.running_sources import RunningSources

PATIENCE_S = 86_400.0
"""The shortest wait for events and for work: whoever waits is woken by what it waits for, and need not look again."""


class _PatientOutbox:
    """An outbox from which work is taken without haste."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)

    async def take(self, *, limit: int, full: Collection[TriggerRef] = (), timeout_s: float) -> Sequence[Taken]:
        """See `Outbox.take`."""
        return await self._outbox.take(limit=limit, full=full, timeout_s=max(timeout_s, PATIENCE_S))


class PatientBus(MemoryBus):
    """The bus in memory, read without haste."""

    def __init__(self, stored: Stored, now_us: Clock) -> None:
        super().__init__(stored, now_us=now_us, look_again_s=math.inf)
        self.outbox = cast("Outbox", _PatientOutbox(self._outbox))

    async def read(self, group: Group, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        """See `Bus.read`."""
        return await super().read(group, limit=limit, timeout_s=max(timeout_s, PATIENCE_S))


class House:
    """What is declared, running. `crash` ends it: what is durable is in `stored`, all else is lost."""

    def __init__(self, clock: VirtualClock, stored: Stored, scripts: dict[str, Script], group: asyncio.TaskGroup) -> None:
        """`group` owns its tasks."""
        self._group = group
        self.clock = clock
        self.bus = PatientBus(stored, clock.now_us)
        self.armory = ScriptedArmory(self.bus.journal, trigger_kinds(), scripts)
        self._metrics, self._changes = Metrics(), Changes()
        self._readers = OutcomeReaders(self.bus.outcomes, ["sensors", "sources"])
        self.sensors = RunningSensors(
            self.bus, self.armory, self._metrics, self._changes, grace_s=0.0, readers=self._readers, clock_us=clock.now_us
        )
        self._own_sources: RunningSources | None = None
        """None while no event source had to run."""
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Start deciding and acting. Nothing happens before something is declared."""
        own = self.sensors
        for one in (own.dispatcher, own.dead_letters, own.router, own.holding, own.partial_matches):
            await self._start(one)

    async def apply(self, sensors: Mapping[ObjectRef, Sensor], sources: Sequence[EventSource], kinds: Collection[str]) -> None:
        """Make what runs equal this: the sensors, and of the event sources those events whose kind is one of `kinds`."""
        running = [replace(source, events=tuple(e for e in source.events if e.kind in kinds)) for source in sources]
        running = [source for source in running if source.events]
        # Before anything asks for outcomes: who finds none kept looks again only after a while.
        roads = {
            Road(source.ref.namespace, source.ref.name, event.name): event.kind for source in running for event in source.events
        }
        await self._readers.want("sources", [str(road) for road, kind in roads.items() if kind == "outcomes"])
        await self.sensors.apply(sensors)
        self._metrics.declare_roads(roads)
        if self._own_sources is None and running:
            self._own_sources = self._sources()
            await self._start(self._own_sources)
        if self._own_sources is not None:
            await self._own_sources.apply(running)
        await self.clock.settle()

    def _sources(self) -> "RunningSources":
        from sources.http.listener import HttpListener  # noqa: PLC0415 - heavy, and most scenarios run no sources
        from tocsin.kinds import source_kinds  # noqa: PLC0415
        from tocsin.pauses import Pauses  # noqa: PLC0415
        from tocsin.running_sources import RunningSources  # noqa: PLC0415
        from tocsin.secrets import HiddenValues  # noqa: PLC0415

        return RunningSources(
            self.bus,
            self._metrics,
            self._changes,
            Pauses(self.bus.state),
            kinds=source_kinds(),
            values=HiddenValues(),
            listener=HttpListener(),
            sharing=Sharing(asyncio.get_running_loop().time),
            readers=self._readers,
            clock=self.clock,
        )

    async def _start(self, component: Component) -> None:
        self._tasks.append(self._group.create_task(_watched(component), name=component.name))
        await component.ready.wait()

    def quiet(self) -> bool:
        """Whether everything is decided, done, and told to those who read outcomes."""
        stored = self.bus.stored
        decided = stored.groups.get("sensors", stored.last) >= stored.last
        return decided and not stored.ended and all(kept.outcome is not None for kept in stored.firings.values())

    async def rest(self) -> None:
        """Return once all is quiet."""
        await self.clock.settle()
        while not self.quiet():
            await self.bus.changed.wait(PATIENCE_S)
            await self.clock.settle()

    async def crash(self) -> None:
        """End it all where it stands."""
        self.bus.abandon()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.armory.aclose()


async def _watched(component: Component) -> None:
    await component.run()
    raise Died(f"the {component.name} ended without being told to")


@asynccontextmanager
async def living(clock: VirtualClock, stored: Stored, scripts: dict[str, Script]) -> AsyncIterator[House]:
    """A house for a block; it crashes at the end. What a part of it dies of comes out as an exception group."""
    raised: Exception | None = None
    async with asyncio.TaskGroup() as group:
        house = House(clock, stored, scripts, group)
        try:
            yield house
        except Exception as exc:  # of the block, and of no part of the house: it comes out as it is, and in no group
            raised = exc
        finally:
            await house.crash()
    if raised is not None:
        raise raised
