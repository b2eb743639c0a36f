"""The `kafka` trigger: one record, done when the brokers have acknowledged it.

Semantics: Argo Events' `pkg/sensors/triggers/apache-kafka`; what differs is in `docs/triggers/kafka.md`.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from clients.kafka.connection import NOT_INSTALLED, NotInstalled, is_installed, require_avro, require_msk, resolve
from eventbus.chain import Chain
from eventbus.firing import TriggerRef
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from manifests.secrets import Values
from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError, compile_payload
from sensors.triggers.available import available
from sensors.triggers.certificates import Certificates
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.kafka_avro import avro_value
from sensors.triggers.kafka_producers import Producers, Way
from sensors.triggers.kafka_record import KEY_HEADER, Record, StoredRecord, cloud_attributes, cloud_record, shown_attributes
from sensors.triggers.kafka_spec import KafkaTriggerSpec, check_usable
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

if TYPE_CHECKING:
    from clients.kafka.registry import Schemas

MASK = "***"
AT_A_TIME = 128
"""Firings under way at a time: those that wait for the brokers travel together, and cost each of them less than few would."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredRecord).decode


class _Parts:
    """One declaration compiled: where its records go, and what is rendered for each firing."""

    def __init__(self, spec: KafkaTriggerSpec, context: TriggerContext, name: str) -> None:
        check_usable(spec)
        if spec.aws_msk_iam_auth is not None and context.acts:
            _require_msk()
        self.spec = spec
        self._ours = context.dialect is Dialect.TOCSIN
        self._namespace = context.namespace
        self._payload = compile_payload(spec.payload)
        self._key = None if spec.partitioning_key is None else spec.partitioning_key.encode()
        self._headers = [(header, text.encode()) for header, text in spec.headers.items()]
        self._kept = context.shared.get(Certificates).kept(TriggerRef(context.namespace, context.sensor, name))
        # Without secrets it is the same each time.
        self._plain_way = self._way(context.values) if spec.tls is None and spec.sasl is None else None
        self.avro = _avro(spec, context)
        """The schemas to write by, and which of them; None where records hold the payload as it is."""
        self._cloud_source = (spec.cloud_events and spec.cloud_events.source) or f"/{context.namespace}/{context.sensor}/{name}"

    @property
    def partition(self) -> int | None:
        """The partition that is declared; None where that says nothing."""
        return self.spec.partition if self._ours else None

    def render(self, bound: Bound, spec: bytes | None) -> bytes:
        body, cloud = self._payload.build(bound), self.spec.cloud_events
        attributes = None if cloud is None else cloud_attributes(bound, type=cloud.type, source=self._cloud_source)
        return _encode(StoredRecord(body, spec, attributes))

    def way(self, values: Values) -> Way:
        """How to send, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""
        if self._plain_way is not None:
            return self._plain_way
        return self._way(values)

    def _way(self, values: Values) -> Way:
        spec = self.spec
        connection = resolve(
            spec.url, spec.tls, spec.sasl, msk=spec.aws_msk_iam_auth, namespace=self._namespace, values=values, kept=self._kept
        )
        return Way(connection, spec.acks, "snappy" if spec.compress else None, spec.flush_frequency if self._ours else 0)

    def record(self, stored: StoredRecord, body: bytes, key: str, values: Values, chain: Chain | None) -> Record:
        """What is sent. Later headers of a name replace earlier ones; the idempotency key gives way to one that is declared."""
        cloud, value = self.spec.cloud_events, body
        headers: dict[str, bytes] = {KEY_HEADER: key.encode()}
        if cloud is not None:
            value, attributes = cloud_record(stored, id=key, structured=cloud.mode == "structured", chain=chain)
            headers |= attributes
        elif chain is not None:
            for name, text in chain.headers():
                headers[name] = text.encode()
        headers.update(self._headers)
        for n, header in enumerate(self.spec.secure_headers):
            headers[header.name] = header.read(n, self._namespace, values).encode()
        return Record(self.spec.topic, self.partition, self._key, value, list(headers.items()))


class KafkaTrigger:
    """One compiled kafka trigger. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        self._values = context.values
        self._producers = context.shared.get(Producers)
        make = partial(_Parts, context=context, name=declared.name)
        self._fitted = Fitted(declared, KafkaTriggerSpec, make, dialect=context.dialect)

    @property
    def timeout_s(self) -> float:
        """Infinite: whatever `fire` waits for has a deadline of its own, shared by all records of a batch."""
        return math.inf

    def render(self, bound: Bound) -> bytes:
        """Return the record as bytes to store. Raises `RenderError`."""
        parts, spec = self._fitted.for_firing(bound)
        try:
            return parts.render(bound, spec)
        except (ParameterError, ValueError) as exc:
            raise RenderError(str(exc)) from exc

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Where it goes, key, headers and body; the body as JSON where it is JSON, else as text."""
        stored = _decode(request)
        parts = self._fitted.stored(stored.spec)
        spec = parts.spec
        return {
            "url": spec.url,
            "topic": spec.topic,
            "partition": parts.partition,
            "key": spec.partitioning_key,
            "headers": {**shown_attributes(stored), **spec.headers, **{header.name: MASK for header in spec.secure_headers}},
            "body": readable(stored.body),
        }

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Send the record and wait until the brokers have it."""
        stored = _decode(request)
        parts = self._fitted.stored(stored.spec)
        body = stored.body if parts.avro is None else await avro_value(*parts.avro, stored.body)
        with available():
            way, record = parts.way(self._values), parts.record(stored, body, idempotency_key, self._values, chain)
        partition, offset = await self._producers.send(way, record)
        return Delivered(detail=f"partition {partition}, offset {offset}")

    async def aclose(self) -> None:
        """Do nothing: producers are closed when nobody has used them for a while, or with the service."""


@partial(triggers.register, concurrency=AT_A_TIME)
class KafkaKind:
    """The kind `kafka`."""

    key: ClassVar[str] = "kafka"
    spec: ClassVar[type[Spec]] = KafkaTriggerSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and not is_installed():
            raise ValueError(NOT_INSTALLED)
        return KafkaTrigger(declared, context)


def _require_msk() -> None:
    """Raise `ValueError` where AWS cannot be asked who we are."""
    try:
        require_msk()
    except NotInstalled as exc:
        raise ValueError(str(exc)) from exc


def _avro(spec: KafkaTriggerSpec, context: TriggerContext) -> "tuple[Schemas, int] | None":
    """What `schemaRegistry` names, and the schema's id. Raises `ValueError` where its library is missing."""
    registry = spec.schema_registry
    if registry is None or not context.acts:
        return None
    try:
        require_avro()
    except NotInstalled as exc:
        raise ValueError(str(exc)) from exc
    from clients.kafka.registry import Schemas  # noqa: PLC0415 - only who has a registry pays for its libraries

    return Schemas(registry, namespace=context.namespace, values=context.values), registry.schema_id
