"""The azureServiceBus trigger on a server that plays Azure, by the provider's own client."""

import asyncio
import itertools
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure_rig import tls_door
from servers.azure import PLAIN, AzureServer, connection_string
from servers.azure_facts import ISSUER_ONLY, LARGEST_BYTES, REFUSED_LINKS, REFUSED_MESSAGES, SILENT
from servers.certificates import make_certificates
from trigger_rig import PAYLOAD, RigValues, TriggerRig, a_bound, ref, rig_of
from waiting import until

from eventbus.chain import Chain
from manifests.objects import TocsinTriggerHead
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers import azure_sending
from sensors.triggers.azure_connection import read_connection
from sensors.triggers.azure_message import AzureWay
from sensors.triggers.azure_service_bus import AzureServiceBusKind
from sensors.triggers.azure_service_bus_sending import ServiceBusSenders

_numbers = itertools.count()


@pytest.fixture
async def rig(azure_server: AzureServer) -> AsyncIterator[TriggerRig]:
    port = azure_server.port
    values = {
        "bus": connection_string(port, more=f"{PLAIN}\n"),
        "wrong": connection_string(port, key="d3Jvbmc=", more=PLAIN),
        "reader": connection_string(port, name=ISSUER_ONLY, more=PLAIN),
        "secure": connection_string(port),
        "other": connection_string(port, more=f"{PLAIN};EntityPath=other"),
        "none": "Endpoint=hush",
        "away": connection_string(1, more=PLAIN),
    }
    async with rig_of(AzureServiceBusKind, RigValues(values)) as made:
        yield made


@pytest.fixture
def queue() -> str:
    return f"q{next(_numbers)}"


def to(queue: str, secret: str = "bus", **more: Any) -> dict[str, Any]:
    return {"connectionString": ref(secret), "queueName": queue, "payload": PAYLOAD, **more}


async def test_a_message_has_the_body_and_carries_the_key(rig: TriggerRig, queue: str, azure_server: AzureServer) -> None:
    await rig.fire(rig.trigger(to(queue)))
    (message,) = azure_server.taken(queue)
    assert json.loads(b64decode(message["body"])) == {"who": "me"}
    assert (message["id"], message["properties"]) == ("f-1", {"Idempotency-Key": "f-1"})


async def test_a_message_in_a_chain_says_where(rig: TriggerRig, queue: str, azure_server: AzureServer) -> None:
    chain, trigger = Chain(correlation="c-1", causation="f-1", hops=3), rig.trigger(to(queue))
    await trigger.fire(trigger.render(a_bound()), idempotency_key="f-1", chain=chain)
    (message,) = azure_server.taken(queue)
    assert message["properties"] == {"Idempotency-Key": "f-1", **dict(chain.headers())}


async def test_a_topic_gets_its_messages_and_a_queue_counts_where_both_are_named(
    rig: TriggerRig, queue: str, azure_server: AzureServer
) -> None:
    topic = {"connectionString": ref("bus"), "topicName": f"{queue}t", "payload": PAYLOAD}
    await rig.fire(rig.trigger(topic))
    await rig.fire(rig.trigger(topic | {"queueName": queue}), key="f-2")
    assert [message["id"] for name in (f"{queue}t", queue) for message in azure_server.taken(name)] == ["f-1", "f-2"]


async def test_an_entity_that_detects_duplicates_keeps_a_repeat_out(rig: TriggerRig, azure_server: AzureServer) -> None:
    trigger = rig.trigger(to("once"))
    for key in ("f-1", "f-1", "f-2"):
        await rig.fire(trigger, key=key)
    assert [message["id"] for message in azure_server.taken("once")] == ["f-1", "f-2"]


async def test_many_at_once_share_a_few_connections_and_one_after_another_one(
    rig: TriggerRig, queue: str, azure_server: AzureServer
) -> None:
    trigger = [rig.trigger(to(queue)) for _ in range(3)]
    for n in range(3):
        await rig.fire(trigger[n])
    assert len(rig.shared.get(ServiceBusSenders)) == 1
    await asyncio.gather(*(rig.fire(trigger[n % 3], key=f"f-{n}") for n in range(60)))
    assert {message["id"] for message in azure_server.taken(queue)} == {f"f-{n}" for n in range(60)}
    assert len(rig.shared.get(ServiceBusSenders)) == azure_sending.LANES


async def test_a_login_that_is_not_accepted_is_worth_another_try_and_a_rotated_one_is_used(
    rig: TriggerRig, queue: str, azure_server: AzureServer
) -> None:
    trigger, right = rig.trigger(to(queue)), rig.values.values["bus"]
    rig.values.values["bus"] = rig.values.values["wrong"]
    with pytest.raises(TriggerUnavailable, match=f"{queue} at 127.0.0.1:.*: the login is not accepted"):
        await rig.fire(trigger)
    rig.values.values["bus"] = right
    await rig.fire(trigger)
    assert len(azure_server.taken(queue)) == 1


async def test_who_may_not_send_is_refused(rig: TriggerRig, queue: str) -> None:
    with pytest.raises(TriggerRefused, match="'Send' claim"):
        await rig.fire(rig.trigger(to(queue, "reader")))


async def test_an_entity_that_is_not_there_is_refused(rig: TriggerRig) -> None:
    with pytest.raises(TriggerRefused, match="could not be found"):
        await rig.fire(rig.trigger(to("gone")))


@pytest.mark.parametrize("name", ["disabled", "unready", *REFUSED_MESSAGES])
async def test_what_may_get_better_is_worth_another_try(rig: TriggerRig, name: str) -> None:
    _, said = (REFUSED_LINKS | REFUSED_MESSAGES)[name]
    with pytest.raises(TriggerUnavailable, match=said):
        await rig.fire(rig.trigger(to(name)))


