"""A listener on a real socket with a bus that only remembers, and a client that sends exactly the bytes it is given."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from eventbus.contract import Appended
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.github import Github, GithubSpec
from sources.http.limits import Limits
from sources.http.listener import HttpListener
from sources.http.source import HttpSource
from sources.source import SourceContext
from sources.webhook import Webhook, WebhookSpec

SECRET = "It's a Secret to Everybody"


class KnownValues:
    """Secrets by name; every key of a Secret has the same value."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        if name not in self.secrets:
            raise SecretMissing(f"Secret {namespace}/{name}, key {key}: not found")
        return SecretValue(self.secrets[name].encode())

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


class Said(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Rig:
    """What a test talks to."""

    def __init__(self, listener: HttpListener, values: KnownValues) -> None:
        self.listener = listener
        self.values = values
        self.events: list[Event] = []
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_gate = 0
        """Requests whose event waits at the gate."""
        self.port = 0

    async def emit(self, event: Event) -> Appended:
        self.at_gate += 1
        try:
            await self.gate.wait()
        finally:
            self.at_gate -= 1
        if self.failure is not None:
            raise self.failure
        for position, known in enumerate(self.events, 1):
            if known.identity == event.identity:
                return Appended(position, known.id, True)
        self.events.append(event)
        return Appended(len(self.events), event.id, False)

    def context(self, name: str, dialect: Dialect = Dialect.ARGO, **annotations: str) -> SourceContext:
        noted = {key.replace("__", "/").replace("_", "."): value for key, value in annotations.items()}
        return SourceContext(road=Road("default", "src", name), dialect=dialect, values=self.values, annotations=noted)

    def webhook(self, name: str = "hook", dialect: Dialect = Dialect.ARGO, **spec: Any) -> Webhook:
        fields = {"endpoint": "/hook", "port": "0", "method": "POST", **spec}
        return Webhook(WebhookSpec.model_validate(fields), self.context(name, dialect))

    def github(self, name: str = "gh", endpoint: str = "/github", **spec: Any) -> Github:
        fields = {"webhook": {"endpoint": endpoint, "port": "0"}, "organizations": ["o"], **spec}
        return Github(GithubSpec.model_validate(fields), self.context(name))

    async def serve(self, *served: HttpSource[Any]) -> None:
        for source in served:
            self.port = await self.listener.add(source, self.emit)

    async def send(self, raw: bytes, *, timeout_s: float = 10.0) -> Said:
        """Send `raw` on a connection of its own and return the first final answer."""
        async with connected(self.port) as (reader, writer), asyncio.timeout(timeout_s):
            writer.write(raw)
            return await read_answer(reader)

    async def post(self, path: str = "/hook", body: bytes = b"{}", method: str = "POST", **headers: str) -> Said:
        return await self.send(request(path, body, method, **headers))


def request(path: str, body: bytes, method: str = "POST", **headers: str) -> bytes:
    """A request with its length; header names are given with `_` for `-`."""
    fields = {"Host": "h", "Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader, *, head_only: bool = False) -> Said:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *fields = head.rstrip().split("\r\n")
        code = int(status.split()[1])
        if code >= 200:
            break
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    body = b"" if head_only else await reader.readexactly(int(headers["content-length"]))
    return Said(code, headers, body)


@contextlib.asynccontextmanager
async def rigged(limits: Limits | None = None, **options: Any) -> AsyncIterator[Rig]:
    """A rig whose listener is stopped at the end, whatever happened."""
    listener = HttpListener(limits=limits, **options)
    rig = Rig(listener, KnownValues(hub=SECRET, next="another secret", empty="", token="let me in"))
    try:
        yield rig
    finally:
        rig.gate.set()
        await listener.stop(grace_s=2.0)
