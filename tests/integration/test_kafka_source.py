"""The Kafka source on a real broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from unittest import mock

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from kafka_rig import Cluster, Remembering, cluster_of, doubled, reading
from registry_double import Registry
from servers.kafka import KafkaBroker
from waiting import until

from clients.kafka.registry import framed
from eventbus.errors import BusUnavailable
from sources.kafka import intake
from sources.kafka.source import Kafka
from sources.state import SourceState

pytestmark = pytest.mark.kafka


@pytest.fixture
async def cluster(kafka_broker: KafkaBroker) -> AsyncIterator[Cluster]:
    async with cluster_of(kafka_broker) as found:
        yield found


@pytest.fixture
def emit() -> Remembering:
    return Remembering()


async def test_a_record_becomes_an_event_of_the_original_shape(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    headers = [("trace", b"1"), ("trace", b"2"), ("odd", b"\xff")]
    sent = await cluster.producer.send_and_wait(topic, b'{ "id": 4 }', key=b"k-1", headers=headers, timestamp_ms=1714557600120)
    async with reading(cluster.source(topic, metadata={"team": "shop"}), emit):
        await emit.until(lambda emit: len(emit.events) == 1)
    (event,) = emit.events
    assert event.data is not None
    assert json.loads(event.data) == event.tree
    assert event.tree == {
        "topic": topic,
        "key": "k-1",
        "partition": 0,
        "body": {"id": 4},
        "timestamp": "2024-05-01 10:00:00.12 +0000 UTC",
        "headers": {"trace": "2", "odd": "\ufffd"},
        "metadata": {"team": "shop"},
    }
    assert event.id == f"src:records:{cluster.broker.plain}:{topic}:0:{sent.offset}"
    assert (event.type, event.datacontenttype) == ("kafka", "application/json")


async def test_without_json_body_the_value_is_base64(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    await cluster.send(topic, b"plain", b"", None)
    async with reading(cluster.source(topic, jsonBody=False), emit):
        await emit.until(lambda emit: len(emit.events) == 3)
    assert emit.bodies == ["cGxhaW4=", "", None]


class NotText(str):
    """A header's name that a program in another language sends."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff-id"


async def test_a_header_whose_name_is_not_text_holds_up_no_partition(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    await cluster.send(topic, b"1")
    batch = cluster.producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, False, -1, -1, -1, 100_000)
    for value in (b"2", b"3"):
        batch.append(key=None, value=value, timestamp=None, headers=[(NotText(), b"x")])
    await (await cluster.producer.send_batch(batch, topic, partition=0))
    await cluster.send(topic, b"4")
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: len(emit.events) == 4)
    assert emit.bodies == [1, 2, 3, 4]
    assert json.loads(emit.events[1].data or b"")["headers"] == {"\ufffd-id": "x"}


async def test_offsets_are_committed_only_when_events_are_durable(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "COMMIT_S", 0.01)
    topic = await cluster.topic()
    emit.gate.clear()
    source = cluster.source(topic)
    async with reading(source, emit):
        await until(lambda: _is(cluster.committed(source.group, topic), 0))  # the start, before there is any record
        await cluster.send(topic, b"1", b"2")
        await until(lambda: emit.held > 0)
        await asyncio.sleep(0.3)  # longer than between two commits, in which nothing may be committed
        assert await cluster.committed(source.group, topic) == 0
        emit.gate.set()
        await until(lambda: _is(cluster.committed(source.group, topic), 2))
    assert emit.bodies == [1, 2]


async def test_a_stop_commits_what_is_durable_and_the_next_start_goes_on(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    await cluster.send(topic, b"1", b"2", b"3")
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: len(emit.events) == 3)
    assert await cluster.committed(f"g-{topic}", topic) == 3
    await cluster.send(topic, b"4")
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: len(emit.events) == 4)
    assert emit.bodies == [1, 2, 3, 4]


async def test_a_stop_while_the_log_takes_nothing_leaves_the_records_to_the_next_start(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "COMMIT_S", 0.01)
    topic = await cluster.topic()
    await cluster.send(topic, b"1", b"2")
    emit.failures = [BusUnavailable("the disk is full") for _ in range(1000)]
    async with reading(cluster.source(topic), emit):
        await until(lambda: len(emit.failures) < 1000)
    assert await cluster.committed(f"g-{topic}", topic) == 0
    emit.failures.clear()
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: len(emit.events) == 2)
    assert emit.bodies == [1, 2]


@pytest.mark.parametrize("oldest", [True, False])
async def test_a_new_group_starts_where_it_is_told(cluster: Cluster, emit: Remembering, oldest: bool) -> None:
    topic = await cluster.topic()
    await cluster.send(topic, b"1")
    source = cluster.source(topic, consumerGroup={"groupName": topic, "oldest": oldest})
    async with reading(source, emit):
        await until(lambda: _is_set(cluster.committed(topic, topic)))
        await cluster.send(topic, b"2")
        await emit.until(lambda emit: emit.bodies[-1:] == [2])
    assert emit.bodies == ([1, 2] if oldest else [2])


