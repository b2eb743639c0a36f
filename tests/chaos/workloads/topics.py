"""Kafka on both ends: records that are acted on in order, and pushes that become records in order."""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from string import Template
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from chaos.sending import manifests_of, push
from chaos.service import free_port
from chaos.verdict import Book, Kind
from chaos.workloads.lanes import LANES, Lanes
from chaos.workloads.workload import Workload
from chaos.world import World

READ_S = 60.0
"""Until everything that was sent has to be read."""
PARTITIONS = 3
"""Fewer than lanes: lanes share partitions, and keep their order all the same."""

_READ = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: topic}
spec:
  kafka:
    records:
      url: $broker
      topic: $topic
      jsonBody: true
      consumerGroup: {groupName: $topic, oldest: true}
      connectionBackoff: {duration: 200ms, jitter: 0.5}
---
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: records}
spec:
  dependencies:
    - {name: record, eventSourceName: topic, eventName: records}
  triggers:
    - template:
        name: in-order
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          payload:
            - {src: {dependencyName: record, dataKey: body.lane}, dest: lane}
            - {src: {dependencyName: record, dataKey: body.n}, dest: number}
      orderBy: body.lane
      timeout: 1s
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")

_WRITE = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: published}
spec:
  github:
    push:
      organizations: [o]
      webhook: {endpoint: /published, port: "$port", method: POST}
      events: [push]
      webhookSecret: {name: published, key: webhook}
---
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: published}
spec:
  dependencies:
    - {name: numbered, eventSourceName: published, eventName: push}
  triggers:
    - template:
        name: publish
        kafka:
          url: $broker
          topic: $topic
          partitioningKey: to be replaced
          parameters:
            - {src: {dependencyName: numbered, dataKey: body.lane}, dest: partitioningKey}
          payload:
            - {src: {dependencyName: numbered, dataKey: body.lane}, dest: lane}
            - {src: {dependencyName: numbered, dataKey: body.n}, dest: number}
      orderBy: body.lane
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")


class _WithTopic(Workload):
    """A load with a topic of its own."""

    needs_broker = True

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._topic = f"{self.name}-{time.time_ns()}"
        self.lanes = Lanes()

    async def prepare(self, world: World) -> None:
        """Make the topic. Its records carry the broker's time: the service's clock is set to and fro."""
        admin = AIOKafkaAdminClient(bootstrap_servers=_address(world))
        try:
            await admin.start()
            topic = NewTopic(self._topic, PARTITIONS, 1, topic_configs={"message.timestamp.type": "LogAppendTime"})
            await admin.create_topics([topic])
        finally:
            await admin.close()


