"""The pulsar trigger on a real broker."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import pulsar
import pytest
from pulsar.asyncio import Client
from servers.pulsar import MAX_MESSAGE_BYTES, PulsarServer, token
from trigger_rig import PAYLOAD, RigValues, TriggerRig, a_bound, parameter, ref, rig_of

from eventbus.chain import Chain
from manifests.objects import Dialect
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers import pulsar_producers
from sensors.triggers.certificates import Certificates
from sensors.triggers.pulsar import PulsarKind
from sensors.triggers.pulsar_producers import PulsarProducers

pytestmark = [pytest.mark.pulsar, pytest.mark.slow]

_numbers = itertools.count()


@pytest.fixture
async def rig(pulsar_server: PulsarServer) -> AsyncIterator[TriggerRig]:
    values = RigValues({"leaf": token("leaf") + "\n", "bob": token("bob"), "wrong": token("bob") + "x"})
    values.add_files(pulsar_server.certificates, "ca.pem", "other.pem", "leaf.pem", "leaf.key")
    async with rig_of(PulsarKind, values) as made:
        yield made


@pytest.fixture
def here(pulsar_server: PulsarServer) -> dict[str, Any]:
    return {"url": pulsar_server.url, "topic": f"t{next(_numbers)}", "payload": PAYLOAD}


@pytest.fixture
def secure(here: dict[str, Any], pulsar_server: PulsarServer) -> dict[str, Any]:
    return here | {"url": pulsar_server.tls_url, "tlsTrustCertsSecret": ref("ca.pem")}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.pulsar_connection.OPERATION_S", 1)
    monkeypatch.setattr(pulsar_producers, "SEND_S", 1.0)


async def stored(server: PulsarServer, topic: str, count: int) -> list[pulsar.Message]:
    """The first `count` messages of `topic`."""
    client = Client(server.url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    try:
        consumer = await client.subscribe(topic, "test", initial_position=pulsar.InitialPosition.Earliest)
        async with asyncio.timeout(20):
            return [await consumer.receive() for _ in range(count)]
    finally:
        await client.close()


async def test_a_message_has_the_body_and_carries_the_key_and_the_chain(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer
) -> None:
    chain = Chain(correlation="c-1", causation="f-1", hops=3)
    trigger = rig.trigger(here | {"properties": {"kind": "order"}})
    done = await trigger.fire(trigger.render(a_bound()), idempotency_key="f-1", chain=chain)
    assert done.detail.endswith("entry 0")
    (message,) = await stored(pulsar_server, here["topic"], 1)
    assert message.data() == b'{"who":"me"}'
    assert message.properties() == {"Idempotency-Key": "f-1", "kind": "order", **dict(chain.headers())}


async def test_parameters_pick_the_topic_each_time(rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer) -> None:
    trigger = rig.trigger(here | {"parameters": [parameter("topic", dataKey="where")]}, Dialect.ARGO)
    for n in range(2):
        await rig.fire(trigger, {"who": "me", "where": f"{here['topic']}-{n}"})
    for n in range(2):
        assert len(await stored(pulsar_server, f"{here['topic']}-{n}", 1)) == 1


@pytest.mark.parametrize("partitions", [0, 3])
async def test_a_repeat_is_recognised_where_that_is_asked_for(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer, partitions: int
) -> None:
    if partitions:
        pulsar_server.put(f"persistent/public/default/{here['topic']}/partitions", str(partitions))
    trigger = rig.trigger(here | {"deduplicate": True})
    for n in range(4):
        done = await rig.fire(trigger, {"who": n}, key=f"f-{n}")
        assert ("entry" in done.detail, "partition" in done.detail) == (True, bool(partitions))
        assert (await rig.fire(trigger, {"who": n}, key=f"f-{n}")).detail == "the topic had it already"
    await rig.fire(rig.trigger(here), {"who": "last"}, key="f-9")
    keys = [message.properties()["Idempotency-Key"] for message in await stored(pulsar_server, here["topic"], 5)]
    assert sorted(keys) == ["f-0", "f-1", "f-2", "f-3", "f-9"]


async def test_a_message_whose_attempt_was_cut_off_is_stored_once_by_the_next(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer
) -> None:
    trigger = rig.trigger(here | {"deduplicate": True})
    await rig.fire(trigger, key="f-0")
    for stage in range(3):  # each time further than the time before
        pulsar_server.pause()
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await rig.fire(trigger, key="f-1")
        finally:
            pulsar_server.resume()
        if stage == 1:
            await rig.fire(trigger, key="f-1")
    assert (await rig.fire(trigger, key="f-1")).detail == "the topic had it already"
    assert len(rig.shared.get(PulsarProducers)) == 0
    await rig.fire(trigger, key="f-2")
    keys = [message.properties()["Idempotency-Key"] for message in await stored(pulsar_server, here["topic"], 3)]
    assert keys == ["f-0", "f-1", "f-2"]


async def test_a_name_that_an_attempt_before_has_not_let_go_yet_is_waited_for(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer
) -> None:
    trigger = rig.trigger(here | {"deduplicate": True})
    before = Client(pulsar_server.url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    try:
        left = await before.create_producer(here["topic"], producer_name="tocsin-f-1")
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            fired = group.create_task(rig.fire(trigger, key="f-1"))
            await asyncio.wait([fired], timeout=0.5)
            assert not fired.done()
            await left.close()
    finally:
        await before.close()
    assert fired.result().detail.endswith("entry 0")


async def test_a_name_that_another_keeps_is_told_and_may_be_tried_again(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer, impatient: None
) -> None:
    other = Client(pulsar_server.url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    try:
        await other.create_producer(here["topic"], producer_name="tocsin-f-1")
        with pytest.raises(TriggerUnavailable, match="ProducerBusy"):
            await rig.fire(rig.trigger(here | {"deduplicate": True}), key="f-1")
    finally:
        await other.close()


async def test_a_message_that_is_too_large_is_refused_and_others_go_on(rig: TriggerRig, here: dict[str, Any]) -> None:
    trigger = rig.trigger(here)
    answers = await asyncio.gather(
        *(rig.fire(trigger, {"who": "x" * size}) for size in (1, MAX_MESSAGE_BYTES, 1)), return_exceptions=True
    )
    assert [isinstance(answer, TriggerRefused) for answer in answers] == [False, True, False], answers
    assert str(answers[1]) == f"Pulsar at {here['url']}: the message is larger than the broker takes"


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("persistent://a/b", "this is no name of a topic"),
        ("persistent://public/none/t", "TopicNotFound: Namespace not found"),
    ],
)
async def test_a_topic_that_cannot_be_is_refused(rig: TriggerRig, here: dict[str, Any], topic: str, message: str) -> None:
    with pytest.raises(TriggerRefused, match=message):
        await rig.fire(rig.trigger(here | {"topic": topic}))


async def test_a_topic_that_takes_no_more_is_refused(rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer) -> None:
    trigger = rig.trigger(here)
    await rig.fire(trigger)
    pulsar_server.put(f"persistent/public/default/{here['topic']}/terminate", method="POST")
    with pytest.raises(TriggerRefused, match="takes no messages any more"):
        await rig.fire(trigger)


async def test_users_are_let_in_by_token_and_by_certificate(rig: TriggerRig, secure: dict[str, Any]) -> None:
    await rig.fire(rig.trigger(secure | {"authTokenSecret": ref("leaf")}))
    login = {"clientCertSecret": ref("leaf.pem"), "clientKeySecret": ref("leaf.key")}
    await rig.fire(rig.trigger(secure | {"tls": login, "authTokenSecret": ref("wrong")}))
    with pytest.raises(TriggerRefused, match="AuthorizationError: "):
        await rig.fire(rig.trigger(secure | {"authTokenSecret": ref("bob")}))
    with pytest.raises(TriggerUnavailable, match="'gone' is missing"):
        await rig.fire(rig.trigger(secure | {"authTokenSecret": ref("gone")}))


async def test_a_login_that_is_refused_is_worth_another_try_and_a_rotated_token_is_used(
    rig: TriggerRig, here: dict[str, Any], impatient: None
) -> None:
    rig.values.values["now"] = rig.values.values["wrong"]
    trigger = rig.trigger(here | {"authTokenSecret": ref("now")})
    with pytest.raises(TriggerUnavailable, match=r"did not do it in 1 s; .* does it accept the login\?"):
        await rig.fire(trigger)
    rig.values.values["now"] = rig.values.values["leaf"]
    await rig.fire(trigger)


async def test_certificates_are_checked(rig: TriggerRig, secure: dict[str, Any]) -> None:
    by_name = secure | {"url": secure["url"].replace("127.0.0.1", "localhost")}
    for fields in (secure | {"tlsTrustCertsSecret": ref("other.pem")}, by_name):
        with pytest.raises(TriggerUnavailable, match="certificate is not accepted"):
            await rig.fire(rig.trigger(fields))
    await rig.fire(rig.trigger(by_name | {"tlsValidateHostname": False}))
    await rig.fire(rig.trigger(by_name, Dialect.ARGO))
    await rig.fire(rig.trigger(secure | {"tlsTrustCertsSecret": ref("other.pem"), "tlsAllowInsecureConnection": True}))


async def test_a_renewed_certificate_that_is_none_leaves_the_former_in_use(rig: TriggerRig, secure: dict[str, Any]) -> None:
    trigger = rig.trigger(secure)
    await rig.fire(trigger)
    rig.values.values["ca.pem"] = b"half a certif"
    await rig.fire(trigger)
    (kept,) = rig.shared.get(Certificates).problems()
    assert str(kept.ref) == "default/shop/tell"


async def test_a_broker_that_is_not_there_is_worth_another_try_as_often_as_told(
    rig: TriggerRig, here: dict[str, Any], impatient: None
) -> None:
    away = here | {"url": "pulsar://127.0.0.1:1"}
    began = time.monotonic()
    with pytest.raises(TriggerUnavailable, match=r"^Pulsar at pulsar://127\.0\.0\.1:1: cannot connect: "):
        await rig.fire(rig.trigger(away))
    once_s, began = time.monotonic() - began, time.monotonic()
    with pytest.raises(TriggerUnavailable):
        await rig.fire(rig.trigger(away | {"connectionBackoff": {"duration": "1ms", "steps": 3}}))
    assert once_s >= 0.9
    assert time.monotonic() - began >= 2.7
    with pytest.raises(TriggerUnavailable, match="Host not found"):
        await rig.fire(rig.trigger(here | {"url": "pulsar://nobody.invalid:6650"}))
    assert len(rig.shared.get(PulsarProducers)) == 0


async def test_a_broker_that_is_silent_is_left_and_used_again_when_it_answers(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer, impatient: None
) -> None:
    trigger = rig.trigger(here)
    await rig.fire(trigger)
    pulsar_server.pause()
    try:
        with pytest.raises(TriggerUnavailable, match="somebody is there, and did not do it"):
            await rig.fire(trigger)
        task = asyncio.create_task(rig.fire(trigger))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await task
        began = time.monotonic()
        await rig.shared.get(PulsarProducers).aclose()
        assert time.monotonic() - began < 8
    finally:
        pulsar_server.resume()
    async with rig_of(PulsarKind, rig.values) as another:
        await another.fire(another.trigger(here), key="f-2")


async def test_a_broker_that_was_killed_is_used_again_when_it_is_back_and_has_what_it_took(
    rig: TriggerRig, here: dict[str, Any], pulsar_server: PulsarServer, impatient: None
) -> None:
    trigger = rig.trigger(here)
    await rig.fire(trigger, key="f-1")
    await asyncio.to_thread(pulsar_server.kill)
    try:
        with pytest.raises(TriggerUnavailable):
            await rig.fire(trigger, key="f-2")
    finally:
        await asyncio.to_thread(pulsar_server.start)
    async with asyncio.timeout(30):
        while True:
            try:
                await rig.fire(trigger, key="f-3")
                break
            except TriggerUnavailable:
                continue  # the library waits a while before it connects again
    keys = [message.properties()["Idempotency-Key"] for message in await stored(pulsar_server, here["topic"], 2)]
    assert keys[0] == "f-1"


async def test_triggers_of_one_cluster_share_a_connection_and_those_of_a_topic_a_producer(
    rig: TriggerRig, here: dict[str, Any]
) -> None:
    triggers = [rig.trigger(here | {"topic": f"{here['topic']}-{n % 2}"}) for n in range(4)]
    await asyncio.gather(*(rig.fire(triggers[n % 4], key=f"f-{n}") for n in range(200)))
    producers = rig.shared.get(PulsarProducers)
    assert (len(producers), len(producers._clients)) == (2, 1)


async def test_nothing_is_sent_after_the_end(rig: TriggerRig, here: dict[str, Any]) -> None:
    trigger = rig.trigger(here)
    await rig.fire(trigger)
    await rig.shared.get(PulsarProducers).aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(trigger)
