"""What accepting a webhook costs beyond a plain aiohttp handler: CPU of the server process per request.

Run: `python -P tests/benchmarks/http_micro.py [--seconds 4] [--connections 64]`. Prints one line per server. The load comes
from a process of its own, so the CPU counted is the server's alone. The bus is a stand-in that answers at once.
"""

import argparse
import asyncio
import gc
import multiprocessing
import resource
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe

import msgspec
import uvloop
from aiohttp import web

from eventbus.contract import Appended
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.github import Github, GithubSpec
from sources.http.listener import HttpListener
from sources.http.signatures import hub_signature
from sources.source import SourceContext
from sources.webhook import Webhook, WebhookSpec

BODY = msgspec.json.encode({"ref": "refs/heads/main", "commits": [{"id": "0" * 40, "message": "m" * 60}] * 7})[:-1] + b' ,"x":1}'
SECRET = b"benchmark"


class _Values:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        if name != "s":
            raise SecretMissing(name)
        return SecretValue(SECRET)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


def _request(path: str) -> bytes:
    signature = hub_signature("sha256", SECRET, BODY)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nAccept: */*\r\n"
        "Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\r\n"
        f"X-Hub-Signature-256: {signature}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY


class _Client(asyncio.Protocol):
    """Sends the next request when the answer to the last is complete."""

    def __init__(self, request: bytes, latencies: list[float]) -> None:
        self._request = request
        self._latencies = latencies
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 200"), data
        self._latencies.append(time.perf_counter() - self._sent)
        self._send()


def _load(port: int, path: str, connections: int, seconds: float, pipe: Pipe) -> None:
    async def run() -> list[float]:
        latencies: list[float] = []
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: _Client(_request(path), latencies), "127.0.0.1", port)
            for _ in range(connections)
        ]
        await asyncio.sleep(1.0)
        latencies.clear()
        pipe.send("measure")
        await asyncio.sleep(seconds)
        pipe.send(len(latencies))
        result = sorted(latencies)
        for transport, _ in made:
            transport.abort()
        return result

    latencies = uvloop.run(run())
    pipe.send((latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _measure(name: str, port: int, path: str, connections: int, seconds: float) -> None:
    mine, theirs = multiprocessing.Pipe()
    load = multiprocessing.Process(target=_load, args=(port, path, connections, seconds, theirs))
    load.start()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, mine.recv)
    before, began = _cpu_s(), time.perf_counter()
    count = await loop.run_in_executor(None, mine.recv)
    cpu, took = _cpu_s() - before, time.perf_counter() - began
    p50, p99 = await loop.run_in_executor(None, mine.recv)
    load.join()
    print(
        f"{name:28} {count / took:8.0f} req/s  {1e6 * cpu / count:6.1f} µs CPU  p50 {1e3 * p50:5.1f} ms  p99 {1e3 * p99:5.1f} ms"
    )


async def _plain(request: web.BaseRequest) -> web.StreamResponse:
    await request.read()
    return web.Response(body=b'{"id":"0123456789abcdef0123456789abcdef"}', content_type="application/json")


async def _with_plain(measure: Callable[[int], Awaitable[None]]) -> None:
    server = web.Server(_plain, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    await measure(listening.sockets[0].getsockname()[1])
    listening.close()
    await server.shutdown(1.0)


async def _main(connections: int, seconds: float) -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    positions = iter(range(1, 1 << 60))

    async def emit(event: Event) -> Appended:
        await asyncio.sleep(0)
        return Appended(next(positions), event.id, False)

    def context(name: str) -> SourceContext:
        return SourceContext(road=Road("default", "bench", name), dialect=Dialect.ARGO, values=_Values())

    listener = HttpListener()
    webhook = Webhook(WebhookSpec.model_validate({"port": "0", "endpoint": "/push", "method": "POST"}), context("push"))
    github = Github(
        GithubSpec.model_validate(
            {
                "webhook": {"port": "0", "endpoint": "/github"},
                "organizations": ["o"],
                "webhookSecret": {"name": "s", "key": "k"},
            }
        ),
        context("github"),
    )
    port = await listener.add(webhook, emit)
    await listener.add(github, emit)
    for _ in range(2):
        await _with_plain(lambda number: _measure("plain web.Server", number, "/", connections, seconds))
        await _measure("webhook", port, "/push", connections, seconds)
        await _measure("github, signed", port, "/github", connections, seconds)
    await listener.stop()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--seconds", type=float, default=4.0)
    chosen = options.parse_args()
    multiprocessing.set_start_method("spawn")
    uvloop.run(_main(chosen.connections, chosen.seconds))
