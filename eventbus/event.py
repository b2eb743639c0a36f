"""The event inside the service: a CloudEvent 1.0 with the road it came by."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

UNPARSED: object = msgspec.UNSET
"""Stands in `Event.tree` where nobody has parsed the data yet."""

NO_ATTRIBUTES: Mapping[str, str] = {}


class Road(NamedTuple):
    """Where an event came from: namespace, event source, event name."""

    namespace: str
    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.source}/{self.name}"


class Identity(NamedTuple):
    """What makes an event that event. Two deliveries of the same identity are one event."""

    namespace: str
    source: str
    name: str
    id: str

    def key(self) -> bytes:
        """16 bytes that stand for this identity in indexes; no two identities share their length-prefixed text."""
        return blake2b(f"{_prefix(*self[:3])}{len(self.id)}:{self.id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


@lru_cache(maxsize=4096)
def _prefix(namespace: str, source: str, name: str) -> str:
    return f"{len(namespace)}:{namespace}{len(source)}:{source}{len(name)}:{name}"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A CloudEvent 1.0 as it travels inside. Never changed after its source made it."""

    namespace: str
    source: str
    """Name of the event source object; the CloudEvents `source` on Argo Events' bus."""
    name: str
    """Name of the event within its source; the CloudEvents `subject` on Argo Events' bus."""
    id: str
    type: str
    time: str | None
    """RFC 3339 text as the producer or the source wrote it, any precision; None where there is none."""
    datacontenttype: str | None = "application/json"
    data: bytes | None
    """The payload's bytes; None where the event has no data."""
    attributes: Mapping[str, str] = NO_ATTRIBUTES
    """The producer's own CloudEvents attributes and extensions, as they came."""
    correlation: str | None = None
    """Id shared by all events and firings of one chain; None means this event starts one."""
    causation: str | None = None
    """Id of the firing that caused this event."""
    hops: int = 0
    """Firings between the first event of the chain and this one."""
    forgotten: int | None = None
    """How many bytes of data it had, where retention took them and left the rest; None while the event is whole."""
    tree: object = UNPARSED
    """`data` as `msgspec.json.decode` gives it, where the source had to parse it anyway. Never stored."""

    @property
    def road(self) -> Road:
        """Namespace, event source and event name."""
        return Road(self.namespace, self.source, self.name)

    @property
    def identity(self) -> Identity:
        """Road and id."""
        return Identity(self.namespace, self.source, self.name, self.id)


class Recorded(NamedTuple):
    """An event in the log."""

    position: int
    """Its place: greater than that of every event appended before it. From 1."""
    received_us: int
    """When it was appended, microseconds since 1970 UTC."""
    event: Event
