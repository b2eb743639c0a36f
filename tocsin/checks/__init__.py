"""What about manifests is certainly or probably not as their author meant it, beyond what loading and compiling show.

`tocsin validate` alone asks: all of it runs as written, so every finding is a warning. Each module looks at one thing.
"""

from collections.abc import Iterator, Sequence

from manifests.objects import EventBus, EventSource, Sensor, ValueObject
from tocsin.checks.conditions import condition_findings
from tocsin.checks.dependencies import dependency_findings, impossible
from tocsin.checks.endpoints import endpoint_findings
from tocsin.checks.finding import Finding
from tocsin.checks.parameters import parameter_findings
from tocsin.checks.references import bus_findings, source_findings, value_findings
from tocsin.checks.shapes import Shapes, shape_findings


def findings(
    sources: Sequence[EventSource],
    sensors: Sequence[Sensor],
    buses: Sequence[EventBus],
    values: Sequence[ValueObject],
    *,
    complete: bool,
) -> Iterator[Finding]:
    """Everything that looks wrong. `complete` takes the files for all there is: what they refer to must be in them."""
    shapes = Shapes(sources)
    for sensor in sensors:
        dead = impossible(sensor)
        yield from dependency_findings(sensor, dead)
        yield from shape_findings(sensor, shapes)
        yield from condition_findings(sensor, {*dead, *shapes.misread(sensor)})
        yield from parameter_findings(sensor, shapes)
    yield from endpoint_findings(sources)
    yield from bus_findings(sources, sensors, buses, complete=complete)
    yield from value_findings(sources, sensors, values, complete=complete)
    if complete and not sources:
        yield from source_findings(sensors)


__all__ = ["Finding", "findings"]
