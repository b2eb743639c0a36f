"""Reading an `EventSource`. Rules: Argo Events, names and validation of event sources."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from manifests.bodies import EventSourceBody
from manifests.checked import aliases, check
from manifests.features import Feature, unsupported
from manifests.fields import EventFilter, Spec
from manifests.header import Header
from manifests.kinds import Kind, Kinds
from manifests.objects import DeclaredEvent, EventSource
from manifests.report import Report
from manifests.words import one_of, path_text, quoted, type_of
from manifests.yaml_values import Path

_UNPUBLISHABLE = set(". *>")


def read_event_source(
    spec: Any, header: Header, report: Report, kinds: Kinds, features: Collection[Feature]
) -> EventSource | None:
    """Return the event source with those of its events that can run, or None where the report refused it."""
    if not isinstance(spec, Mapping):
        report.refuse(("spec",), f"expected a mapping of kinds to events, got {type_of(spec)}")
        return None
    usable = {kind.key: kind for kind in kinds.all("source") if header.dialect.value in kind.dialects}
    body = check(EventSourceBody, _without_kinds(spec, usable, report), ("spec",), report)
    report.take(body.faults)
    present = [usable[key] for key in spec if key in usable and (spec[key] is not None or not report.lenient)]
    # A mapping has no order that counts, so the same content gives the same object however it was written.
    events = tuple(sorted(_Events(spec, report, features).read(present), key=lambda event: (event.kind, event.name)))
    _warn_about_mixing(present, report)
    if not present and not report.refused:
        report.warn(("spec",), "declares no events")
    if report.refused:
        return None
    return EventSource(
        ref=header.ref,
        dialect=header.dialect,
        events=events,
        annotations=header.annotations,
        labels=header.labels,
        bus=(body.value.event_bus_name if body.value else "") or "default",
        content=header.content(spec),
    )


def declared_events(content: Mapping[str, Any]) -> frozenset[str]:
    """The names of all events in an event source's content, those that cannot run included."""
    maps = [value for value in content["spec"].values() if isinstance(value, Mapping)]
    return frozenset(name for value in maps for name in value)


def _without_kinds(spec: Mapping[str, Any], usable: Mapping[str, Kind], report: Report) -> dict[str, Any]:
    """The common fields; what is neither one of them nor a kind is reported with the nearest of both."""
    common = set(aliases(EventSourceBody))
    for key in spec:
        if key not in common and key not in usable:
            report.unknown_field(("spec", key), [*usable, *common], what="field or kind")
    return {key: value for key, value in spec.items() if key in common}


def _warn_about_mixing(present: list[Kind], report: Report) -> None:
    elected = [kind.key for kind in present if kind.active_passive]
    shared = [kind.key for kind in present if not kind.active_passive]
    if elected and shared:
        message = f"Argo Events refuses {one_of(elected)} beside {one_of(shared)} in one object; it runs here"
        report.warn(("spec", elected[0]), message, at_key=True)


class _Events:
    """Reads the events of one object, kind by kind."""

    def __init__(self, spec: Mapping[str, Any], report: Report, features: Collection[Feature]) -> None:
        self._spec = spec
        self._report = report
        self._features = features
        self._owners: dict[str, str] = {}

    def read(self, present: list[Kind]) -> Iterator[DeclaredEvent]:
        for kind in present:
            events = self._spec[kind.key]
            if not isinstance(events, Mapping):
                message = f"expected a mapping of event names to their settings, got {type_of(events)}"
                self._report.refuse(("spec", kind.key), message)
                continue
            for name, value in events.items():
                path: Path = ("spec", kind.key, name)
                self._check_name(name, kind, path)
                spec = self._read_one(kind, value, path)
                if spec is not None:
                    yield DeclaredEvent(kind=kind.key, name=name, spec=spec, path=path_text(path))

    def _check_name(self, name: str, kind: Kind, path: Path) -> None:
        if not name:
            self._report.refuse(path, "an event needs a name", at_key=True)
        elif name in self._owners:
            message = f"the event name {quoted(name)} is taken by spec.{self._owners[name]}; names are unique across kinds"
            self._report.refuse(path, message, at_key=True)
        elif _UNPUBLISHABLE & set(name):
            self._report.warn(path, "Argo Events cannot publish a name with '.', '*', '>' or a space; it runs here", at_key=True)
        self._owners.setdefault(name, kind.key)

    def _read_one(self, kind: Kind, value: Any, path: Path) -> Spec | None:
        if kind.spec is None:
            what = f"the event source kind {quoted(kind.key)}"
            self._report.disable(path, unsupported(what, "this event does not run"), at_key=True)
            return None
        checked = check(kind.spec, {} if value is None and self._report.lenient else value, path, self._report)
        self._report.take(checked.faults)
        missing = [] if checked.value is None else list(checked.value.unsupported())
        for at, what in missing:
            self._report.disable((*path, *at), unsupported(what, "this event does not run"))
        if missing:
            return None
        condition = getattr(checked.value, "filter", None)
        if isinstance(condition, EventFilter) and condition.expression and Feature.SOURCE_FILTER not in self._features:
            message = unsupported(str(Feature.SOURCE_FILTER), "this event does not run")
            self._report.disable((*path, "filter", "expression"), message)
            return None
        return checked.value
