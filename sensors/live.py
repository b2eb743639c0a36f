"""Sensors in force for a stretch of the log, and their dependencies as they stand in the index."""

from eventbus.event import Road
from sensors.compile import CompiledDependency, CompiledSensor
from sensors.filters.held import Clause, Needs


class Live:
    """A sensor in force for a stretch of the log."""

    __slots__ = ("entries", "order", "sensor", "since", "until")

    def __init__(self, sensor: CompiledSensor, order: int, since: int, until: int | None) -> None:
        self.sensor = sensor
        self.order = order
        self.since = since
        self.until = until
        self.entries = [Entry(dependency, self) for dependency in sensor.dependencies]

    def covers(self, position: int) -> bool:
        """Whether it decides the event at `position`."""
        return position > self.since and (self.until is None or position <= self.until)


class Entry:
    """One dependency of a live sensor, as it stands in the index."""

    __slots__ = ("clause", "dependency", "live", "needs", "road")

    def __init__(self, dependency: CompiledDependency, live: Live) -> None:
        self.dependency = dependency
        self.live = live
        self.road: Road = dependency.road
        self.clause: Clause = dependency.clause
        self.needs: Needs = dependency.clause.needs


def place_of(entry: Entry) -> tuple[int, int]:
    """Where it stands: the order of sensors, then of dependencies, as declared."""
    return entry.live.order, entry.dependency.index
