"""Deciding: a recorded event in, firings out. Pure but for the log line about a rule that broke.

What is decided depends on the event, its position, the sensors in force there and the clock that is passed in, on nothing else:
but for a rule that was cut off again and again, which gets less time (`Erring.share`).
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import NamedTuple

from eventbus.contract import DependencyRef, StateChange
from eventbus.event import Recorded, Road
from eventbus.firing import Firing, TriggerRef
from manifests.objects import ObjectRef
from sensors.beside.asking import Asking, Taken
from sensors.beside.deciding import asked_beside
from sensors.beside.heavy import WORTH_S, Heavy, Measure
from sensors.bound import EventView
from sensors.compile import CompiledDependency, CompiledSensor, CompiledTrigger
from sensors.complaints import Complaints
from sensors.erring import SLOW_S, Erring, broke
from sensors.filters.held import Held
from sensors.firings import firings_of, joined_firing, member_of, place
from sensors.in_force import InForce
from sensors.index import RoadIndex
from sensors.joins import Joins, Member, standing
from sensors.languages.time_limit import hurried
from sensors.live import Entry, place_of
from sensors.verdict import Verdict, verdict

Search = Callable[[], None]
"""Work that a thread may do before the next slice: it reads an event that nobody else has."""
Slices = Generator[Search | Asking | None, Taken | None, "Decided"]
"""Deciding one event: what may be done beside the loop meanwhile, None for nothing; answers to what was asked; what it led to."""
SLICE_S = 0.0003
"""Seconds for which rules of one event are asked in a row; the rule at hand is always asked to its end."""


class Decided(NamedTuple):
    """What one event led to."""

    firings: Sequence[Firing]
    """In the order of sensors, then triggers, as declared."""
    matched: Sequence[DependencyRef]
    errors: Sequence[DependencyRef]
    """Dependencies whose rule failed on the event: not where it only has no such value."""
    view: EventView | None
    """The event as it was looked at; None where no sensor looks at its road."""
    state: Sequence[StateChange] = ()
    """What became of partial matches: to be committed with the firings."""


NOTHING = Decided((), (), (), None)


class Decider:
    """All sensors in force, and what they make of events."""

    def __init__(
        self,
        sensors: Iterable[CompiledSensor] = (),
        *,
        joins: Joins | None = None,
        on_error: Callable[[DependencyRef, Exception], None] | None = None,
    ) -> None:
        """`joins` are the partial matches as they were committed last; deciding goes on from them."""
        self.joins = Joins() if joins is None else joins
        self._in_force = InForce()
        self._index = self._in_force.index
        self._on_error = on_error or Complaints().rule_broke
        self.erring = Erring()
        self.heavy = Heavy()
        for sensor in sensors:
            self.apply(sensor)
        self._index.settle()

    @property
    def sensors(self) -> Mapping[ObjectRef, CompiledSensor]:
        """The sensors in force for what is appended now."""
        return self._in_force.sensors

    def sensor(self, ref: ObjectRef) -> CompiledSensor | None:
        """The revision of `ref` in force for what is appended now."""
        return self._in_force.sensor(ref)

    def apply(self, sensor: CompiledSensor, *, since: int = 0) -> None:
        """Let `sensor` decide events after position `since`; an earlier revision decides those up to it.

        Takes effect between two events. Applying the revision in force again changes nothing.
        """
        present = self.sensor(sensor.ref)
        if present is not None and present.revision == sensor.revision:
            return
        self.erring.forget(sensor.ref)
        self.heavy.forget(sensor.ref)
        self._in_force.apply(sensor, since=since)

    def apply_ended(self, sensor: CompiledSensor, *, since: int, until: int) -> None:
        """Let a past revision decide what lies between `since` and `until`, for events that wait from before a restart."""
        self._in_force.apply_ended(sensor, since=since, until=until)

    def remove(self, ref: ObjectRef, *, until: int = 0) -> None:
        """Let `ref` decide nothing after position `until`."""
        self.erring.forget(ref)
        self.heavy.forget(ref)
        self._in_force.remove(ref, until=until)

    def reserve(self, ref: ObjectRef) -> None:
        """Keep the next place for a sensor that is applied later."""
        self._in_force.reserve(ref)

    def split(self, ref: ObjectRef) -> "Decider":
        """Give `ref` away, between two events: what is left for it to decide, with its partial matches. Its place is kept."""
        alone = Decider(joins=self.joins.split(ref.namespace, ref.name), on_error=self._on_error)
        alone.erring, alone.heavy = self.erring, self.heavy
        for one in self._in_force.give_away(ref):
            if one.until is not None:
                alone.apply_ended(one.sensor, since=one.since, until=one.until)
            else:
                alone.apply(one.sensor, since=one.since)
        return alone

    def take_in(self, alone: "Decider", *, after: int) -> None:
        """Take back, between two events, what `split` gave away: it has decided everything up to position `after`."""
        self.joins.take_in(alone.joins)
        for sensor, since, until in alone.stretches():
            if until is None:
                self.apply(sensor, since=max(since, after))
            elif until > after:
                self.apply_ended(sensor, since=max(since, after), until=until)

    def stretches(self) -> Iterator[tuple[CompiledSensor, int, int | None]]:
        """Each revision with the positions after and up to which it decides; None: on and on."""
        return self._in_force.stretches()

    def roads(self) -> set[Road]:
        """The roads of all events that a sensor looks at."""
        return self._in_force.roads()

    def concerns(self, road: Road) -> bool:
        """Whether a sensor looks at events of `road`."""
        return self._index.road(road) is not None

    def matches(self, recorded: Recorded, *, now_us: int) -> bool:
        """Whether a dependency matches `recorded`; nothing is decided."""
        return any(verdict.matched for verdict in self.verdicts(recorded, now_us=now_us))

    def settle(self) -> None:
        """Build after a batch of changes what the next event would otherwise wait for."""
        self._index.settle()

    def needed(self, now_us: int) -> set[int]:
        """The positions of events that open partial matches need, or may need again where the last step is lost.

        What came for a trigger that is gone, or under another condition, or before the last reset before `now_us`, is not needed.
        """
        found, of = set(self.joins.let_go), self._in_force.by_name()
        for ref, pending in self.joins.open().items():
            for sensor in of(ref.namespace, ref.sensor):
                trigger = sensor.triggers.get(ref.trigger)
                if trigger is not None and trigger.joined is not None:
                    members = standing(pending, trigger.joined, trigger.definitions, trigger.resets, now_us)
                    found.update([member.position for member in members])
        return found

    def orphans(self) -> list[TriggerRef]:
        """Triggers for which something has come, and that no revision declares any more which still decides anything."""
        of = self._in_force.by_name()
        return [ref for ref in self.joins.open() if not any(_joins(one, ref) for one in of(ref.namespace, ref.sensor))]

    def passed(self, position: int) -> None:
        """Forget the revisions that decide nothing after `position`: all up to there is stored."""
        self.joins.committed()
        self._in_force.passed(position)

    def decide(self, recorded: Recorded, *, now_us: int) -> Decided:
        """What `recorded` leads to. `now_us` is the decision's clock, microseconds since 1970 UTC.

        A rule that breaks counts as an error of its dependency and stops nothing else.
        """
        slices = self.slices(recorded, now_us=now_us)
        while True:
            try:
                next(slices)
            except StopIteration as ended:
                decided: Decided = ended.value
                return decided

    def slices(self, recorded: Recorded, *, now_us: int, decided_us: int | None = None) -> Slices:
        """`decide` in slices of a few rules: a caller that shares its thread may do something else between two of them.

        What is applied or removed meanwhile does not change this event. `now_us` is the time that filters and transforms see,
        `decided_us` that of the firings; the same unless given. Where it gives a search, a thread may do that before this
        goes on; the next slice does it where nobody did. Where it gives `Asking`, another process may answer that, and the
        answers are sent in; what is not answered is asked here.
        """
        decided_us = now_us if decided_us is None else decided_us
        position, _, event = recorded
        name = Road(event.namespace, event.source, event.name)
        road = self._index.road(name)
        if road is None:
            return NOTHING
        view = EventView(event, now_us=now_us)
        matched: list[Entry] = []
        errors: list[DependencyRef] = []
        large = view.large
        if large:
            yield partial(view.look_ahead, ())
        erring, heavy = self.erring, self.heavy
        entries = [entry for entry in self._candidates(road, view) if entry.live.covers(position)]
        if heavy.rules:
            entries, matched, errors = yield from asked_beside(entries, view, heavy, erring, decided_us)
        measure = heavy.measure(name) if heavy.suspected else None
        # One loop on purpose: it goes round for every rule of every event, and calls something only where that is unusual.
        began = perf_counter()
        slice_ends = began + SLICE_S
        for entry in entries:
            if large:
                began += yield from _searches(entry.dependency, view)
            held = None
            try:
                held = _asked(entry, view, erring) if erring.overruns else entry.clause.holds(view)
                if held is Held.YES:
                    matched.append(entry)
                if held is Held.ERROR:
                    errors.append(entry.dependency.ref)
                    erring.erred(entry.dependency.ref, partial(_why, entry, view, erring), decided_us)
                elif erring.streaks or erring.overruns:
                    erring.answered(entry.dependency.ref)
            except Exception as exc:  # a broken rule must not take others down
                errors.append(entry.dependency.ref)
                self._broke(entry.dependency.ref, exc, decided_us)
            now = perf_counter()
            if now - began > WORTH_S:
                measure = self._took_long(entry, now - began, measure or Measure(heavy, name), held, decided_us)
            if now >= slice_ends:
                yield from _others(measure)
                now = perf_counter()
                slice_ends = now + SLICE_S
            began = now
        if measure is not None:
            measure.end()
        yield from _order_searches(matched if large else (), view)
        return self._decided(recorded, view, matched, errors, decided_us)

    def _decided(
        self, recorded: Recorded, view: EventView, matched: list[Entry], errors: list[DependencyRef], decided_us: int
    ) -> Decided:
        if len(matched) > 1:
            matched.sort(key=place_of)
        firings, state = self._fired(matched, recorded, view, decided_us) if matched else ((), ())
        return Decided(firings, [entry.dependency.ref for entry in matched], errors, view, state)

    def _broke(self, ref: DependencyRef, exc: Exception, decided_us: int) -> None:
        self.erring.erred(ref, partial(broke, exc), decided_us)
        self._on_error(ref, exc)

    def _took_long(self, entry: Entry, seconds: float, measure: Measure, held: Held | None, decided_us: int) -> Measure:
        measure.took(entry.dependency.ref, seconds)
        if seconds > SLOW_S:
            self.erring.took(entry.dependency.ref, seconds, decided_us, failed=held is Held.ERROR)
        return measure

    def _fired(
        self, matched: Sequence[Entry], recorded: Recorded, view: EventView, decided_us: int
    ) -> tuple[Sequence[Firing], Sequence[StateChange]]:
        """What the matches fire at once and what they complete, in the order of sensors, then triggers."""
        single = [entry for entry in matched if entry.dependency.triggers]
        firings = firings_of(single, recorded, view, decided_us) if single else []
        if all(not entry.dependency.joins for entry in matched):
            return [firing for _, firing in firings], ()
        found: dict[CompiledTrigger, list[Entry]] = {}
        for entry in matched:
            for trigger in entry.dependency.joins:
                found.setdefault(trigger, []).append(entry)
        for trigger, entries in found.items():
            if members := self._joined(trigger, entries, recorded, view):
                live = entries[0].live
                firings.append(((live.order, trigger.index), joined_firing(trigger, live, members, decided_us)))
        firings.sort(key=place)
        return [firing for _, firing in firings], [self.joins.change(trigger.ref) for trigger in found]

    def _joined(
        self, trigger: CompiledTrigger, entries: Sequence[Entry], recorded: Recorded, view: EventView
    ) -> Sequence[Member]:
        """Note that an event came for a trigger that joins, for each of `entries`; what it completes."""
        if trigger.joined is None:
            return ()
        arrived = [member_of(trigger, entry, recorded, view) for entry in entries]
        return self.joins.take(trigger.ref, trigger.joined, arrived, trigger.definitions, trigger.resets)

    def _candidates(self, road: RoadIndex[Entry], view: EventView) -> Iterable[Entry]:
        try:
            return road.candidates(view)
        except Exception:  # then each is asked by itself, and the one that breaks is named
            return road.all

    def verdicts(self, recorded: Recorded, *, now_us: int = 0, sensor: ObjectRef | None = None) -> Iterator[Verdict]:
        """What every dependency on the event's road makes of it, in the order declared; `sensor` narrows to one."""
        road = self._index.road(recorded.event.road)
        if road is None:
            return
        view = EventView(recorded.event, now_us=now_us)
        # What the index rules out need not be asked whether it holds, only why not: half the work of a bulk check.
        candidates = frozenset(self._candidates(road, view))
        for entry in sorted(road.all, key=place_of):
            if entry.live.covers(recorded.position) and (sensor is None or entry.live.sensor.ref == sensor):
                yield verdict(entry, view, entry in candidates)

    def explain(self, recorded: Recorded, sensor: ObjectRef | None = None, *, now_us: int = 0) -> list[Verdict]:
        """`verdicts` as a list."""
        return list(self.verdicts(recorded, now_us=now_us, sensor=sensor))


