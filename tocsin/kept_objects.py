"""Objects of a data folder on which no service runs: those that were in force when one last ran."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from eventbus.event import Road
from eventbus.journal import Declared, Journal
from manifests.objects import ObjectRef, Sensor
from manifests.problems import ManifestError
from tocsin.objects import EventState, ObjectState, State, gone, pick, sensor_view, source_view
from tocsin.sensor_pauses import SensorPause, in_force, paused
from tocsin.views import Json
from tocsin.waiting import waiting

Plural = Literal["sources", "sensors"]
"""What a command and a path of the API are about."""


async def kept_objects(journal: Journal, plural: Plural) -> list[Json]:
    """The sources or sensors that were in force when the service last ran on this data folder."""
    kept = await _Kept.of(journal, plural)
    return [await kept.view(ref) for ref in kept.refs]


async def kept_object(journal: Journal, plural: Plural, name: str, kind: str) -> Json:
    """One of them. Raises `QueryError` where `name` names none or several."""
    kept = await _Kept.of(journal, plural)
    return await kept.view(pick(kept.refs, name, kind))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a data folder knows of one kind of object."""

    journal: Journal
    declared: Mapping[ObjectRef, Declared]
    pauses: Mapping[ObjectRef, SensorPause]

    @classmethod
    async def of(cls, journal: Journal, plural: Plural) -> "_Kept":
        kind: Literal["EventSource", "Sensor"] = "EventSource" if plural == "sources" else "Sensor"
        found = [declared for declared in await journal.in_force(None) if declared.ref.startswith(f"{kind}/")]
        declared = {_ref(kind, one.ref): one for one in found}
        return cls(journal, declared, await in_force(journal) if kind == "Sensor" else {})

    @property
    def refs(self) -> list[ObjectRef]:
        """Those in force, then those that are gone and still hold events."""
        return [*self.declared, *(ref for ref in self.pauses if ref not in self.declared)]

    async def view(self, ref: ObjectRef) -> Json:
        declared, pause = self.declared.get(ref), self.pauses.get(ref)
        if declared is not None:
            return await _kept(ref, declared, self.journal, pause)
        return await sensor_view(gone(ref), self.journal, None if pause is None else await paused(self.journal, ref, pause, ()))


def _ref(kind: Literal["EventSource", "Sensor"], text: str) -> ObjectRef:
    _, namespace, name = text.split("/", 2)
    return ObjectRef(kind, namespace, name)


async def _kept(ref: ObjectRef, declared: Declared, journal: Journal, pause: SensorPause | None) -> Json:
    kind, namespace, name = ref
    state = ObjectState(ref=ref, state=State.KEPT, message="no service runs on this data folder", revision=declared.revision)
    content = msgspec.json.decode(declared.content)
    spec = content.get("spec") or {}
    if kind == "EventSource":
        state.events = {name: EventState(kind=key) for key, name in _event_names(spec)}
        return await source_view(state, journal)
    roads = _kept_roads(namespace, spec)
    view = await sensor_view(state, journal, None if pause is None else await paused(journal, ref, pause, roads))
    counts = await journal.matched(namespace, name)
    view["dependencies"] = [_kept_dependency(d, counts) for d in spec.get("dependencies") or ()]
    view["triggers"] = [_kept_trigger(t.get("template") or {}) for t in spec.get("triggers") or ()]
    view["waiting"] = await _kept_waiting(declared, journal)
    return view


def _kept_roads(namespace: str, spec: Mapping[str, Any]) -> set[Road]:
    named = [(d.get("eventSourceName", ""), d.get("eventName", "")) for d in spec.get("dependencies") or ()]
    return {Road(namespace, str(source), str(event)) for source, event in named}


async def _kept_waiting(declared: Declared, journal: Journal) -> list[Json]:
    from tocsin.declared import object_of  # noqa: PLC0415 - the kinds are heavy, and most questions need none

    try:
        sensor = object_of(declared.content)
    except ManifestError:  # kept by another version: what it waits for cannot be told
        return []
    return await waiting(journal, sensor) if isinstance(sensor, Sensor) else []


def _event_names(spec: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(kind, event name) of everything under `spec` that is a mapping of named events."""
    for key, value in spec.items():
        if key not in ("template", "service") and isinstance(value, Mapping):
            yield from ((key, str(name)) for name in value)


def _kept_dependency(dependency: Mapping[str, Any], counts: Mapping[str, tuple[int, int]]) -> Json:
    name = str(dependency.get("name", ""))
    matched, errors = counts.get(name, (0, 0))
    return {
        "name": name,
        "source": dependency.get("eventSourceName", ""),
        "event": dependency.get("eventName", ""),
        "matched": matched,
        "errors": errors,
    }


def _kept_trigger(template: Mapping[str, Any]) -> Json:
    kind = next((key for key, value in template.items() if isinstance(value, Mapping)), "")
    return {"name": template.get("name", ""), "kind": kind, "conditions": template.get("conditions", "")}
