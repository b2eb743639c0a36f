"""Makes what runs equal what is declared. May be called at any time, any number of times."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence

import structlog

from eventbus.contract import Bus
from eventbus.event import Road
from eventbus.firing import TriggerRef
from eventbus.journal import Declared
from manifests.objects import EventSource, ObjectRef, Sensor
from manifests.problems import ManifestError, Problem, Severity
from manifests.revision import canonical_json, revision_of
from sensors.compile import CompiledSensor
from tocsin.declared import AT_ONCE, Declarations, object_of, several
from tocsin.metrics import Metrics
from tocsin.objects import EventState, ObjectState, State
from tocsin.running_sensors import RunningSensors
from tocsin.running_sources import RunningSources
from tocsin.secrets import LocalValues

logger = structlog.get_logger()


class Supervisor:
    """Keeps the last good revision of what became invalid, and knows how each object fares."""

    def __init__(self, bus: Bus, values: LocalValues, metrics: Metrics, sources: RunningSources, sensors: RunningSensors) -> None:
        self._bus, self._values, self._metrics, self._sources, self._sensors = bus, values, metrics, sources, sensors
        self.states: dict[ObjectRef, ObjectState] = {}
        self._applying = asyncio.Lock()
        self._events: Mapping[Road, EventState] = {}
        sources.changed = self._fares_otherwise

    def needed(self) -> Collection[int]:
        """The positions of events that partial matches need."""
        return self._sensors.needed()

    async def apply(self, declared: Declarations) -> None:
        """Make what runs equal `declared`: what is new starts, what is gone stops, what is unchanged is not touched."""
        async with self._applying:
            kept = await self._last_good(declared)
            self._values.replace([*(self._values.documents() if declared.unreadable else ()), *declared.values])
            sources = {source.ref: source for source in declared.sources} | _only(kept, EventSource)
            sensors = {sensor.ref: sensor for sensor in declared.sensors} | _only(kept, Sensor)
            states = {ref: _state(ref, obj, ref in kept, declared.about(ref)) for ref, obj in (sources | sensors).items()}
            for ref in declared.broken() - set(states):
                problems = declared.about(ref)
                message = f"invalid, and no earlier revision is kept: {_first(problems)}"
                states[ref] = ObjectState(ref=ref, state=State.STOPPED, message=message, problems=problems)
            compiled = await self._sensors.apply(sensors.values())
            self._declare_series(sources.values(), compiled.values())
            await self._put_sources(sources.values())
            events = await self._sources.apply(sources.values())
            for ref, source in sources.items():
                _judge_source(states[ref], source, events)
            for ref, ready in compiled.items():
                _judge_sensor(states[ref], sensors[ref], ready, declared)
            self._say_what_changed(states)
            self.states, self._events = states, events
            self._count(events)

    def _fares_otherwise(self, road: Road) -> None:
        """Judge the event source of `road` anew: one of its events has come, gone, or come back."""
        ref = ObjectRef("EventSource", road.namespace, road.source)
        state = self.states.get(ref)
        if state is None or not isinstance(state.declared, EventSource) or road not in self._events:
            return  # not applied yet: what it tells now is judged then
        fresh = _state(ref, state.declared, state.kept, state.problems)
        _judge_source(fresh, state.declared, self._events)
        self.states[ref] = fresh
        self._count(self._events)

    async def _last_good(self, declared: Declarations) -> dict[ObjectRef, EventSource | Sensor]:
        """What was in force and is declared wrongly now, as it was."""
        good, broken = declared.refs(), declared.broken()
        found: dict[ObjectRef, EventSource | Sensor] = {}
        for former in await self._bus.journal.in_force(None):
            ref = ref_of(former)
            # A file that cannot be read at all may have held any object that is missing now.
            if ref in good or not (ref in broken or declared.unreadable):
                continue
            try:
                obj = object_of(former.content)
            except ManifestError as exc:
                logger.error("last_good_unreadable", object=former.ref, revision=former.revision, reason=str(exc))
                continue
            if isinstance(obj, EventSource | Sensor):
                found[ref] = obj
        return found

    async def _put_sources(self, sources: Iterable[EventSource]) -> None:
        wanted = {str(source.ref): source for source in sources}
        for former in await self._bus.journal.in_force(None):
            if former.ref.startswith("EventSource/") and former.ref not in wanted:
                await self._bus.declarations.withdraw(former.ref)
            elif former.ref in wanted and former.revision == revision_of(wanted[former.ref].content):
                del wanted[former.ref]
        for some in several(wanted.items(), AT_ONCE):
            async with asyncio.TaskGroup() as puts:
                for ref, source in some:
                    put = self._bus.declarations.put(ref, revision_of(source.content), canonical_json(source.content))
                    puts.create_task(_done(put), name=f"declare-{ref}")

    def _declare_series(self, sources: Iterable[EventSource], sensors: Iterable[CompiledSensor]) -> None:
        roads = [Road(s.ref.namespace, s.ref.name, event.name) for s in sources for event in s.events]
        triggers = [TriggerRef(s.ref.namespace, s.ref.name, t) for s in sensors for t in s.triggers]
        self._metrics.declare(roads, triggers)

    def _count(self, events: Mapping[Road, EventState]) -> None:
        counts: Counter[tuple[str, str]] = Counter((state.ref.kind, state.state.value) for state in self.states.values())
        kinds = ("EventSource", "Sensor")
        states = [state.value for state in State if state is not State.KEPT]
        self._metrics.objects = {(kind, state): counts[kind, state] for kind in kinds for state in states}
        listening = {(ref.namespace, ref.name): 0 for ref in self.states if ref.kind == "EventSource"}
        for road, event in events.items():
            listening[road.namespace, road.source] += event.running
        self._metrics.listening = listening

    def _say_what_changed(self, states: Mapping[ObjectRef, ObjectState]) -> None:
        """One line for each object that fares worse than it should, when that begins or changes."""
        for ref, state in states.items():
            former = self.states.get(ref)
            if state.state is State.RUNNING or (former and (former.state, former.message) == (state.state, state.message)):
                continue
            logger.error("object_not_in_order", object=str(ref), state=state.state.value, reason=state.message)


async def _done(put: Awaitable[Declared]) -> None:
    await put


def ref_of(declared: Declared) -> ObjectRef:
    """The name of a kept declaration."""
    kind, namespace, name = declared.ref.split("/", 2)
    return ObjectRef("EventSource" if kind == "EventSource" else "Sensor", namespace, name)


def _only(objects: Mapping[ObjectRef, EventSource | Sensor], kind: type) -> dict:  # type: ignore[type-arg]
    return {ref: obj for ref, obj in objects.items() if isinstance(obj, kind)}


def _state(ref: ObjectRef, obj: EventSource | Sensor, last_good: bool, problems: Sequence[Problem]) -> ObjectState:
    if last_good:
        reason = _first(problems) or "its file cannot be read"
        message = f"the last valid revision runs on: {reason}"
        return ObjectState(ref=ref, state=State.LAST_GOOD, message=message, problems=problems, declared=obj, kept=True)
    return ObjectState(ref=ref, state=State.RUNNING, problems=problems, declared=obj)


def _judge_source(state: ObjectState, source: EventSource, events: Mapping[Road, EventState]) -> None:
    state.revision = revision_of(source.content)
    state.events = {event.name: events[Road(source.ref.namespace, source.ref.name, event.name)] for event in source.events}
    stopped = [f"{name}: {event.message}" for name, event in state.events.items() if not event.running]
    _worsen(state, stopped, all_of=len(state.events))


def _judge_sensor(state: ObjectState, sensor: Sensor, ready: CompiledSensor, declared: Declarations) -> None:
    state.revision = ready.revision
    found = declared.placed([(sensor, problem) for problem in ready.problems]) if state.state is not State.LAST_GOOD else ()
    state.problems = [*state.problems, *found]
    stopped = [problem.message for problem in ready.problems if problem.severity is Severity.ERROR]
    _worsen(state, stopped, all_of=0 if ready.triggers else len(stopped))


def _worsen(state: ObjectState, stopped: Sequence[str], *, all_of: int) -> None:
    """Note what does not run; `all_of` says how many parts there are, so that all of them stopped is stopped."""
    errors = [problem for problem in state.problems if problem.severity is Severity.ERROR]
    if state.state is State.RUNNING and (stopped or errors):
        state.state = State.PARTLY
        state.message = stopped[0] if stopped else errors[0].message
    if stopped and len(stopped) >= all_of > 0:
        state.state, state.message = State.STOPPED, stopped[0]


def _first(problems: Sequence[Problem]) -> str:
    return next((str(problem) for problem in problems if problem.severity is Severity.ERROR), "")
