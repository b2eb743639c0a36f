"""Makes what runs equal what is declared. May be called at any time, any number of times."""

import asyncio
from collections.abc import Awaitable, Collection, Container, Iterable, Mapping

import structlog

from eventbus.contract import Bus
from eventbus.event import Road
from eventbus.journal import Declared
from manifests.objects import EventSource, ObjectRef, Sensor
from manifests.problems import ManifestError, Problem
from manifests.revision import canonical_json, revision_of
from sensors.compile import CompiledSensor
from tocsin.declared import AT_ONCE, Declarations, object_of, several
from tocsin.difference import Applied, difference_of, summary_of
from tocsin.faring import Faring
from tocsin.judging import begun, first_error, judge_sensor, judge_source
from tocsin.metrics import Metrics
from tocsin.objects import EventState, ObjectState, State
from tocsin.running_sensors import RunningSensors
from tocsin.running_sources import RunningSources
from tocsin.secrets import LocalValues

logger = structlog.get_logger()

MOST_SAID = 20
"""Problems that are said when manifests are applied; `tocsin validate` shows all."""
JUDGED_AT_ONCE = 1000
"""Objects looked at before others get a turn."""

Said = tuple[str, str, str]
"""A problem by file, path and message: it is the same problem where its line has moved."""


def _said(problem: Problem) -> Said:
    return problem.file, problem.path, problem.message


