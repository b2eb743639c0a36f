"""One load in progress, and how the next goes on from it where only parts of some files changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from manifests.objects import EventSource, ObjectRef, Sensor
from manifests.problems import Problem
from manifests.reading import Declaration, Item, Outcome
from manifests.references import Declared
from manifests.report import MAX_PROBLEMS, Fault, Report
from manifests.words import path_of

Kind = TypeVar("Kind", bound=Declaration)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is declared; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ReadFile(NamedTuple):
    """What the documents of one file came to. A file that did not change has the same list as before."""

    name: str
    outcomes: list[Outcome]


def _items(outcomes: Iterable[Outcome]) -> Iterator[Item]:
    """The objects in them, in order."""
    return (item for outcome in outcomes for item in outcome.items)


def _problems(outcomes: Iterable[Outcome]) -> Iterator[Problem]:
    for outcome in outcomes:
        yield from outcome.problems
        for item in outcome.items:
            if not item.report.clean:
                yield from item.report.problems


def _unlike(old: ReadFile, new: ReadFile) -> tuple[Sequence[Outcome], Sequence[Outcome]]:
    """The documents that are not what they were, each at the same place in both; all where there are more of them, or fewer."""
    if len(old.outcomes) != len(new.outcomes):
        return old.outcomes, new.outcomes
    pairs = [(former, now) for former, now in zip(old.outcomes, new.outcomes, strict=True) if former is not now]
    return [former for former, _ in pairs], [now for _, now in pairs]


class Loading:
    """Takes in one file after the other; the first declaration of an object counts."""

    def __init__(self, strict: bool) -> None:
        self.files: list[ReadFile] = []
        self.loose: list[Problem] = []
        """Problems of what could not be read."""
        self.places: dict[ObjectRef, Place] = {}
        self.reports: dict[ObjectRef, Report] = {}
        self._strict = strict
        self.objects: dict[type[Declaration], dict[ObjectRef, Declaration]] = {}
        self.failed: set[ObjectRef] = set()
        self.problems_of: list[list[Problem]] = []
        """Of each file."""
        self.doubled = False
        """Whether an object is declared twice: then what one file says depends on the others."""

    def take_all(self) -> None:
        """Take in every file."""
        for file in self.files:
            problems: list[Problem] = []
            self.problems_of.append(problems)
            for outcome in file.outcomes:
                problems += outcome.problems
                self.failed.update([problem.ref for problem in outcome.problems if problem.ref is not None])
                for item in outcome.items:
                    self._take(item, problems)

    def resume(self, last: "Loading") -> Collection[ObjectRef] | None:
        """Take in every file, by what `last` took in of the documents that did not change.

        The objects of those that did, or that stand elsewhere now; None where everything was taken in anew.
        """
        pairs = list(zip(last.files, self.files, strict=False))
        changed = [number for number, (old, new) in enumerate(pairs) if old.outcomes is not new.outcomes]
        same = len(last.files) == len(self.files) and all(old.name == new.name for old, new in pairs)
        unlike = {number: _unlike(*pairs[number]) for number in changed}
        if not same or last.doubled or not all(self._alike(*some) for some in unlike.values()):
            self.take_all()
            return None
        self._take_over(last, [former for some, _ in unlike.values() for former in some])
        for number, (_, some) in unlike.items():
            self.problems_of[number] = list(_problems(pairs[number][1].outcomes))
            for item in _items(some):
                self._take(item, [])
        return {item.report.ref for _, some in unlike.values() for item in _items(some) if item.report.ref is not None}

    def _alike(self, old: Sequence[Outcome], new: Sequence[Outcome]) -> bool:
        """Whether the same objects stand in both, in the same order, and as many of them are refused."""
        if any(problem.ref is not None for outcomes in (old, new) for outcome in outcomes for problem in outcome.problems):
            return False
        shapes = [[(item.report.ref, self._refused(item), type(item.found)) for item in _items(some)] for some in (old, new)]
        return shapes[0] == shapes[1]

    def _take_over(self, last: "Loading", gone: Sequence[Outcome]) -> None:
        """All but what came of the documents that are `gone`."""
        self.places, self.reports = dict(last.places), dict(last.reports)
        self.objects = {kind: dict(objects) for kind, objects in last.objects.items()}
        self.failed, self.problems_of = set(last.failed), list(last.problems_of)
        for item in _items(gone):
            if item.report.ref is not None:
                self.reports.pop(item.report.ref)

    def _refused(self, item: Item) -> bool:
        return item.found is None or (self._strict and item.report.faulty)

    def _take(self, item: Item, problems: list[Problem]) -> None:
        report, found = item.report, item.found
        if not report.clean:
            problems += report.problems
        ref = report.ref
        if ref is None:
            return
        if ref in self.reports:
            message = f"{ref.kind} {ref.namespace}/{ref.name} is declared already at {self.places[ref]}; this one is refused"
            problems.append(report.error(("metadata", "name"), message))
            self.doubled = True
            return
        self.places[ref] = Place(report.file, item.line, item.column)
        self.reports[ref] = report
        if found is None or self._refused(item):
            self.failed.add(ref)
        else:
            self.objects.setdefault(type(found), {})[ref] = found

    def of(self, kind: type[Kind]) -> Mapping[ObjectRef, Kind]:
        """The objects of one kind that can run, in the order of their files."""
        found: Any = self.objects.get(cast("type[Declaration]", kind), {})
        return cast("Mapping[ObjectRef, Kind]", found)

    def refused(self) -> set[ObjectRef]:
        """The objects that are declared, and only wrongly."""
        return {ref for ref in self.failed if not any(ref in objects for objects in self.objects.values())}

    def problems(self) -> Iterator[Problem]:
        """Of all files."""
        yield from self.loose
        for some in self.problems_of:
            yield from some

    def locate(self, ref: ObjectRef, path: str) -> Place | None:
        """Where a path such as `spec.triggers[0].template` of an object stands, or its nearest parent."""
        report = self.reports.get(ref)
        return None if report is None else Place(report.file, *report.place(path_of(path)))


class References:
    """What sensors wait for and nobody declares. Sensors are asked again when they, or the event sources, changed."""

    def __init__(self) -> None:
        self._declared = Declared({}, ())
        self._asked: Mapping[ObjectRef, Sensor] = {}
        self._faults: dict[ObjectRef, Sequence[Fault]] = {}
        """Of the sensors that have any."""

    def problems(
        self,
        sources: Mapping[ObjectRef, EventSource],
        sensors: Mapping[ObjectRef, Sensor],
        loading: Loading,
        changed: Collection[ObjectRef] | None,
    ) -> Iterator[Problem]:
        """A warning for each; only what is `changed` is not as it was the last time, None for all."""
        if changed is None or any(ref.kind == "EventSource" for ref in changed):
            declared = Declared(sources, loading.refused())
            if declared != self._declared:
                self._asked, self._faults = {}, {}
            self._declared, changed = declared, None
        self._ask(sensors, sensors if changed is None else changed)
        self._faults = {ref: faults for ref, faults in self._faults.items() if ref in sensors}
        for ref, faults in self._faults.items():
            yield from (loading.reports[ref].warning(fault.path, fault.message) for fault in faults)

    def _ask(self, sensors: Mapping[ObjectRef, Sensor], some: Collection[ObjectRef]) -> None:
        for ref in some if self._declared else ():
            sensor = sensors.get(ref)
            if sensor is None or self._asked.get(ref) is sensor:
                continue
            if faults := tuple(islice(self._declared.faults(sensor), MAX_PROBLEMS)):
                self._faults[ref] = faults
            else:
                self._faults.pop(ref, None)
        self._asked = sensors
