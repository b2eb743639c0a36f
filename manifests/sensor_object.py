"""Reading a `Sensor`."""

from collections.abc import Collection, Mapping
from typing import Any

from manifests.bodies import SensorBody
from manifests.checked import check
from manifests.dependency_rules import read_dependencies
from manifests.features import Feature
from manifests.header import Header
from manifests.kinds import Kinds
from manifests.objects import Sensor
from manifests.report import Report
from manifests.trigger_object import SensorParts, read_trigger
from manifests.words import quoted, type_of


def read_sensor(spec: Any, header: Header, report: Report, kinds: Kinds, features: Collection[Feature]) -> Sensor | None:
    """Return the sensor with those of its triggers that can run, or None where the report refused it."""
    if not isinstance(spec, Mapping):
        report.refuse(("spec",), f"expected a mapping with dependencies and triggers, got {type_of(spec)}")
        return None
    body = check(SensorBody, spec, ("spec",), report)
    report.take(body.faults)
    lists = {field: _items(spec, field, report) for field in ("dependencies", "triggers")}
    dependencies = read_dependencies(lists["dependencies"], report, features)
    _check_names(lists["triggers"], report)
    parts = SensorParts(dependencies, kinds, features, report)
    triggers = [read_trigger(item, ("spec", "triggers", index), parts) for index, item in enumerate(lists["triggers"])]
    if report.refused:
        return None
    return Sensor(
        ref=header.ref,
        dialect=header.dialect,
        dependencies=dependencies.declared,
        unusable=dependencies.broken,
        triggers=tuple(trigger for trigger in triggers if trigger is not None),
        annotations=header.annotations,
        labels=header.labels,
        bus=(body.value.event_bus_name if body.value else "") or "default",
        content=header.content(spec),
    )


def _items(spec: Mapping[str, Any], field: str, report: Report) -> list[Any]:
    items = spec.get(field)
    if items is None or items == []:
        report.refuse(("spec", field), f"missing; a sensor needs at least one of its {field}")
    return items if isinstance(items, list) else []


def _check_names(triggers: list[Any], report: Report) -> None:
    first: dict[str, int] = {}
    for index, item in enumerate(triggers):
        template = item.get("template") if isinstance(item, Mapping) else None
        name = template.get("name") if isinstance(template, Mapping) else None
        if not isinstance(name, str) or not name:
            continue
        if name in first:
            message = f"the name {quoted(name)} is taken by spec.triggers[{first[name]}]"
            report.refuse(("spec", "triggers", index, "template", "name"), message)
        first.setdefault(name, index)
