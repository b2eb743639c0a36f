"""The parts of objects that only the loader looks at: metadata and the top level of each `spec`."""

from pydantic import Field

from manifests.fields import JsonObject, SecretRef, Spec, TLSConfig


class Metadata(Spec):
    """What names an object. What a cluster adds is accepted and not read."""

    name: str = ""
    namespace: str = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    generate_name: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    self_link: str | None = None
    finalizers: list[str] | None = None
    owner_references: list[JsonObject] | None = None
    managed_fields: list[JsonObject] | None = None


class EventSourceBody(Spec):
    """`spec` of an event source without its kinds."""

    event_bus_name: str = ""
    """The bus to publish to; `default` where empty."""
    replicas: int | None = None
    template: JsonObject | None = None
    """Pod settings; they apply in a cluster only."""
    service: JsonObject | None = None
    """The Service to create; it applies in a cluster only."""


class SensorBody(Spec):
    """`spec` of a sensor; its lists are checked item by item."""

    dependencies: list[JsonObject] = []
    triggers: list[JsonObject] = []
    template: JsonObject | None = None
    """Pod settings; they apply in a cluster only."""
    error_on_failed_round: bool | None = None
    event_bus_name: str = ""
    """The bus to read from; `default` where empty."""
    replicas: int | None = None
    revision_history_limit: int | None = None
    logging_fields: dict[str, str] | None = None


class NatsExotic(Spec):
    """A NATS Streaming server that exists already."""

    url: str = ""
    cluster_id: str = Field(default="", alias="clusterID")
    auth: str | None = None
    access_secret: SecretRef | None = None


class NatsBus(Spec):
    """NATS Streaming."""

    native: JsonObject | None = None
    exotic: NatsExotic | None = None


class JetStreamBus(Spec):
    """NATS JetStream, run by the controller."""

    version: str = ""
    replicas: int | None = None
    container_template: JsonObject | None = None
    reloader_container_template: JsonObject | None = None
    metrics_container_template: JsonObject | None = None
    persistence: JsonObject | None = None
    metadata: JsonObject | None = None
    node_selector: dict[str, str] | None = None
    tolerations: list[JsonObject] | None = None
    security_context: JsonObject | None = None
    image_pull_secrets: list[JsonObject] | None = None
    priority_class_name: str | None = None
    priority: int | None = None
    affinity: JsonObject | None = None
    service_account_name: str | None = None
    settings: str | None = None
    start_args: list[str] | None = None
    stream_config: str | None = None
    max_payload: str | None = None


class JetStreamExotic(Spec):
    """A JetStream that exists already."""

    url: str = ""
    access_secret: SecretRef | None = None
    stream_config: str | None = None
    tls: TLSConfig | None = None


class KafkaConsumerGroup(Spec):
    """How sensors share the topic."""

    group_name: str | None = None
    oldest: bool | None = None
    rebalance_strategy: str | None = None


class KafkaBus(Spec):
    """Kafka."""

    url: str = ""
    topic: str | None = None
    version: str | None = None
    tls: TLSConfig | None = None
    sasl: JsonObject | None = None
    consumer_group: KafkaConsumerGroup | None = None
    partitioner: str | None = None


class EventBusBody(Spec):
    """`spec` of an event bus: one of four kinds."""

    nats: NatsBus | None = None
    jetstream: JetStreamBus | None = None
    kafka: KafkaBus | None = None
    jetstream_exotic: JetStreamExotic | None = None


class SecretBody(Spec):
    """A Secret document. Values are checked elsewhere, by rules that never show one."""

    data: JsonObject = {}
    string_data: JsonObject = {}
    type: str | None = None
    immutable: bool | None = None


class ConfigMapBody(Spec):
    """A ConfigMap document."""

    data: JsonObject = {}
    binary_data: JsonObject = {}
    immutable: bool | None = None
