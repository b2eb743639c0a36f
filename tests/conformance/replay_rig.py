"""What tests of replays share: a store with sensors in force and events that were decided, and a replayer beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import yaml
from bus_backends import ReopenableBus
from waiting import until

from eventbus.contract import Decisions
from eventbus.event import Event
from eventbus.firing import Taken
from manifests.revision import canonical_json, revision_of
from sensors.beside.asking import AskBeside, nowhere
from tocsin.declared import object_of
from tocsin.replaying import record
from tocsin.replaying.record import Asked, Replay, ReplayState
from tocsin.replaying.replayer import Replayer

SINGLE = """
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: NAME}
spec:
  dependencies:
    - name: a
      eventSourceName: hooks
      eventName: push
      filters: {data: [{path: n, type: number, comparator: ">=", value: ["2"]}]}
  triggers: [{template: {name: say, log: {}}}]
"""


JOINED = """
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: pair}
spec:
  dependencies:
    - {name: a, eventSourceName: hooks, eventName: push}
    - {name: b, eventSourceName: hooks, eventName: tag}
  triggers: [{template: {name: both, conditions: a && b, log: {}}}]
"""


def event(n: int, name: str = "push") -> Event:
    return Event(
        namespace="default", source="hooks", name=name, id=f"{name}-{n}", type="webhook", time=None, data=b'{"n":%d}' % n
    )


class Rig:
    """A store with sensors in force and events that were decided, and a replayer beside it."""

    def __init__(self, bus: ReopenableBus) -> None:
        self.bus = bus
        self.ask_beside: AskBeside = nowhere
        self.replayer = Replayer(bus.bus)

    async def declare(self, manifest: str, name: str = "one") -> str:
        sensor = object_of(canonical_json(yaml.safe_load(manifest.replace("NAME", name))))
        revision = revision_of(sensor.content)
        await self.bus.declarations.put(str(sensor.ref), revision, canonical_json(sensor.content))
        return revision

    async def decided(self, *events: Event) -> None:
        """Append events and note that live deciding has passed them."""
        await self.bus.bus.read("sensors", limit=1, timeout_s=0.0)
        for one in events:
            self.bus.clock.advance(1.0)
            ((position, _, _),) = await self.bus.append([one])
        await self.bus.commit(Decisions(group="sensors", position=position))

    async def crash(self) -> None:
        await self.bus.crash()
        self.replayer = Replayer(self.bus.bus)
        await self.replayer.load()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Replayer]:
        """A replayer that carries out what was asked for, also before it was there."""
        self.replayer = Replayer(self.bus.bus, self.ask_beside)
        await self.replayer.load()
        task = asyncio.ensure_future(self.replayer.run())
        try:
            yield self.replayer
        finally:
            self.replayer.stop()
            await asyncio.wait_for(task, 10.0)

    async def until(self, number: int, *states: ReplayState) -> Replay:
        wanted = states or tuple(set(ReplayState) - {ReplayState.RUNNING})

        async def asked() -> Replay | None:
            found = await record.find(self.bus.journal, number)
            return found if found is not None and found.state in wanted else None

        replay: Replay = await until(asked)
        return replay

    async def carried_out(self, asked: Asked, **given: Any) -> Replay:
        async with self.running() as replayer:
            replay, _ = await replayer.ask(asked, **({"rate": 0.0} | given))
            return await self.until(replay.number)

    async def taken(self) -> Sequence[Taken]:
        return await self.bus.take(1000)


def causes(taken: Sequence[Taken]) -> list[list[str]]:
    return [[cause.identity.id for cause in one.firing.causes] for one in taken]


async def crash_at_commit(rig: Rig, count: int, *, stored: bool) -> None:
    """Carry out until the commit of that number, and end without a goodbye before or after it is stored."""
    reached, commit, left = asyncio.Event(), rig.bus.bus.commit, count

    async def cut(decided: Decisions) -> None:
        nonlocal left
        left -= 1
        if left > 0 or stored:
            await commit(decided)
        if left <= 0:
            reached.set()
            await asyncio.Event().wait()

    rig.bus.bus.commit = cut  # type: ignore[method-assign]
    task = asyncio.ensure_future(rig.replayer.run())
    await asyncio.wait_for(reached.wait(), 10.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await rig.crash()
