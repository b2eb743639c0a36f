"""Reading one trigger of a sensor."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.checked import Checked, check
from manifests.conditions import ConditionError, parse_conditions
from manifests.dependency_rules import Dependencies
from manifests.features import Feature, unsupported
from manifests.fields import Spec
from manifests.kinds import Kind, Kinds
from manifests.objects import DeclaredTrigger, TocsinTriggerHead, TriggerHead
from manifests.parameter_rules import parameter_faults, template_faults
from manifests.report import Fault, Report
from manifests.trigger_kind import HEAD_FIELDS, TemplateHead, pick_kind
from manifests.trigger_rules import (
    backoff_warnings,
    condition_faults,
    feature_faults,
    ours_faults,
    policy_faults,
    rate_faults,
    reset_faults,
    soften,
    unit_warning,
)
from manifests.words import path_text, quoted, type_of
from manifests.yaml_values import Path


@dataclass(frozen=True, slots=True)
class SensorParts:
    """What a trigger is read against."""

    dependencies: Dependencies
    kinds: Kinds
    features: Collection[Feature]
    report: Report


def read_trigger(item: Any, path: Path, parts: SensorParts, *, inner: bool = False) -> DeclaredTrigger | None:
    """Return the trigger that `item` declares, or None where it cannot run; the report tells why.

    `inner` is a trigger for dead letters: it has no conditions of its own.
    """
    if not isinstance(item, Mapping):
        parts.report.refuse(path, f"expected a mapping, got {type_of(item)}")
        return None
    return _Reader(item, path, parts).read(inner)


class _Reader:
    def __init__(self, item: Mapping[str, Any], path: Path, parts: SensorParts) -> None:
        self._item = item
        self._path = path
        self._parts = parts
        self._report = parts.report
        self._names = parts.dependencies.names
        self._faulty = False

    def read(self, inner: bool) -> DeclaredTrigger | None:
        head = self._head()
        template = self._template()
        if template is None:
            return None
        top = self._top(template)
        picked = pick_kind(template, self._path, self._parts.kinds, self._report)
        kind = picked if isinstance(picked, Kind) else None
        if isinstance(picked, Fault):
            self._take([picked])
        spec = self._spec(template, kind, head) if kind is not None else None
        if kind is not None:
            self._take(policy_faults(head, kind, self._path))
        dlq = self._dlq(head)
        self._take(feature_faults(head, top.conditions_reset, "dlqTrigger" in self._present(), self._path, self._parts.features))
        if not inner:
            self._conditions(top.conditions)
        if self._faulty or kind is None or spec is None or spec.value is None:
            return None
        return DeclaredTrigger(
            name=top.name,
            kind=kind.key,
            spec=spec.value,
            template={**{key: template[key] for key in HEAD_FIELDS if key in template}, kind.key: spec.data},
            head=head,
            conditions=top.conditions,
            conditions_reset=tuple(top.conditions_reset),
            dlq=dlq,
            path=path_text(self._path),
        )

    def _take(self, faults: Any) -> bool:
        taken = self._report.take(faults)
        self._faulty |= taken
        return taken

    def _present(self) -> Mapping[str, Any]:
        if not self._report.lenient:
            return self._item
        return {key: value for key, value in self._item.items() if value is not None}

    def _head(self) -> TriggerHead:
        data = {key: value for key, value in self._item.items() if key not in ("template", "dlqTrigger")}
        model = TriggerHead if self._report.lenient else TocsinTriggerHead
        checked = check(model, data, self._path, self._report)
        if checked.value is None:
            self._take(soften(fault, self._path) for fault in checked.faults)
            # What is right in it still says whether a dead-letter trigger may stand beside it.
            once = data.get("atLeastOnce")
            return model.model_validate({"atLeastOnce": once} if isinstance(once, bool) else {})
        self._take(parameter_faults(checked.data.get("parameters"), (*self._path, "parameters"), self._names))
        self._take(rate_faults(checked.value.rate_limit, self._path))
        if warning := unit_warning(checked.value.rate_limit):
            self._report.warn((*self._path, "rateLimit", "unit"), warning)
        for at, said in backoff_warnings(checked.value.retry_strategy):
            self._report.warn((*self._path, *at), said)
        return checked.value

    def _template(self) -> Mapping[str, Any] | None:
        template = self._item.get("template")
        at = (*self._path, "template")
        if template is None:
            self._take([Fault(at, "missing; a trigger needs a template with a name and a kind")])
            return None
        if not isinstance(template, Mapping):
            self._take([Fault(at, f"expected a mapping, got {type_of(template)}")])
            return None
        return template

    def _top(self, template: Mapping[str, Any]) -> TemplateHead:
        at = (*self._path, "template")
        checked = check(TemplateHead, {key: template[key] for key in HEAD_FIELDS if key in template}, at, self._report)
        top = checked.value
        if top is None:
            self._take(checked.faults)
            return TemplateHead()
        if not top.name:
            self._take([Fault((*at, "name"), "missing; a trigger needs a name")])
        self._take(reset_faults(top.conditions_reset, (*at, "conditionsReset")))
        return top

    def _spec(self, template: Mapping[str, Any], kind: Kind, head: TriggerHead) -> Checked[Spec] | None:
        at = (*self._path, "template", kind.key)
        body = template[kind.key]
        if kind.spec is None:
            message = unsupported(f"the trigger kind {quoted(kind.key)}", "the trigger does not run")
            self._faulty = True
            self._report.disable(at, message, at_key=True)
            return None
        checked = check(kind.spec, body, at, self._report)
        self._take(checked.faults)
        if checked.value is not None and self._report.lenient:
            self._take(ours_faults(checked.value, at))
        if isinstance(checked.data, Mapping):
            self._take(template_faults(checked.data, kind, at, self._names, head.parameters))
        return checked

    def _dlq(self, head: TriggerHead) -> DeclaredTrigger | None:
        if "dlqTrigger" not in self._present():
            return None
        at = (*self._path, "dlqTrigger")
        item = self._item["dlqTrigger"]
        self._take(self._once_faults(head.at_least_once, (*self._path, "atLeastOnce"), "a trigger with a dlqTrigger"))
        once = item.get("atLeastOnce") if isinstance(item, Mapping) else None
        self._take(self._once_faults(once, (*at, "atLeastOnce"), "a dlqTrigger"))
        dlq = read_trigger(item, at, self._parts, inner=True)
        self._faulty |= dlq is None
        return dlq

    def _once_faults(self, value: Any, path: Path, who: str) -> list[Fault]:
        """The original asks for the word; in our dialect silence means at least once."""
        fine = value is True or (value is None and not self._report.lenient)
        return [] if fine else [Fault(path, f"expected true: {who} needs atLeastOnce: true")]

    def _conditions(self, text: str) -> None:
        written = bool(text.strip())
        at: Path = (*self._path, "template", "conditions") if written else (*self._path, "template")
        if not self._names.all:
            return  # the sensor is refused for that already
        try:
            condition = parse_conditions(text, self._names)
        except ConditionError as exc:
            self._take([Fault(at, f"{exc}; the trigger does not run", fatal=False)])
            return
        broken = self._parts.dependencies.broken
        self._take(condition_faults(condition, written, broken, self._path, self._parts.features))
