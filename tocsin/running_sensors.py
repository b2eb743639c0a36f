"""Keeps the sensors that decide and act equal to those that are declared."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import orjson
import structlog

from eventbus.chain import lineage
from eventbus.contract import Bus
from eventbus.firing import Attempt, Firing, Outcome
from manifests.objects import ObjectRef, Sensor
from manifests.problems import ManifestError
from sensors.attempt import Clock
from sensors.beside.helper import Helper
from sensors.bound import EventView
from sensors.compile import CompiledSensor
from sensors.dead_letters import READER, DeadLetters
from sensors.decide import Decider
from sensors.dispatch import Dispatcher, now_us
from sensors.erring import Erring
from sensors.hops import MAX_HOPS
from sensors.limits import ActingLimits
from sensors.router import Router, Stepped
from tocsin.armory import Armory
from tocsin.changes import Changes
from tocsin.declared import AT_ONCE, object_of, several
from tocsin.gate import GatedBus
from tocsin.holding import Holding
from tocsin.metrics import Metrics
from tocsin.outcome_readers import OutcomeReaders
from tocsin.partial_matches import PartialMatches
from tocsin.waiting import say_forgotten

logger = structlog.get_logger()

LONGEST_NAMED = 64
"""Firings that are looked at to name a loop."""


class Counting:
    """Counts attempts and outcomes."""

    def __init__(self, metrics: Metrics, changes: Changes) -> None:
        self._metrics, self._changes = metrics, changes

    def attempted(self, firing: Firing, attempt: Attempt) -> None:
        """One attempt ended."""
        self._metrics.attempted(firing.trigger, attempt)

    def closed(self, firing: Firing, outcome: Outcome) -> None:
        """A firing was closed."""
        self._metrics.ended(firing.trigger, outcome.kind)
        self._changes.closed(firing.id)


class RunningSensors:
    """Decides with the sensors declared and carries out what they decide."""

    def __init__(
        self,
        bus: Bus,
        armory: Armory,
        metrics: Metrics,
        changes: Changes,
        *,
        grace_s: float,
        max_hops: int = MAX_HOPS,
        readers: OutcomeReaders | None = None,
        on_step: Callable[[Stepped], None] = lambda step: None,
        clock_us: Clock = now_us,
    ) -> None:
        """`clock_us` is the time of day; waiting is by the loop's clock."""
        self._clock_us = clock_us
        self._bus, self._armory, self._metrics = bus, armory, metrics
        self._gate = GatedBus(bus, metrics)
        self._readers = readers or OutcomeReaders(bus.outcomes, ["sensors"])
        self.dead_letters = DeadLetters(bus, armory.dead_letter_trigger)
        self._decider = Decider()
        self._compiled: dict[ObjectRef, CompiledSensor] = {}
        self._declared: Mapping[ObjectRef, Sensor] = {}
        """What was applied last: what is equal to it is not compiled again."""
        self.partial_matches = PartialMatches(bus, self._gate, self._decider)
        self.helper = Helper()
        self._decider.heavy.found = self.helper.make_ready
        self.holding = Holding(bus, self._gate, self._decider, self.helper.ask)
        self._since: dict[ObjectRef, int] = {}
        """Revisions just put in force, not handed to the decider yet, each with the position it decides after."""
        self._took_over = False
        self.watch = Counting(metrics, changes)
        self.router = Router(self._gate, self._decider, clock_us=clock_us, on_step=on_step, ask_beside=self.helper.ask)
        limits = ActingLimits(grace_s=grace_s, max_hops=max_hops)
        self.dispatcher = Dispatcher(
            bus.outbox, armory, self._view, limits=limits, watch=self.watch, clock=clock_us, lineage=self._lineage
        )

    async def _lineage(self, firing: Firing) -> Sequence[Firing]:
        """What led to `firing`, for the name of a loop."""
        return await lineage(self._bus.journal, firing, LONGEST_NAMED)

    async def _view(self, position: int) -> EventView | None:
        """The event at `position`, from memory where it was just decided."""
        view = self.router.views.get(position)
        if view is None:
            recorded = await self._bus.journal.event(position)
            if recorded is None:
                return None
            view = EventView(recorded.event, now_us=recorded.received_us)
        return view

    @property
    def erring(self) -> Erring:
        """The rules that fail or take long."""
        return self._decider.erring

    def needed(self) -> Collection[int]:
        """The positions of events that partial matches need: retention keeps their data."""
        return self._decider.needed(self._clock_us()) | self.holding.needed()

    async def apply(
        self, wanted: Mapping[ObjectRef, Sensor], touched: Collection[ObjectRef] | None = None
    ) -> Mapping[ObjectRef, CompiledSensor]:
        """Make what decides equal `wanted`; return each compiled. An unchanged sensor is not touched.

        `wanted` is kept, and not to be changed. Only those `touched` are looked at: sensors that are not the same objects as the
        last time, and those that went; None: all, as after an `apply` that failed.
        """
        if touched is None:
            touched = {**self._declared, **self._compiled, **self._since, **wanted}
        fresh = await self._compile({ref: wanted[ref] for ref in touched if ref in wanted})
        await self._read_dead_letters(fresh.values())
        gone = [
            ref for ref in touched if ref not in wanted and (ref in self._declared or ref in self._compiled or ref in self._since)
        ]
        if fresh or gone or not self._took_over:
            async with self._gate.closed():
                await self._swap(wanted, fresh, gone)
            self._decider.settle()
            await self._armory.declare([(wanted[ref], one) for ref, one in fresh.items()], gone)
            for ref in (*fresh, *gone):
                present = self._compiled.get(ref)
                self._metrics.declare_triggers(ref, [] if present is None else [one.ref for one in present.acting.values()])
        self._declared = wanted
        return self._compiled

    async def _read_dead_letters(self, fresh: Iterable[CompiledSensor]) -> None:
        """Have outcomes kept for dead-letter triggers as soon as there are any, and as long as this process lives.

        After a start also for those that are declared no more, while firings of before may still lead to them.
        """
        if any(one.dead_letters for one in fresh) or (not self._took_over and await self.dead_letters.left()):
            self.dead_letters.wanted = True
        await self._readers.want("sensors", [READER] if self.dead_letters.wanted else [])

    async def _swap(
        self, wanted: Mapping[ObjectRef, Sensor], fresh: Mapping[ObjectRef, CompiledSensor], gone: Iterable[ObjectRef]
    ) -> None:
        if not self._took_over:
            await self._take_over({str(ref): one.revision for ref, one in fresh.items()})
            self._took_over = True
        for ref in gone:
            await self._withdraw(ref)
        for some in several(fresh, AT_ONCE):
            async with asyncio.TaskGroup() as puts:
                for ref in some:
                    puts.create_task(self._put(wanted[ref], fresh[ref]), name=f"declare-{ref.name}")
        for number, (ref, one) in enumerate(fresh.items()):  # in the order declared, which is the order of firings
            decider = self.holding.decider_of(ref)
            say_forgotten(decider, one)
            decider.apply(one, since=self._since.pop(ref))
            if ref in self.holding:
                self._decider.reserve(ref)
            self._compiled[ref] = one
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)

    async def _compile(self, wanted: Mapping[ObjectRef, Sensor]) -> dict[ObjectRef, CompiledSensor]:
        """Compile what changed; between two of them others run, because a thousand take a second."""
        fresh: dict[ObjectRef, CompiledSensor] = {}
        for ref, sensor in wanted.items():
            former = self._declared.get(ref)
            unsure = ref in self._since  # put in force by an `apply` that failed
            if not unsure and (former is sensor or (former is not None and former == sensor)):
                continue
            compiled, present = self._armory.compile(sensor), self._compiled.get(ref)
            if unsure or present is None or present.revision != compiled.revision:
                fresh[ref] = compiled
            await asyncio.sleep(0)
        return fresh

    async def _put(self, sensor: Sensor, fresh: CompiledSensor) -> None:
        """Make `fresh` the revision in force."""
        declared = await self._bus.declarations.put(str(sensor.ref), fresh.revision, orjson.dumps(sensor.content))
        self._since[sensor.ref] = declared.since
        logger.debug("sensor_applied", sensor=sensor.ref.name, namespace=sensor.ref.namespace, revision=fresh.revision)

    async def _withdraw(self, ref: ObjectRef) -> None:
        until = await self._bus.declarations.withdraw(str(ref))
        self.holding.decider_of(ref).remove(ref, until=until)
        self._compiled.pop(ref, None)
        self._since.pop(ref, None)
        logger.info("sensor_withdrawn", sensor=ref.name, namespace=ref.namespace)

    async def _take_over(self, wanted: Mapping[str, str]) -> None:
        """Let the revisions of before decide the events that still wait from before, where `wanted` has others now."""
        for declared in await self._bus.journal.in_force(None):
            if declared.ref.startswith("Sensor/") and declared.ref not in wanted:  # it went while no service ran
                await self._bus.declarations.withdraw(declared.ref)
        await self.partial_matches.load()
        held = await self.holding.load()
        tallies = await self._bus.journal.tallies()
        first, last = tallies.last_position - tallies.undecided + 1, tallies.last_position
        await self._former(wanted, first, last, lambda ref: ref not in held)
        for one, decided in held.items():
            await self._former(wanted, decided + 1, last, one.__eq__)

    async def _former(self, wanted: Mapping[str, str], first: int, last: int, choose: Callable[[ObjectRef], bool]) -> None:
        """Let the revisions of before decide what waits from `first` to `last`, those of sensors to `choose`."""
        for declared in await self._bus.journal.in_force(first, last) if first <= last else ():
            kind, namespace, name = declared.ref.split("/", 2)
            ref = ObjectRef("Sensor", namespace, name)
            if kind != "Sensor" or not choose(ref):
                continue
            if declared.until is None and wanted.get(declared.ref) == declared.revision:
                continue
            try:
                sensor = object_of(declared.content)
            except ManifestError as exc:
                logger.error("former_revision_unreadable", object=declared.ref, revision=declared.revision, reason=str(exc))
                continue
            if isinstance(sensor, Sensor):
                until = last if declared.until is None else declared.until
                decider = self.holding.decider_of(ref)
                decider.apply_ended(self._armory.compile(sensor), since=declared.since, until=until)
