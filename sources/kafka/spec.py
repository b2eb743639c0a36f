"""What a `kafka` event source lets a user write."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from clients.kafka.declared import (
    NOT_BUILT,
    NOT_BUILT_HINT,
    BrokerList,
    MskIam,
    ProtocolVersion,
    Sasl,
    SchemaRegistry,
    check_topic,
)
from manifests.fields import Backoff, Spec
from manifests.tls import Tls
from sources.http.endpoint import SourceFilter
from sources.kafka.settings import Settings, read_settings

_STRATEGIES = ("range", "roundrobin", "sticky")


class ConsumerGroup(Spec):
    """A group of readers that share the topic's partitions, each with a position that the cluster keeps."""

    group_name: str = Field(min_length=1)
    oldest: bool = False
    """Where a group without a position starts: at the oldest record, or at the newest."""
    rebalance_strategy: str = "range"
    """How partitions are shared out: `range`, `roundrobin` or `sticky`; anything else is `range`."""

    @property
    def strategy(self) -> str:
        """The strategy that is used."""
        return self.rebalance_strategy if self.rebalance_strategy in _STRATEGIES else "range"


def _check_partition(partition: str) -> str:
    if partition and not (partition.isascii() and partition.isdigit() and int(partition) < 1 << 31):
        raise ValueError(f'{partition!r} is not the number of a partition; write one such as "0"')
    return partition


def _check_config(config: str) -> str:
    read_settings(config)
    return config


class KafkaSpec(Spec):
    """One topic, read as a member of a consumer group, or one partition of it."""

    url: BrokerList = Field(min_length=1)
    topic: Annotated[str, AfterValidator(check_topic)] = Field(min_length=1)
    partition: Annotated[str, AfterValidator(_check_partition)] = ""
    """The one partition to read, where there is no consumer group."""
    consumer_group: ConsumerGroup | None = None
    """Wins over `partition`."""
    limit_events_per_second: int = 0
    """Most events a second of each partition; 0 or less is no limit."""
    version: ProtocolVersion = ""
    sasl: Sasl | None = None
    tls: Tls = None
    json_body: bool = False
    """Take a record's value as JSON; otherwise it is base64 text. A record that is no JSON is then passed over."""
    metadata: dict[str, str] = {}
    """Copied into every event's data."""
    connection_backoff: Backoff | None = None
    """Time between tries to connect; the number of tries is not limited."""
    filter: SourceFilter = None
    config: Annotated[str, AfterValidator(_check_config)] = ""
    """Settings of the Go client in YAML, as Argo Events takes them, as far as they mean something to this one."""
    schema_registry: SchemaRegistry | None = None
    """Where the schemas of Avro records are; with `jsonBody`, and each record is then Avro."""
    aws_msk_iam_auth: MskIam | None = None
    """Log in to Amazon MSK as this process is in AWS; over TLS, and instead of `sasl`."""

    @property
    def settings(self) -> Settings:
        """What `config` asks for."""
        return read_settings(self.config)

    @model_validator(mode="after")
    def _reads_something(self) -> "KafkaSpec":
        if not self.partition and self.consumer_group is None:
            raise ValueError("names neither a consumerGroup nor a partition; one of them says what to read")
        return self

    def unsupported(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """See `Spec.unsupported`."""
        if self.sasl is not None and self.sasl.mechanism in NOT_BUILT:
            yield ("sasl", "mechanism"), f"the mechanism {self.sasl.mechanism} of sasl ({NOT_BUILT_HINT})"
