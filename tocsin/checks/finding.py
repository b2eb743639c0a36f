"""One finding, and where the parts of a sensor stand in its text."""

from collections.abc import Iterator
from typing import NamedTuple

from manifests.conditions import ConditionError, parse_conditions
from manifests.objects import DeclaredTrigger, Dependency, ObjectRef, Sensor


class Finding(NamedTuple):
    """Something that runs otherwise than its author may think."""

    ref: ObjectRef
    """The object it is about."""
    path: str
    """Where it stands in it, such as `spec.dependencies[0].filters`."""
    message: str


def usable(sensor: Sensor) -> Iterator[tuple[str, Dependency]]:
    """The dependencies that can work, each with where it stands: the loader may have left out others before it."""
    written = {item.get("name"): index for index, item in enumerate(sensor.content["spec"]["dependencies"])}
    for dependency in sensor.dependencies:
        if dependency.name not in sensor.unusable:
            yield f"spec.dependencies[{written[dependency.name]}]", dependency


def awaited(sensor: Sensor, trigger: DeclaredTrigger) -> tuple[str, ...]:
    """The dependencies that the trigger's condition mentions; none where it cannot be read, which is said elsewhere."""
    try:
        return parse_conditions(trigger.conditions, [one.name for one in sensor.dependencies]).names
    except ConditionError:
        return ()
