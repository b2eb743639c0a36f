"""References to objects that are in none of the files, and objects that nothing refers to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel

from manifests.fields import ConfigMapRef, KeySelector, SecretRef
from manifests.objects import DeclaredTrigger, EventBus, EventSource, ObjectRef, Sensor, ValueObject
from manifests.words import did_you_mean, quoted
from tocsin.checks.finding import Finding, usable

Selected = tuple[str, KeySelector]
"""Where a reference stands, and what it names."""


def value_findings(
    sources: Sequence[EventSource], sensors: Sequence[Sensor], values: Sequence[ValueObject], *, complete: bool
) -> Iterator[Finding]:
    """Keys of Secrets and ConfigMaps that are not in the files, which hold others of the namespace, or must hold all."""
    known = {value.ref: frozenset(value.data) for value in values}
    holding = {ref.namespace for ref in known}
    owners: tuple[EventSource | Sensor, ...] = (*sources, *sensors)
    for owner in owners if complete else [one for one in owners if one.ref.namespace in holding]:
        for path, selected in _selected(owner):
            kind: Literal["Secret", "ConfigMap"] = "Secret" if isinstance(selected, SecretRef) else "ConfigMap"
            ref = ObjectRef(kind, owner.ref.namespace, selected.name)
            if ref not in known:
                hint = did_you_mean(ref.name, [one.name for one in known if one[:2] == ref[:2]])
                message = f"no {kind} {quoted(ref.name)} in these files{hint}; it has to come from elsewhere"
                yield Finding(owner.ref, f"{path}.name", message)
            elif selected.key not in known[ref]:
                hint = did_you_mean(selected.key, known[ref])
                message = f"the {kind} {quoted(ref.name)} in these files has no key {quoted(selected.key)}{hint}"
                yield Finding(owner.ref, f"{path}.key", message)


def bus_findings(
    sources: Sequence[EventSource], sensors: Sequence[Sensor], buses: Sequence[EventBus], *, complete: bool
) -> Iterator[Finding]:
    """Buses that nothing uses, and names of buses that are none of those in the files."""
    users: list[EventSource | Sensor] = [*sources, *sensors]
    used = {ObjectRef("EventBus", user.ref.namespace, user.bus) for user in users}
    known = {bus.ref for bus in buses}
    for ref in sorted(one for one in known - used if any(user.ref.namespace == one.namespace for user in users)):
        yield Finding(ref, "metadata.name", f"no event source and no sensor in these files uses the bus {quoted(ref.name)}")
    for user in users:
        ref = ObjectRef("EventBus", user.ref.namespace, user.bus)
        declared = any(one.namespace == ref.namespace for one in known)
        if ref not in known and (declared or (complete and user.bus != "default")):
            hint = did_you_mean(ref.name, [one.name for one in known if one.namespace == ref.namespace])
            yield Finding(user.ref, "spec.eventBusName", f"no event bus {quoted(ref.name)} in these files{hint}")


def source_findings(sensors: Iterable[Sensor]) -> Iterator[Finding]:
    """What sensors wait for, where no event source at all is in the files."""
    for sensor in sensors:
        for path, dependency in usable(sensor):
            message = f"no event source {quoted(dependency.event_source_name)} in these files"
            yield Finding(sensor.ref, f"{path}.eventSourceName", message)


def _selected(owner: EventSource | Sensor) -> Iterator[Selected]:
    if isinstance(owner, EventSource):
        for event in owner.events:
            yield from _within(event.spec, event.path)
        return
    for trigger in owner.triggers:
        yield from _of_trigger(trigger)


def _of_trigger(trigger: DeclaredTrigger) -> Iterator[Selected]:
    yield from _within(trigger.spec, f"{trigger.path}.template.{trigger.kind}")
    if trigger.dlq is not None:
        yield from _of_trigger(trigger.dlq)


def _within(value: object, path: str) -> Iterator[Selected]:
    if isinstance(value, SecretRef | ConfigMapRef):
        if value.name:
            yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from _within(getattr(value, name), f"{path}.{info.alias or name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _within(item, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, BaseModel):
                yield from _within(item, f"{path}.{key}")
