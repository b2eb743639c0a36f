"""Topics that are deleted and made again under the name that a Kafka source reads."""

import re
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka_rig import Cluster, Remembering, cluster_of, doubled, reading
from servers.kafka import KafkaBroker
from waiting import until

from sources.kafka import intake, topic
from sources.state import SourceState

pytestmark = pytest.mark.kafka


@pytest.fixture
async def cluster(kafka_broker: KafkaBroker) -> AsyncIterator[Cluster]:
    async with cluster_of(kafka_broker) as found:
        yield found


@pytest.fixture
def emit() -> Remembering:
    return Remembering()


async def is_committed(cluster: Cluster, name: str, offset: int) -> bool:
    return await cluster.committed(f"g-{name}", name) == offset


async def test_records_of_a_topic_that_was_made_again_are_other_events(cluster: Cluster, emit: Remembering) -> None:
    name, state = await cluster.topic(), SourceState()
    await cluster.send(name, b"1", b"2")
    async with reading(cluster.source(name, state=state), emit):
        await emit.until(lambda emit: emit.bodies == [1, 2])
    await cluster.remake(name)
    await cluster.send(name, b"3", b"4", b"5")
    for _ in range(2):  # another start reads on, and names them the same
        async with reading(cluster.source(name, state=state, consumerGroup={"groupName": f"g-{name}"}), emit):
            await emit.until(lambda emit: emit.bodies == [1, 2, 3, 4, 5])
            await until(lambda: is_committed(cluster, name, 3))
    where = re.escape(f"src:records:{cluster.broker.plain}:{name}")
    first, again = [event.id for event in emit.events[:2]], [event.id for event in emit.events[2:]]
    assert [re.fullmatch(rf"{where}:0:{n}", id) is not None for n, id in enumerate(first)] == [True, True], "as ever"
    assert all(re.fullmatch(rf"{where}@[\w-]{{22}}:0:{n}", id) for n, id in enumerate(again)), again
    assert doubled([event.id for event in emit.events]) == []


async def test_a_topic_that_is_made_again_while_it_is_read_is_read_from_its_beginning(
    cluster: Cluster, emit: Remembering
) -> None:
    name = await cluster.topic()
    await cluster.send(name, b"1", b"2", b"3")
    # Without `oldest`: whatever the new one holds came after what was read.
    async with reading(cluster.source(name, consumerGroup={"groupName": f"g-{name}", "oldest": False}), emit):
        await until(lambda: is_committed(cluster, name, 3))
        await cluster.send(name, b"4")
        await emit.until(lambda emit: emit.bodies == [4])
        await cluster.remake(name)
        await cluster.send(name, b"5", b"6")
        await emit.until(lambda emit: emit.bodies == [4, 5, 6])
    assert doubled([event.id for event in emit.events]) == []


async def test_one_that_has_outgrown_the_position_is_noticed_too(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "LOOK_S", 0.2)
    name = await cluster.topic()
    await cluster.send(name, b"1")
    async with reading(cluster.source(name, partition="0", consumerGroup=None), emit):
        await until(lambda: _is_position(cluster, name))
        await cluster.remake(name)
        await cluster.send(name, *(b"%d" % n for n in range(10, 20)))
        await emit.until(lambda emit: set(range(10, 20)) <= set(emit.bodies))
    assert doubled([event.id for event in emit.events]) == []


async def _is_position(cluster: Cluster, name: str) -> bool:
    return await cluster.committed("tocsin.default.src.records", name) is not None


async def test_a_position_in_the_former_topic_is_none_in_the_new_one(cluster: Cluster, emit: Remembering) -> None:
    name, state = await cluster.topic(), SourceState()
    await cluster.send(name, b"1", b"2")
    async with reading(cluster.source(name, state=state), emit):
        await until(lambda: is_committed(cluster, name, 2))
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.broker.plain, group_id=f"g-{name}", enable_auto_commit=False)
    consumer.assign([at := TopicPartition(name, 0)])
    await consumer.start()
    try:
        (found,) = (await consumer._coordinator.fetch_committed_offsets([at])).values()
        await cluster.remake(name)
        # As a member does that has not heard of it yet.
        await until(lambda: _is_committed(consumer, at, found))
    finally:
        await consumer.stop()
    await cluster.send(name, b"3", b"4", b"5")
    async with reading(cluster.source(name, state=state), emit):
        await emit.until(lambda emit: emit.bodies == [1, 2, 3, 4, 5])


async def _is_committed(consumer: AIOKafkaConsumer, at: TopicPartition, found: tuple[int, str]) -> bool:
    await consumer.commit({at: found})
    return True


async def test_a_cluster_without_ids_of_topics_is_told_of_one_that_went_back(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_id(*_: object) -> str:
        return ""

    monkeypatch.setattr(topic, "topic_id", no_id)
    name, told = await cluster.topic(), list[str]()
    await cluster.send(name, b"1", b"2", b"3")
    async with reading(cluster.source(name, degraded=told.append), emit):
        await until(lambda: is_committed(cluster, name, 3))
        await cluster.remake(name)
        await cluster.send(name, b"4")
        await emit.until(lambda emit: emit.bodies[-1] == 4)
        assert told[-1].startswith(f"partition 0 of topic '{name}' went back behind offset 3, up to which it was read: it lost")
        await cluster.send(name, b"5", b"6", b"7")
        await emit.until(lambda emit: emit.bodies[-1] == 7)
        await until(lambda: is_committed(cluster, name, 4))
    assert told[-1] == "", "from there on its records are new ones"
    assert emit.events[3].id == emit.events[0].id, "and nobody can tell them apart"
