"""Secrets and certificates that change while the service runs: what is new is used from then on, and what is broken is not."""

import asyncio
import hashlib
import hmac
import json
import ssl
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from acting_fakes import FixedValues, Target, a_target, an_event_bound, http_trigger
from http_rig import Rig, read_answer, request, rigged
from servers.certificates import make_certificates

from eventbus.event import Road
from manifests.objects import Dialect
from sensors.triggers.certificates import Certificates
from sensors.triggers.shared import Shared
from sensors.web.client import Web
from sources.gitlab import Gitlab, GitlabSpec
from sources.kafka.source import Kafka
from sources.kafka.spec import KafkaSpec
from sources.source import SourceContext
from sources.webhook import Webhook, WebhookSpec

openssl = pytest.mark.usefixtures("openssl")
Pem = tuple[str, str]
EC, RSA = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), ("rsa:2048",)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, openssl: None) -> list[Pem]:
    """Three certificates with their keys, each its own authority; the second has a key of another kind."""
    return [_pair(tmp_path_factory.mktemp("pair"), kind) for kind in (EC, RSA, EC)]


def _pair(folder: Path, kind: tuple[str, ...]) -> Pem:
    command = ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "cert.pem").read_text(), (folder / "key.pem").read_text()


class Served:
    """One TLS port, and what its source was told."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.listener, self.secrets = rig.listener, rig.values.secrets
        self.told: list[str] = []

    def give(self, certificate: str, key: str) -> None:
        self.secrets |= {"cert": certificate, "key": key}

    async def begin(self) -> None:
        road = Road("default", "src", "hook")
        context = SourceContext(road=road, dialect=Dialect.ARGO, values=self.rig.values, degraded=self.told.append)
        refs = {"serverCertSecret": {"name": "cert", "key": "c"}, "serverKeySecret": {"name": "key", "key": "k"}}
        spec = WebhookSpec.model_validate({"endpoint": "/hook", "port": "0", "method": "POST", **refs})
        await self.rig.serve(Webhook(spec, context))

    @asynccontextmanager
    async def client(self, pem: str, name: str = "127.0.0.1") -> AsyncIterator["Connected"]:
        """A connection that trusts `pem` alone."""
        trust = ssl.create_default_context(cadata=pem)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.rig.port, ssl=trust, server_hostname=name)
        try:
            yield Connected(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def served(pair: Pem) -> AsyncIterator[Served]:
    async with rigged() as rig:
        found = Served(rig)
        found.give(*pair)
        await found.begin()
        yield found


class Connected:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def works(self) -> bool:
        self._writer.write(request("/hook", b"{}"))
        return (await read_answer(self._reader)).status == 200


@openssl
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"], ids=["without a name", "with a name"])
async def test_new_connections_get_a_rotated_certificate_and_open_ones_stay(pairs: list[Pem], name: str) -> None:
    async with served(pairs[0]) as rig, rig.client(pairs[0][0], name) as before:
        assert await before.works()
        rig.give(*pairs[1])
        async with rig.client(pairs[1][0], name) as after:
            assert await after.works()
        assert await before.works()
        rig.give(*pairs[2])
        async with rig.client(pairs[2][0], name) as last:
            assert await last.works()
        with pytest.raises(ssl.SSLCertVerificationError):
            async with rig.client(pairs[1][0], name):
                pass


@openssl
@pytest.mark.parametrize("broken", ["half", "text", "empty", "gone"])
async def test_a_broken_new_certificate_keeps_the_old_one_and_is_told_until_it_is_mended(pairs: list[Pem], broken: str) -> None:
    async with served(pairs[0]) as rig:
        rig.listener.look_at_certificates()
        assert rig.told[-1] == ""
        rig.give(pairs[1][0], {"half": pairs[0][1], "text": "canary", "empty": "", "gone": ""}[broken])
        if broken == "gone":
            del rig.secrets["key"]
        for _ in range(2):
            async with rig.client(pairs[0][0]) as client:
                assert await client.works()
        rig.listener.look_at_certificates()
        assert rig.told[-1].startswith("server")
        assert rig.told[-1].endswith("; the certificate of before is served on")
        assert "canary" not in rig.told[-1]
        rig.give(*pairs[1])
        async with rig.client(pairs[1][0]) as client:
            assert await client.works()
        rig.listener.look_at_certificates()
        assert rig.told[-1] == ""


@openssl
async def test_a_call_uses_rotated_certificates_and_the_old_ones_while_the_new_are_broken(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        make_certificates(folder)
    values, shared, client = FixedValues(), Shared(), Web()
    tls = {"caCertSecret": {"name": "tls", "key": "ca"}}
    tls |= {"clientCertSecret": {"name": "tls", "key": "cert"}, "clientKeySecret": {"name": "tls", "key": "key"}}

    def give(folder: Path) -> None:
        names = {"ca": "ca.pem", "cert": "leaf.pem", "key": "leaf.key"}
        values.values |= {f"tls/{key}": (folder / name).read_bytes() for key, name in names.items()}

    give(first)
    problems = shared.get(Certificates).problems
    async with a_target(_server(first)) as one, a_target(_server(second)) as two:
        triggers = [
            http_trigger({"url": at.url.replace("http:", "https:"), "tls": tls}, values=values, web=client, shared=shared)
            for at in (one, two)
        ]

        async def calls(trigger: Any) -> None:
            await trigger.fire(trigger.render(an_event_bound()), idempotency_key="k")

        try:
            await calls(triggers[0])
            assert list(problems()) == []
            values.values["tls/key"] = (second / "leaf.key").read_bytes()
            assert len(list(problems())) == 2, "known before anything is called"
            await calls(triggers[0])
            assert {kept.problem for kept in problems()} == {
                "the TLS certificates or key cannot be used (SSLError); expected PEM text"
            }
            del values.values["tls/key"]
            await calls(triggers[0])
            give(second)
            await calls(triggers[1])
            assert list(problems()) == []
        finally:
            await client.aclose()
        assert (len(one.seen), len(two.seen)) == (3, 1)


def _server(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_a_rotated_token_counts_at_the_next_request() -> None:
    async with rigged() as rig:
        rig.values.secrets["token"] = "old"
        await rig.serve(rig.webhook(authSecret={"name": "token", "key": "k"}))
        assert (await rig.post(Authorization="Bearer old")).status == 200
        rig.values.secrets["token"] = "new"
        assert (await rig.post(Authorization="Bearer old")).status == 401
        assert (await rig.post(Authorization="Bearer new")).status == 200


async def test_a_rotated_secret_of_github_counts_at_once_and_both_do_where_both_are_declared() -> None:
    body = json.dumps({"ref": "refs/heads/main"}).encode()

    async def status(secret: str) -> int:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X_GitHub_Event": "push", "X_GitHub_Delivery": str(uuid.uuid4()), "X_Hub_Signature_256": signature}
        return (await rig.post("/github", body, Content_Type="application/json", **headers)).status

    async with rigged() as rig:
        rig.values.secrets |= {"now": "old", "next": "new"}
        await rig.serve(rig.github(webhookSecret={"name": "now", "key": "k"}, webhookSecrets=[{"name": "next", "key": "k"}]))
        assert [await status(secret) for secret in ("old", "new", "other")] == [200, 200, 401]
        rig.values.secrets |= {"now": "new", "next": "newer"}
        assert [await status(secret) for secret in ("old", "new", "newer")] == [401, 200, 200]


async def test_a_rotated_token_of_gitlab_counts_at_the_next_request() -> None:
    async with rigged() as rig:
        rig.values.secrets["token"] = "old"
        token = {"name": "token", "key": "k"}
        spec = {"webhook": {"endpoint": "/gitlab", "port": "0"}, "secretToken": token, "accessToken": token}
        spec |= {"gitlabBaseURL": "https://gitlab.com", "events": ["PushEvents"]}
        await rig.serve(Gitlab(GitlabSpec.model_validate(spec), rig.context("lab")))

        async def status(token: str) -> int:
            headers = {"X_Gitlab_Event": "Push Hook", "X_Gitlab_Token": token}
            return (await rig.post("/gitlab", b"{}", Content_Type="application/json", **headers)).status

        assert await status("old") == 200
        rig.values.secrets["token"] = "new"
        assert [await status("old"), await status("new")] == [401, 200]


async def test_a_rotated_header_is_sent_with_the_next_attempt() -> None:
    values, client = FixedValues({"api/token": b"old"}), Web()
    async with a_target() as target:
        spec = {
            "url": target.url,
            "secureHeaders": [{"name": "X-Token", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}],
        }
        trigger = http_trigger(spec, values=values, web=client)
        try:
            await _sent(trigger, target)
            values.values["api/token"] = b"new"
            await _sent(trigger, target)
        finally:
            await client.aclose()
        assert [one.headers["X-Token"] for one in target.seen] == ["old", "new"]


async def _sent(trigger: Any, target: Target) -> None:
    before = len(target.seen)
    await trigger.fire(trigger.render(an_event_bound()), idempotency_key="k")
    assert len(target.seen) == before + 1


class Silent:
    """A client of Kafka whose cluster does not answer."""

    class cluster:  # noqa: N801 - as the library names it
        unauthorized_topics = ()

    def add_topic(self, topic: str) -> None:
        return

    async def force_metadata_update(self) -> bool:
        return False


async def test_a_consumer_that_fails_connects_anew_where_its_secrets_have_changed_and_only_there() -> None:
    values, told = FixedValues({"kafka/user": b"u", "kafka/password": b"old"}), []
    refs = {"userSecret": {"name": "kafka", "key": "user"}, "passwordSecret": {"name": "kafka", "key": "password"}}
    spec = KafkaSpec.model_validate({"url": "127.0.0.1:1", "topic": "t", "sasl": refs, "consumerGroup": {"groupName": "g"}})
    context = SourceContext(road=Road("default", "src", "k"), dialect=Dialect.ARGO, values=values, tell=told.append)
    source = Kafka(spec, context)
    source._connection = source._resolved()
    await source._look(Silent())
    assert (source._session_over.is_set(), len(told)) == (False, 1)
    values.values["kafka/password"] = b"new"
    await source._look(Silent())
    assert source._session_over.is_set()
