"""Loading manifests: every object that can run, and every problem of every file at once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifests.features import BUILT, Feature
from manifests.files import MAX_FILE_BYTES, Found, Seen, read_files
from manifests.kinds import Kinds
from manifests.known import with_known
from manifests.loading import Loading, Place, ReadFile, References
from manifests.objects import EventBus, EventSource, ObjectRef, Scenario, Sensor, ValueObject
from manifests.problems import ManifestError, Problem
from manifests.reading import Reader, read_object
from manifests.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was declared and can run, and what is wrong with the rest."""

    event_sources: Mapping[ObjectRef, EventSource]
    sensors: Mapping[ObjectRef, Sensor]
    buses: Mapping[ObjectRef, EventBus]
    secrets: Mapping[ObjectRef, ValueObject] = field(repr=False)
    config_maps: Mapping[ObjectRef, ValueObject] = field(repr=False)
    scenarios: Mapping[ObjectRef, Scenario]
    """Tests of the rest; nothing runs them but `tocsin test`."""
    problems: tuple[Problem, ...]
    """Of all files, by file, line and column."""
    failed: frozenset[ObjectRef]
    """Objects that are declared and were refused: their last good revision may run on."""
    files: tuple[str, ...]
    """The files that were read, in order."""
    places: Mapping[ObjectRef, Place]
    """Where each object stands, refused ones included."""
    changed: Collection[ObjectRef] | None = None
    """The objects that were read anew, or stand elsewhere, since the same `Loader` loaded the last time; None: any may have."""
    locate: Callable[[ObjectRef, str], Place | None] = field(repr=False)
    """Where a path such as `spec.triggers[0].template` of an object stands, or its nearest parent; None where it was not read."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep something from running."""
        return tuple(one for one in self.problems if one.is_error)


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
        self._references = References()
        self._last = Loading(strict)

    def load(self) -> Loaded:
        """As `load`."""
        loading = Loading(self._strict)
        keys = set()
        for one in read_files(self._paths, max_bytes=self._max_bytes, before=self._seen):
            if isinstance(one, Problem):
                loading.loose.append(one)
            else:
                keys.add(one.key)
                loading.files.append(ReadFile(one.name, self._reader.read(one)))
        self._seen.keep(keys)
        self._reader.keep(keys)
        changed = loading.resume(self._last)
        self._last = loading
        return _finished(loading, self._references, changed)


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
    reader, loading = Reader(with_known(kinds), features), Loading(strict)
    for one in found:
        if isinstance(one, Problem):
            loading.loose.append(one)
        else:
            loading.files.append(ReadFile(one.name, reader.read(one)))
    loading.take_all()
    return _finished(loading, References(), None)


def _finished(loading: Loading, references: References, changed: Collection[ObjectRef] | None) -> Loaded:
    """What is known once all files are taken; `changed` are the objects that are not as they were the last time, None for all."""
    values = loading.of(ValueObject)
    sources, sensors = loading.of(EventSource), loading.of(Sensor)
    problems = [*loading.problems(), *references.problems(sources, sensors, loading, changed)]
    return Loaded(
        event_sources=sources,
        sensors=sensors,
        buses=loading.of(EventBus),
        secrets={ref: one for ref, one in values.items() if ref.kind == "Secret"},
        config_maps={ref: one for ref, one in values.items() if ref.kind == "ConfigMap"},
        scenarios=loading.of(Scenario),
        problems=tuple(sorted(dict.fromkeys(problems))),
        failed=frozenset(loading.refused()),
        files=tuple(file.name for file in loading.files),
        places=loading.places,
        changed=changed,
        locate=loading.locate,
    )
