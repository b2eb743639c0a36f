"""Parameters of triggers. Rules: Argo Events, `ValidateSensor`, parameters."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from manifests.conditions import Names
from manifests.kinds import Kind
from manifests.objects import Parameter
from manifests.report import Fault
from manifests.words import did_you_mean, one_of, quoted
from manifests.yaml_values import Path

_OPERATIONS = ("append", "prepend", "overwrite")


def parameter_faults(items: Any, path: Path, names: Names | None, *, fatal: bool = True, whole: bool = False) -> Iterator[Fault]:
    """What is wrong with a list of parameters. `whole` lets `dest` be empty; an unknown dependency is never `fatal`.

    No `names`: which dependencies they name is only known when they are used.
    """
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping):
            yield from _one(item, (*path, index), names, fatal, whole)


def template_faults(
    template: Mapping[str, Any], kind: Kind, path: Path, names: Names, rewriting: Collection[Parameter]
) -> Iterator[Fault]:
    """What is wrong with the lists of parameters under a trigger's kind; `rewriting` are those that change it first."""
    rewritten = {tuple(parameter.dest.split(".")[:2]) for parameter in rewriting}
    for field, items in template.items():
        fatal = field in kind.checked_parameters
        if fatal or _are_parameters(items):
            whole = kind.whole_payload and field == "payload"
            known = None if (kind.key, field) in rewritten else names
            yield from parameter_faults(items, (*path, field), known, fatal=fatal, whole=whole)


def _are_parameters(items: Any) -> bool:
    return isinstance(items, list) and any(isinstance(item, Mapping) and "src" in item for item in items)


def _one(item: Mapping[str, Any], path: Path, names: Names | None, fatal: bool, whole: bool) -> Iterator[Fault]:
    source = item.get("src")
    if not isinstance(source, Mapping):
        yield Fault((*path, "src"), "missing; a parameter needs a source", fatal)
    else:
        name = source.get("dependencyName") or ""
        at = (*path, "src", "dependencyName")
        if not name:
            yield Fault(at, "missing; a parameter's source needs the name of a dependency", fatal)
        elif names is not None and isinstance(name, str) and name not in names:
            message = f"{quoted(name)} is not a dependency of this sensor{did_you_mean(name, names.all)}; no firing has its event"
            yield Fault(at, message, fatal=False, tolerated=True)
    if not item.get("dest") and not whole:
        yield Fault((*path, "dest"), "missing; a parameter needs a destination", fatal)
    operation = item.get("operation") or ""
    if isinstance(operation, str) and operation not in ("", *_OPERATIONS):
        hint = did_you_mean(operation, _OPERATIONS)
        yield Fault((*path, "operation"), f"expected {one_of(_OPERATIONS)}, got {quoted(operation)}{hint}", fatal)
