"""The `kafka` source: connected, kept connected, and left in order.

Semantics: Argo Events 1.9, `pkg/eventsources/sources/kafka`; what differs is in `docs/sources/kafka.md`.
"""

import asyncio
import contextlib
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from clients.kafka.connection import (
    Connection,
    NotInstalled,
    UnknownTopic,
    partitions_of,
    require_avro,
    require_library,
    require_msk,
    resolve,
)
from clients.kafka.declared import brokers
from clients.kafka.faults import why
from clients.kept_tls import KeptTLS
from eventbus.chain import continued
from eventbus.errors import BusUnavailable
from eventbus.event import Event
from manifests.fields import TLSConfig
from manifests.secrets import SecretMissing
from sources.http.payload import now
from sources.kafka.pace import Pace
from sources.kafka.records import Reader, told_by
from sources.kafka.spec import KafkaSpec
from sources.source import Emit, Source, SourceContext, SourceRefused, sources

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

    from clients.kafka.registry import Schemas
    from sources.kafka.handing import Record
    from sources.kafka.intake import Intake
    from sources.kafka.membership import Membership
    from sources.kafka.topic import Topic

logger = structlog.get_logger()

LONGEST_PAUSE_S = 30.0
"""Between two tries to connect."""


@sources.register("kafka", spec=KafkaSpec, active_passive=True)
class Kafka(Source[KafkaSpec]):
    """Emits one event for each record; a record's topic, partition and offset are its identity."""

    members = frozenset(("topic", "key", "partition", "body", "timestamp", "headers", "metadata"))

    def __init__(self, spec: KafkaSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        try:
            require_library()
            if spec.aws_msk_iam_auth is not None:
                require_msk()
        except NotInstalled as exc:
            raise SourceRefused(str(exc)) from exc
        road = context.road
        self._reader = Reader(json_body=spec.json_body, metadata=spec.metadata, schemas=_schemas(spec, context))
        self._id_head = f"{road.source}:{road.name}:{brokers(spec.url)[0]}"
        self._went_back = ""
        self._stopping = asyncio.Event()
        self._failures = 0
        self._connection: Connection | None = None
        self._kept = KeptTLS(f"event {road.name} of event source {road.namespace}/{road.source}")
        self._session_over = asyncio.Event()

    @property
    def group(self) -> str:
        """The consumer group whose offsets are this source's position; for a single partition it is one of our own."""
        group, road = self.spec.consumer_group, self.context.road
        return group.group_name if group is not None else f"tocsin.{road.namespace}.{road.source}.{road.name}"

    def warnings(self) -> list[str]:
        """Say what is declared and has no effect."""
        said = []
        if self.spec.partition and self.spec.consumer_group is not None:
            said.append("partition: ignored, because a consumerGroup is given")
        said += [f"config: {idle} (no effect)" for idle in self.spec.settings.idle]
        if self.spec.aws_msk_iam_auth is not None and self.spec.sasl is not None:
            said.append("sasl: ignored, because awsMskIamAuth says who we are")
        if self.spec.schema_registry is not None and not self.spec.json_body:
            said.append("schemaRegistry: ignored, because jsonBody is not set: records are base64 text")
        if self.spec.consumer_group is None:
            said.append(
                f"partition: its position is kept under the group {self.group!r} (Argo Events starts at the newest each time)"
            )
        return said

    def stop(self) -> bool:
        """Read nothing more; `run` makes durable what it has read, commits, and leaves the group."""
        self._stopping.set()
        self._session_over.set()
        return True

    async def run(self, emit: Emit) -> None:
        """Read until `stop`. A cluster that is away, refuses us or lacks the topic is told, and tried again until it is there."""
        from sources.kafka.topic import Topic  # noqa: PLC0415 - heavy: only a process that reads Kafka pays for it

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_passing()),
            wait=self._pause_s,
            stop=lambda state: self._stopping.is_set(),
            before_sleep=self._say_why,
            sleep=self._sleep,
            retry_error_callback=lambda state: None,
        )
        topic = Topic(self.spec.topic, state=self.context.state, source=str(self.context.road), degraded=self._say_went_back)
        while not self._stopping.is_set():
            await retrying(self._session, emit, topic)

    async def _session(self, emit: Emit, topic: "Topic") -> None:
        """One connection, from start to end."""
        from sources.kafka.consumer import consuming  # noqa: PLC0415 - see `run`

        if self._stopping.is_set():
            return
        spec = self.spec
        self._session_over.clear()
        self._connection = self._resolved()
        async with consuming(self._connection, spec, self.group) as consumer:
            client = consumer._client  # noqa: SLF001 - the library has no public way to ask whether the cluster answers
            partitions = await partitions_of(client, spec.topic)
            await topic.identify(client)
            intake = await self._begin(consumer, emit, topic, partitions)
            self.context.tell("")
            self._failures = 0
            await intake.run()

    def _resolved(self) -> Connection:
        """The cluster with the secrets as they are now; certificates that cannot be used stay those of before."""
        spec, context = self.spec, self.context
        found = resolve(
            spec.url,
            spec.tls or (TLSConfig(enabled=True) if spec.settings.tls else None),
            spec.sasl,
            msk=spec.aws_msk_iam_auth,
            namespace=context.road.namespace,
            values=context.values,
            kept=self._kept,
        )
        self._say_degraded()
        return found

    def _say_degraded(self) -> None:
        certificates = self._kept.problem and f"certificates: {self._kept.problem}; those of before are used on"
        self.context.degraded("; ".join(filter(None, (certificates, self._went_back))))

    def _say_went_back(self, reason: str) -> None:
        self._went_back = reason
        self._say_degraded()

    async def _begin(self, consumer: "AIOKafkaConsumer", emit: Emit, topic: "Topic", partitions: frozenset[int]) -> "Intake":
        """Join the group, or take the one partition. Raises `UnknownTopic` where there is no such partition."""
        from aiokafka import TopicPartition  # noqa: PLC0415 - see above

        from sources.kafka.membership import Membership  # noqa: PLC0415 - see above

        spec = self.spec
        membership = Membership(self.context.state, consumer, self.group)
        intake = self._intake(consumer, emit, topic, membership)
        if spec.consumer_group is not None:
            if not spec.settings.instance:  # a static member comes back as the same, as whoever named it wants
                await membership.attend()
            consumer.subscribe([spec.topic], listener=intake)
            return intake
        if int(spec.partition) not in partitions:
            raise UnknownTopic(f"topic {spec.topic!r} has no partition {spec.partition}, it has {len(partitions)}")
        only = TopicPartition(spec.topic, int(spec.partition))
        consumer.assign([only])
        intake.assign([only])
        return intake

    def _intake(self, consumer: "AIOKafkaConsumer", emit: Emit, topic: "Topic", membership: "Membership") -> "Intake":
        from aiokafka import TopicPartition  # noqa: PLC0415 - see above

        from sources.kafka.handing import Handing  # noqa: PLC0415 - see above
        from sources.kafka.intake import COMMIT_S, Intake  # noqa: PLC0415

        spec = self.spec
        pace: Pace[TopicPartition] = Pace(max(0, spec.limit_events_per_second))
        oldest = spec.consumer_group is not None and (spec.consumer_group.oldest or spec.settings.oldest)
        look = partial(self._look, consumer._client)  # noqa: SLF001 - see above
        handing = Handing(
            partial(self._event_of, topic.marked),
            emit,
            prepare=self._reader.prepare,
            context=self.context,
            stopping=self._session_over,
        )
        return Intake(
            consumer,
            handing,
            topic=topic,
            look=look,
            joined=membership.note,
            context=self.context,
            oldest=oldest,
            commit_s=spec.settings.commit_s or COMMIT_S,
            pace=pace,
            stopping=self._session_over,
        )

    def _event_of(self, topic: str, record: "Record") -> Event:
        data, tree = self._reader.read(record)
        id = f"{self._id_head}:{topic}:{record.partition}:{record.offset}"
        event = self.event(id=id, time=now(), data=data, tree=tree)
        told = told_by(record)
        return continued(event, *told) if any(told) else event

    async def _look(self, client: Any) -> None:
        try:
            await partitions_of(client, self.spec.topic, anew=True)
        except _passing() as exc:
            self.context.tell(await self._reason(exc))
            self._connect_anew_with_other_secrets()
        else:
            self.context.tell("")
            with contextlib.suppress(SecretMissing, ValueError):
                self._resolved()

    def _connect_anew_with_other_secrets(self) -> None:
        """The library keeps to the secrets it was given: where it fails and others are there by now, it has to be told."""
        with contextlib.suppress(SecretMissing, ValueError):
            if self._resolved() != self._connection:
                logger.info("kafka_connects_anew", source=str(self.context.road), reason="its secrets have changed")
                self._session_over.set()

    async def _say_why(self, state: RetryCallState) -> None:
        self._failures += 1
        exc = state.outcome.exception() if state.outcome is not None else None
        if exc is not None:
            self.context.tell(await self._reason(exc))

    async def _reason(self, exc: BaseException) -> str:
        ours = self._connection is None or isinstance(exc, (SecretMissing, BusUnavailable))
        return str(exc) if ours or self._connection is None else await why(exc, self._connection)

    def _pause_s(self, state: RetryCallState) -> float:
        """Seconds to wait: `connectionBackoff` where it is given, else 1 s doubled each time, with jitter."""
        backoff = self.spec.connection_backoff
        first, factor, jitter = (
            (1.0, 2.0, 0.2) if backoff is None else (backoff.duration.total_seconds(), backoff.factor, backoff.jitter)
        )
        grown = first * max(factor, 1.0) ** min(self._failures, 16)
        return min(LONGEST_PAUSE_S, grown * (1 + jitter * random.random()))  # noqa: S311 - spreads load, guards nothing

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.05)):
                await self._stopping.wait()


def _schemas(spec: KafkaSpec, context: SourceContext) -> "Schemas | None":
    """What `schemaRegistry` names. Raises `SourceRefused` where its library is missing."""
    if spec.schema_registry is None or not spec.json_body:
        return None
    try:
        require_avro()
    except NotInstalled as exc:
        raise SourceRefused(str(exc)) from exc
    from clients.kafka.registry import Schemas  # noqa: PLC0415 - see above

    return Schemas(spec.schema_registry, namespace=context.road.namespace, values=context.values)


def _passing() -> tuple[type[Exception], ...]:
    """What may be gone at another try."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - as above

    return (KafkaError, UnknownTopic, SecretMissing, BusUnavailable, OSError, ValueError)
