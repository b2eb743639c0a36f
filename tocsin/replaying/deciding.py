"""Deciding recorded events again, with given revisions and partial matches of their own."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from eventbus.event import Recorded, Road
from eventbus.firing import Firing, TriggerRef, firing_id
from eventbus.journal import Journal
from manifests.problems import ManifestError
from sensors.beside.asking import AskBeside, Asking, Taken, nowhere
from sensors.compile import CompiledSensor, CompiledTrigger
from sensors.decide import Decided, Decider
from sensors.joins import Joins
from tocsin.pinned import compiled, roads_of
from tocsin.replaying.record import Pin

SLICE_S = 0.002
"""Seconds after which others get a turn."""


class Deciding:
    """Sensors in pinned revisions. Each is compiled when the first event comes that it depends on."""

    def __init__(
        self,
        journal: Journal,
        pins: Sequence[Pin],
        *,
        number: int = 0,
        joins: Iterable[tuple[str, bytes]] = (),
        ask_beside: AskBeside = nowhere,
    ) -> None:
        """`number` becomes part of the ids of firings; `joins` are the partial matches to go on from."""
        self._ask_beside = ask_beside
        self._journal, self._pins, self._number = journal, pins, number
        self._decider = Decider(joins=Joins(joins))
        self._by_road: dict[Road, list[Pin]] = {}
        self._waiting: set[Pin] = set()
        self._slice_ends = 0.0
        self.sensors: dict[tuple[str, str], CompiledSensor] = {}
        """By reference and revision."""
        self.broken: dict[str, str] = {}
        """Sensors that cannot decide, each with the reason."""

    async def prepare(self) -> None:
        """Read which events each sensor depends on. Call before `decide`."""
        for pin in self._pins:
            content = await self._journal.revision(pin.revision)
            if content is None:
                self.broken[pin.ref] = f"revision {pin.revision} is no longer kept"
                continue
            _, namespace, _ = pin.ref.split("/", 2)
            for road in set(roads_of(namespace, content)):
                self._by_road.setdefault(road, []).append(pin)
            self._waiting.add(pin)
            await self._breathe()

    def concerns(self, road: Road) -> bool:
        """Whether a sensor depends on events of `road`."""
        return road in self._by_road

    @property
    def joins(self) -> Joins:
        """The partial matches as they are now."""
        return self._decider.joins

    def trigger(self, firing: Firing) -> CompiledTrigger:
        """The trigger of a firing that was decided here."""
        sensors = (sensor for sensor in self.sensors.values() if sensor.revision == firing.revision)
        return next(sensor for sensor in sensors if sensor.ref[1:] == firing.trigger[:2]).triggers[firing.trigger.trigger]

    def triggers(self) -> Mapping[TriggerRef, CompiledTrigger]:
        """Every trigger that was compiled so far."""
        return {trigger.ref: trigger for sensor in self.sensors.values() for trigger in sensor.triggers.values()}

    async def decide(self, recorded: Recorded) -> Decided:
        """What `recorded` leads to.

        Filters see the time at which it was received, as they did then; `now` of a firing is the present.
        """
        for pin in self._by_road.get(recorded.event.road, ()):
            if pin in self._waiting:
                await self._compile(pin)
        slices = self._decider.slices(recorded, now_us=recorded.received_us)
        answers: Taken | None = None
        while True:
            try:
                wish = slices.send(answers)
            except StopIteration as ended:
                decided: Decided = ended.value
                await self._breathe()
                return decided._replace(firings=[self._anew(firing) for firing in decided.firings])
            answers = await self._ask_beside(wish) if isinstance(wish, Asking) else None
            await self._breathe()

    def reasons(self, recorded: Recorded) -> list[tuple[str, str, str]]:
        """(sensor, dependency, reason) of every dependency on the event's road that it does not match."""
        found = self._decider.verdicts(recorded, now_us=recorded.received_us)
        return [(f"{one.namespace}/{one.sensor}", one.dependency, one.reason) for one in found if not one.matched]

    def committed(self) -> None:
        """All that was decided so far is stored."""
        self._decider.joins.committed()

    def _anew(self, firing: Firing) -> Firing:
        causes = [(cause.dependency, cause.identity) for cause in firing.causes]
        id = firing_id(firing.trigger, causes, self._number)
        return msgspec.structs.replace(firing, id=id, replay=self._number, decided_us=time.time_ns() // 1000)

    async def _compile(self, pin: Pin) -> None:
        self._waiting.discard(pin)
        content = await self._journal.revision(pin.revision)
        try:
            sensor = self.sensors.get((pin.ref, pin.revision)) or compiled(content or b"")
        except ManifestError as exc:
            self.broken[pin.ref] = f"revision {pin.revision} cannot be read by this version: {exc}"
            return
        self.sensors[pin.ref, pin.revision] = sensor
        self._decider.apply_ended(sensor, since=pin.since, until=pin.until)
        await asyncio.sleep(0)

    async def _breathe(self) -> None:
        now = time.perf_counter()
        if now > self._slice_ends:
            await asyncio.sleep(0)
            self._slice_ends = time.perf_counter() + SLICE_S
