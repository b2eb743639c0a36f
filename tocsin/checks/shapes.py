"""Paths into events of a kind whose data is known: `ref` finds nothing where a webhook's body is at `body`."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from manifests.objects import ContextFilter, Dependency, EventSource, Sensor
from manifests.words import did_you_mean, one_of, quoted
from sensors.languages.gjson_path import object_step
from tocsin.checks.finding import Finding, usable
from tocsin.kinds import source_kinds


class Shape:
    """What events of one kind look like."""

    def __init__(self, kind: str, type_: str, members: Collection[str]) -> None:
        self.kind, self.type, self.members = kind, type_, members

    def wrong(self, path: str) -> str:
        """Why `path` finds nothing in such an event; empty where it may."""
        if not path or path[0] in "@{[#!.":
            return ""
        step = object_step(path)
        if step.wild or step.key in self.members:
            return ""
        near = did_you_mean(step.key, self.members)
        if not near and "body" in self.members:
            near = f" (did you mean {quoted(f'body.{path}')}?)"
        has = one_of(sorted(self.members))
        return f"finds nothing: the data of {quoted(self.kind)} events has {has}, not {quoted(step.key)}{near}"


class Shapes:
    """The shapes of the events that `sources` emit, where their kinds have any."""

    def __init__(self, sources: Sequence[EventSource]) -> None:
        self._by_road: dict[tuple[str, str, str], Shape] = {}
        kinds = source_kinds() if sources else None
        for source in sources:
            for event in source.events:
                found = kinds.get(event.kind) if kinds else None
                if found is not None and found.members:
                    road = (source.ref.namespace, source.ref.name, event.name)
                    self._by_road[road] = Shape(event.kind, found.type, found.members)

    def of(self, sensor: Sensor, dependency: Dependency) -> Shape | None:
        """What filters and parameters of `dependency` see; None where nobody knows, as behind a transform."""
        if dependency.transform is not None:
            return None
        return self._by_road.get((sensor.ref.namespace, dependency.event_source_name, dependency.event_name))

    def by_dependency(self, sensor: Sensor) -> Mapping[str, Shape]:
        """Those of the dependencies of `sensor`, by name."""
        known = ((one.name, self.of(sensor, one)) for one in sensor.dependencies)
        return {name: shape for name, shape in known if shape is not None}

    def misread(self, sensor: Sensor) -> Iterator[str]:
        """The dependencies that no event can match, because every clause must hold and one looks where nothing is."""
        for _, dependency in usable(sensor):
            filters = dependency.filters
            if filters is None or dependency.filters_logical_operator == "or" or filters.data_logical_operator == "or":
                continue
            shape = self.of(sensor, dependency)
            if shape is not None and any(shape.wrong(clause.path) for clause in filters.data):
                yield dependency.name


def shape_findings(sensor: Sensor, shapes: Shapes) -> Iterator[Finding]:
    """Where filters of `sensor` look for what such events do not have."""
    for path, dependency in usable(sensor):
        shape, filters = shapes.of(sensor, dependency), dependency.filters
        if shape is None or filters is None:
            continue
        for index, clause in enumerate(filters.data):
            if why := shape.wrong(clause.path):
                yield Finding(sensor.ref, f"{path}.filters.data[{index}].path", f"{quoted(clause.path)} {why}")
        for index, item in enumerate(filters.exprs):
            for place, field in enumerate(item.fields):
                if why := shape.wrong(field.path):
                    yield Finding(
                        sensor.ref, f"{path}.filters.exprs[{index}].fields[{place}].path", f"{quoted(field.path)} {why}"
                    )
        if filters.context is not None:
            yield from _type(sensor, f"{path}.filters.context", filters.context, shape)


def _type(sensor: Sensor, path: str, wanted: ContextFilter, shape: Shape) -> Iterator[Finding]:
    if wanted.type and wanted.type != shape.type:
        hint = did_you_mean(wanted.type, [shape.type])
        message = f"can never hold: events of this kind have the type {quoted(shape.type)}, not {quoted(wanted.type)}{hint}"
        yield Finding(sensor.ref, f"{path}.type", message)
