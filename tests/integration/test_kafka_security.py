"""Kafka over SASL and TLS, and what is said when it does not work."""

import asyncio
import contextlib
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kafka_rig import Cluster, Remembering, cluster_of, reading, unsigned
from servers.kafka import KafkaBroker
from waiting import until

pytestmark = pytest.mark.kafka


def ref(key: str) -> dict[str, str]:
    return {"name": "kafka", "key": key}


SASL = {"userSecret": ref("user"), "passwordSecret": ref("password")}
PAIR = {"clientCertSecret": ref("leaf.pem"), "clientKeySecret": ref("leaf.key")}
CA = {"caCertSecret": ref("ca.pem")}


@pytest.fixture
async def cluster(kafka_broker: KafkaBroker) -> AsyncIterator[Cluster]:
    async with cluster_of(kafka_broker) as found:
        yield found


async def first_told(cluster: Cluster, **spec: Any) -> str:
    """What a source says that cannot connect."""
    told: list[str] = []
    said = asyncio.Event()

    def tell(reason: str) -> None:
        told.append(reason)
        said.set()

    async with asyncio.timeout(30), reading(cluster.source("any", tell=tell, **spec), Remembering()):
        await said.wait()
    return told[0]


@pytest.mark.parametrize("mechanism", ["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_user_is_let_in(cluster: Cluster, mechanism: str) -> None:
    topic, emit = await cluster.topic(), Remembering()
    await cluster.send(topic, b"1")
    async with reading(cluster.source(topic, url=cluster.broker.sasl, sasl=SASL | {"mechanism": mechanism}), emit):
        await emit.until(lambda emit: emit.bodies == [1])


@pytest.mark.parametrize("tls", [CA | PAIR, PAIR | {"insecureSkipVerify": True}], ids=["verified", "insecure"])
async def test_certificates_are_used(cluster: Cluster, tls: dict[str, Any]) -> None:
    topic, emit = await cluster.topic(), Remembering()
    await cluster.send(topic, b"1")
    async with reading(cluster.source(topic, url=cluster.broker.tls, tls=tls), emit):
        await emit.until(lambda emit: emit.bodies == [1])


async def test_a_user_is_let_in_over_tls(cluster: Cluster) -> None:
    topic, emit = await cluster.topic(), Remembering()
    await cluster.send(topic, b"1")
    sasl = SASL | {"mechanism": "SCRAM-SHA-512"}
    async with reading(cluster.source(topic, url=cluster.broker.sasl_tls, tls=CA, sasl=sasl), emit):
        await emit.until(lambda emit: emit.bodies == [1])


async def test_a_rotated_password_is_used_at_the_next_try(cluster: Cluster) -> None:
    topic, emit, told = await cluster.topic(), Remembering(), list[str]()
    await cluster.send(topic, b"1")
    right, cluster.secrets.values["kafka/password"] = cluster.secrets.values["kafka/password"], b"old"
    backoff = {"duration": "100ms", "jitter": 0.0}
    source = cluster.source(topic, url=cluster.broker.sasl, sasl=SASL, tell=told.append, connectionBackoff=backoff)
    async with reading(source, emit):
        await until(lambda: told)
        cluster.secrets.values["kafka/password"] = right
        await emit.until(lambda emit: emit.bodies == [1])
    assert "the user or password is not accepted" in told[0]


async def test_a_wrong_password_is_told_and_not_shown(cluster: Cluster) -> None:
    said = await first_told(cluster, url=cluster.broker.sasl, sasl=SASL | {"passwordSecret": ref("wrong")})
    assert said == (
        f"Kafka at {cluster.broker.sasl}: the user or password is not accepted; check sasl.userSecret and sasl.passwordSecret"
    )


async def test_a_secret_that_is_missing_is_told(cluster: Cluster) -> None:
    said = await first_told(cluster, url=cluster.broker.sasl, sasl=SASL | {"passwordSecret": ref("gone")})
    assert said == "Secret default/kafka key 'gone' is missing"


async def test_an_unknown_authority_is_told(cluster: Cluster) -> None:
    said = await first_told(cluster, url=cluster.broker.tls, tls=PAIR | {"caCertSecret": ref("other.pem")})
    assert "the broker's certificate is not accepted" in said
    assert "set tls.caCertSecret" in said


async def test_a_certificate_that_is_none_is_told(cluster: Cluster) -> None:
    said = await first_told(cluster, url=cluster.broker.tls, tls={"caCertSecret": ref("user")})
    assert "the TLS certificates or key cannot be used" in said


async def test_plain_text_to_a_tls_port_is_told(cluster: Cluster) -> None:
    assert "does it speak the same protocol (TLS, SASL)?" in await first_told(cluster, url=cluster.broker.tls)


async def test_a_broker_that_is_not_there_is_told(cluster: Cluster) -> None:
    assert await first_told(cluster, url="127.0.0.1:1") == "Kafka at 127.0.0.1:1: cannot connect: connection refused"


class Login:
    """A token endpoint that knows one client."""

    def __init__(self) -> None:
        self.url, self.asked = "", list[dict[str, str]]()
        self.answer: dict[str, Any] = {"access_token": unsigned(), "expires_in": 3600, "token_type": "Bearer"}

    async def _answer(self, request: web.Request) -> web.Response:
        login = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        self.asked.append({"login": login, **{str(name): str(value) for name, value in (await request.post()).items()}})
        if login != "alice:wonder+land":
            return web.json_response({"error": "invalid_client", "error_description": login}, status=401)
        return web.json_response(self.answer)

    @contextlib.asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Login"]:
        app = web.Application()
        app.router.add_post("/token", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}/token"
        try:
            yield self
        finally:
            await runner.cleanup()


BEARER = {"mechanism": "OAUTHBEARER", "passwordSecret": ref("token")}


async def test_a_token_lets_in_and_is_read_again_where_it_was_refused(cluster: Cluster) -> None:
    topic, emit, told = await cluster.topic(), Remembering(), list[str]()
    await cluster.send(topic, b"1")
    cluster.secrets.values["kafka/token"] = unsigned(lasts_s=-10).encode()
    backoff = {"duration": "100ms", "jitter": 0.0}
    source = cluster.source(topic, url=cluster.broker.sasl, sasl=BEARER, tell=told.append, connectionBackoff=backoff)
    async with reading(source, emit):
        await until(lambda: told)
        cluster.secrets.values["kafka/token"] = unsigned().encode() + b"\n"
        await emit.until(lambda emit: emit.bodies == [1])
    where = f"Kafka at {cluster.broker.sasl}"
    assert told[0] == f"{where}: the token is not accepted; check sasl.passwordSecret, and whether it has expired"


async def test_tokens_are_fetched_once_for_many_connections(cluster: Cluster) -> None:
    topic, emit = await cluster.topic(), Remembering()
    await cluster.send(topic, b"1")
    async with Login().serving() as login:
        sasl = SASL | {"mechanism": "OAUTHBEARER", "oauth": {"tokenUrl": login.url, "scope": "kafka read"}}
        async with reading(cluster.source(topic, url=cluster.broker.sasl, sasl=sasl), emit):
            await emit.until(lambda emit: emit.bodies == [1])
    assert login.asked == [{"login": "alice:wonder+land", "grant_type": "client_credentials", "scope": "kafka read"}]


async def test_the_certificate_of_an_endpoint_is_checked(cluster: Cluster) -> None:
    topic, emit, folder = await cluster.topic(), Remembering(), cluster.broker.certificates
    await cluster.send(topic, b"1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
    async with Login().serving(tls) as login:
        oauth = {"tokenUrl": login.url, "caCertSecret": ref("ca.pem")}
        sasl = SASL | {"mechanism": "OAUTHBEARER", "oauth": oauth}
        async with reading(cluster.source(topic, url=cluster.broker.sasl, sasl=sasl), emit):
            await emit.until(lambda emit: emit.bodies == [1])
        sasl = SASL | {"mechanism": "OAUTHBEARER", "oauth": oauth | {"caCertSecret": ref("other.pem")}}
        said = await first_told(cluster, url=cluster.broker.sasl, sasl=sasl)
        assert f"sasl.oauth.tokenUrl {login.url}: TLS failed (" in said
        assert said.endswith("); set sasl.oauth.caCertSecret to its authority")


async def test_an_endpoint_without_a_token_is_told_and_shows_nothing(cluster: Cluster) -> None:
    async with Login().serving() as login:
        sasl = SASL | {"mechanism": "OAUTHBEARER", "oauth": {"tokenUrl": login.url}}
        where = f"Kafka at {cluster.broker.sasl}: sasl.oauth.tokenUrl {login.url}"
        said = await first_told(cluster, url=cluster.broker.sasl, sasl=sasl | {"passwordSecret": ref("wrong")})
        assert said == (
            f"{where}: answered 401 without a token ('invalid_client'); check sasl.userSecret, sasl.passwordSecret and scope"
        )
        login.answer = {"token": "x"}
        said = await first_told(cluster, url=cluster.broker.sasl, sasl=sasl)
        assert said == f"{where}: answered 200 without a token; is it a token endpoint?"
        login.answer = {"access_token": unsigned(lasts_s=-10)}
        said = await first_told(cluster, url=cluster.broker.sasl, sasl=sasl)
        assert said.endswith("the token is not accepted; check sasl.oauth: the broker may want another scope or issuer")
    assert "Connect" in await first_told(cluster, url=cluster.broker.sasl, sasl=sasl)
