"""What the tests of acting share: an outbox that is watched, a target that misbehaves on request, declarations, values."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from waiting import until

from eventbus.chain import Chain
from eventbus.contract import Bus, Decisions
from eventbus.errors import BusUnavailable
from eventbus.event import Event, Identity
from eventbus.firing import Attempt, Cause, Firing, FiringId, Outcome, Taken, TriggerRef, firing_id
from eventbus.sqlite import open_bus
from manifests.fields import Backoff, Spec
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead, TriggerHead
from manifests.secrets import SecretMissing, SecretValue
from sensors.attempt import Armed, Unarmed
from sensors.bound import Bound, EventView
from sensors.dispatch import Dispatcher
from sensors.errors import TriggerUnavailable
from sensors.limits import UNDECLARED, ActingLimits, TriggerLimits
from sensors.parameters.searched import Searched
from sensors.report import Watch
from sensors.triggers.http import HttpKind
from sensors.triggers.shared import Shared
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext
from sensors.web.client import Web


@dataclass
class Row:
    """One firing as the outbox knows it."""

    firing: Firing
    taken: bool = False
    request: bytes | None = None
    attempts: list[Attempt] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    outcome: Outcome | None = None


class WatchedOutbox:
    """A real outbox that notes what passes through it, and can be told to be unavailable."""

    def __init__(self, bus: Bus, group: asyncio.TaskGroup) -> None:
        self._bus = bus
        self._group = group
        self.rows: dict[str, Row] = {}
        self.takes = 0
        self.given_back: list[str] = []
        self.down: set[str] = set()
        """Names of the calls that raise `BusUnavailable`."""

    def put(self, *firings: Firing) -> None:
        """Decide that these must run."""
        self.rows.update({firing.id: Row(firing) for firing in firings})
        self._group.create_task(self._bus.commit(Decisions(group="sensors", position=len(self.rows), firings=firings)))

    async def take(self, *, limit: int, full: Collection[TriggerRef] = (), timeout_s: float) -> Sequence[Taken]:
        self.takes += 1
        self._check("take")
        taken = await self._bus.outbox.take(limit=limit, full=full, timeout_s=timeout_s)
        for one in taken:
            self.rows.setdefault(one.firing.id, Row(one.firing)).taken = True
        return taken

    async def started(self, firing: FiringId, *, attempt: int) -> None:
        self._check("started")
        await self._bus.outbox.started(firing, attempt=attempt)
        self.rows[firing].started.append(attempt)

    async def close(self, firing: FiringId, outcome: Outcome, *, attempt: Attempt | None, request: bytes | None) -> None:
        self._check("close")
        await self._bus.outbox.close(firing, outcome, attempt=attempt, request=request)
        row = self.rows[firing]
        if attempt is not None:
            row.attempts.append(attempt)
        row.outcome, row.request = outcome, request

    async def again(self, firing: FiringId, *, attempt: Attempt, due_us: int, request: bytes | None) -> None:
        self._check("again")
        row = self.rows[firing]
        row.attempts.append(attempt)
        row.request, row.taken = request, False
        await self._bus.outbox.again(firing, attempt=attempt, due_us=due_us, request=request)

    async def give_back(self, firings: Sequence[FiringId], *, due_us: int = 0) -> None:
        self._check("give_back")
        for firing in firings:
            self.given_back.append(firing)
            self.rows[firing].taken = False
        await self._bus.outbox.give_back(firings, due_us=due_us)

    async def redrive(self, firing: FiringId) -> bool:
        return await self._bus.outbox.redrive(firing)

    async def drop(self, firing: FiringId, outcome: Outcome) -> bool:
        return await self._bus.outbox.drop(firing, outcome)

    async def cancel(self, firing: FiringId, outcome: Outcome) -> bool:
        return await self._bus.outbox.cancel(firing, outcome)

    def _check(self, call: str) -> None:
        if call in self.down:
            raise BusUnavailable(f"{call}: the disk is full")

    @property
    def closed(self) -> list[Row]:
        return [row for row in self.rows.values() if row.outcome is not None]


class FixedValues:
    """Secrets and configuration from a mapping of name/key."""

    def __init__(self, values: Mapping[str, bytes] | None = None) -> None:
        self.values = dict(values or {})
        self.reads = 0

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        self.reads += 1
        if f"{name}/{key}" not in self.values:
            raise SecretMissing(f"Secret {namespace}/{name} has no key {key!r}")
        return SecretValue(self.values[f"{name}/{key}"])

    def config(self, namespace: str, name: str, key: str) -> str:
        return self.secret(namespace, name, key).text()


class FixedArmory:
    """Triggers by name."""

    def __init__(self) -> None:
        self.declared: dict[TriggerRef, TriggerLimits] = {}
        self.triggers: dict[TriggerRef, Armed] = {}

    def add(
        self,
        name: str,
        trigger: Trigger,
        head: TriggerHead | None = None,
        dialect: Dialect = Dialect.TOCSIN,
        searched: Searched | None = None,
    ) -> TriggerRef:
        ref = TriggerRef("default", "shop", name)
        head = head or TocsinTriggerHead()
        self.declared[ref] = TriggerLimits.of(head)
        self.triggers[ref] = Armed.of(trigger, head, dialect, searched=searched or {})
        return ref

    def limits(self, trigger: TriggerRef) -> TriggerLimits:
        return self.declared.get(trigger, UNDECLARED)

    async def armed(self, trigger: TriggerRef, revision: str) -> Armed:
        if trigger not in self.triggers:
            raise Unarmed(f"no revision {revision} of {trigger} is kept")
        return self.triggers[trigger]


def an_event(data: bytes = b'{"ref":"refs/heads/main","n":7}', *, id: str = "e1") -> Event:
    return Event(
        namespace="default", source="github", name="push", id=id, type="webhook", time="2026-11-24T03:00:00.123Z", data=data
    )


def an_event_bound() -> Bound:
    """What a request of one push event is rendered from."""
    return Bound(events={"push": EventView(an_event())}, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"seed")


def a_firing(ref: TriggerRef, n: int = 1, *, order_key: str | None = None, record_start: bool = False) -> Firing:
    identity = Identity("default", "github", "push", f"e{n}")
    return Firing(
        id=firing_id(ref, [("push", identity)]),
        trigger=ref,
        revision="r1",
        causes=(Cause("push", n, identity),),
        decided_us=1_795_000_000_000_000,
        order_key=order_key,
        record_start=record_start,
    )


def http_trigger(
    spec: Mapping[str, object],
    *,
    head: TriggerHead | None = None,
    values: FixedValues | None = None,
    web: Web | None = None,
    name: str = "call",
    shared: Shared | None = None,
) -> Trigger:
    """Compile an http trigger as the loader would hand it over."""
    checked: Spec = HttpKind.spec.model_validate(spec)
    declared = DeclaredTrigger(
        name=name, kind="http", spec=checked, template={"name": name, "http": dict(spec)}, head=head or TocsinTriggerHead()
    )
    context = TriggerContext(
        namespace="default", sensor="shop", values=values or FixedValues(), web=web, shared=shared or Shared()
    )
    return HttpKind().compile(declared, context)


@dataclass
class Seen:
    """One request as the target saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class Target:
    """A real HTTP server whose every path does what a test says."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self._ok
        self.port = 0

    async def _ok(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(Seen(request.method, request.path_qs, request.headers, request.raw_headers, body))
        return await self.answer(request)  # type: ignore[arg-type]


def _requests(client_max_size: int) -> Callable[..., web.BaseRequest]:
    def make(message, payload, protocol, writer, task):  # type: ignore[no-untyped-def]
        return web.BaseRequest(
            message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=client_max_size
        )

    return make


@contextlib.asynccontextmanager
async def a_target(ssl_context: object = None, client_max_size: int = 1 << 20) -> AsyncIterator[Target]:
    target = Target()
    runner = web.ServerRunner(
        web.Server(target.handle, handler_cancellation=True, request_factory=_requests(client_max_size)), shutdown_timeout=0.1
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)  # type: ignore[arg-type]
    await site.start()
    target.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield target
    finally:
        await runner.cleanup()


@dataclass
class Acting:
    """A running dispatcher and what it works on."""

    bus: Bus
    folder: Path
    outbox: WatchedOutbox
    armory: FixedArmory
    dispatcher: Dispatcher
    views: dict[int, EventView]

    async def all_closed(self) -> None:
        await until(lambda: all(row.outcome is not None for row in self.outbox.rows.values()))


@contextlib.asynccontextmanager
async def acting(
    *, folder: Path | None = None, limits: ActingLimits | None = None, watch: Watch | None = None
) -> AsyncIterator[Acting]:
    """A dispatcher on a store on disk that runs beside the block; stopped and drained on leaving it."""
    views: dict[int, EventView] = {}

    async def view(position: int) -> EventView | None:
        if position not in views:
            views[position] = EventView(an_event(id=f"e{position}"))
        return views[position]

    with tempfile.TemporaryDirectory() as temporary:
        folder = folder or Path(temporary)
        bus = await open_bus(folder / "data")
        try:
            async with asyncio.TaskGroup() as group:
                outbox, armory = WatchedOutbox(bus, group), FixedArmory()
                dispatcher = Dispatcher(outbox, armory, view, limits=limits, watch=watch)
                task = group.create_task(dispatcher.run())
                await dispatcher.ready.wait()
                try:
                    yield Acting(bus, folder, outbox, armory, dispatcher, views)
                finally:
                    dispatcher.stop()
                    await task
        finally:
            await bus.aclose()


def tried_fast(steps: int = 3, **more: object) -> TocsinTriggerHead:
    """A trigger that is tried again after 10 ms."""
    return TocsinTriggerHead(retry_strategy=Backoff(duration="10ms", factor=1.0, jitter=0.0, steps=steps), **more)  # type: ignore[arg-type]


def answering(*statuses: int, **headers: str) -> object:
    """Answer with each status in turn; the last one stays."""
    left = list(statuses)

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=left.pop(0) if len(left) > 1 else left[0], text="said", headers=headers)

    return answer


class Stubborn:
    """A trigger that makes a failure of being cancelled, as some client libraries do."""

    timeout_s = None

    def __init__(self) -> None:
        self.fired = asyncio.Event()

    def render(self, bound: Bound) -> bytes:
        return b"{}"

    def show(self, request: bytes) -> dict[str, str]:
        return {}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        self.fired.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise TriggerUnavailable("the connection was lost") from None
        return Delivered()

    async def aclose(self) -> None:
        return None


class Telling(Stubborn):
    """A trigger whose target says something."""

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        return Delivered(detail="partition 0,\n offset 3 \udcff")
