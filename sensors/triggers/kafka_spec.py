"""What a `kafka` trigger lets a user write."""

from typing import Annotated, Literal

from pydantic import Field

from clients.kafka.declared import NOT_BUILT, MskIam, ProtocolVersion, Sasl, SchemaRegistry, brokers, check_topic
from manifests.features import unsupported
from manifests.fields import Spec, TLSConfig
from manifests.objects import Parameter
from manifests.ours import OURS
from manifests.tls import check_tls
from sensors.triggers.rewriting import ParametrisedSpec
from sensors.triggers.secure_header import SecureHeader


class CloudEventsMode(Spec):
    """Write each record as a CloudEvent 1.0. Of our dialect."""

    mode: Literal["binary", "structured"] = "binary"
    """`binary`: attributes in headers, the payload as the value. `structured`: all in a JSON document."""
    type: str = Field(default="tocsin.firing", min_length=1)
    source: str = ""
    """`/NAMESPACE/SENSOR/TRIGGER` unless set."""


class KafkaTriggerSpec(ParametrisedSpec):
    """One record to one topic."""

    url: str = Field(min_length=1)
    """Brokers as `host:port`, separated by commas."""
    topic: str = Field(min_length=1)
    partition: int | None = Field(default=None, ge=0)
    """The partition to write to. Argo Events ignores it, and so do its manifests here."""
    required_acks: Literal[-1, 0, 1] = 0
    """1: the leader has it. Anything else: every replica in sync has it, and it is there once."""
    compress: bool = False
    """Compress with snappy."""
    flush_frequency: int = Field(default=0, ge=0)
    """Milliseconds to wait for more records, in our dialect; Argo Events takes it as nanoseconds, which is no wait."""
    tls: TLSConfig | None = None
    payload: list[Parameter] = Field(min_length=1)
    """Builds the record's value."""
    partitioning_key: str | None = None
    """The record's key: one key, one partition. Without it any partition."""
    version: ProtocolVersion = ""
    sasl: Sasl | None = None
    aws_msk_iam_auth: Annotated[MskIam | None, OURS] = None
    """Log in to Amazon MSK as this process is in AWS; over TLS, and instead of `sasl`. Of our dialect."""
    schema_registry: SchemaRegistry | None = None
    """Write the payload as Avro, by the schema `schemaId` of this registry."""
    headers: dict[str, str] = {}
    secure_headers: list[SecureHeader] = []
    cloud_events: Annotated[CloudEventsMode | None, OURS] = None

    @property
    def acks(self) -> int:
        """How many must have it: 1, or -1 for all."""
        return 1 if self.required_acks == 1 else -1


def check_usable(spec: KafkaTriggerSpec) -> None:
    """Raise `ValueError` naming the field that cannot work."""
    for field, judge in (
        ("url", lambda: brokers(spec.url)),
        ("topic", lambda: check_topic(spec.topic)),
        ("tls", lambda: check_tls(spec.tls)),
    ):
        try:
            judge()
        except ValueError as exc:
            raise ValueError(f"{field}: {exc}") from None
    if spec.schema_registry is not None and not spec.schema_registry.schema_id:
        raise ValueError("schemaRegistry.schemaId: missing; the id of the schema that records are written by")
    if spec.schema_registry is not None and spec.cloud_events is not None:
        raise ValueError("schemaRegistry and cloudEvents: not both; a CloudEvent's data is JSON here")
    if spec.sasl is not None and spec.sasl.mechanism in NOT_BUILT:
        raise ValueError(f"sasl.mechanism: {unsupported(f'the mechanism {spec.sasl.mechanism}', 'use PLAIN or SCRAM')}")
    for name in spec.headers:
        if not name:
            raise ValueError("headers: a header needs a name")
    for n, header in enumerate(spec.secure_headers):
        if not header.name:
            raise ValueError(f"secureHeaders[{n}].name: a header needs a name")
        header.selector(n)
