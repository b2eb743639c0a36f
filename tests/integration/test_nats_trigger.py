"""The nats trigger on a real server."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
import pytest
from servers.nats import MAX_MESSAGE_BYTES, PASSWORD, TOKEN, USER, NatsServer
from trigger_rig import PAYLOAD, RigValues, TriggerRig, a_bound, ref, rig_of

from eventbus.chain import Chain
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.certificates import Certificates
from sensors.triggers.nats import NatsKind
from sensors.triggers.nats_connections import NatsConnections, NatsWay

_numbers = itertools.count()


@pytest.fixture
async def rig(nats_server: NatsServer) -> AsyncIterator[TriggerRig]:
    values = RigValues({"user": USER, "password": PASSWORD, "token": TOKEN, "seed": nats_server.seed + b"\n", "wrong": "wrong"})
    values.add_files(nats_server.certificates, "ca.pem", "other.pem")
    async with rig_of(NatsKind, values) as made:
        yield made


@pytest.fixture
def here(nats_server: NatsServer) -> dict[str, Any]:
    return {"url": nats_server.open_url, "subject": f"s{next(_numbers)}", "payload": PAYLOAD}


@asynccontextmanager
async def listening(server: NatsServer, subject: str) -> AsyncIterator[Any]:
    client = await nats.connect(server.open_url)
    try:
        subscription = await client.subscribe(subject)
        await client.flush()
        yield subscription
    finally:
        await client.close()


async def test_a_message_has_the_body_and_carries_the_key(rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer) -> None:
    async with listening(nats_server, here["subject"]) as heard:
        await rig.fire(rig.trigger(here | {"headers": {"kind": "order"}}))
        message = await heard.next_msg(timeout=5)
    assert message.data == b'{"who":"me"}'
    assert message.headers == {"Nats-Msg-Id": "f-1", "Idempotency-Key": "f-1", "kind": "order"}


async def test_a_message_in_a_chain_says_where(rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer) -> None:
    chain = Chain(correlation="c-1", causation="f-1", hops=3)
    trigger = rig.trigger(here)
    async with listening(nats_server, here["subject"]) as heard:
        await trigger.fire(trigger.render(a_bound()), idempotency_key="f-1", chain=chain)
        message = await heard.next_msg(timeout=5)
    assert dict(chain.headers()).items() <= message.headers.items()


async def test_nobody_has_to_listen(rig: TriggerRig, here: dict[str, Any]) -> None:
    assert (await rig.fire(rig.trigger(here))).detail == ""


async def test_a_stream_has_the_message_and_recognises_the_repeat(
    rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer
) -> None:
    client = await nats.connect(nats_server.open_url)
    name = f"S{here['subject']}"
    try:
        await client.jetstream().add_stream(name=name, subjects=[here["subject"]])
        trigger = rig.trigger(here | {"jetstream": {"stream": name}})
        assert (await rig.fire(trigger)).detail == f"stream {name}, sequence 1"
        assert (await rig.fire(trigger)).detail == f"stream {name}, sequence 1, which had it already"
        await rig.fire(rig.trigger(here))  # a core publish is recognised, too
        assert (await client.jetstream().stream_info(name)).state.messages == 1
        with pytest.raises(TriggerRefused, match="is not a subject of the stream 'other'"):
            await rig.fire(rig.trigger(here | {"jetstream": {"stream": "other"}}), key="f-2")
    finally:
        await client.close()


async def test_a_subject_that_no_stream_takes_is_worth_another_try(rig: TriggerRig, here: dict[str, Any]) -> None:
    with pytest.raises(TriggerUnavailable, match="no stream takes the subject"):
        await rig.fire(rig.trigger(here | {"jetstream": {}}))


async def test_a_message_that_is_too_large_is_refused_and_others_go_on(rig: TriggerRig, here: dict[str, Any]) -> None:
    trigger = rig.trigger(here)
    with pytest.raises(TriggerRefused, match="larger than the server takes"):
        await rig.fire(trigger, {"who": "x" * MAX_MESSAGE_BYTES})
    await rig.fire(trigger)


async def test_a_subject_that_is_denied_is_refused_and_others_go_on(rig: TriggerRig, here: dict[str, Any]) -> None:
    denied, allowed = rig.trigger(here | {"subject": "denied"}), rig.trigger(here)
    answers = await asyncio.gather(*(rig.fire(trigger) for trigger in (denied, allowed, denied, allowed)), return_exceptions=True)
    assert [isinstance(answer, TriggerRefused) for answer in answers] == [True, False, True, False], answers
    assert 'permissions violation for publish to "denied"' in str(answers[0])
    assert len(rig.shared.get(NatsConnections)) == 1


@pytest.mark.parametrize(
    "auth", [{"basic": {"username": ref("user"), "password": ref("password")}}, {"nkey": ref("seed")}], ids=["user", "nkey"]
)
async def test_users_are_let_in_over_tls(
    rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer, auth: dict[str, Any]
) -> None:
    secure = here | {"url": nats_server.secure_url, "tls": {"caCertSecret": ref("ca.pem")}, "auth": auth}
    await rig.fire(rig.trigger(secure))


async def test_a_token_lets_in(rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer) -> None:
    fields = here | {"url": nats_server.token_url}
    await rig.fire(rig.trigger(fields | {"auth": {"token": ref("token")}}))
    with pytest.raises(TriggerUnavailable, match=r"Authorization Violation|does not accept the login"):
        await rig.fire(rig.trigger(fields | {"auth": {"token": ref("wrong")}}))


async def test_a_rotated_password_is_used(rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer) -> None:
    auth = {"basic": {"username": ref("user"), "password": ref("password")}}
    trigger = rig.trigger(here | {"url": nats_server.secure_url, "tls": {"caCertSecret": ref("ca.pem")}, "auth": auth})
    rig.values.values["password"] = b"old"
    with pytest.raises(TriggerUnavailable, match=r"Authorization Violation|does not accept the login"):
        await rig.fire(trigger)
    rig.values.values["password"] = PASSWORD.encode()
    await rig.fire(trigger)


@pytest.mark.parametrize(
    ("auth", "message"),
    [({"nkey": ref("wrong")}, "no seed of a user"), ({"credential": ref("wrong")}, "no credentials file"),
     ({"token": ref("gone")}, "'gone' is missing")],
)  # fmt: skip
async def test_credentials_that_are_none_are_worth_another_try(
    rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer, auth: dict[str, Any], message: str
) -> None:
    fields = here | {"url": nats_server.secure_url, "tls": {"caCertSecret": ref("ca.pem")}, "auth": auth}
    with pytest.raises(TriggerUnavailable, match=message):
        await rig.fire(rig.trigger(fields))


async def test_certificates_are_checked(rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer) -> None:
    fields = here | {"url": nats_server.secure_url, "tls": {"caCertSecret": ref("other.pem")}, "auth": {"nkey": ref("seed")}}
    with pytest.raises(TriggerUnavailable, match="certificate is not accepted"):
        await rig.fire(rig.trigger(fields))


async def test_a_renewed_certificate_that_is_none_leaves_the_former_in_use(
    rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer
) -> None:
    fields = here | {"url": nats_server.secure_url, "tls": {"caCertSecret": ref("ca.pem")}, "auth": {"nkey": ref("seed")}}
    trigger = rig.trigger(fields)
    await rig.fire(trigger)
    rig.values.values["ca.pem"] = b"half a certif"
    await rig.fire(trigger)
    (kept,) = rig.shared.get(Certificates).problems()
    assert str(kept.ref) == "default/shop/tell"


async def test_a_server_without_tls_is_not_spoken_to_where_tls_is_declared(rig: TriggerRig, here: dict[str, Any]) -> None:
    with pytest.raises(TriggerUnavailable, match="TLS"):
        await rig.fire(rig.trigger(here | {"tls": {"caCertSecret": ref("ca.pem")}}))


async def test_a_server_that_is_not_there_is_worth_another_try(rig: TriggerRig, here: dict[str, Any]) -> None:
    with pytest.raises(TriggerUnavailable, match=r"NATS at nats://127\.0\.0\.1:1: "):
        await rig.fire(rig.trigger(here | {"url": "nats://127.0.0.1:1"}))
    assert len(rig.shared.get(NatsConnections)) == 0


async def test_a_server_that_was_killed_is_used_again_when_it_is_back(
    rig: TriggerRig, here: dict[str, Any], nats_server: NatsServer
) -> None:
    trigger = rig.trigger(here)
    await rig.fire(trigger)
    await asyncio.to_thread(nats_server.kill)
    try:
        with pytest.raises(TriggerUnavailable):
            await rig.fire(trigger)
    finally:
        await asyncio.to_thread(nats_server.start)
    await rig.fire(trigger)


async def test_triggers_of_one_server_share_a_connection(rig: TriggerRig, here: dict[str, Any]) -> None:
    trigger = [rig.trigger(here | {"subject": f"shared.{n}"}) for n in range(3)]
    await asyncio.gather(*(rig.fire(trigger[n % 3], key=f"f-{n}") for n in range(300)))
    assert len(rig.shared.get(NatsConnections)) == 1


async def test_nothing_is_sent_after_the_end(rig: TriggerRig, here: dict[str, Any]) -> None:
    trigger = rig.trigger(here)
    await rig.shared.aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(trigger)


async def test_a_way_prints_no_secret() -> None:
    assert "hush" not in repr(NatsWay(("nats://a:1",), "NATS at a", password="hush", token="hush", seed="hush"))
