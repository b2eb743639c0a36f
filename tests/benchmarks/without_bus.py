"""Firings of one trigger by the dispatcher, without a bus: what acting costs by itself."""

import asyncio
import gc
import io
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from eventbus.event import Event, Identity
from eventbus.firing import Cause, Firing, FiringId, Taken, TriggerRef
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead, TriggerHead
from sensors.attempt import Armed
from sensors.bound import EventView
from sensors.dispatch import Dispatcher
from sensors.limits import TriggerLimits
from sensors.triggers.trigger import TriggerContext, TriggerKind

Cost = tuple[float, float]
"""Microseconds of CPU each, and how many a second."""

PAYLOAD = [
    {"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": "ref"},
    {"src": {"dependencyName": "push", "dataKey": "pusher.name"}, "dest": "by"},
]
_DATA = b'{"ref":"refs/heads/main","pusher":{"name":"someone"},"pad":"%s"}' % (b"x" * 900)
_REF = TriggerRef("default", "shop", "call")


async def drive(one: Callable[[], Awaitable[object]], count: int, parallel: int) -> Cost:
    """Do `one` so often, so many at a time."""
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await one()

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(parallel)])
    return (time.process_time() - cpu) / count * 1e6, count / (time.perf_counter() - began)


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


async def firings(kind: TriggerKind, spec: Mapping[str, Any], count: int, parallel: int, **shared: Any) -> Cost:
    """Carry out `count` firings of a trigger of `kind` with `spec`; `shared` is what its context is told besides."""
    head = TocsinTriggerHead(concurrency=parallel)
    template = {"name": "call", kind.key: dict(spec)}
    declared = DeclaredTrigger(name="call", kind=kind.key, spec=kind.spec.model_validate(spec), template=template, head=head)
    trigger = kind.compile(declared, TriggerContext(namespace="default", sensor="shop", values=None, **shared))  # type: ignore[arg-type]
    event = Event(namespace="default", source="github", name="push", id="e", type="webhook", time=None, data=_DATA)

    async def view(position: int) -> EventView:
        return EventView(event)

    outbox = _Hollow([_firing(n) for n in range(count)])
    dispatcher = Dispatcher(outbox, _One(Armed.of(trigger, head, Dialect.TOCSIN), head), view)  # type: ignore[arg-type]
    cpu, began = time.process_time(), time.perf_counter()
    task = asyncio.ensure_future(dispatcher.run())
    await outbox.done.wait()
    used, took = time.process_time() - cpu, time.perf_counter() - began
    dispatcher.stop()
    await task
    return used / count * 1e6, count / took


def _firing(number: int) -> Firing:
    return Firing(
        id=FiringId(f"{number:032x}"),
        trigger=_REF,
        revision="r",
        causes=(Cause("push", number, Identity("default", "github", "push", "e")),),
        decided_us=time.time_ns() // 1000,
    )


async def compare(ways: Mapping[str, Callable[[int], Awaitable[Cost]]], count: int) -> None:
    """Print a line for each of `ways`, after a tenth of it to warm up; the log's lines go to nowhere."""
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=io.StringIO()))
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    for name, way in ways.items():
        await way(count // 10)
        cpu_us, per_s = await way(count)
        print(f"{name:28s} {cpu_us:7.1f} us CPU  {per_s:7.0f}/s")
