"""What Kafka tests share: topics, a source beside a bus that remembers, and Secrets."""

import asyncio
import contextlib
import time
import uuid
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError
from servers.kafka import PASSWORD, USER, KafkaBroker

from eventbus.contract import Appended
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.kafka.source import Kafka
from sources.kafka.spec import KafkaSpec
from sources.source import SourceContext
from sources.state import SourceState


class Secrets:
    """Secret values as `name/key`."""

    def __init__(self, broker: KafkaBroker) -> None:
        folder = broker.certificates
        self.values = {
            "kafka/user": USER.encode(),
            "kafka/password": PASSWORD.encode(),
            "kafka/wrong": b"not it",
            **{f"kafka/{name}": (folder / name).read_bytes() for name in ("ca.pem", "leaf.pem", "leaf.key", "other.pem")},
        }

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        if f"{name}/{key}" not in self.values:
            raise SecretMissing(f"Secret {namespace}/{name} key {key!r} is missing")
        return SecretValue(self.values[f"{name}/{key}"])

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


class Remembering:
    """An `emit` that remembers, and that can be held back or made to fail."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.batches: list[int] = []
        self.unusables = 0
        self.held = 0
        """Batches that wait at the gate."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: list[Exception] = []
        self.rejects: Callable[[Event], bool] = lambda event: False
        self.came = asyncio.Event()

    async def __call__(self, event: Event) -> Appended:
        (answer,) = await self.batch([event])
        return answer

    async def batch(self, events: Sequence[Event]) -> Sequence[Appended]:
        self.held += 1
        await self.gate.wait()
        self.held -= 1
        if self.failures:
            raise self.failures.pop(0)
        if any(self.rejects(event) for event in events):
            from eventbus.errors import EventRejected

            raise EventRejected("larger than the log takes")
        self.events += events
        self.batches.append(len(events))
        self.came.set()
        return [Appended(n, event.id, False) for n, event in enumerate(events)]

    def unusable(self, count: int = 1) -> None:
        self.unusables += count
        self.came.set()

    @property
    def bodies(self) -> list[Any]:
        return [event.tree["body"] for event in self.events]  # type: ignore[index]

    async def until(self, holds: Callable[["Remembering"], bool], *, timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds(self):
                self.came.clear()
                await self.came.wait()


class Cluster:
    """A broker, seen by a test."""

    def __init__(self, broker: KafkaBroker, producer: AIOKafkaProducer) -> None:
        self.broker = broker
        self.producer = producer
        self.secrets = Secrets(broker)

    async def topic(self, partitions: int = 1, **settings: str) -> str:
        """Make a topic; `settings` by their names in Kafka, with `_` for `.`."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.plain)
        try:
            await admin.start()
            configs = {key.replace("_", "."): value for key, value in settings.items()}
            await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
        finally:
            await admin.close()
        return name

    async def remake(self, topic: str, partitions: int = 1) -> None:
        """Delete a topic, and make another one of its name."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.plain)
        try:
            await admin.start()
            await admin.delete_topics([topic])
            await admin.create_topics([NewTopic(topic, partitions, 1)])
        finally:
            await admin.close()
        await self.producer.client.force_metadata_update()

    async def committed(self, group: str, topic: str, partition: int = 0) -> int | None:
        from aiokafka import TopicPartition

        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.plain)
        try:
            await admin.start()
            offsets = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            return None  # the broker has just started, and no group has committed anything yet
        finally:
            await admin.close()
        found = offsets.get(TopicPartition(topic, partition))
        return None if found is None or found.offset < 0 else found.offset

    async def members(self, group: str) -> list[tuple[str, str]]:
        """Client and id of each member that the broker counts."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.plain)
        try:
            await admin.start()
            (answer,) = await admin.describe_consumer_groups([group])
        finally:
            await admin.close()
        return [(member[1], member[0]) for described in answer.groups for member in described[5]]

    async def send(self, topic: str, *values: bytes | None, partition: int | None = None) -> None:
        sent = [await self.producer.send(topic, value, key=b"k", partition=partition) for value in values]
        await asyncio.gather(*sent)

    async def read(self, topic: str, count: int) -> list[Any]:
        """The first `count` records of a topic."""
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.broker.plain, auto_offset_reset="earliest")
        await consumer.start()
        try:
            async with asyncio.timeout(30):
                return [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()

    async def read_all(self, topic: str) -> list[Any]:
        """Every record of a topic with one partition."""
        from aiokafka import TopicPartition

        consumer = AIOKafkaConsumer(bootstrap_servers=self.broker.plain, auto_offset_reset="earliest")
        await consumer.start()
        try:
            (end,) = (await consumer.end_offsets([TopicPartition(topic, 0)])).values()
        finally:
            await consumer.stop()
        return await self.read(topic, end)

    def source(
        self,
        topic: str,
        *,
        tell: Callable[[str], None] = lambda reason: None,
        degraded: Callable[[str], None] = lambda reason: None,
        state: SourceState | None = None,
        **spec: Any,
    ) -> Kafka:
        fields = {"url": self.broker.plain, "topic": topic, "jsonBody": True, **spec}
        if "partition" not in fields:
            fields.setdefault("consumerGroup", {"groupName": f"g-{topic}", "oldest": True})
        context = SourceContext(
            road=Road("default", "src", "records"),
            dialect=Dialect.ARGO,
            values=self.secrets,
            tell=tell,
            degraded=degraded,
            state=state or SourceState(),
        )
        return Kafka(KafkaSpec.model_validate(fields), context)


@contextlib.asynccontextmanager
async def cluster_of(broker: KafkaBroker) -> AsyncIterator[Cluster]:
    producer = AIOKafkaProducer(bootstrap_servers=broker.plain)
    await producer.start()
    try:
        yield Cluster(broker, producer)
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def reading(source: Kafka, emit: Remembering) -> AsyncIterator[None]:
    """Run a source beside the block, and end it in order."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(source.run(emit))
        try:
            yield
        except BaseException:
            task.cancel()
            raise
        emit.gate.set()
        source.stop()
        async with asyncio.timeout(20):
            await asyncio.wait([task])


def doubled(ids: Sequence[str]) -> list[str]:
    return [id for id, count in Counter(ids).items() if count > 1]


def unsigned(*, lasts_s: float = 3600.0) -> str:
    """A token that nobody signed."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": "alice", "iat": now - 5, "exp": now + lasts_s})
    return ".".join(urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts) + "."
