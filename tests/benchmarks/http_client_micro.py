"""CPU per outgoing POST: aiohttp as one would first write it, our client, and a whole firing without a bus.

Run: `PYTHONPATH=tests python -m benchmarks.http_client_micro [--requests N] [--parallel N]`.
"""

import argparse
import asyncio
import tempfile
from functools import partial
from pathlib import Path

import aiohttp
import uvloop
from multidict import CIMultiDict
from yarl import URL

from benchmarks.processes import Process, free_port, listens, module
from benchmarks.without_bus import PAYLOAD, Cost, compare, drive, firings
from sensors.triggers.http import HttpKind
from sensors.web.call import Call
from sensors.web.client import Web

_BODY = b'{"ref":"refs/heads/main","by":"someone","at":"2026-11-24T03:00:00Z"}'


async def plain(requests: int, *, url: str, parallel: int) -> Cost:
    """aiohttp with its defaults."""
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            headers = {"Content-Type": "application/json", "Idempotency-Key": "0" * 32}
            timeout = aiohttp.ClientTimeout(total=60)
            async with session.post(url, data=_BODY, headers=headers, timeout=timeout) as response:
                await response.read()

        return await drive(one, requests, parallel)


async def ours(requests: int, *, url: str, parallel: int) -> Cost:
    """Our client, each call under a deadline."""
    web = Web()
    base = CIMultiDict({"User-Agent": "x", "Accept": "*/*", "Accept-Encoding": "identity", "Content-Type": "application/json"})
    target = URL(url, encoded=True)

    async def one() -> None:
        headers = base.copy()
        headers["Idempotency-Key"] = "0" * 32
        async with asyncio.timeout(60):
            await web.send(Call(method="POST", url=target, headers=headers, body=_BODY))

    cost = await drive(one, requests, parallel)
    await web.aclose()
    return cost


async def firing(requests: int, *, url: str, parallel: int) -> Cost:
    """The dispatcher with an http trigger and two parameters."""
    web = Web()
    spec = {"url": url, "headers": {"Content-Type": "application/json"}, "payload": PAYLOAD}
    cost = await firings(HttpKind(), spec, requests, parallel, web=web)
    await web.aclose()
    return cost


def main() -> None:
    """Measure against a target in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--parallel", type=int, default=32)
    options = parser.parse_args()
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        Process(module("target", port=port), log=Path(folder) / "target.log") as target,
    ):
        target.wait_for(lambda: listens(port), "the target")
        ways = {"aiohttp, defaults": plain, "our client": ours, "dispatcher + http trigger": firing}
        named = {name: partial(way, url=f"http://127.0.0.1:{port}/x", parallel=options.parallel) for name, way in ways.items()}
        uvloop.run(compare(named, options.requests))


if __name__ == "__main__":
    main()
