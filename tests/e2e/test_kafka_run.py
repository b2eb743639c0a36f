"""The service between Kafka and HTTP, killed on the way."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kafka_rig import Cluster, cluster_of, until
from servers.kafka import KafkaBroker
from service_process import Service, Target, ask, free_port, webhook

from eventbus.kafka.connection import Connection

pytestmark = pytest.mark.kafka

COUNT = 1500


@pytest.fixture
async def cluster(kafka_broker: KafkaBroker) -> AsyncIterator[Cluster]:
    async with cluster_of(kafka_broker) as found:
        yield found


def reading(broker: str, topic: str) -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: topics}}
spec:
  kafka:
    orders:
      url: {broker}
      topic: {topic}
      jsonBody: true
      consumerGroup: {{groupName: {topic}, oldest: true}}
      connectionBackoff: {{duration: 200ms, jitter: 0}}
"""


def sensor(source: str, event: str, key: str, kind: str) -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: forward}}
spec:
  dependencies: [{{name: order, eventSourceName: {source}, eventName: {event}}}]
  triggers:
    - template:
        name: forward
        {kind}
          payload: [{{src: {{dependencyName: order, dataKey: {key}, useRawData: true}}, dest: number}}]
      retryStrategy: {{steps: 20, duration: 500ms, factor: 1, jitter: 0}}
"""


class Killed:
    """A service that is killed and started again on the same data."""

    def __init__(self, manifests: Path, data: Path) -> None:
        self._manifests, self._data = manifests, data
        self.now = self._start()

    def _start(self) -> Service:
        return Service(str(self._manifests), data=self._data, log=self._data.parent / "service.log")

    async def ready(self) -> Service:
        await asyncio.to_thread(self.now.ready)
        return self.now

    async def kill(self) -> None:
        self.now.process.kill()
        await asyncio.to_thread(self.now.process.wait, 10)

    async def again(self) -> None:
        await self.kill()
        self.now = self._start()
        await self.ready()


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    return tmp_path / "all.yaml"


async def holds(fact, *, timeout_s: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(timeout_s):
        while not await asyncio.to_thread(fact):
            await asyncio.sleep(0.05)


async def test_no_record_is_lost_or_acted_on_under_two_keys_when_the_service_is_killed(
    cluster: Cluster, manifests: Path, tmp_path: Path
) -> None:
    topic = await cluster.topic(partitions=2)
    target = Target()

    async def committed() -> bool:
        return sum([await cluster.committed(topic, topic, partition) or 0 for partition in (0, 1)]) == COUNT

    with target.serving():
        http = f"http:\n          url: 'http://127.0.0.1:{target.port}/'"
        manifests.write_text(reading(cluster.broker.plain, topic) + "---" + sensor("topics", "orders", "body", http))
        service = Killed(manifests, tmp_path / "data")
        try:
            await service.ready()
            for partition in (0, 1):
                await cluster.send(topic, *(b"%d" % n for n in range(partition, COUNT, 2)), partition=partition)
            for share in (0.1, 0.4):
                await holds(lambda share=share: len(target.received) > share * COUNT)
                await service.again()
            await holds(lambda: {json.loads(body)["number"] for _, body in target.received} == set(range(COUNT)))
            # A killed member is in the group until its session ends, so the last one has to wait for its partitions.
            await until(committed)
            assert await asyncio.to_thread(service.now.stop) == 0
        finally:
            await service.kill()
    keys: dict[int, set[str]] = {}
    for headers, body in target.received:
        keys.setdefault(json.loads(body)["number"], set()).add(headers["Idempotency-Key"])
    assert {len(found) for found in keys.values()} == {1}


async def test_no_accepted_event_is_missing_in_the_topic_when_the_service_and_the_broker_are_killed(
    cluster: Cluster, manifests: Path, tmp_path: Path
) -> None:
    topic, port, count = await cluster.topic(), free_port(), 300
    kafka = f"kafka:\n          url: {cluster.broker.plain}\n          topic: {topic}"
    manifests.write_text(webhook("hooks", port) + "---" + sensor("hooks", "push", "body.n", kafka))
    service = Killed(manifests, tmp_path / "data")
    accepted: list[int] = []

    def post(n: int) -> None:
        body, headers = b'{"n":%d}' % n, {"Content-Type": "application/json"}
        status, _, _ = ask(f"http://127.0.0.1:{port}/push", method="POST", body=body, headers=headers)
        if status == 200:
            accepted.append(n)

    try:
        await service.ready()
        for n in range(count):
            if n == count // 3:
                await service.again()
            if n == 2 * count // 3:
                await asyncio.to_thread(cluster.broker.kill)
                await service.again()
            await asyncio.to_thread(post, n)
        await asyncio.to_thread(cluster.broker.start)
        await holds(lambda: service.now.get("/api/v1/firings?state=open&limit=1")["items"] == [])
        assert service.now.get("/api/v1/dead-letters")["items"] == []
        assert await asyncio.to_thread(service.now.stop) == 0
    finally:
        await asyncio.to_thread(cluster.broker.start)
        await service.kill()
    assert accepted == list(range(count))
    records = await cluster.read_all(topic)
    assert {json.loads(record.value)["number"] for record in records} == set(accepted)
    assert len({dict(record.headers)["Idempotency-Key"] for record in records}) == count


async def test_a_cluster_that_is_away_is_shown_with_the_reason_and_read_when_it_is_there(
    cluster: Cluster, manifests: Path, tmp_path: Path
) -> None:
    topic = await cluster.topic()
    manifests.write_text(reading(cluster.broker.plain, topic))
    await asyncio.to_thread(cluster.broker.kill)
    service = Killed(manifests, tmp_path / "data")
    reason = f"{Connection((cluster.broker.plain,)).where}: cannot connect: connection refused"
    try:
        try:
            await service.ready()
            await holds(lambda: service.now.get("/readyz")["degraded"] != [])
            (degraded,) = service.now.get("/readyz")["degraded"]
            assert degraded == {"name": "EventSource/default/topics", "state": "stopped", "reason": f"orders: {reason}"}
            (source,) = (await asyncio.to_thread(service.now.cli, "sources", "list"))["items"]
            assert source["events"][0]["message"] == reason
        finally:
            await asyncio.to_thread(cluster.broker.start)
        await holds(lambda: service.now.get("/readyz")["degraded"] == [])
        await cluster.send(topic, b"1")
        await holds(lambda: len(service.now.get("/api/v1/events")["items"]) == 1)
        assert await asyncio.to_thread(service.now.stop) == 0
    finally:
        await service.kill()
