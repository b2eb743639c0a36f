"""Rows of the store to values of the contract, and back."""

from collections.abc import Mapping
from struct import Struct as Packer
from typing import NamedTuple
from zlib import crc32

import msgspec

from eventbus.errors import EventRejected
from eventbus.event import NO_ATTRIBUTES, Event, Recorded
from eventbus.firing import Cause, Firing, OutcomeKind
from eventbus.sqlite.faults import RowDamaged

JSON_TYPE = "application/json"

EventRow = tuple[int, int, int, str, str | None, str | None, bytes | None, int, bytes | None]
"""Position, received_us, kind, id, time, causation, extra, crc, data."""
EVENT_COLUMNS = "position, received_us, kind, id, time, causation, extra, crc, data"

PastRow = tuple[int, int, int, str, str | None, str | None, bytes | None, int]
"""Position, received_us, kind, id, time, causation, extra, bytes of data."""
PAST_COLUMNS = "position, received_us, kind, id, time, causation, extra, size"

Kind = tuple[str, str, str, str]
"""Namespace, source, name, type."""


class Extra(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What most events do not have; an event without any of it stores NULL."""

    datacontenttype: str | None = JSON_TYPE
    attributes: Mapping[str, str] = NO_ATTRIBUTES
    correlation: str | None = None
    hops: int = 0
    earlier: int = 0
    """Position of the event of the same identity that was outside the dedupe window when this one came; 0: none."""


class Encoded(NamedTuple):
    """An event, ready to be stored."""

    event: Event
    key: bytes
    """`Identity.key()`."""
    kind: Kind
    extra: bytes | None
    size: int


_encode = msgspec.msgpack.Encoder().encode
_decode_extra = msgspec.msgpack.Decoder(Extra).decode
_pack = Packer("<qqq").pack


def encode(event: Event, max_bytes: int) -> Encoded:
    """Check and prepare `event`. Raises `EventRejected` where the log can never take it."""
    try:
        extra = _extra(event)
        # Encoded here, so that text SQLite cannot store fails this event and not the commit it would have shared.
        texts = f"{event.id}{event.time}{event.causation}{event.type}{event.namespace}{event.source}{event.name}".encode()
    except UnicodeEncodeError as exc:
        raise EventRejected(f"event {event.id[:100]!a} of {_road(event)!a} holds text that is no Unicode") from exc
    size = len(texts) + len(event.data or b"") + len(extra or b"")
    if size > max_bytes:
        raise EventRejected(f"event {event.id[:100]!r} of {_road(event)} is {size} bytes, more than the {max_bytes} allowed")
    return Encoded(event, event.identity.key(), (event.namespace, event.source, event.name, event.type), extra, size)


def _road(event: Event) -> str:
    return f"{event.namespace}/{event.source}/{event.name}"[:300]


def _extra(event: Event) -> bytes | None:
    if event.datacontenttype == JSON_TYPE and not event.attributes and event.correlation is None and not event.hops:
        return None
    return _encode(Extra(event.datacontenttype, event.attributes, event.correlation, event.hops))


def with_earlier(extra: bytes | None, earlier: int) -> bytes:
    """`extra` that also names the event of the same identity before the window."""
    return _encode(msgspec.structs.replace(_decode_extra(extra) if extra else Extra(), earlier=earlier))


def earlier_of(extra: bytes | None) -> int:
    """Position of the event of the same identity before this one, or 0."""
    return _decode_extra(extra).earlier if extra else 0


def checksum(  # noqa: PLR0917
    position: int,
    received_us: int,
    kind: int,
    id: str,
    time: str | None,
    causation: str | None,
    extra: bytes | None,
    data: bytes | None,
) -> int:
    """32 bits over every field of an event's row."""
    crc = crc32(f"{id}\0{time}\0{causation}".encode(), crc32(_pack(position, received_us, kind)))
    if extra is not None:
        crc = crc32(extra, crc)
    return crc if data is None else crc32(data, crc)


def decode(row: EventRow, kind: Kind) -> Recorded:
    """The event in `row`. Raises `RowDamaged` where the row is not what was stored."""
    position, received_us, kind_id, id, time, causation, packed, crc, data = row
    if checksum(position, received_us, kind_id, id, time, causation, packed, data) != crc:
        raise RowDamaged(f"the event at position {position} does not match its checksum")
    return Recorded(position, received_us, _event(kind, id, time, causation, packed, data))


def decode_past(row: PastRow, kind: Kind) -> Recorded:
    """The event in `row`, whose data has gone."""
    position, received_us, _, id, time, causation, packed, size = row
    return Recorded(position, received_us, _event(kind, id, time, causation, packed, None, size))


def _event(  # noqa: PLR0917
    kind: Kind,
    id: str,
    time: str | None,
    causation: str | None,
    packed: bytes | None,
    data: bytes | None,
    forgotten: int | None = None,
) -> Event:
    namespace, source, name, type = kind
    extra = _decode_extra(packed) if packed else _PLAIN
    return Event(
        namespace=namespace,
        source=source,
        name=name,
        id=id,
        type=type,
        time=time,
        datacontenttype=extra.datacontenttype,
        data=data,
        attributes=extra.attributes,
        correlation=extra.correlation,
        causation=causation,
        hops=extra.hops,
        forgotten=forgotten,
    )


_PLAIN = Extra()


class Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The part of a firing that nothing searches by."""

    causes: tuple[Cause, ...]
    replay: int
    record_start: bool
    correlation: str
    hops: int


_decode_body = msgspec.msgpack.Decoder(Body).decode

OUTCOMES = {
    OutcomeKind.SUCCEEDED: 1,
    OutcomeKind.FAILED: 2,
    OutcomeKind.DEAD_LETTERED: 3,
    OutcomeKind.SKIPPED: 4,
    OutcomeKind.SUPERSEDED: 5,
    OutcomeKind.TIMED_OUT: 6,
    OutcomeKind.UNKNOWN: 7,
    OutcomeKind.LOOPED: 8,
}
"""Stored numbers; never change one."""
OUTCOME_OF = {number: kind for kind, number in OUTCOMES.items()}


def encode_body(firing: Firing) -> bytes:
    """The part of `firing` that has no column of its own."""
    return _encode(Body(firing.causes, firing.replay, firing.record_start, firing.correlation, firing.hops))


def decode_body(packed: bytes) -> Body:
    """What `encode_body` made."""
    return _decode_body(packed)
