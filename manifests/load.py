"""Loading manifests: every object that can run, and every problem of every file at once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from manifests.features import BUILT, Feature
from manifests.files import MAX_FILE_BYTES, Found, Seen, read_files
from manifests.kinds import Kinds
from manifests.known import with_known
from manifests.objects import EventBus, EventSource, ObjectRef, Sensor, ValueObject
from manifests.problems import ManifestError, Problem, Severity
from manifests.reading import Declaration, Item, Outcome, Reader, read_object
from manifests.references import Declared
from manifests.report import MAX_PROBLEMS, Fault, Report
from manifests.words import path_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is declared; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was declared and can run, and what is wrong with the rest."""

    event_sources: Mapping[ObjectRef, EventSource]
    sensors: Mapping[ObjectRef, Sensor]
    buses: Mapping[ObjectRef, EventBus]
    secrets: Mapping[ObjectRef, ValueObject] = field(repr=False)
    config_maps: Mapping[ObjectRef, ValueObject] = field(repr=False)
    problems: tuple[Problem, ...]
    """Of all files, by file, line and column."""
    failed: frozenset[ObjectRef]
    """Objects that are declared and were refused: their last good revision may run on."""
    files: tuple[str, ...]
    """The files that were read, in order."""
    places: Mapping[ObjectRef, Place]
    """Where each object stands, refused ones included."""
    locate: Callable[[ObjectRef, str], Place | None] = field(repr=False)
    """Where a path such as `spec.triggers[0].template` of an object stands, or its nearest parent; None where it was not read."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep something from running."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)


def load(
    paths: Sequence[Path | str],
    kinds: Kinds,
    *,
    strict: bool = False,
    features: Collection[Feature] = BUILT,
    max_bytes: int = MAX_FILE_BYTES,
) -> Loaded:
    """Read the manifests that `paths` name and check them with `kinds`.

    Never raises for what a file holds: problems are in the result. What the original refuses is left out whole and named
    in `failed`; a faulty part that the original accepts, or that is not built, is left out alone, unless `strict`.
    """
    return _load(read_files(paths, max_bytes=max_bytes), kinds, strict, features)


class Loader:
    """Loads again and again, reading only the documents that changed.

    What did not change is the same object as before, so that whoever applies it can tell at a glance. One thread at a time
    may use it.
    """

    def __init__(
        self,
        paths: Sequence[Path | str],
        kinds: Kinds,
        *,
        strict: bool = False,
        features: Collection[Feature] = BUILT,
        max_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        """As `load`."""
        self._paths, self._strict, self._max_bytes = paths, strict, max_bytes
        self._seen = Seen()
        self._reader = Reader(with_known(kinds), features, remembers=True)
        self._references = _References()

    def load(self) -> Loaded:
        """As `load`."""
        loading = _Loading(self._strict)
        keys = set()
        for one in read_files(self._paths, max_bytes=self._max_bytes, before=self._seen):
            if isinstance(one, Problem):
                loading.problems.append(one)
            else:
                keys.add(one.key)
                loading.take_file(one.name, self._reader.read(one))
        self._seen.keep(keys)
        self._reader.keep(keys)
        return loading.finish(self._references)


def load_text(
    text: str | bytes,
    kinds: Kinds,
    *,
    file: str = "<text>",
    strict: bool = False,
    features: Collection[Feature] = BUILT,
) -> Loaded:
    """As `load`, for the text of one file."""
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    return _load([Found(file, data, named=True)], kinds, strict, features)


def load_object(content: Mapping[str, Any], kinds: Kinds, *, features: Collection[Feature] = BUILT) -> EventSource | Sensor:
    """Build an event source or a sensor again from the `content` it had, without a file.

    Parts that cannot run are left out, as when it was loaded. Raises `ManifestError` where it is refused.
    """
    report = Report(f"{content.get('kind', 'object')} revision")
    found = read_object(content, report, with_known(kinds), features, tolerant=False)
    if isinstance(found, EventSource | Sensor):
        return found
    if not report.refused:
        report.refuse(("kind",), "expected an EventSource or a Sensor")
    raise ManifestError(report.problems)


def _load(found: Iterable[Found | Problem], kinds: Kinds, strict: bool, features: Collection[Feature]) -> Loaded:
    reader, loading = Reader(with_known(kinds), features), _Loading(strict)
    for one in found:
        if isinstance(one, Problem):
            loading.problems.append(one)
        else:
            loading.take_file(one.name, reader.read(one))
    return loading.finish(_References())


class _Loading:
    """One load in progress."""

    def __init__(self, strict: bool) -> None:
        self.problems: list[Problem] = []
        self._strict = strict
        self._files: list[str] = []
        self._objects: dict[ObjectRef, Declaration] = {}
        self._failed: set[ObjectRef] = set()
        self._places: dict[ObjectRef, Place] = {}
        self._reports: dict[ObjectRef, Report] = {}

    def take_file(self, name: str, outcomes: Iterable[Outcome]) -> None:
        self._files.append(name)
        for outcome in outcomes:
            self.problems.extend(outcome.problems)
            self._failed.update([problem.ref for problem in outcome.problems if problem.ref is not None])
            for item in outcome.items:
                self._take(item)

    def _take(self, item: Item) -> None:
        report, found = item.report, item.found
        self.problems.extend(report.problems)
        ref = report.ref
        if ref is None:
            return
        if ref in self._places:
            message = f"{ref.kind} {ref.namespace}/{ref.name} is declared already at {self._places[ref]}; this one is refused"
            self.problems.append(report.error(("metadata", "name"), message))
            return
        self._places[ref] = Place(report.file, item.line, item.column)
        self._reports[ref] = report
        if found is None or (self._strict and report.faulty):
            self._failed.add(ref)
        else:
            self._objects[ref] = found

    def finish(self, references: "_References") -> Loaded:
        self.problems.extend(references.problems(self._of(EventSource), self._of(Sensor), self._failed, self._reports))
        return Loaded(
            event_sources=self._of(EventSource),
            sensors=self._of(Sensor),
            buses=self._of(EventBus),
            secrets={ref: one for ref, one in self._of(ValueObject).items() if ref.kind == "Secret"},
            config_maps={ref: one for ref, one in self._of(ValueObject).items() if ref.kind == "ConfigMap"},
            problems=tuple(sorted(dict.fromkeys(self.problems))),
            failed=frozenset(self._failed - self._objects.keys()),
            files=tuple(self._files),
            places=self._places,
            locate=self._locate,
        )

    def _locate(self, ref: ObjectRef, path: str) -> Place | None:
        report = self._reports.get(ref)
        return None if report is None else Place(report.file, *report.place(path_of(path)))

    def _of(self, kind: type[Any]) -> dict[ObjectRef, Any]:
        return {ref: one for ref, one in self._objects.items() if isinstance(one, kind)}


class _References:
    """What sensors wait for and nobody declares. Sensors are asked again when they, or the event sources, changed."""

    def __init__(self) -> None:
        self._declared = Declared({}, ())
        self._faults: dict[ObjectRef, tuple[Sensor, tuple[Fault, ...]]] = {}

    def problems(
        self,
        sources: Mapping[ObjectRef, EventSource],
        sensors: Mapping[ObjectRef, Sensor],
        failed: Collection[ObjectRef],
        reports: Mapping[ObjectRef, Report],
    ) -> Iterator[Problem]:
        declared = Declared(sources, failed)
        known = self._faults if declared == self._declared else {}
        self._declared, self._faults = declared, {}
        for ref, sensor in sensors.items() if declared else ():
            asked, faults = known.get(ref, (None, ()))
            if asked is not sensor:
                faults = tuple(islice(declared.faults(sensor), MAX_PROBLEMS))
            self._faults[ref] = (sensor, faults)
            yield from (reports[ref].warning(fault.path, fault.message) for fault in faults)
