"""A record as it is stored between attempts, and as it is sent: plain, or a CloudEvent by the Kafka binding."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from eventbus.chain import Chain
from sensors.bound import Bound

CONTENT_TYPE = "application/json"
KEY_HEADER = "Idempotency-Key"


class StoredRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered record: what the revision's declaration does not say already. It never holds a secret."""

    body: bytes
    spec: bytes | None = None
    """The declaration as parameters rewrote it, JSON; None where none did."""
    attributes: dict[str, str] | None = None
    """Of the CloudEvent, without its id, which is the idempotency key; None where it is to be none."""


class Record(NamedTuple):
    """What is sent."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Unwritten(Exception):
    """A record that was not written, through no fault that is known of it: to be written again."""

    def __init__(self, *, alone: bool = False) -> None:
        """`alone`: what it travelled with was refused, so that it has to travel by itself."""
        super().__init__()
        self.alone = alone


def cloud_attributes(bound: Bound, *, type: str, source: str) -> dict[str, str]:
    """Attributes of the CloudEvent that `bound` causes: the chain goes on, the time is that of its latest event."""
    events = [view.event for _, view in sorted(bound.events.items())]
    attributes = {"specversion": "1.0", "type": type, "source": source, "datacontenttype": CONTENT_TYPE}
    times = [time for time in (_moment(event.time) for event in events) if time is not None]
    if times:
        attributes["time"] = max(times).isoformat()
    if events:
        attributes["correlationid"] = events[0].correlation or events[0].id
        attributes["hops"] = str(max(event.hops for event in events) + 1)
    return attributes


def cloud_record(
    stored: StoredRecord, *, id: str, structured: bool, chain: Chain | None = None
) -> tuple[bytes, dict[str, bytes]]:
    """Value and headers of the CloudEvent that `stored` is, with `id`, at its place in `chain`."""
    from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event  # noqa: PLC0415 - few triggers need it
    from cloudevents.core.v1.event import CloudEvent  # noqa: PLC0415

    attributes: dict[str, Any] = {**(stored.attributes or {}), "id": id, "causationid": id}
    if chain is not None:
        attributes |= {"correlationid": chain.correlation, "hops": str(chain.hops)}
    if "time" in attributes:
        attributes["time"] = datetime.fromisoformat(attributes["time"])
    body: Any = msgspec.json.decode(stored.body) if structured else stored.body
    message = (to_structured_event if structured else to_binary_event)(CloudEvent(attributes, body))
    return message.value, dict(message.headers)


def shown_attributes(stored: StoredRecord) -> Mapping[str, str]:
    """The attributes as headers show them, without those that only an attempt knows."""
    named = stored.attributes or {}
    return {"content-type" if name == "datacontenttype" else f"ce_{name}": text for name, text in named.items()}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
