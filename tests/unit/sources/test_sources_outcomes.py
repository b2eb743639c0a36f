"""The `outcomes` source on a record of outcomes in memory: what it takes, what it says, what a failure in between leaves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
from pydantic import ValidationError
from test_sources_calendar import NoValues
from waiting import until

from eventbus.contract import Appended, Decisions
from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event, Identity, Road
from eventbus.firing import Attempt, Cause, Firing, Outcome, OutcomeKind, TriggerRef, firing_id
from eventbus.memory import MemoryBus
from manifests.objects import Dialect
from sources.clock import SystemClock
from sources.outcomes import Outcomes, OutcomesSpec
from sources.source import SourceContext, SourceRefused

ROAD = Road("default", "chain", "done")


class Emitted:
    """Keeps each identity once, as the bus does; can refuse for a while, reject an id, or die after it stored."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.calls = 0
        self.fails = 0
        self.rejects = ""

    async def __call__(self, event: Event) -> Appended:
        return (await self.batch([event]))[0]

    async def batch(self, events: Sequence[Event]) -> Sequence[Appended]:
        self.calls += 1
        if self.fails:
            self.fails -= 1
            raise BusUnavailable("the disk is full")
        if any(event.id == self.rejects for event in events):
            raise EventRejected("too large")
        self.events.update({event.id: event for event in events})
        return [Appended(1, event.id, False) for event in events]

    def unusable(self, count: int = 1) -> None:
        return


