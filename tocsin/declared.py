"""What the manifests declare, as the rest of the service uses it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from manifests.load import Loaded, Loader, load_object
from manifests.load import load as load_files
from manifests.objects import EventSource, ObjectRef, Sensor, ValueObject
from manifests.problems import ManifestError, Problem, Severity
from tocsin.kinds import BuiltKinds, trigger_kinds
from tocsin.secrets import HiddenValues
from tocsin.watching import Look, look

READINGS = 5
"""How often files are read in a row while they keep changing; then what was read counts, until the next look."""


class Declarations:
    """One reading of the manifests."""

    def __init__(self, loaded: Loaded, *, reading: int = 0, touched: Collection[ObjectRef] | None = None) -> None:
        """`reading` counts those of one `Reading`; `touched` are the objects that are not as in the one before, None: any may."""
        self._loaded = loaded
        self.reading, self._touched = reading, touched
        self.event_sources: Mapping[ObjectRef, EventSource] = loaded.event_sources
        self.all_sensors: Mapping[ObjectRef, Sensor] = loaded.sensors
        self.sources: Sequence[EventSource] = tuple(loaded.event_sources.values())
        self.sensors: Sequence[Sensor] = tuple(loaded.sensors.values())
        self.values: Sequence[ValueObject] = (*loaded.secrets.values(), *loaded.config_maps.values())
        self.problems: Sequence[Problem] = loaded.problems

    @cached_property
    def unreadable(self) -> bool:
        """Whether something could not be read so far that not even its name is known."""
        return any(problem.ref is None and problem.is_error for problem in self.problems)

    def touched_since(self, other: "Declarations | None") -> Collection[ObjectRef] | None:
        """The objects that were read anew, or stand elsewhere, since `other`; None where that is not known.

        Where it is known, the same objects are declared in both, in the same order, and the same of them are refused.
        """
        follows = other is not None and self.reading == other.reading + 1
        return self._touched if follows else None

    def faulty(self) -> AbstractSet[ObjectRef]:
        """The objects with problems."""
        return self._by_ref.keys()

    def refs(self) -> AbstractSet[ObjectRef]:
        """The event sources and sensors that can run."""
        return self.objects().keys()

    def objects(self) -> dict[ObjectRef, EventSource | Sensor]:
        """The event sources and sensors that can run, by name. Not to be changed."""
        return self._objects

    @cached_property
    def _objects(self) -> dict[ObjectRef, EventSource | Sensor]:
        return {**self._loaded.event_sources, **self._loaded.sensors}

    def place(self, ref: ObjectRef) -> str:
        """The file and line where an object stands; empty where it is not declared."""
        return str(self._loaded.places.get(ref, ""))

    def broken(self) -> set[ObjectRef]:
        """The event sources and sensors that were refused."""
        return {ref for ref in self._loaded.failed if ref.kind in ("EventSource", "Sensor")}

    def about(self, ref: ObjectRef) -> list[Problem]:
        """The problems of one object."""
        return self._by_ref.get(ref, [])

    @cached_property
    def _by_ref(self) -> dict[ObjectRef, list[Problem]]:
        found: dict[ObjectRef, list[Problem]] = {}
        for problem in self.problems:
            if problem.ref is not None:
                found.setdefault(problem.ref, []).append(problem)
        return found

    def placed(self, problems: Iterable[tuple[Sensor | EventSource, Problem]]) -> list[Problem]:
        """Problems of compiled objects, each at its place in the file."""
        found = []
        for declared, problem in problems:
            place = self._loaded.locate(declared.ref, problem.path)
            if place is not None:
                problem = replace(problem, file=place.file, line=place.line, column=place.column, ref=declared.ref)  # noqa: PLW2901
            found.append(problem)
        return found

    def filter_problems(self, source: EventSource) -> list[Problem]:
        """The filters of `source` that cannot work."""
        if not any(getattr(event.spec, "filter", None) for event in source.events):
            return []
        from tocsin.source_filter import BadFilter, compile_filter, expression_of  # noqa: PLC0415 - seldom needed

        found = []
        for event in source.events:
            try:
                if expression := expression_of(event):
                    compile_filter(expression)
            except BadFilter as exc:
                path = f"{event.path}.filter.expression"
                found.append((source, Problem(file="", path=path, message=f"{exc}; this event does not run with it")))
        return self.placed(found)

    def compiled_problems(self, *, acts: bool = False) -> list[Problem]:
        """What only compiling shows: patterns, paths and templates that cannot work; with `acts` also missing libraries."""
        filters = [problem for source in self.sources for problem in self.filter_problems(source)]
        return [*filters, *self._sensor_problems(acts=acts)]

    def _sensor_problems(self, *, acts: bool) -> list[Problem]:
        if not self.sensors:
            return []
        from sensors.compile import compile_sensor  # noqa: PLC0415 - sources alone need none of it
        from sensors.web.client import Web  # noqa: PLC0415 - as above

        kinds, values, web = trigger_kinds(), HiddenValues(), Web()  # nobody calls anything with it
        compiled = ((sensor, compile_sensor(sensor, kinds, values, web=web, acts=acts)) for sensor in self.sensors)
        return self.placed((sensor, problem) for sensor, ready in compiled for problem in ready.problems)

    def findings(self, *, complete: bool = False) -> list[Problem]:
        """What runs, and is probably not meant so; `complete` takes the files for all there is."""
        from tocsin.checks import findings  # noqa: PLC0415 - only `validate` asks

        loaded, found = self._loaded, []
        for one in findings(self.sources, self.sensors, tuple(loaded.buses.values()), self.values, complete=complete):
            problem = Problem(file="", path=one.path, severity=Severity.WARNING, message=one.message, ref=one.ref)
            if (place := loaded.locate(one.ref, one.path)) is not None:
                problem = replace(problem, file=place.file, line=place.line, column=place.column)
            found.append(problem)
        return found

    def summary(self) -> str:
        """How many objects of each kind there are; empty where there are none."""
        counts = {
            "event source": len(self.sources),
            "sensor": len(self.sensors),
            "event bus": len(self._loaded.buses),
            "secret": len(self._loaded.secrets),
            "config map": len(self._loaded.config_maps),
            "scenario": len(self._loaded.scenarios),
        }
        said = [
            f"{count} {name}{'' if count == 1 else 'es' if name.endswith('s') else 's'}"
            for name, count in counts.items()
            if count
        ]
        return ", ".join(said)


@cache
def kinds() -> BuiltKinds:
    """The kinds of this version."""
    return BuiltKinds()


def load(paths: Sequence[str | Path], *, strict: bool = False) -> Declarations:
    """Read the manifests that `paths` name. Never raises for what they hold."""
    return Declarations(load_files(paths, kinds(), strict=strict))


class Reading:
    """Reads manifests again and again: only what changed is read anew, and what did not is the same object as before."""

    def __init__(self, paths: Sequence[Path], *, strict: bool = False) -> None:
        self.paths = paths
        self._loader = Loader(paths, kinds(), strict=strict)
        self.looked: Look = {}
        """What the files looked like when they were read last."""
        self._count = 0

    def look(self) -> Look:
        """What the files look like now."""
        return look(self.paths)

    def read(self) -> Declarations:
        """As `load`. Files that change while they are read are read again, so that what moves between them is not missed."""
        touched: set[ObjectRef] | None = set()
        for _ in range(READINGS):
            self.looked = self.look()
            loaded = self._loader.load()
            touched = None if touched is None or loaded.changed is None else touched.union(loaded.changed)
            if self.look() == self.looked:
                break
        self._count += 1
        made = Declarations(loaded, reading=self._count, touched=touched)
        made.objects()  # here, beside the loop
        return made


def object_of(content: bytes) -> EventSource | Sensor:
    """The object that a kept revision declares. Raises `ManifestError`."""
    try:
        return load_object(msgspec.json.decode(content), kinds())
    except msgspec.DecodeError as exc:
        raise ManifestError([Problem(file="kept revision", message=f"not JSON: {exc}")]) from exc


AT_ONCE = 512
"""Declarations that are put at once: they share a few commits, and leave room in the log's queue for events."""

T = TypeVar("T")


def several(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """`items` in lists of at most `most`."""
    rest = iter(items)
    while some := list(islice(rest, most)):
        yield some