class Supervisor:
    """Keeps the last good revision of what became invalid, and knows how each object fares."""

    def __init__(self, bus: Bus, values: LocalValues, metrics: Metrics, sources: RunningSources, sensors: RunningSensors) -> None:
        self._bus, self._values, self._metrics, self._sources, self._sensors = bus, values, metrics, sources, sensors
        self._faring = Faring(metrics)
        self._applying = asyncio.Lock()
        self._events: Mapping[Road, EventState] = {}
        self._in_force: Mapping[ObjectRef, EventSource | Sensor] | None = None
        """What runs; None before the first `apply`."""
        self._settled = False
        """Whether the last `apply` got to its end."""
        self._put: dict[ObjectRef, str] = {}
        """The revisions of event sources that are on record as in force."""
        self._known: frozenset[Said] = frozenset()
        """The problems of the manifests that were applied last."""
        self._applied: Declarations | None = None
        """What was applied last, where all of it runs as it is declared or is named in its problems."""
        sources.changed = self._fares_otherwise

    @property
    def states(self) -> Mapping[ObjectRef, ObjectState]:
        """How every declared object fares, by name."""
        return self._faring.states

    def fare(self) -> Collection[ObjectState]:
        """How every declared object fares."""
        return self.states.values()

    def needed(self) -> Collection[int]:
        """The positions of events that partial matches need."""
        return self._sensors.needed()

    def loses(self, declared: Declarations) -> bool:
        """Whether something that runs is not in `declared`, or is wrong there."""
        if declared.touched_since(self._applied) is not None:
            return declared.unreadable  # the same objects are there, and as many of them are wrong
        found = declared.objects()
        return declared.unreadable or any(ref not in found for ref in self._in_force or ())

    async def apply(self, declared: Declarations) -> Applied:
        """Make what runs equal `declared`: what is new starts, what is gone stops, what is unchanged is not touched.

        Raises `BusUnavailable` where it could not be done now; what was done stays, and applying again does the rest.
        """
        async with self._applying:
            kept = await self._last_good(declared)
            self._values.replace([*(self._values.documents() if declared.unreadable else ()), *declared.values])
            near = None if kept or not self._settled else declared.touched_since(self._applied)
            wanted = declared.objects() | kept if kept else declared.objects()
            former = self._in_force or {}
            difference = difference_of(former, wanted, near)
            await asyncio.sleep(0)
            sources, sensors = _sorted(wanted) if kept else (declared.event_sources, declared.all_sensors)
            # What a failed attempt left is not known: then everything is looked at.
            touched = [*difference.unlike, *difference.removed] if self._settled else None
            self._settled = False
            compiled = await self._sensors.apply(sensors, touched)
            self._metrics.declare_roads(
                [Road(ref.namespace, ref.name, event.name) for ref, source in sources.items() for event in source.events]
            )
            await self._put_sources(sources)
            events = await self._sources.apply(sources.values())
            looked_at = wanted if near is None else {ref: wanted[ref] for ref in self._doubtful(declared, sources, near)}
            states = await self._judged(looked_at, kept, declared, compiled, events)
            await asyncio.sleep(0)
            self._say_what_changed(states)
            (self._faring.replace if near is None else self._faring.update)(states)
            self._events, self._in_force, self._settled = events, wanted, True
            self._known, self._applied = frozenset(map(_said, declared.problems)), None if kept else declared
            return summary_of(difference, former, wanted, self._faring.tell(events))

    def _doubtful(
        self, declared: Declarations, sources: Mapping[ObjectRef, EventSource], near: Iterable[ObjectRef]
    ) -> Iterable[ObjectRef]:
        """The objects that may fare otherwise, where those `near` were touched: sources change by themselves, problems move."""
        wrong = {*declared.faulty(), *(self._applied.faulty() if self._applied is not None else ())}
        return dict.fromkeys([*sources, *(ref for ref in (*near, *wrong) if ref in declared.objects())])

    async def reapply(self, declared: Declarations) -> None:
        """Apply what was edited, and say what became of it."""
        new = [problem for problem in declared.problems if _said(problem) not in self._known]
        applied = await self.apply(declared)
        for problem in new[:MOST_SAID]:
            say = logger.error if problem.is_error else logger.warning
            say("manifest_problem", object=str(problem.ref) if problem.ref else problem.file, problem=str(problem))
        if len(new) > MOST_SAID:
            logger.warning("more_manifest_problems", problems=len(new) - MOST_SAID, hint="tocsin validate shows all")
        logger.info("manifests_applied", **applied.said())

    async def _judged(
        self,
        wanted: Mapping[ObjectRef, EventSource | Sensor],
        kept: Container[ObjectRef],
        declared: Declarations,
        compiled: Mapping[ObjectRef, CompiledSensor],
        events: Mapping[Road, EventState],
    ) -> dict[ObjectRef, ObjectState]:
        """How everything fares. A sensor about which nothing changed fares as before."""
        states: dict[ObjectRef, ObjectState] = {}
        for number, (ref, obj) in enumerate(wanted.items()):
            if number % JUDGED_AT_ONCE == 0:
                await asyncio.sleep(0)
            former, said = self.states.get(ref), declared.about(ref)
            if former is not None and former.declared is obj and former.unchanged(said, kept=ref in kept):
                states[ref] = former
                continue
            state = states[ref] = begun(ref, obj, ref in kept, said)
            if isinstance(obj, EventSource):
                if state.state is not State.LAST_GOOD:
                    state.problems = [*state.problems, *declared.filter_problems(obj)]
                judge_source(state, obj, events)
            else:
                judge_sensor(state, obj, compiled[ref], declared)
        for ref in declared.broken() - states.keys():
            problems = declared.about(ref)
            message = f"invalid, and no earlier revision is kept: {first_error(problems)}"
            states[ref] = ObjectState(ref=ref, state=State.STOPPED, message=message, problems=problems)
        return states

    def _fares_otherwise(self, road: Road) -> None:
        """Judge the event source of `road` anew: one of its events has come, gone, or come back."""
        ref = ObjectRef("EventSource", road.namespace, road.source)
        state = self.states.get(ref)
        if state is None or not isinstance(state.declared, EventSource) or road not in self._events:
            return  # not applied yet: what it tells now is judged then
        fresh = begun(ref, state.declared, state.kept, state.problems)
        judge_source(fresh, state.declared, self._events)
        self._faring.update({ref: fresh})
        self._faring.tell(self._events)

    async def _last_good(self, declared: Declarations) -> dict[ObjectRef, EventSource | Sensor]:
        """What was in force and is declared wrongly now, as it was."""
        good, broken = declared.refs(), declared.broken()
        if not broken and not declared.unreadable:
            return {}
        # A file that cannot be read at all may have held any object that is missing now.
        return {
            ref: obj for ref, obj in (await self._former()).items() if ref not in good and (ref in broken or declared.unreadable)
        }

    async def _former(self) -> Mapping[ObjectRef, EventSource | Sensor]:
        """What was in force before: as it runs, or as the service that ran before left it."""
        if self._in_force is not None:
            return self._in_force
        found: dict[ObjectRef, EventSource | Sensor] = {}
        for former in await self._bus.journal.in_force(None):
            try:
                found[ref_of(former)] = object_of(former.content)
            except ManifestError as exc:
                logger.error("last_good_unreadable", object=former.ref, revision=former.revision, reason=str(exc))
        return found

    async def _put_sources(self, sources: Mapping[ObjectRef, EventSource]) -> None:
        if self._in_force is None:
            in_force = [one for one in await self._bus.journal.in_force(None) if one.ref.startswith("EventSource/")]
            self._put = {ref_of(one): one.revision for one in in_force}
            former = _readable(one for one in in_force if not _is(one, sources.get(ref_of(one))))
        else:
            known = [self._in_force.get(ref) for ref in self._put]
            former = [one for one in known if isinstance(one, EventSource) and sources.get(one.ref) is not one]
        await self._sources.part(former, sources.values())
        for ref in [ref for ref in self._put if ref not in sources]:
            await self._bus.declarations.withdraw(str(ref))
            del self._put[ref]
        changed = {ref: revision_of(source.content) for ref, source in sources.items() if not self._runs(ref, source)}
        wanted = [(ref, revision) for ref, revision in changed.items() if self._put.get(ref) != revision]
        for some in several(wanted, AT_ONCE):
            async with asyncio.TaskGroup() as puts:
                for ref, revision in some:
                    put = self._bus.declarations.put(str(ref), revision, canonical_json(sources[ref].content))
                    puts.create_task(_done(put), name=f"declare-{ref}")
            self._put.update(some)

    def _runs(self, ref: ObjectRef, source: EventSource) -> bool:
        return self._in_force is not None and self._in_force.get(ref) is source

    def _say_what_changed(self, states: Mapping[ObjectRef, ObjectState]) -> None:
        """One line for each object that fares worse than it should, when that begins or changes."""
        for ref, state in states.items():
            if state.state is State.RUNNING:
                continue
            former = self.states.get(ref)
            if former and (former.state, former.message) == (state.state, state.message):
                continue
            where = next((f"{one.file}:{one.line}" for one in state.problems if one.is_error and one.file), None)
            logger.error("object_not_in_order", object=str(ref), state=state.state.value, reason=state.message, where=where)


