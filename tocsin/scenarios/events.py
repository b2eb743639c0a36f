"""Events as a scenario writes them, made into events as sources hand them over."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path

from eventbus.event import NO_ATTRIBUTES, Event, Road
from manifests.objects import DeclaredEvent, EventSource, Scenario
from manifests.scenario_fields import GivenEvent
from sources.http.payload import rfc3339
from sources.source import Source
from tocsin.encoding import dumps
from tocsin.kinds import source_kinds

MAX_BYTES = 16 << 20
"""Data of one event. The log takes twice as much, with everything that comes with it."""


class Unreadable(Exception):
    """The data of an event cannot be had; the message says why."""


class Makes:
    """Makes the events of one scenario."""

    def __init__(self, scenario: Scenario, sources: Sequence[EventSource]) -> None:
        self._folder = Path(scenario.file).parent
        self._namespace = scenario.ref.namespace
        self.declared: Mapping[Road, DeclaredEvent] = {
            Road(source.ref.namespace, source.ref.name, event.name): event for source in sources for event in source.events
        }
        """The named events of the manifests."""

    def event(self, given: GivenEvent, number: int, now_us: int) -> Event:
        """The event that comes as the `number`th at `now_us`. Raises `Unreadable`."""
        road = Road(self._namespace, given.source, given.name)
        return Event(
            namespace=self._namespace,
            source=given.source,
            name=given.name,
            id=given.id or str(number),
            type=given.type or self._type(road),
            time=given.time if "time" in given.model_fields_set else rfc3339(now_us),
            datacontenttype=given.datacontenttype,
            data=self.data(given),
            attributes=given.attributes or NO_ATTRIBUTES,
        )

    def _type(self, road: Road) -> str:
        declared = self.declared.get(road)
        if declared is None:
            return road.name
        kind: type[Source] | None = source_kinds().get(declared.kind)  # type: ignore[type-arg]
        return declared.kind if kind is None else kind.type

    def data(self, given: GivenEvent) -> bytes | None:
        """The event's data. Raises `Unreadable`."""
        if given.text is not None:
            return given.text.encode()
        if given.base64 is not None:
            return _decoded(given.base64)
        if given.file is not None:
            return self._read(given.file)
        return dumps(given.data) if "data" in given.model_fields_set else None

    def _read(self, name: str) -> bytes:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as exc:
            raise Unreadable(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from None
        if len(data) > MAX_BYTES:
            raise Unreadable(f"{path} is larger than {MAX_BYTES:,} bytes")
        return data


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("expected base64") from None


def given_events(scenario: Scenario) -> list[tuple[str, GivenEvent]]:
    """Every event that is written, with its path."""
    found = []
    for index, (step, _) in enumerate(scenario.steps):
        if step.event is not None:
            found.append((f"spec.given[{index}].event", step.event))
        for number, event in enumerate(step.any_order or ()):
            found.append((f"spec.given[{index}].anyOrder[{number}]", event))
    return found


def unreadable_data(scenario: Scenario, makes: Makes) -> list[tuple[str, str]]:
    """The events whose data cannot be had: path and reason."""
    found = []
    for path, event in given_events(scenario):
        try:
            makes.data(event)
        except Unreadable as exc:
            found.append((f"{path}.{event.forms[0]}", str(exc)))
    return found
