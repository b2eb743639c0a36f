"""The kafka trigger on a real broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka_rig import Cluster, Remembering, cluster_of, reading, unsigned
from registry_double import Registry
from servers.kafka import MAX_RECORD_BYTES, KafkaBroker
from waiting import until

from eventbus.chain import Chain
from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead
from sensors.bound import Bound, EventView
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.kafka import KafkaKind
from sensors.triggers.kafka_producers import Producers, Way
from sensors.triggers.shared import Shared
from sensors.triggers.trigger import Trigger, TriggerContext

pytestmark = pytest.mark.kafka

PAYLOAD = [{"src": {"dependencyName": "push", "dataKey": "who"}, "dest": "who"}]


def ref(key: str) -> dict[str, str]:
    return {"name": "kafka", "key": key}


SASL = {"userSecret": ref("user"), "passwordSecret": ref("password")}


def a_bound(data: Mapping[str, Any]) -> Bound:
    event = Event(
        namespace="default", source="hooks", name="push", id="e1", type="webhook", time=None, data=json.dumps(data).encode()
    )
    return Bound(events={"push": EventView(event)}, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"seed")


class Rig:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.shared = Shared()
        self.producers = self.shared.get(Producers)

    def trigger(self, topic: str, dialect: Dialect = Dialect.TOCSIN, **fields: Any) -> Trigger:
        spec = {"url": self.cluster.broker.plain, "topic": topic, "payload": PAYLOAD, **fields}
        declared = DeclaredTrigger(
            name="tell",
            kind="kafka",
            spec=KafkaKind.spec.model_validate(spec),
            template={"name": "tell", "kafka": spec},
            head=TocsinTriggerHead(),
        )
        context = TriggerContext(
            namespace="default", sensor="shop", dialect=dialect, values=self.cluster.secrets, shared=self.shared
        )
        return KafkaKind().compile(declared, context)

    async def fire(
        self, trigger: Trigger, key: str = "f-1", data: Mapping[str, Any] | None = None, chain: Chain | None = None
    ) -> str:
        request = trigger.render(a_bound(data or {"who": "me"}))
        async with asyncio.timeout(60):
            return (await trigger.fire(request, idempotency_key=key, chain=chain)).detail


@pytest.fixture
async def rig(kafka_broker: KafkaBroker) -> AsyncIterator[Rig]:
    async with cluster_of(kafka_broker) as cluster:
        made = Rig(cluster)
        try:
            yield made
        finally:
            await made.shared.aclose()


async def test_a_record_has_the_body_the_key_and_the_headers(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    secure = [{"name": "token", "valueFrom": {"secretKeyRef": ref("user")}}]
    trigger = rig.trigger(topic, partitioningKey="k", headers={"kind": "order"}, secureHeaders=secure)
    assert await rig.fire(trigger) == "partition 0, offset 0"
    (record,) = await rig.cluster.read(topic, 1)
    assert (record.value, record.key) == (b'{"who":"me"}', b"k")
    assert dict(record.headers) == {"Idempotency-Key": b"f-1", "kind": b"order", "token": b"alice"}


async def test_a_partition_is_written_to_in_our_dialect_only(rig: Rig) -> None:
    topic = await rig.cluster.topic(partitions=3)
    for n in range(6):
        assert (await rig.fire(rig.trigger(topic, partition=2))).startswith("partition 2,")
        detail = await rig.fire(rig.trigger(topic, Dialect.ARGO, partition=2, partitioningKey=f"k{n}"))
        assert detail.startswith("partition ")
    records = await rig.cluster.read(topic, 12)
    assert {record.partition for record in records if record.key is not None} - {2}


@pytest.mark.parametrize("fields", [{"compress": True}, {"requiredAcks": 1}, {"flushFrequency": 20}, {"requiredAcks": -1}])
async def test_every_way_of_sending_arrives(rig: Rig, fields: dict[str, Any]) -> None:
    topic = await rig.cluster.topic()
    await rig.fire(rig.trigger(topic, **fields))
    (record,) = await rig.cluster.read(topic, 1)
    assert json.loads(record.value) == {"who": "me"}


async def test_a_binary_cloud_event_carries_its_attributes_in_headers(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    await rig.fire(rig.trigger(topic, cloudEvents={"type": "com.example.told"}, partitioningKey="k"))
    (record,) = await rig.cluster.read(topic, 1)
    headers = {name: value.decode() for name, value in record.headers}
    assert record.value == b'{"who":"me"}'
    assert record.key == b"k"
    assert headers["ce_id"] == headers["Idempotency-Key"] == headers["ce_causationid"] == "f-1"
    assert headers["ce_type"] == "com.example.told"
    assert headers["ce_source"] == "/default/shop/tell"
    assert headers["content-type"] == "application/json"
    assert (headers["ce_specversion"], headers["ce_hops"]) == ("1.0", "1")
    assert headers["ce_correlationid"]


@pytest.mark.parametrize("fields", [{}, {"cloudEvents": {}}])
async def test_a_chain_goes_on_from_a_record_to_the_event_that_is_read_of_it(rig: Rig, fields: dict[str, Any]) -> None:
    topic, emit, firing = await rig.cluster.topic(), Remembering(), "c" * 32
    await rig.fire(rig.trigger(topic, **fields), firing, chain=Chain("ä 100%", firing, 3))
    source = rig.cluster.source(topic, consumerGroup={"groupName": topic, "oldest": True})
    async with reading(source, emit):
        await emit.until(lambda emit: len(emit.events) == 1)
    (event,) = emit.events
    assert (event.correlation, event.causation, event.hops) == ("ä 100%", firing, 3)


async def test_a_structured_cloud_event_is_one_document(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    await rig.fire(rig.trigger(topic, cloudEvents={"mode": "structured"}))
    (record,) = await rig.cluster.read(topic, 1)
    document = json.loads(record.value)
    assert dict(record.headers)["content-type"] == b"application/cloudevents+json"
    assert document["data"] == {"who": "me"}
    assert (document["id"], document["type"]) == ("f-1", "tocsin.firing")


async def test_triggers_of_one_cluster_share_a_producer(rig: Rig) -> None:
    topics = [await rig.cluster.topic() for _ in range(3)]
    await asyncio.gather(*(rig.fire(rig.trigger(topic)) for topic in topics))
    assert len(rig.producers) == 1
    await rig.fire(rig.trigger(topics[0], requiredAcks=1))
    assert len(rig.producers) == 2


async def test_a_producer_that_nobody_uses_is_closed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = await rig.cluster.topic()
    monkeypatch.setattr("sensors.triggers.pool.IDLE_S", 0.0)
    await rig.fire(rig.trigger(topic))
    await until(lambda: not len(rig.producers))


async def test_many_records_are_sent_at_once_and_each_is_there_once(rig: Rig) -> None:
    topic = await rig.cluster.topic(partitions=2)
    trigger = rig.trigger(topic)
    await asyncio.gather(*(rig.fire(trigger, key=f"f-{n}") for n in range(500)))
    records = await rig.cluster.read(topic, 500)
    assert len({dict(record.headers)["Idempotency-Key"] for record in records}) == 500


async def test_a_topic_that_is_not_there_is_refused(rig: Rig) -> None:
    with pytest.raises(TriggerRefused, match="there is no topic 'nowhere'; make it, or correct the name"):
        await rig.fire(rig.trigger("nowhere"))


async def test_a_partition_that_is_not_there_is_refused(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    with pytest.raises(TriggerRefused, match="has no partition 5, it has 1"):
        await rig.fire(rig.trigger(topic, partition=5))


async def test_a_record_that_is_too_large_is_refused_and_others_go_on(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    trigger = rig.trigger(topic)
    with pytest.raises(TriggerRefused, match="the record is larger than the broker takes"):
        await rig.fire(trigger, data={"who": "x" * (MAX_RECORD_BYTES + 1000)})
    await rig.fire(trigger)
    assert len(await rig.cluster.read(topic, 1)) == 1


async def test_a_record_that_is_refused_costs_no_other_an_attempt(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    trigger = rig.trigger(topic)
    await rig.fire(trigger, "before")  # from here on the broker knows which batch of this producer comes next
    sizes = [10, MAX_RECORD_BYTES + 1000, 10, 10, MAX_RECORD_BYTES + 1000, 10]
    fired = [rig.fire(trigger, f"f-{n}", {"who": "x" * size}) for n, size in enumerate(sizes)]
    answers = [type(one) for one in await asyncio.gather(*fired, return_exceptions=True)]
    assert answers == [str, TriggerRefused, str, str, TriggerRefused, str]
    await rig.fire(trigger, "after")
    keys = [dict(record.headers)["Idempotency-Key"] for record in await rig.cluster.read_all(topic)]
    assert (keys[0], sorted(keys[1:-1]), keys[-1]) == (b"before", [b"f-0", b"f-2", b"f-3", b"f-5"], b"after")


async def test_records_that_are_too_many_for_one_batch_of_the_topic_are_written_all_the_same(rig: Rig) -> None:
    topic = await rig.cluster.topic(max_message_bytes="2000")
    trigger = rig.trigger(topic)
    await rig.fire(trigger, "before")
    await asyncio.gather(*(rig.fire(trigger, f"f-{n}", {"who": "x" * 500}) for n in range(20)))
    with pytest.raises(TriggerRefused, match="larger than the broker takes"):
        await rig.fire(trigger, "large", {"who": "x" * 2000})
    keys = [dict(record.headers)["Idempotency-Key"].decode() for record in await rig.cluster.read_all(topic)]
    assert (keys[0], sorted(keys[1:])) == ("before", sorted(f"f-{n}" for n in range(20)))


async def test_a_bearer_token_lets_in_and_one_that_has_expired_is_tried_again(rig: Rig) -> None:
    topic, values = await rig.cluster.topic(), rig.cluster.secrets.values
    bearer = {"mechanism": "OAUTHBEARER", "passwordSecret": ref("token")}
    values["kafka/token"] = unsigned(lasts_s=-10).encode()
    trigger = rig.trigger(topic, url=rig.cluster.broker.sasl, sasl=bearer)
    with pytest.raises(TriggerUnavailable, match=r"the token is not accepted; check sasl\.passwordSecret"):
        await rig.fire(trigger)
    values["kafka/token"] = unsigned().encode()
    await rig.fire(trigger)
    assert len(await rig.cluster.read_all(topic)) == 1


async def test_a_user_is_let_in_and_a_rotated_password_is_used(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    trigger = rig.trigger(topic, url=rig.cluster.broker.sasl, sasl=SASL | {"mechanism": "SCRAM-SHA-256"})
    await rig.fire(trigger)
    right, rig.cluster.secrets.values["kafka/password"] = rig.cluster.secrets.values["kafka/password"], b"old"
    with pytest.raises(TriggerUnavailable, match="the user or password is not accepted"):
        await rig.fire(trigger)
    rig.cluster.secrets.values["kafka/password"] = right
    await rig.fire(trigger)


async def test_certificates_are_checked(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    pair = {"clientCertSecret": ref("leaf.pem"), "clientKeySecret": ref("leaf.key")}
    await rig.fire(rig.trigger(topic, url=rig.cluster.broker.tls, tls={"caCertSecret": ref("ca.pem"), **pair}))
    with pytest.raises(TriggerUnavailable, match="the broker's certificate is not accepted"):
        await rig.fire(rig.trigger(topic, url=rig.cluster.broker.tls, tls={"caCertSecret": ref("other.pem"), **pair}))


async def test_a_secret_that_is_missing_is_worth_another_try(rig: Rig) -> None:
    with pytest.raises(TriggerUnavailable, match="'gone' is missing"):
        await rig.fire(rig.trigger("t", url=rig.cluster.broker.sasl, sasl=SASL | {"passwordSecret": ref("gone")}))


async def test_a_broker_that_is_not_there_is_worth_another_try(rig: Rig) -> None:
    with pytest.raises(TriggerUnavailable, match=r"Kafka at 127\.0\.0\.1:1: cannot connect: connection refused"):
        await rig.fire(rig.trigger("t", url="127.0.0.1:1"))
    assert len(rig.producers) == 0


async def test_all_who_wait_for_a_connection_hear_that_there_is_none(rig: Rig) -> None:
    trigger = rig.trigger("t", url="127.0.0.1:1")
    answers = await asyncio.gather(*(rig.fire(trigger) for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TriggerUnavailable}


async def test_a_broker_that_is_killed_is_worth_another_try_and_what_was_given_up_is_not_sent_later(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    trigger = rig.trigger(topic)
    await rig.fire(trigger)
    await asyncio.to_thread(rig.cluster.broker.kill)
    try:
        with pytest.raises(TriggerUnavailable):
            await rig.fire(trigger, key="f-2")
    finally:
        await asyncio.to_thread(rig.cluster.broker.start)
    await rig.fire(trigger, key="f-3")
    records = await rig.cluster.read(topic, 2)
    assert [dict(record.headers)["Idempotency-Key"] for record in records] == [b"f-1", b"f-3"]
    assert len(rig.producers) == 1


async def test_nothing_is_sent_after_the_end(rig: Rig) -> None:
    trigger = rig.trigger("t")
    await rig.shared.aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(trigger)


async def test_a_way_prints_no_password() -> None:
    from clients.kafka.connection import Connection

    assert "hush" not in repr(Way(Connection(("a:1",), None, "PLAIN", "me", "hush"), -1))


async def test_a_payload_is_written_as_avro_by_the_schema_that_is_named(rig: Rig) -> None:
    topic = await rig.cluster.topic()
    schema = '{"type":"record","name":"R","fields":[{"name":"who","type":"string"}]}'
    async with Registry({5: schema, 6: '"long"'}).serving() as registry:
        named = {"url": registry.url, "schemaId": 5}
        trigger = rig.trigger(topic, schemaRegistry=named)
        request = trigger.render(a_bound({"who": "ann"}))
        assert trigger.show(request)["body"] == {"who": "ann"}
        await trigger.fire(request, idempotency_key="k1")
        await trigger.fire(request, idempotency_key="k1")
        assert registry.asked == ["5"]
        with pytest.raises(TriggerRefused, match="the payload does not fit the Avro schema: the value is no long"):
            await rig.trigger(topic, schemaRegistry=named | {"schemaId": 6}).fire(request, idempotency_key="k2")
        with pytest.raises(TriggerRefused, match="schema 7: the registry does not have it"):
            await rig.trigger(topic, schemaRegistry=named | {"schemaId": 7}).fire(request, idempotency_key="k3")
        registry.broken = True
        with pytest.raises(TriggerUnavailable, match="answered 502"):
            await rig.trigger(topic, schemaRegistry=named).fire(request, idempotency_key="k4")
    assert [record.value for record in await rig.cluster.read(topic, 2)] == [b"\0\0\0\0\5\6ann"] * 2