async def test_a_partition_starts_at_the_newest_and_goes_on_where_it_was_left(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic(partitions=2)
    await cluster.send(topic, b"0", partition=1)
    source = cluster.source(topic, partition="1")
    async with reading(source, emit):
        await until(lambda: _is(cluster.committed(source.group, topic, 1), 1))
        await cluster.send(topic, b"1", partition=1)
        await cluster.send(topic, b"-1", partition=0)
        await emit.until(lambda emit: len(emit.events) == 1)
    await cluster.send(topic, b"2", partition=1)
    async with reading(cluster.source(topic, partition="1"), emit):
        await emit.until(lambda emit: len(emit.events) == 2)
    assert emit.bodies == [1, 2]


async def test_a_record_that_is_no_json_is_passed_over_and_counted(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    await cluster.send(topic, b"1", b"{", b"", b"2")
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: emit.bodies == [1, 2])
    assert emit.unusables == 2
    assert await cluster.committed(f"g-{topic}", topic) == 4


async def test_a_record_that_the_log_never_takes_does_not_stop_the_partition(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    emit.rejects = lambda event: event.tree["body"] in (3, 4, 9)  # type: ignore[index]
    await cluster.send(topic, *(str(n).encode() for n in range(10)))
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: emit.unusables == 3)
    assert emit.bodies == [0, 1, 2, 5, 6, 7, 8]
    assert await cluster.committed(f"g-{topic}", topic) == 10


async def test_records_wait_in_order_for_a_log_that_does_not_take_them(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    emit.failures = [BusUnavailable("the disk is full", retry_after_s=0.01)] * 3
    await cluster.send(topic, b"1", b"2")
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: len(emit.events) == 2)
    assert emit.bodies == [1, 2]


async def test_many_records_are_made_durable_together(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    await cluster.send(topic, *(b"%d" % n for n in range(2000)))
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: len(emit.events) == 2000)
    assert emit.bodies == list(range(2000))
    assert len(emit.batches) < 50


async def test_a_limit_holds_back_each_partition(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic(partitions=2)
    for partition in (0, 1):
        await cluster.send(topic, *[b"1"] * 60, partition=partition)
    loop = asyncio.get_running_loop()
    async with reading(cluster.source(topic, limitEventsPerSecond=50), emit):
        await emit.until(lambda emit: len(emit.events) >= 10)
        began = loop.time()
        await emit.until(lambda emit: len(emit.events) == 120)
    assert 0.8 <= loop.time() - began <= 10


async def test_two_members_share_a_topic_under_load_without_loss(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    # However busy the machine is: what is not committed in time is read once more, and is the same event.
    monkeypatch.setattr(intake, "REVOKE_S", 60.0)
    topic, sent, enough = await cluster.topic(partitions=4), 0, asyncio.Event()
    first, second = Remembering(), Remembering()

    async def send() -> None:
        nonlocal sent
        while not enough.is_set():
            await cluster.producer.send(topic, b"%d" % sent, partition=sent % 4)
            sent += 1
            if sent % 20 == 0:
                await asyncio.sleep(0.01)
        await cluster.producer.flush()

    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(send())
        async with reading(cluster.source(topic), first):
            await first.until(lambda emit: len(emit.events) > 200)
            async with reading(cluster.source(topic), second):
                await second.until(lambda emit: len(emit.events) > 200)
            enough.set()
            await sending
            await first.until(lambda one: len({e.id for e in (*one.events, *second.events)}) == sent)
    ids = [event.id for event in (*first.events, *second.events)]
    assert len(set(ids)) == sent
    assert doubled(ids) == []


async def killed(source: Kafka, emit: Remembering, committed: Callable[[], bool | Awaitable[bool]]) -> None:
    """Run a source until what it read is committed, and end it as a kill does: without a goodbye."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(source.run(emit))
        await until(committed)
        with mock.patch.object(GroupCoordinator, "_maybe_leave_group", mock.AsyncMock()):
            task.cancel()
            await asyncio.wait([task])


async def test_who_comes_back_after_a_kill_does_not_wait_for_the_session_of_the_dead(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than anything here waits: who waited for it would fail.
    monkeypatch.setitem(AIOKafkaConsumer.__init__.__kwdefaults__, "session_timeout_ms", 300_000)
    topic, state = await cluster.topic(partitions=2), SourceState()
    await cluster.send(topic, b"1", partition=0)
    await killed(cluster.source(topic, state=state), emit, lambda: _is(cluster.committed(f"g-{topic}", topic), 1))
    await cluster.send(topic, b"2", partition=0)
    await cluster.send(topic, b"3", partition=1)
    sent, send = list[str](), AIOKafkaClient.send

    async def noting(self: AIOKafkaClient, node: int, request: object, **how: object) -> object:
        sent.append(type(request).__name__.removesuffix("Request"))
        return await send(self, node, request, **how)

    with mock.patch.object(AIOKafkaClient, "send", noting):
        async with reading(cluster.source(topic, state=state), emit):
            await emit.until(lambda emit: len(emit.events) == 3)
            joining = [name for name in sent if name in ("JoinGroup", "LeaveGroup")]
    assert sorted(emit.bodies) == [1, 2, 3]
    # A group that is left before somebody else asks to be let in is empty, and then waits for three seconds by default.
    assert joining == ["JoinGroup", "JoinGroup", "LeaveGroup"]


@pytest.mark.parametrize("told_first", [True, False], ids=["told its id first", "before Kafka 2.3"])
async def test_who_is_killed_before_it_is_let_in_keeps_the_next_one_waiting_neither(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch, told_first: bool
) -> None:
    # Longer than anything here waits: who waited for it would fail.
    monkeypatch.setitem(AIOKafkaConsumer.__init__.__kwdefaults__, "session_timeout_ms", 300_000)
    monkeypatch.setattr("sources.kafka.consumer.LEAVE_S", 0.2)  # who is killed does not wait
    if not told_first:
        monkeypatch.setattr(JoinGroupRequest, "_CLASSES", JoinGroupRequest._CLASSES[:-1])
    topic, state, joined = await cluster.topic(), SourceState(), asyncio.Event()

    async def wait_for_ever(*_: object) -> None:
        joined.set()
        await asyncio.Event().wait()

    for _ in range(3 if told_first else 0):
        joined.clear()
        with mock.patch.object(CoordinatorGroupRebalance, "_on_join_leader", wait_for_ever):
            await killed(cluster.source(topic, state=state), emit, joined.is_set)
    await cluster.send(topic, b"1")
    await killed(cluster.source(topic, state=state), emit, lambda: _is(cluster.committed(f"g-{topic}", topic), 1))
    await cluster.send(topic, b"2")
    async with reading(cluster.source(topic, state=state), emit):
        await emit.until(lambda emit: emit.bodies == [1, 2])
        assert state.store._records[state.prefix + "member"][0].count(b"\n") == 1, "who is gone is forgotten"  # type: ignore[attr-defined]


async def test_partitions_are_begun_together(cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    # One by one, each would wait until the broker has given up waiting for more records of those before.
    monkeypatch.setattr(intake, "WAIT_S", 10.0)
    topic = await cluster.topic(partitions=6)
    for partition in range(6):
        await cluster.send(topic, b"%d" % partition, partition=partition)
    async with reading(cluster.source(topic, config="consumer: {maxWaitTime: 10s}"), emit):
        await emit.until(lambda emit: sorted(emit.bodies) == list(range(6)), timeout_s=15)
        monkeypatch.setattr(intake, "WAIT_S", 0.1)
        await cluster.send(topic, b"6")
        await emit.until(lambda emit: 6 in emit.bodies)


async def test_a_partition_without_a_leader_holds_up_no_other(
    cluster: Cluster, emit: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, leads = [1], ClusterMetadata.leader_for_partition
    monkeypatch.setattr(ClusterMetadata, "leader_for_partition", lambda self, at: -1 if at.partition in away else leads(self, at))
    topic = await cluster.topic(partitions=3)
    for partition in (2, 0):
        await cluster.send(topic, b"%d" % partition, partition=partition)
    async with reading(cluster.source(topic), emit):
        await emit.until(lambda emit: sorted(emit.bodies) == [0, 2])
        away.clear()
        await cluster.send(topic, b"1", partition=1)
        await emit.until(lambda emit: sorted(emit.bodies) == [0, 1, 2])


async def test_settings_of_the_other_client_are_followed(cluster: Cluster, emit: Remembering) -> None:
    topic, state = await cluster.topic(), SourceState()
    config = """
        clientId: shop
        consumer:
          offsets: {initial: -2, autoCommit: {interval: 50ms}}
          maxWaitTime: 100ms
          group: {instanceId: one, session: {timeout: 5m}, rebalance: {timeout: 2m}}
    """
    spec = {"config": config, "consumerGroup": {"groupName": f"g-{topic}"}}
    await cluster.send(topic, b"1")
    # A static member: who comes back in time is the same, and waits for nobody.
    await killed(cluster.source(topic, state=state, **spec), emit, lambda: _is(cluster.committed(f"g-{topic}", topic), 1))
    await cluster.send(topic, b"2")
    async with reading(cluster.source(topic, state=state, **spec), emit):
        await emit.until(lambda emit: emit.bodies == [1, 2])
    ((client, member),) = await cluster.members(f"g-{topic}")
    assert client == "shop", "it keeps its place for five minutes"
    assert member.startswith("one-")


async def test_a_goodbye_for_the_dead_leaves_the_living_in_the_group(cluster: Cluster, emit: Remembering) -> None:
    topic, state, other = await cluster.topic(partitions=2), SourceState(), Remembering()
    async with reading(cluster.source(topic), other):
        await cluster.send(topic, b"1", partition=0)
        await cluster.send(topic, b"1", partition=1)
        await other.until(lambda emit: len(emit.events) == 2)
        async with reading(cluster.source(topic, state=state), emit):
            await until(lambda: _is_set(state.get("member")))
        async with reading(cluster.source(topic, state=state), emit):
            sent = before = len(other.events)
            # Until the group has given one of its two partitions to the newcomer, the other member reads both.
            while not emit.events or len(other.events) == before:
                before = len(other.events) if not emit.events else before
                for partition in (0, 1):
                    await cluster.send(topic, b"2", partition=partition)
                sent += 2
                await until(lambda: len(emit.events) + len(other.events) >= sent)  # noqa: B023


async def test_a_broker_that_is_killed_and_comes_back_is_survived_and_told(cluster: Cluster, emit: Remembering) -> None:
    topic = await cluster.topic()
    told: list[str] = []
    await cluster.send(topic, b"1")
    async with reading(cluster.source(topic, tell=told.append), emit):
        await emit.until(lambda emit: len(emit.events) == 1)
        await asyncio.to_thread(cluster.broker.kill)
        try:
            await until(lambda: told and told[-1])
        finally:
            await asyncio.to_thread(cluster.broker.start)
        assert f"Kafka at {cluster.broker.plain}: " in told[-1]
        await cluster.send(topic, b"2")
        await emit.until(lambda emit: emit.bodies[-1:] == [2], timeout_s=60)
        await until(lambda: told[-1] == "")
    assert [body for n, body in enumerate(emit.bodies) if body not in emit.bodies[:n]] == [1, 2]


async def test_a_topic_that_is_made_later_is_told_and_then_read(cluster: Cluster, emit: Remembering) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    told: list[str] = []
    topic = (await cluster.topic()) + "-later"
    backoff = {"duration": "100ms", "jitter": 0.0}
    async with reading(cluster.source(topic, tell=told.append, connectionBackoff=backoff), emit):
        await until(lambda: told)
        assert told[0] == f"Kafka at {cluster.broker.plain}: there is no topic '{topic}'; make it, or correct the name"
        admin = AIOKafkaAdminClient(bootstrap_servers=cluster.broker.plain)
        await admin.start()
        await admin.create_topics([NewTopic(topic, 1, 1)])
        await admin.close()
        await cluster.send(topic, b"1")
        await emit.until(lambda emit: len(emit.events) == 1)
    assert told[-1] == ""


async def test_a_partition_that_does_not_exist_is_told(cluster: Cluster, emit: Remembering) -> None:
    told: list[str] = []
    topic = await cluster.topic(partitions=2)
    async with reading(cluster.source(topic, tell=told.append, partition="7"), emit):
        await until(lambda: told)
    assert f"topic '{topic}' has no partition 7, it has 2" in told[0]


async def _is(found: Awaitable[int | None], wanted: int) -> bool:
    return await found == wanted


async def _is_set(found: Awaitable[object]) -> bool:
    return await found is not None


async def test_avro_records_are_read_by_the_schema_that_each_names(cluster: Cluster, emit: Remembering) -> None:
    one = '{"type":"record","name":"R","fields":[{"name":"id","type":["null","long"]}]}'
    topic, told = await cluster.topic(), list[str]()
    async with Registry({1: one, 2: '"string"'}).serving() as registry:
        await cluster.send(topic, framed(1, b"\x02\x08"), framed(2, b"\x04hi"), framed(9, b"\x02"), b"{}", None, framed(1, b""))
        registry.broken = True
        async with reading(
            cluster.source(
                topic, tell=told.append, schemaRegistry={"url": registry.url}, connectionBackoff={"duration": "100ms"}
            ),
            emit,
        ):
            await until(lambda: told and told[-1])
            assert told[-1] == f"schemaRegistry {registry.url}: answered 502 to schema 1; is it the address of a registry?"
            assert emit.events == []
            registry.broken = False
            await emit.until(lambda emit: len(emit.events) == 3)
            await until(lambda: _is(cluster.committed(f"g-{topic}", topic), 6))
        assert emit.bodies == [{"id": {"long": 4}}, "hi", None]
        assert emit.unusables == 3, "an unknown schema, no Avro, and cut off"
        assert told[-1] == ""
