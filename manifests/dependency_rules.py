"""The dependencies of a sensor: what the original refuses, what it accepts and we set aside, what is not built.

Rules: Argo Events, `ValidateSensor`, dependencies.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.checked import check
from manifests.clock_rules import time_of_day, zone_fault
from manifests.conditions import Names
from manifests.features import Feature, unsupported
from manifests.objects import ContextFilter, DataFilter, Dependency, ExprFilter, Filters, TimeFilter
from manifests.report import Fault, Report
from manifests.words import did_you_mean, one_of, quoted
from manifests.yaml_values import Path

_OPERATORS = ("and", "or")
_COMPARATORS = ("=", "!=", ">", ">=", "<", "<=")
_TYPES = ("bool", "number", "string")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The dependencies of one sensor. `broken` names those that cannot be used, so that nothing fires wrongly."""

    declared: tuple[Dependency, ...]
    """Each name once, those that cannot be used included."""
    names: Names
    broken: frozenset[str]


def read_dependencies(items: list[Any], report: Report, features: Collection[Feature]) -> Dependencies:
    """Check each of `items` and report what is wrong."""
    found: dict[str, Dependency] = {}
    broken: set[str] = set()
    places: dict[str, int] = {}
    for index, item in enumerate(items):
        path: Path = ("spec", "dependencies", index)
        checked = check(Dependency, item, path, report)
        dependency = checked.value
        faults = list(checked.faults)
        if dependency is not None:
            faults += [*_faults(dependency, path), *_not_built(dependency, path, features)]
        name = dependency.name if dependency else _name_of(item)
        if name in places:
            first = f"spec.dependencies[{places[name]}]"
            message = f"the name {quoted(name)} is taken by {first}; of several only the last would count"
            faults.append(Fault((*path, "name"), message, fatal=False, tolerated=True))
        elif name:
            places[name] = index
        if dependency is not None:
            found[name] = dependency
        if report.take(faults) and not any(fault.fatal for fault in faults):
            broken.add(name)  # a fatal fault refuses the sensor, and its triggers need no further word
    return Dependencies(tuple(found.values()), Names(places), frozenset(broken))


def _name_of(item: Any) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) else ""


def _faults(dependency: Dependency, path: Path) -> Iterator[Fault]:
    for field, value, what in (
        ("name", dependency.name, "a dependency needs a name"),
        ("eventSourceName", dependency.event_source_name, "a dependency needs the name of an event source"),
        ("eventName", dependency.event_name, "a dependency needs the name of an event"),
    ):
        if not value:
            yield Fault((*path, field), f"missing; {what}")
    yield from _operator(dependency.filters_logical_operator, (*path, "filtersLogicalOperator"))
    if dependency.filters is not None:
        yield from _filter_faults(dependency.filters, (*path, "filters"))


def _filter_faults(filters: Filters, path: Path) -> Iterator[Fault]:
    yield from _operator(filters.data_logical_operator, (*path, "dataLogicalOperator"))
    yield from _operator(filters.expr_logical_operator, (*path, "exprLogicalOperator"))
    for index, expr in enumerate(filters.exprs):
        yield from _expr(expr, (*path, "exprs", index))
    for index, data in enumerate(filters.data):
        yield from _data(data, (*path, "data", index))
    if filters.context is not None:
        yield from _context(filters.context, (*path, "context"))
    if filters.time is not None:
        yield from _time(filters.time, (*path, "time"))


def _operator(value: str, path: Path) -> Iterator[Fault]:
    if value not in ("", *_OPERATORS):
        yield Fault(path, f"expected {one_of(_OPERATORS)}, got {quoted(value)}{did_you_mean(value, _OPERATORS)}")


def _expr(expr: ExprFilter, path: Path) -> Iterator[Fault]:
    if not expr.expr:
        yield Fault((*path, "expr"), "missing; an expression filter needs an expression")
    if not expr.fields:
        yield Fault((*path, "fields"), "missing; an expression filter needs at least one field")
    for index, field in enumerate(expr.fields):
        if not field.path:
            yield Fault((*path, "fields", index, "path"), "missing; a field needs a path into the event's data")
        if not field.name:
            yield Fault((*path, "fields", index, "name"), "missing; a field needs a name for the expression")


def _data(data: DataFilter, path: Path) -> Iterator[Fault]:
    if data.comparator not in ("", *_COMPARATORS):
        yield Fault((*path, "comparator"), f"expected {one_of(_COMPARATORS)}, got {quoted(data.comparator)}")
    if not data.path:
        yield Fault((*path, "path"), "missing; a data filter needs a path into the event's data")
    if not data.type:
        yield Fault((*path, "type"), f"missing; a data filter needs a type: {one_of(_TYPES)}")
    elif data.type not in _TYPES:
        message = f"expected {one_of(_TYPES)}, got {quoted(data.type)}{did_you_mean(data.type, _TYPES)}"
        yield Fault((*path, "type"), f"{message}; the clause always errs", fatal=False, tolerated=True)
    if not data.value:
        yield Fault((*path, "value"), "missing; a data filter needs at least one value")
    for index, value in enumerate(data.value):
        if not value:
            yield Fault((*path, "value", index), "expected text that is not empty")


def _context(context: ContextFilter, path: Path) -> Iterator[Fault]:
    if not (context.type or context.subject or context.source or context.datacontenttype):
        wanted = one_of(("type", "subject", "source", "datacontenttype"))
        yield Fault(path, f"a context filter needs at least one of {wanted}; without them it would discard every event")


def _time(window: TimeFilter, path: Path) -> Iterator[Fault]:
    if fault := zone_fault(window.timezone):
        yield Fault((*path, "timezone"), fault)
    start, stop = time_of_day(window.start), time_of_day(window.stop)
    for field, value in (("start", start), ("stop", stop)):
        if value is None:
            yield Fault((*path, field), "expected a time of day such as 09:30:00")
    if start is not None and start == stop:
        yield Fault((*path, "stop"), "the window is empty: it stops when it starts")


def _not_built(dependency: Dependency, path: Path, features: Collection[Feature]) -> Iterator[Fault]:
    filters = dependency.filters or Filters()
    parts: tuple[tuple[Feature, object, Path], ...] = (
        (Feature.EXPRS, filters.exprs, ("filters", "exprs")),
        (Feature.TIME, filters.time, ("filters", "time")),
        (Feature.SCRIPT, filters.script, ("filters", "script")),
        (Feature.TRANSFORM, dependency.transform, ("transform",)),
    )
    for feature, present, at in parts:
        if present and feature not in features:
            message = unsupported(f"{feature}", "triggers that need this dependency do not run")
            yield Fault((*path, *at), message, fatal=False)
