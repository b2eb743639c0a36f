"""The service that reads Kafka, as a process; `tests/chaos` kills it and the broker on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from kafka_rig import Cluster, cluster_of
from servers.kafka import KafkaBroker
from service_process import Service
from waiting import until

from clients.kafka.connection import Connection

pytestmark = pytest.mark.kafka


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


class Run:
    """A service that may not be ready yet."""

    def __init__(self, manifests: Path, data: Path) -> None:
        self.now = Service(str(manifests), data=data, log=data.parent / "service.log")

    async def ready(self) -> Service:
        await asyncio.to_thread(self.now.ready)
        return self.now

    async def kill(self) -> None:
        self.now.process.kill()
        await asyncio.to_thread(self.now.process.wait, 10)


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    return tmp_path / "all.yaml"


async def holds(fact: Callable[[], bool]) -> None:
    await until(lambda: asyncio.to_thread(fact), timeout_s=60.0, every_s=0.05)


async def test_a_cluster_that_is_away_is_shown_with_the_reason_and_read_when_it_is_there(
    cluster: Cluster, manifests: Path, tmp_path: Path
) -> None:
    topic = await cluster.topic()
    manifests.write_text(reading(cluster.broker.plain, topic))
    await asyncio.to_thread(cluster.broker.kill)
    service = Run(manifests, tmp_path / "data")
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
