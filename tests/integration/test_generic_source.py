"""The `generic` source against a real gRPC server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from clients.grpc_library import grpc
from eventbus.contract import Appended
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretValue
from sources.generic import Generic, GenericSpec
from sources.generic_stream import StreamEnded
from sources.generic_wire import METHOD, EventMessage, EventSourceMessage
from sources.source import SourceContext, SourceRefused


class Secrets:
    def __init__(self) -> None:
        self.value = b"s3cret\n"

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        return SecretValue(self.value)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise NotImplementedError


class Log:
    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue(100)
        self.passed_over = 0

    def unusable(self, count: int = 1) -> None:
        self.passed_over += count

    async def __call__(self, event: Event) -> Appended:
        self.events.put_nowait(event)
        return None  # type: ignore[return-value]

    async def next(self) -> Any:
        async with asyncio.timeout(20):
            return msgspec.json.decode((await self.events.get()).data or b"")


class Eventing(grpc.GenericRpcHandler):
    """Streams the payloads of one connection after the other, then waits or ends as told."""

    def __init__(self, connections: Sequence[Sequence[bytes]], *, stays: bool) -> None:
        self.asked: list[tuple[str, bytes, str]] = []
        self._connections, self._stays = iter(connections), stays

    def service(self, call: Any) -> Any:
        assert call.method == METHOD
        return grpc.unary_stream_rpc_method_handler(
            self._start, request_deserializer=EventSourceMessage.FromString, response_serializer=EventMessage.SerializeToString
        )

    async def _start(self, request: Any, context: Any) -> AsyncIterator[Any]:
        sent = dict(context.invocation_metadata())
        self.asked.append((request.name, request.config, sent.get("authorization", "")))
        payloads = next(self._connections, None)
        for payload in payloads or ():
            yield EventMessage(name="ignored", payload=payload)
        if payloads is None:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no more for you")
        if self._stays:
            await asyncio.Event().wait()


@asynccontextmanager
async def serving(eventing: Eventing, address: str = "127.0.0.1:0") -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((eventing,))
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield address if address.startswith("unix:") else f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


def made(url: str, **fields: Any) -> Generic:
    spec = GenericSpec.model_validate({"url": url, "config": "topic: a", "insecure": True} | fields)
    return Generic(spec, SourceContext(road=Road("default", "s", "orders"), dialect=Dialect.ARGO, values=Secrets()))


async def test_each_message_is_an_event() -> None:
    eventing, log = Eventing([[b'{"a": 1}', b"not json", b"", b"[2]"]], stays=True), Log()
    async with serving(eventing) as url:
        source = made(url, jsonBody=True, metadata={"k": "v"}, authSecret={"name": "t", "key": "t"})
        task = asyncio.create_task(source.run(log))
        assert await log.next() == {"body": {"a": 1}, "metadata": {"k": "v"}}
        assert await log.next() == {"body": None, "metadata": {"k": "v"}}, "as Argo Events has what is empty on the wire"
        assert await log.next() == {"body": [2], "metadata": {"k": "v"}}
        assert log.passed_over == 1
        task.cancel()
        await asyncio.wait([task])
    assert eventing.asked == [("orders", b"topic: a", "Bearer s3cret")]


async def test_a_stream_that_ends_is_begun_again_and_at_last_the_reason_is_said() -> None:
    eventing, log = Eventing([[b"\xff"], [b"b"]], stays=False), Log()
    async with serving(eventing) as url:
        with pytest.raises(StreamEnded, match="PERMISSION_DENIED: no more for you"):
            await made(url).run(log)
    assert [await log.next(), await log.next()] == [{"body": "/w=="}, {"body": "Yg=="}]
    assert len(eventing.asked) == 3


@pytest.mark.parametrize("prefix", ["dns:///", "unix:"])
async def test_a_service_is_also_found_by_a_name_of_grpc(prefix: str, tmp_path: Path) -> None:
    eventing, log = Eventing([[b"1"]], stays=True), Log()
    async with serving(eventing, f"unix:{tmp_path}/s" if prefix == "unix:" else "127.0.0.1:0") as url:
        task = asyncio.create_task(made(url if prefix == "unix:" else prefix + url).run(log))
        assert await log.next() == {"body": "MQ=="}
        task.cancel()
        await asyncio.wait([task])


async def test_a_token_that_no_header_can_carry_is_named() -> None:
    source = made("127.0.0.1:1", authSecret={"name": "t", "key": "t"})
    source.context.values.value = "clé".encode()  # type: ignore[attr-defined]
    with pytest.raises(SourceRefused, match="authSecret: expected printable ASCII"):
        await source.run(Log())


async def test_a_service_that_speaks_no_tls_is_refused_with_the_reason() -> None:
    async with serving(Eventing([], stays=False)) as url:
        with pytest.raises(StreamEnded, match="UNAVAILABLE"):
            await made(url, insecure=False).run(Log())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://a:1"}, "expected host:port"),
        ({"url": "dns:///a"}, "expected host:port"),
        ({"url": "unix:"}, "expected host:port"),
        ({"url": "unix:///"}, "expected host:port"),
        ({"url": "host"}, "expected host:port"),
        ({"config": ""}, "at least 1 character"),
        ({"tls": {"enabled": True}}, "insecure means without TLS"),
        ({"insecure": False, "tls": {"insecureSkipVerify": True}}, "gRPC cannot do that"),
        ({"insecure": False, "tls": {"clientCertSecret": {"name": "a", "key": "b"}}}, "go together"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GenericSpec.model_validate({"url": "a:1", "config": "c", "insecure": True} | change)


@pytest.mark.parametrize("url", ["a:1", "[::1]:1", "dns:///a:1", "unix:/nix", "unix:///run/x.sock", "unix:x"])
def test_every_way_to_name_a_service_is_taken(url: str) -> None:
    assert GenericSpec.model_validate({"url": url, "config": "c", "insecure": True}).url == url
