"""Every backend behind one face: opened, crashed and opened again by the tests."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from eventbus.contract import Bus, Decisions, DependencyRef, VerdictCounts
from eventbus.event import Event, Recorded, Road
from eventbus.firing import Attempt, Cause, Firing, FiringId, Outcome, OutcomeKind, Taken, TriggerRef, firing_id
from eventbus.memory import MemoryBus, Stored
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus

START_US = 1_750_000_000_000_000
SECOND_US = 1_000_000
WINDOW_S = 3600.0
MAX_BYTES = 100_000
DONE = Outcome(kind=OutcomeKind.SUCCEEDED)
DEAD = Outcome(kind=OutcomeKind.DEAD_LETTERED, reason="gave up")
ROAD = Road("default", "github", "push")
TRIGGER = TriggerRef("default", "on-push", "deploy")


class Clock:
    """Time as the test has it."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us

    def advance(self, seconds: float) -> None:
        self.now_us += int(seconds * SECOND_US)


class Backend(Protocol):
    """Opens buses on one durable store."""

    async def open(self, clock: Clock) -> Bus: ...

    def drop(self, bus: Any) -> None:
        """End `bus` without a goodbye."""


class SqliteBackend:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self, clock: Clock) -> SqliteBus:
        # Small bounds, so that what is spilled to disk and read back is part of every test.
        options = SqliteOptions(
            now_us=clock,
            dedupe_window_s=WINDOW_S,
            max_event_bytes=MAX_BYTES,
            handover_events=3,
            ready_per_trigger=4,
            ready_total=8,
            rows_per_commit=8,
            checkpoint_bytes=64 * 1024,
        )
        return await open_bus(self._folder, options=options)

    def drop(self, bus: SqliteBus) -> None:
        bus.abandon()


class MemoryBackend:
    def __init__(self) -> None:
        self._stored = Stored()

    async def open(self, clock: Clock) -> MemoryBus:
        return MemoryBus(self._stored, now_us=clock, dedupe_window_s=WINDOW_S, max_event_bytes=MAX_BYTES)

    def drop(self, bus: MemoryBus) -> None:
        bus.abandon()


BACKENDS: dict[str, Callable[[Path], Backend]] = {"sqlite": SqliteBackend, "memory": lambda _: MemoryBackend()}


class ReopenableBus:
    """A bus that can be crashed: what was handed out is forgotten, what is durable stays."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self.clock = clock

    async def open(self) -> "ReopenableBus":
        self.bus = await self._backend.open(self.clock)
        return self

    async def crash(self) -> None:
        self._backend.drop(self.bus)
        await self.open()

    async def restart(self) -> None:
        await self.bus.aclose()
        await self.open()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bus, name)

    # What most tests do

    async def put(self, *firings: Firing, position: int = 0) -> None:
        await self.bus.commit(Decisions(group="sensors", position=position, firings=firings))

    async def take(self, limit: int = 100, **given: Any) -> Sequence[Taken]:
        return await self.bus.outbox.take(limit=limit, timeout_s=given.pop("timeout_s", 0.0), **given)

    async def take_ids(self, limit: int = 100, **given: Any) -> list[FiringId]:
        return [taken.firing.id for taken in await self.take(limit, **given)]

    async def close(self, firing: Firing, outcome: Outcome = DONE, number: int = 1) -> None:
        await self.bus.outbox.close(firing.id, outcome, attempt=tried(number), request=b"{}")


def an_event(id: str = "1", **given: Any) -> Event:
    fields: dict[str, Any] = {
        "namespace": ROAD.namespace,
        "source": ROAD.source,
        "name": ROAD.name,
        "type": "com.github.push",
        "time": "2026-01-01T00:00:00.123456789Z",
        "data": b'{"ref": "refs/heads/main"}',
    }
    return Event(id=id, **(fields | given))


def some_events(count: int, start: int = 1, **given: Any) -> list[Event]:
    return [an_event(str(number), **given) for number in range(start, start + count)]


def a_firing(number: int = 1, *, trigger: TriggerRef = TRIGGER, position: int | None = None, **given: Any) -> Firing:
    event = an_event(str(number))
    cause = Cause("push", position if position is not None else number, event.identity)
    fields: dict[str, Any] = {"revision": "r1", "decided_us": START_US + number, "correlation": event.id}
    return Firing(id=firing_id(trigger, [("push", event.identity)]), trigger=trigger, causes=(cause,), **(fields | given))


def tried(number: int = 1, *, succeeded: bool = True, reason: str = "") -> Attempt:
    return Attempt(number=number, started_us=START_US, ended_us=START_US + 5, succeeded=succeeded, reason=reason, status=200)


def decided(position: int, *firings: Firing, **given: Any) -> Decisions:
    counts = VerdictCounts(seen={ROAD: 1}, matched={DependencyRef("default", "on-push", "push"): 1})
    return Decisions(**({"group": "sensors", "position": position, "firings": firings, "counts": counts} | given))


def positions(recorded: Sequence[Recorded]) -> list[int]:
    return [one.position for one in recorded]
