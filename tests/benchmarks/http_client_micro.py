"""CPU per outgoing POST: aiohttp as one would first write it, our client, and a whole firing without a bus.

Run: `PYTHONPATH=tests python -m benchmarks.http_client_micro [--requests N] [--parallel N]`.
"""

import argparse
import asyncio
import gc
import io
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp
import structlog
import uvloop
from multidict import CIMultiDict
from yarl import URL

from benchmarks.processes import Process, free_port, listens, module
from eventbus.event import Event, Identity
from eventbus.firing import Cause, Firing, FiringId, Taken, TriggerRef
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead, TriggerHead
from sensors.attempt import Armed
from sensors.bound import EventView
from sensors.dispatch import Dispatcher
from sensors.limits import TriggerLimits
from sensors.triggers.http import HttpKind
from sensors.triggers.trigger import TriggerContext
from sensors.web.call import Call
from sensors.web.client import Web

_BODY = b'{"ref":"refs/heads/main","by":"someone","at":"2026-11-24T03:00:00Z"}'
_DATA = b'{"ref":"refs/heads/main","pusher":{"name":"someone"},"pad":"%s"}' % (b"x" * 900)
_REF = TriggerRef("default", "shop", "call")


async def _drive(one: Callable[[], Awaitable[object]], requests: int, parallel: int) -> tuple[float, float]:
    """Microseconds of CPU per call, and calls a second."""
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            await one()

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(parallel)])
    return (time.process_time() - cpu) / requests * 1e6, requests / (time.perf_counter() - began)


async def plain(url: str, requests: int, parallel: int) -> tuple[float, float]:
    """aiohttp with its defaults."""
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            headers = {"Content-Type": "application/json", "Idempotency-Key": "0" * 32}
            timeout = aiohttp.ClientTimeout(total=60)
            async with session.post(url, data=_BODY, headers=headers, timeout=timeout) as response:
                await response.read()

        return await _drive(one, requests, parallel)


async def ours(url: str, requests: int, parallel: int) -> tuple[float, float]:
    """Our client, each call under a deadline."""
    web = Web()
    base = CIMultiDict({"User-Agent": "x", "Accept": "*/*", "Accept-Encoding": "identity", "Content-Type": "application/json"})
    target = URL(url, encoded=True)

    async def one() -> None:
        headers = base.copy()
        headers["Idempotency-Key"] = "0" * 32
        async with asyncio.timeout(60):
            await web.send(Call(method="POST", url=target, headers=headers, body=_BODY))

    figures = await _drive(one, requests, parallel)
    await web.aclose()
    return figures


class _Hollow:
    """An outbox that hands out firings made beforehand and forgets them."""

    def __init__(self, firings: Sequence[Firing]) -> None:
        self._left = list(reversed(firings))
        self._open = len(firings)
        self.done = asyncio.Event()

    async def take(self, *, limit: int, full: set[TriggerRef], timeout_s: float) -> Sequence[Taken]:
        while not self._left or _REF in full:
            await asyncio.sleep(timeout_s)
        self._left, handed = self._left[:-limit], self._left[-limit:]
        return [Taken(firing=firing, attempt=1, request=None) for firing in handed]

    async def close(self, firing: FiringId, outcome: object, **_: object) -> None:
        self._open -= 1
        if not self._open:
            self.done.set()

    async def give_back(self, firings: Sequence[FiringId], *, due_us: int = 0) -> None:
        pass


class _One:
    """The armory of one trigger."""

    def __init__(self, armed: Armed, head: TriggerHead) -> None:
        self._armed, self._limits = armed, TriggerLimits.of(head)

    def limits(self, trigger: TriggerRef) -> TriggerLimits:
        return self._limits

    async def armed(self, trigger: TriggerRef, revision: str) -> Armed:
        return self._armed


async def firing(url: str, requests: int, parallel: int) -> tuple[float, float]:
    """The dispatcher with an http trigger and two parameters; the log's lines go to nowhere."""
    web = Web()
    spec = {
        "url": url,
        "headers": {"Content-Type": "application/json"},
        "payload": [
            {"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": "ref"},
            {"src": {"dependencyName": "push", "dataKey": "pusher.name"}, "dest": "by"},
        ],
    }
    head = TocsinTriggerHead(concurrency=parallel)
    declared = DeclaredTrigger(
        name="call", kind="http", spec=HttpKind.spec.model_validate(spec), template={"name": "call", "http": spec}, head=head
    )
    trigger = HttpKind().compile(declared, TriggerContext(namespace="default", sensor="shop", values=None, web=web))  # type: ignore[arg-type]
    event = Event(namespace="default", source="github", name="push", id="e", type="webhook", time=None, data=_DATA)

    async def view(position: int) -> EventView:
        return EventView(event)

    identity = Identity("default", "github", "push", "e")
    outbox = _Hollow(
        [
            Firing(
                id=FiringId(f"{n:032x}"),
                trigger=_REF,
                revision="r",
                causes=(Cause("push", n, identity),),
                decided_us=time.time_ns() // 1000,
            )
            for n in range(requests)
        ]
    )
    dispatcher = Dispatcher(outbox, _One(Armed.of(trigger, head, Dialect.TOCSIN), head), view)  # type: ignore[arg-type]
    cpu, began = time.process_time(), time.perf_counter()
    task = asyncio.ensure_future(dispatcher.run())
    await outbox.done.wait()
    used, took = time.process_time() - cpu, time.perf_counter() - began
    dispatcher.stop()
    await task
    await web.aclose()
    return used / requests * 1e6, requests / took


async def _measure(url: str, requests: int, parallel: int) -> None:
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=io.StringIO()))
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    for name, run in (("aiohttp, defaults", plain), ("our client", ours), ("dispatcher + http trigger", firing)):
        await run(url, requests // 10, parallel)
        cpu_us, per_s = await run(url, requests, parallel)
        sys.stdout.write(f"{name:28s} {cpu_us:7.1f} us CPU  {per_s:7.0f}/s\n")


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
        uvloop.run(_measure(f"http://127.0.0.1:{port}/x", options.requests, options.parallel))


if __name__ == "__main__":
    main()
