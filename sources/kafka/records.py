"""A record as the data of an event.

Semantics: Argo Events 1.9, `pkg/eventsources/sources/kafka` and `pkg/eventsources/events`; what differs is in
`docs/sources/kafka.md`.
"""

import contextlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from eventbus.chain import ATTRIBUTES, CAUSATION, CORRELATION, HOPS, unquoted
from eventbus.event import UNPARSED
from sources.http.payload import metadata_tail
from sources.json_text import NotJson, decoded
from sources.marshalled import readable

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

    from clients.kafka.registry import Schemas

# The registry's libraries are imported where a source has one.

_encode = msgspec.json.encode
_CHAIN = {name.lower(): place for place, name in enumerate((CORRELATION, CAUSATION, HOPS))}
_CHAIN |= {f"ce_{name}": place for place, name in enumerate(ATTRIBUTES)}
_NO_TIME = "0001-01-01 00:00:00 +0000 UTC"


class Unreadable(Exception):
    """A record that can never become an event as declared. The message says why, without the record's content."""


class Read(NamedTuple):
    """A record's data, and its tree."""

    data: bytes
    tree: object
    """`UNPARSED` where the value is for others to decode."""


class Reader:
    """Reads the records of one source."""

    def __init__(self, *, json_body: bool, metadata: Mapping[str, str], schemas: "Schemas | None" = None) -> None:
        """With `schemas`, JSON bodies are Avro on the wire."""
        self._json_body = json_body
        self._schemas = schemas if json_body else None
        self._metadata = dict(metadata)
        self._tail = metadata_tail(metadata)

    async def prepare(self, values: Iterable[bytes | None]) -> None:
        """Ask for what reading records with `values` needs. Raises `RegistryUnavailable`."""
        if self._schemas is None:
            return
        from clients.kafka.avro import AvroError  # noqa: PLC0415 - see above
        from clients.kafka.registry import schema_of  # noqa: PLC0415

        for value in values:
            if value is not None:
                with contextlib.suppress(AvroError):  # said when it is read
                    await self._schemas.ask(schema_of(value))

    def read(self, record: "ConsumerRecord[bytes, bytes]") -> Read:
        """The data of `record`, its JSON body as it was sent. Raises `Unreadable`."""
        raw, body = self._body(record.value)
        tree: dict[str, object] = {
            "topic": record.topic,
            "key": "" if record.key is None else readable(record.key),
            "partition": record.partition,
            "body": body,
            "timestamp": timestamp(record.timestamp),
            "headers": _headers(record.headers),
        }
        data = b'{"topic":%b,"key":%b,"partition":%d,"body":%b,"timestamp":%b,"headers":%b%b' % (
            _encode(tree["topic"]),
            _encode(tree["key"]),
            record.partition,
            raw,
            _encode(tree["timestamp"]),
            _encode(tree["headers"]),
            self._tail,
        )
        if self._metadata:
            tree["metadata"] = self._metadata
        return Read(data, UNPARSED if body is UNPARSED else tree)

    def _body(self, value: bytes | None) -> tuple[bytes, object]:
        if value is None:
            return b"null", None
        if not self._json_body:
            text = b64encode(value)
            return b'"%b"' % text, text.decode()
        value = value if self._schemas is None else _from_avro(self._schemas, value)
        try:
            return value, decoded(value).tree
        except NotJson as exc:
            raise Unreadable(f"jsonBody: the value is not JSON: {exc}") from None


def told_by(record: "ConsumerRecord[bytes, bytes]") -> tuple[str | None, str | None, str | None]:
    """Correlation, causation and hops of the chain that a record's headers tell of, as a trigger of ours or a CloudEvent."""
    told: list[str | None] = [None, None, None]
    for name, value in record.headers:
        place = _CHAIN.get(name.lower())
        if place is not None and value is not None:
            text = value.decode("utf-8", "replace")
            told[place] = unquoted(text) if name == CORRELATION else text
    correlation, causation, hops = told
    return correlation, causation, hops


def _from_avro(schemas: "Schemas", value: bytes) -> bytes:
    from clients.kafka.avro import AvroError  # noqa: PLC0415 - see above
    from clients.kafka.registry import avro_part, schema_of  # noqa: PLC0415

    try:
        return schemas.known(schema_of(value)).to_json(avro_part(value))
    except AvroError as exc:
        raise Unreadable(str(exc)) from None


def timestamp(milliseconds: int) -> str:
    """A record's time as Go writes it, in UTC: `2024-05-01 10:00:00.123 +0000 UTC`. Below zero there is none."""
    if milliseconds < 0:
        return _NO_TIME
    seconds, rest = divmod(milliseconds, 1000)
    if not (text := _second(seconds)):
        return _NO_TIME
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{text}{fraction} +0000 UTC"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Date and time; empty where there is no such year. Most records share theirs with the one before."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def _headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """The last of each name, in the order of the names, as Go writes a map."""
    return dict(sorted({name: readable(value or b"") for name, value in headers}.items()))
