"""The azureEventHubs trigger on a server that plays Azure, behind TLS, by the provider's own client."""

import asyncio
import itertools
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure_rig import tls_door
from servers.azure import AzureServer
from servers.azure_facts import ISSUER_ONLY, KEY, KEY_NAME, LARGEST_BYTES, REFUSED_LINKS, REFUSED_MESSAGES, SILENT
from servers.certificates import make_certificates
from trigger_rig import PAYLOAD, RigValues, TriggerRig, a_bound, ref, rig_of
from waiting import until

from clients.tls import tls_context
from eventbus.chain import Chain
from manifests.objects import TocsinTriggerHead
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers import azure_sending
from sensors.triggers.azure_event_hubs import AzureEventHubsKind
from sensors.triggers.azure_event_hubs_sending import EventHubsSenders

_numbers = itertools.count()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory, openssl: None) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def rig(azure_server: AzureServer, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TriggerRig]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))  # the machine's own authority
    tls_context.cache_clear()
    values = {"name": f"{KEY_NAME}\n", "key": f"{KEY}\n", "wrong": "d3Jvbmc=", "reader": ISSUER_ONLY, "odd": "hush;EntityPath=x"}
    async with tls_door(azure_server.port, certificates), rig_of(AzureEventHubsKind, RigValues(values)) as made:
        yield made
    tls_context.cache_clear()


@pytest.fixture
def hub() -> str:
    return f"h{next(_numbers)}"


def to(hub: str, **more: Any) -> dict[str, Any]:
    keys = {"sharedAccessKeyName": ref("name"), "sharedAccessKey": ref("key")}
    return {"fqdn": "127.0.0.1", "hubName": hub, "payload": PAYLOAD, **keys, **more}


async def test_an_event_has_the_body_and_carries_the_key_and_the_chain(
    rig: TriggerRig, hub: str, azure_server: AzureServer
) -> None:
    chain, trigger = Chain(correlation="c-1", causation="f-1", hops=3), rig.trigger(to(hub))
    await trigger.fire(trigger.render(a_bound()), idempotency_key="f-1", chain=chain)
    (event,) = azure_server.taken(hub)
    assert json.loads(b64decode(event["body"])) == {"who": "me"}
    assert (event["id"], event["properties"]) == ("f-1", {"Idempotency-Key": "f-1", **dict(chain.headers())})
    assert event["address"].endswith(f"/{hub}")  # to no partition: the hub chooses one


async def test_many_at_once_share_a_few_connections_and_one_after_another_one(
    rig: TriggerRig, hub: str, azure_server: AzureServer
) -> None:
    trigger = [rig.trigger(to(hub)) for _ in range(3)]
    for n in range(3):
        await rig.fire(trigger[n])
    assert len(rig.shared.get(EventHubsSenders)) == 1
    await asyncio.gather(*(rig.fire(trigger[n % 3], key=f"f-{n}") for n in range(60)))
    assert {event["id"] for event in azure_server.taken(hub)} == {f"f-{n}" for n in range(60)}
    assert len(rig.shared.get(EventHubsSenders)) == azure_sending.LANES


async def test_a_login_that_is_not_accepted_is_worth_another_try_and_a_rotated_one_is_used(
    rig: TriggerRig, hub: str, azure_server: AzureServer
) -> None:
    trigger = rig.trigger(to(hub))
    rig.values.values["key"] = b"d3Jvbmc="
    with pytest.raises(TriggerUnavailable, match=f"{hub} at 127.0.0.1: the login is not accepted"):
        await rig.fire(trigger)
    rig.values.values["key"] = KEY.encode()
    await rig.fire(trigger)
    assert len(azure_server.taken(hub)) == 1


async def test_who_may_not_send_is_refused(rig: TriggerRig, hub: str) -> None:
    with pytest.raises(TriggerRefused, match="'Send' claim"):
        await rig.fire(rig.trigger(to(hub, sharedAccessKeyName=ref("reader"))))


