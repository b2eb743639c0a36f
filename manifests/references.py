"""References between objects: a sensor that waits for an event nobody declares will wait for ever, so say it."""

from collections.abc import Collection, Iterator, Mapping

from manifests.event_source_object import declared_events
from manifests.objects import EventSource, ObjectRef, Sensor
from manifests.report import Fault
from manifests.words import did_you_mean, quoted


class Declared:
    """The event sources of one load with their event names; of refused ones only the name is known."""

    def __init__(self, event_sources: Mapping[ObjectRef, EventSource], failed: Collection[ObjectRef]) -> None:
        self._events: dict[ObjectRef, frozenset[str] | None] = {ref: None for ref in failed if ref.kind == "EventSource"}
        for ref, source in event_sources.items():
            self._events[ref] = declared_events(source.content)

    def __bool__(self) -> bool:
        return bool(self._events)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declared) and self._events == other._events

    __hash__ = None  # type: ignore[assignment]

    def faults(self, sensor: Sensor) -> Iterator[Fault]:
        """What `sensor` waits for and nobody declares. Meant as warnings: it may be declared elsewhere."""
        for index, item in enumerate(sensor.content["spec"]["dependencies"]):
            source, event = item.get("eventSourceName"), item.get("eventName")
            if not isinstance(source, str) or not isinstance(event, str):
                continue
            path = ("spec", "dependencies", index)
            ref = ObjectRef("EventSource", sensor.ref.namespace, source)
            if ref not in self._events:
                yield Fault((*path, "eventSourceName"), f"no event source {quoted(source)} in these files{self._near(ref)}")
            elif (events := self._events[ref]) is not None and event not in events:
                hint = did_you_mean(event, events)
                yield Fault((*path, "eventName"), f"the event source {quoted(source)} has no event {quoted(event)}{hint}")

    def _near(self, ref: ObjectRef) -> str:
        elsewhere = [other.namespace for other in self._events if other.name == ref.name]
        if elsewhere:
            return f" and namespace {quoted(ref.namespace)} (there is one in {quoted(elsewhere[0])})"
        return did_you_mean(ref.name, [other.name for other in self._events if other.namespace == ref.namespace])