class Records(_WithTopic):
    """Kafka to HTTP: one sender for each lane, whose records have the lane as their key."""

    name = "records"

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._ids: dict[str, str] = {}
        """The event that each acknowledged record has to be, and what it is called."""

    def manifests(self, world: World) -> str:
        """A source, and a sensor whose trigger is ordered by lane."""
        return _READ.substitute(broker=_address(world), topic=self._topic, target=world.target.url)

    async def run(self, world: World) -> None:
        """Send on every lane."""
        producer = AIOKafkaProducer(bootstrap_servers=_address(world), enable_idempotence=True)
        await producer.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for number in range(LANES):
                    tasks.create_task(self._send_on(world, producer, f"record-lane-{number}"), name=f"record-lane-{number}")
        finally:
            await producer.stop()
        await self._all_read(world)

    async def _all_read(self, world: World) -> None:
        """Return when the group has committed all that there is; after `READ_S` in any case: the judge sees what is missing."""
        admin = AIOKafkaAdminClient(bootstrap_servers=_address(world))
        async with _reading(world, self._topic) as consumer:
            ends = await consumer.end_offsets(list(consumer.assignment()))
        await admin.start()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READ_S):
                    while await self._behind(admin, ends):
                        await asyncio.sleep(0.2)
        finally:
            await admin.close()

    async def _behind(self, admin: AIOKafkaAdminClient, ends: Mapping[TopicPartition, int]) -> bool:
        committed = await admin.list_consumer_group_offsets(self._topic)
        return any(at not in committed or committed[at].offset < end for at, end in ends.items() if end)

    async def _send_on(self, world: World, producer: AIOKafkaProducer, lane: str) -> None:
        chance, n = random.Random(f"{lane}-{self._seed}"), 0
        while not world.stopping.is_set():
            n += 1
            value = msgspec.json.encode({"lane": lane, "n": str(n)})
            try:
                record = await producer.send_and_wait(self._topic, value, key=lane.encode())
            except KafkaError:
                world.report.repeated_tries += 1
                continue  # it may be there or not: nobody promised anything
            world.report.acknowledged += 1
            self.lanes.at[lane, n] = time.monotonic()
            self._ids[f"topic:records:{_address(world)}:{self._topic}:{record.partition}:{record.offset}"] = f"{lane}/{n}"
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    def judge(self, world: World, book: Book) -> None:
        """Every acknowledged record is one event, and each lane was done in order."""
        kept = book.kept("topic")
        for id_, name in self._ids.items():
            if id_ not in kept:
                world.report.add(Kind.LOST, f"{name} was acknowledged by the broker, and the journal has no {id_}")
        self.lanes.judge(world, book, "records")


class Published(_WithTopic):
    """HTTP to Kafka: one sender for each lane, whose pushes become records with the lane as their key."""

    name = "published"

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._port = free_port()

    def manifests(self, world: World) -> str:
        """A source, and a sensor whose trigger writes to the topic."""
        return manifests_of("published", _WRITE, broker=_address(world), topic=self._topic, port=self._port)

    async def run(self, world: World) -> None:
        """Send on every lane."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(LANES):
                tasks.create_task(self._send_on(world, f"topic-lane-{number}"), name=f"topic-lane-{number}")

    async def _send_on(self, world: World, lane: str) -> None:
        chance, n = random.Random(f"{lane}-{self._seed}"), 0
        url = f"http://127.0.0.1:{self._port}/published"
        while not world.stopping.is_set():
            n += 1
            delivery = str(UUID(int=chance.getrandbits(128), version=4))
            self.lanes.at[lane, n] = await push(world.session, world.report, url, delivery, {"lane": lane, "n": str(n)})
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    async def gather(self, world: World) -> None:
        """Read the topic to its end: a record is what its key did, when the broker appended it."""
        to_monotonic = time.monotonic() - time.time()
        partitions: dict[str, set[int]] = defaultdict(set)
        async with _reading(world, self._topic) as consumer:
            async for record in _to_the_end(consumer):
                said = msgspec.json.decode(record.value or b"null", type=dict[str, str])
                key = dict(record.headers).get("Idempotency-Key", b"").decode()
                world.target.act(key, said, at=record.timestamp / 1000 + to_monotonic)
                partitions[said["lane"]].add(record.partition)
                if record.key != said["lane"].encode():
                    world.report.add(Kind.OTHER, f"{said} was written with the key {record.key!r}")
        for lane, found in partitions.items():
            if len(found) > 1:
                world.report.add(Kind.DISORDERED, f"{lane} was written to the partitions {sorted(found)}")

    def judge(self, world: World, book: Book) -> None:
        """Each lane was written in order."""
        self.lanes.judge(world, book, "published")


def _address(world: World) -> str:
    assert world.broker is not None
    return world.broker.plain


@contextlib.asynccontextmanager
async def _reading(world: World, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all of `topic`, at its beginning."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=_address(world), auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _to_the_end(consumer: AIOKafkaConsumer) -> AsyncIterator["ConsumerRecord[bytes, bytes]"]:
    """Everything that there is now, partition by partition in order."""
    ends = await consumer.end_offsets(list(consumer.assignment()))
    async with asyncio.timeout(60):
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                for record in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, []):
                    yield record