class NoWait(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def a_firing(n: int, sensor: str = "deploy", trigger: str = "call", namespace: str = "default") -> Firing:
    ref, identity = TriggerRef(namespace, sensor, trigger), Identity(namespace, "github", "push", f"e{n}")
    return Firing(
        id=firing_id(ref, [("push", identity)]),
        trigger=ref,
        revision="r1",
        causes=(Cause("push", n, identity),),
        decided_us=1_767_225_600_000_000,
        correlation=f"e{n}",
        hops=n,
    )


async def end(bus: MemoryBus, firing: Firing, kind: OutcomeKind = OutcomeKind.SUCCEEDED, reason: str = "") -> None:
    await bus.commit(Decisions(group=None, position=0, firings=[firing]))
    await bus.outbox.take(limit=10, timeout_s=0.0)
    attempt = Attempt(number=1, started_us=1, ended_us=2, succeeded=not reason, reason=reason, status=404 if reason else 201)
    await bus.outbox.close(firing.id, Outcome(kind=kind, reason=reason), attempt=attempt, request=None)


@asynccontextmanager
async def reading(bus: MemoryBus, emitted: Emitted, **spec: object) -> AsyncIterator[None]:
    context = SourceContext(road=ROAD, dialect=Dialect.TOCSIN, values=NoValues(), outcomes=bus.outcomes, clock=NoWait())
    source = Outcomes(OutcomesSpec.model_validate(spec), context)
    task = asyncio.ensure_future(source.run(emitted))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def bus() -> MemoryBus:
    bus = MemoryBus(now_us=lambda: 1_767_225_600_500_000)
    await bus.outcomes.keep_for([str(ROAD)])
    return bus


async def all_read(bus: MemoryBus) -> None:
    await until(lambda: not bus.stored.ended)


async def test_an_outcome_becomes_an_event_that_says_what_happened_and_goes_on_with_the_chain(bus: MemoryBus) -> None:
    emitted, firing = Emitted(), a_firing(3)
    async with reading(bus, emitted, metadata={"team": "shop"}):
        await end(bus, firing, OutcomeKind.DEAD_LETTERED, "answered 404")
        await all_read(bus)
    (event,) = emitted.events.values()
    assert event.id == f"{firing.id}-1-dead-lettered"
    assert (event.type, event.time, event.road) == ("outcomes", "2026-01-01T00:00:00.500000Z", ROAD)
    assert (event.correlation, event.causation, event.hops) == ("e3", firing.id, 3)
    assert (
        event.tree
        == msgspec.json.decode(event.data or b"")
        == {
            "sensor": "deploy",
            "trigger": "call",
            "outcome": "dead-lettered",
            "reason": "answered 404",
            "attempts": 1,
            "answer": {"status": 404},
            "firing": firing.id,
            "revision": "r1",
            "replay": 0,
            "decided": "2026-01-01T00:00:00.000000Z",
            "closed": "2026-01-01T00:00:00.500000Z",
            "causes": [{"dependency": "push", "source": "github", "name": "push", "id": "e3"}],
            "correlation": "e3",
            "hops": 3,
            "metadata": {"team": "shop"},
        }
    )


@pytest.mark.parametrize(
    ("spec", "taken"),
    [
        ({}, [1, 2, 3]),
        ({"sensors": ["deploy"]}, [1, 2]),
        ({"sensors": ["deploy", "build"], "triggers": ["call"]}, [1, 3]),
        ({"outcomes": ["dead-lettered"]}, [2]),
        ({"sensors": ["build"], "outcomes": ["dead-lettered"]}, []),
    ],
)
async def test_only_what_was_asked_for_is_taken_and_the_rest_is_passed(
    bus: MemoryBus, spec: dict[str, object], taken: list[int]
) -> None:
    emitted = Emitted()
    async with reading(bus, emitted, **spec):
        await end(bus, a_firing(1))
        await end(bus, a_firing(2, trigger="tell"), OutcomeKind.DEAD_LETTERED, "no")
        await end(bus, a_firing(3, sensor="build"))
        await end(bus, a_firing(4, namespace="other"))
        await all_read(bus)
    assert [event.hops for event in emitted.events.values()] == taken


async def test_what_the_log_cannot_take_now_waits_and_is_not_passed(bus: MemoryBus) -> None:
    emitted = Emitted()
    emitted.fails = 5
    async with reading(bus, emitted):
        await end(bus, a_firing(1))
        await all_read(bus)
    assert (len(emitted.events), emitted.calls) == (1, 6)


async def test_one_that_the_log_never_takes_keeps_back_no_other(bus: MemoryBus) -> None:
    emitted = Emitted()
    emitted.rejects = f"{a_firing(2).id}-1-succeeded"
    for n in (1, 2, 3):
        await end(bus, a_firing(n))
    async with reading(bus, emitted):
        await all_read(bus)
    assert [event.hops for event in emitted.events.values()] == [1, 3]


async def test_what_was_emitted_and_not_noted_is_emitted_again_as_the_same_event(
    bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    emitted = Emitted()

    async def never(reader: str, number: int) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as killed_here:
        killed_here.setattr(bus.outcomes, "passed", never)
        async with reading(bus, emitted):
            await end(bus, a_firing(1))
            await until(lambda: bool(emitted.events))
    first = dict(emitted.events)
    async with reading(bus, emitted):
        await all_read(bus)
    assert emitted.events == first
    assert emitted.calls == 2


async def test_a_position_that_cannot_be_noted_now_is_noted_later(bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> None:
    emitted, noted, refused = Emitted(), bus.outcomes.passed, [BusUnavailable("later", retry_after_s=0.0)]

    async def sometimes(reader: str, number: int) -> None:
        if refused:
            raise refused.pop()
        await noted(reader, number)

    monkeypatch.setattr(bus.outcomes, "passed", sometimes)
    async with reading(bus, emitted):
        await end(bus, a_firing(1))
        await all_read(bus)
    assert (len(emitted.events), emitted.calls) == (1, 2)


@pytest.mark.parametrize("spec", [{"outcomes": ["looped"]}, {"outcomes": ["success"]}, {"sensors": [""]}, {"sensor": "deploy"}])
def test_what_cannot_be_meant_is_refused(spec: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OutcomesSpec.model_validate(spec)


def test_without_a_service_there_are_no_outcomes() -> None:
    with pytest.raises(SourceRefused, match="inside a running service"):
        Outcomes(OutcomesSpec(), SourceContext(road=ROAD, dialect=Dialect.TOCSIN, values=NoValues()))
