"""Loading manifests: every object that can run, and every problem of every file at once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifests.bus_object import read_event_bus
from manifests.event_source_object import read_event_source
from manifests.features import BUILT, Feature
from manifests.files import MAX_FILE_BYTES, Found, read_files
from manifests.header import is_manifest, read_header
from manifests.kinds import Kinds
from manifests.known import with_known
from manifests.objects import EventBus, EventSource, ObjectRef, Sensor, ValueObject
from manifests.problems import ManifestError, Problem, Severity
from manifests.raw import Raw, raw_objects
from manifests.references import Declared
from manifests.report import Report
from manifests.sensor_object import read_sensor
from manifests.value_objects import read_value_object
from manifests.words import path_of
from manifests.yaml_reader import read_documents

Declaration = EventSource | Sensor | EventBus | ValueObject


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
    found = _read(content, report, with_known(kinds), features, tolerant=False)
    if isinstance(found, EventSource | Sensor):
        return found
    if not report.refused:
        report.refuse(("kind",), "expected an EventSource or a Sensor")
    raise ManifestError(report.problems)


def _load(found: Iterable[Found | Problem], kinds: Kinds, strict: bool, features: Collection[Feature]) -> Loaded:
    loading = _Loading(with_known(kinds), strict, features)
    for one in found:
        if isinstance(one, Problem):
            loading.problems.append(one)
        else:
            loading.take_file(one)
    return loading.finish()


def _read(value: Any, report: Report, kinds: Kinds, features: Collection[Feature], *, tolerant: bool) -> Declaration | None:
    header = read_header(value, report, tolerant=tolerant)
    if header is None:
        return None
    if header.ref.kind in ("Secret", "ConfigMap"):
        return read_value_object(value, header, report)
    spec = value.get("spec")
    if header.ref.kind == "EventBus":
        return read_event_bus(spec, header, report)
    read = read_event_source if header.ref.kind == "EventSource" else read_sensor
    return read(spec, header, report, kinds, features)


class _Loading:
    """One load in progress."""

    def __init__(self, kinds: Kinds, strict: bool, features: Collection[Feature]) -> None:
        self.problems: list[Problem] = []
        self._kinds = kinds
        self._strict = strict
        self._features = features
        self._files: list[str] = []
        self._objects: dict[ObjectRef, Declaration] = {}
        self._failed: set[ObjectRef] = set()
        self._places: dict[ObjectRef, Place] = {}
        self._reports: dict[ObjectRef, Report] = {}

    def take_file(self, file: Found) -> None:
        self._files.append(file.name)
        for document in read_documents(file.name, file.data):
            if isinstance(document, Problem):
                self.problems.append(document)
                if document.ref is not None:
                    self._failed.add(document.ref)
                continue
            for raw in raw_objects(document):
                self._take(raw, tolerant=not file.named)

    def _take(self, raw: Raw, *, tolerant: bool) -> None:
        report = Report(raw.file, raw.node, prefix=raw.prefix)
        if not tolerant or is_manifest(raw.value):
            for fault in raw.faults:
                report.unreadable(fault.line, fault.column, fault.message)
        found = _read(raw.value, report, self._kinds, self._features, tolerant=tolerant)
        ref = report.ref
        if ref is None:
            self.problems.extend(report.problems)
            return
        if ref in self._places:
            message = f"{ref.kind} {ref.namespace}/{ref.name} is declared already at {self._places[ref]}; this one is refused"
            report.refuse(("metadata", "name"), message)
            self.problems.extend(report.problems)
            return
        self._places[ref] = Place(raw.file, *report.place(()))
        self._reports[ref] = report
        if found is None or report.refused:
            self._failed.add(ref)
        else:
            self._objects[ref] = found

    def finish(self) -> Loaded:
        self._check_references()
        for ref, report in self._reports.items():
            self.problems.extend(report.problems)
            if self._strict and report.faulty:
                self._objects.pop(ref, None)
                self._failed.add(ref)
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

    def _check_references(self) -> None:
        declared = Declared(self._of(EventSource), self._failed)
        if not declared:
            return
        for ref, sensor in self._of(Sensor).items():
            for fault in declared.faults(sensor):
                self._reports[ref].warn(fault.path, fault.message)