def _is(former: Declared, wanted: EventSource | None) -> bool:
    return wanted is not None and former.revision == revision_of(wanted.content)


def _readable(former: Iterable[Declared]) -> list[EventSource]:
    """Event sources as they were; what cannot be read any more is said."""
    found: list[EventSource] = []
    for one in former:
        try:
            declared = object_of(one.content)
        except ManifestError as exc:
            logger.warning("former_source_unreadable", object=one.ref, reason=str(exc), hint="hooks that it left are not deleted")
        else:
            found += [declared] if isinstance(declared, EventSource) else []
    return found


def _sorted(
    wanted: Mapping[ObjectRef, EventSource | Sensor],
) -> tuple[Mapping[ObjectRef, EventSource], Mapping[ObjectRef, Sensor]]:
    sources = {ref: obj for ref, obj in wanted.items() if isinstance(obj, EventSource)}
    return sources, {ref: obj for ref, obj in wanted.items() if isinstance(obj, Sensor)}


async def _done(put: Awaitable[Declared]) -> None:
    await put


def ref_of(declared: Declared) -> ObjectRef:
    """The name of a kept declaration."""
    kind, namespace, name = declared.ref.split("/", 2)
    return ObjectRef("EventSource" if kind == "EventSource" else "Sensor", namespace, name)