def _others(measure: Measure | None) -> Iterator[None]:
    """Others run."""
    if measure is not None:
        measure.paused()
    yield None
    if measure is not None:
        measure.went_on()


def _searches(dependency: CompiledDependency, view: EventView) -> Generator[Search, None, float]:
    """What the filters of `dependency` have to search a large event for; the seconds that took elsewhere."""
    if not dependency.searched:
        return 0.0
    try:
        seen = dependency.seen(view)
    except Exception:  # the rule is asked next, and what breaks is its error there
        return 0.0
    paused = perf_counter()
    if seen.large and (paths := [path for path in dependency.searched if not seen.looked(path)]):
        yield partial(seen.look_ahead, paths)
    return perf_counter() - paused


def _order_searches(matched: Sequence[Entry], view: EventView) -> Iterator[Search]:
    """What `orderBy` of the triggers that matched has to search a large event for."""
    for entry in matched:
        seen = entry.dependency.seen(view)
        orders = {trigger.order_by for trigger in (*entry.dependency.triggers, *entry.dependency.joins)}
        paths = [path for path in orders if path is not None and path.plain is None and not seen.looked(path)]
        if paths and seen.large:
            yield partial(seen.look_ahead, paths)


def _joins(sensor: CompiledSensor, ref: TriggerRef) -> bool:
    trigger = sensor.triggers.get(ref.trigger)
    return trigger is not None and trigger.joined is not None


def _asked(entry: Entry, view: EventView, erring: Erring) -> Held:
    """Whether the filters hold, in less time where they were cut off again and again: others wait meanwhile."""
    with hurried(erring.share(entry.dependency.ref)):
        return entry.clause.holds(view)


def _why(entry: Entry, view: EventView, erring: Erring) -> str:
    """Why they do not hold, found in no more time than was given for whether they do."""
    with hurried(erring.share(entry.dependency.ref)):
        return entry.clause.why(view)
