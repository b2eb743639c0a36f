"""The template of a trigger: its head, and which kind it names."""

from collections.abc import Mapping
from typing import Any

from manifests.fields import Spec
from manifests.kinds import Kind, Kinds
from manifests.objects import ConditionsReset
from manifests.report import Fault, Report
from manifests.words import one_of, quoted
from manifests.yaml_values import Path


class TemplateHead(Spec):
    """A trigger's template apart from its kind."""

    name: str = ""
    """Names the trigger; unique in its sensor."""
    conditions: str = ""
    """Names of dependencies with `&&`, `||` and parentheses; all of them where empty."""
    conditions_reset: list[ConditionsReset] = []


HEAD_FIELDS = ("name", "conditions", "conditionsReset")


def pick_kind(template: Mapping[str, Any], path: Path, kinds: Kinds, report: Report) -> Kind | Fault:
    """The kind that the template of the trigger at `path` names; the first in the original's order where it names several.

    Reports fields that are neither a kind nor part of the head.
    """
    at = (*path, "template")
    usable = {kind.key: kind for kind in kinds.all("trigger") if report.dialect.value in kind.dialects}
    for key in template:
        if key not in usable and key not in HEAD_FIELDS:
            report.unknown_field((*at, key), [*usable, *HEAD_FIELDS], what="field or kind")
    named = [kind for key, kind in usable.items() if key in template]
    present = [kind for kind in named if template[kind.key] is not None or not report.lenient]
    if not present:
        wanted = f"expected one of {one_of(usable)}"
        if named:
            wanted = f"{quoted(named[0].key)} is there without a value, write '{named[0].key}: {{}}'"
        return Fault(at, f"names no kind of trigger; {wanted}; the trigger does not run", fatal=False)
    for other in present[1:]:
        message = f"a template has one kind; {quoted(present[0].key)} runs and {quoted(other.key)} is ignored"
        report.warn((*at, other.key), message, at_key=True)
    return present[0]