async def test_a_hub_that_is_not_there_is_refused(rig: TriggerRig) -> None:
    with pytest.raises(TriggerRefused, match="could not be found"):
        await rig.fire(rig.trigger(to("gone")))


@pytest.mark.parametrize("name", ["disabled", "unready", *REFUSED_MESSAGES])
async def test_what_may_get_better_is_worth_another_try(rig: TriggerRig, name: str) -> None:
    with pytest.raises(TriggerUnavailable, match=(REFUSED_LINKS | REFUSED_MESSAGES)[name][1]):
        await rig.fire(rig.trigger(to(name)))


async def test_an_event_that_is_too_large_is_refused_and_others_go_on(
    rig: TriggerRig, hub: str, azure_server: AzureServer
) -> None:
    trigger = rig.trigger(to(hub))
    sent = [rig.fire(trigger, {"who": "x" * LARGEST_BYTES}, key="f-0"), *(rig.fire(trigger, key=f"f-{n}") for n in range(1, 9))]
    first, *others = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(first, TriggerRefused), first
    assert not [answer for answer in others if isinstance(answer, BaseException)]
    assert sorted(event["id"] for event in azure_server.taken(hub)) == [f"f-{n}" for n in range(1, 9)]


async def test_an_event_that_is_not_confirmed_was_sent_once_and_is_worth_another_try(
    rig: TriggerRig, hub: str, azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(azure_sending, "CONFIRM_S", 0.3)
        with pytest.raises(TriggerUnavailable, match=r"no answer within 0\.3 s"):
            await rig.fire(rig.trigger(to(SILENT + hub)))
    assert len(rig.shared.get(EventHubsSenders)) == 0
    await rig.fire(rig.trigger(to(hub)))
    await until(lambda: azure_server.taken(SILENT + hub))
    assert len(azure_server.taken(SILENT + hub)) == 1


async def test_a_connection_that_ended_unnoticed_costs_no_attempt_where_an_event_may_be_sent_twice(
    rig: TriggerRig, hub: str, azure_server: AzureServer
) -> None:
    trigger, once = rig.trigger(to(hub)), rig.trigger(to(f"{hub}o"), head=TocsinTriggerHead(at_least_once=False))
    await rig.fire(trigger)
    await rig.fire(once)
    await asyncio.to_thread(azure_server.kill)
    await asyncio.to_thread(azure_server.start)
    await rig.fire(trigger, key="f-2")
    assert [event["id"] for event in azure_server.taken(hub)] == ["f-1", "f-2"]
    with pytest.raises(TriggerUnavailable):
        await rig.fire(once, key="f-2")


async def test_a_hub_that_hangs_up_is_worth_another_try(rig: TriggerRig) -> None:
    with pytest.raises(TriggerUnavailable, match="hangup at 127"):
        await rig.fire(rig.trigger(to("hangup")))


async def test_certificates_are_checked(rig: TriggerRig, hub: str, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "other.pem"))
    tls_context.cache_clear()
    with pytest.raises(TriggerUnavailable, match="certificate"):
        await rig.fire(rig.trigger(to(hub)))


async def test_a_host_that_is_not_there_is_worth_another_try(rig: TriggerRig, hub: str) -> None:
    with pytest.raises(TriggerUnavailable, match=f"{hub} at 127.0.0.9: .*Connect call failed"):
        await rig.fire(rig.trigger(to(hub, fqdn="127.0.0.9")))
    assert len(rig.shared.get(EventHubsSenders)) == 0


@pytest.mark.parametrize(("key", "message"), [("odd", "characters that no such key has"), ("gone", "'gone' is missing")])
async def test_a_key_that_is_none_is_worth_another_try(rig: TriggerRig, hub: str, key: str, message: str) -> None:
    with pytest.raises(TriggerUnavailable, match=message) as caught:
        await rig.fire(rig.trigger(to(hub, sharedAccessKey=ref(key))))
    assert "hush" not in str(caught.value)


async def test_nothing_is_sent_after_the_end(rig: TriggerRig, hub: str) -> None:
    trigger = rig.trigger(to(hub))
    await rig.shared.aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(trigger)