async def test_a_message_that_is_too_large_is_refused_and_others_go_on(
    rig: TriggerRig, queue: str, azure_server: AzureServer
) -> None:
    trigger = rig.trigger(to(queue))
    sent = [rig.fire(trigger, {"who": "x" * LARGEST_BYTES}, key="f-0"), *(rig.fire(trigger, key=f"f-{n}") for n in range(1, 9))]
    first, *others = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(first, TriggerRefused), first
    assert not [answer for answer in others if isinstance(answer, BaseException)]
    assert sorted(message["id"] for message in azure_server.taken(queue)) == [f"f-{n}" for n in range(1, 9)]


async def test_a_message_that_is_not_confirmed_is_worth_another_try_and_others_go_on(
    rig: TriggerRig, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(azure_sending, "CONFIRM_S", 0.2)
        with pytest.raises(TriggerUnavailable, match=r"no answer within 0\.2 s"):
            await rig.fire(rig.trigger(to(SILENT + queue)))
    assert len(rig.shared.get(ServiceBusSenders)) == 0
    await rig.fire(rig.trigger(to(queue)))


async def test_a_firing_that_is_cancelled_leaves_no_broken_connection(
    rig: TriggerRig, queue: str, azure_server: AzureServer
) -> None:
    task = asyncio.create_task(rig.fire(rig.trigger(to(SILENT + queue))))
    await until(lambda: azure_server.taken(SILENT + queue))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(rig.shared.get(ServiceBusSenders)) == 0


async def test_a_connection_that_ended_unnoticed_costs_no_attempt(rig: TriggerRig, queue: str, azure_server: AzureServer) -> None:
    trigger = rig.trigger(to(queue))
    await rig.fire(trigger)
    await asyncio.to_thread(azure_server.kill)
    await asyncio.to_thread(azure_server.start)
    await rig.fire(trigger, key="f-2")
    assert [message["id"] for message in azure_server.taken(queue)] == ["f-1", "f-2"]


async def test_a_connection_that_ended_is_an_attempt_where_nothing_may_be_sent_twice(
    rig: TriggerRig, queue: str, azure_server: AzureServer
) -> None:
    trigger = rig.trigger(to(queue), head=TocsinTriggerHead(at_least_once=False))
    await rig.fire(trigger)
    await asyncio.to_thread(azure_server.kill)
    await asyncio.to_thread(azure_server.start)
    with pytest.raises(TriggerUnavailable):
        await rig.fire(trigger, key="f-2")
    assert len(azure_server.taken(queue)) == 1


async def test_a_server_that_hangs_up_is_worth_another_try(rig: TriggerRig) -> None:
    with pytest.raises(TriggerUnavailable, match="hangup at 127"):
        await rig.fire(rig.trigger(to("hangup")))


async def test_an_old_connection_is_not_trusted(
    rig: TriggerRig, queue: str, azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = rig.trigger(to(queue), head=TocsinTriggerHead(at_least_once=False))
    await rig.fire(trigger)
    await asyncio.to_thread(azure_server.kill)
    await asyncio.to_thread(azure_server.start)
    monkeypatch.setattr(azure_sending, "FRESH_S", 0.0)
    await rig.fire(trigger, key="f-2")
    assert len(azure_server.taken(queue)) == 2


async def test_a_server_that_is_not_there_is_worth_another_try(rig: TriggerRig, queue: str) -> None:
    with pytest.raises(TriggerUnavailable, match=f"{queue} at 127.0.0.1:1: .*Connect call failed"):
        await rig.fire(rig.trigger(to(queue, "away")))
    assert len(rig.shared.get(ServiceBusSenders)) == 0


@pytest.mark.parametrize(
    ("secret", "more", "message"),
    [
        ("none", {}, "Secret s, key none: the connection string has no Endpoint=sb://"),
        ("missing", {}, "'missing' is missing"),
        ("other", {}, "for another queue or topic"),
        ("bus", {"tls": {"enabled": True}}, "asks for none"),
    ],
)
async def test_a_connection_string_that_cannot_be_used_is_worth_another_try(
    rig: TriggerRig, queue: str, secret: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(TriggerUnavailable, match=message) as caught:
        await rig.fire(rig.trigger(to(queue, secret, **more)))
    assert "hush" not in str(caught.value)


async def test_certificates_are_checked(
    rig: TriggerRig, queue: str, azure_server: AzureServer, tmp_path: Path, openssl: None
) -> None:
    rig.values.add_files(make_certificates(tmp_path), "ca.pem", "other.pem")
    async with tls_door(azure_server.port, tmp_path):
        for fields in (to(queue, "secure"), to(queue, "secure", tls={"caCertSecret": ref("other.pem")})):
            with pytest.raises(TriggerUnavailable, match="certificate"):
                await rig.fire(rig.trigger(fields))
        await rig.fire(rig.trigger(to(queue, "secure", tls={"caCertSecret": ref("ca.pem")})))
        await rig.fire(rig.trigger(to(queue, "secure", tls={"insecureSkipVerify": True})), key="f-2")
        assert [message["id"] for message in azure_server.taken(queue)] == ["f-1", "f-2"]
        await rig.shared.aclose()


async def test_nothing_is_sent_after_the_end(rig: TriggerRig, queue: str) -> None:
    trigger = rig.trigger(to(queue))
    await rig.shared.aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(trigger)


def test_a_way_prints_no_secret() -> None:
    assert "hush" not in repr(AzureWay(read_connection(connection_string(1, key="hush")), "orders"))
