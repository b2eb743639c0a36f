"""Lists of a long record: whatever is asked for, by whichever index it is found, and however rare it is."""

import random
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from bus_rig import GROUP, an_event

from eventbus.contract import Decisions
from eventbus.event import Event
from eventbus.firing import Cause, Firing, Outcome, OutcomeKind, TriggerRef, firing_id
from eventbus.journal import EventFilter, FiringFilter
from eventbus.sqlite import SqliteBus, firing_walks, journal_events, open_bus, walking

COUNT = 400
SEED = 5
REPLAYS = (0, 1, 0, 2, 1, 0, 1)
"""Which decided what: live deciding, and two replays."""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short record takes every turn of a long one."""
    for module, bounds in (
        (firing_walks, {"FEW": 3, "STEP": 7, "LOOKED_AT": 14}),
        (journal_events, {"FEW_KINDS": 3, "STEP": 7, "LOOKED_AT": 14}),
        (walking, {"TURN": 3, "MOST_AT_ONCE": 5}),
    ):
        for name, value in bounds.items():
            monkeypatch.setattr(module, name, value)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[SqliteBus]:
    bus = await open_bus(tmp_path)
    yield bus
    await bus.aclose()


def triggers(dice: random.Random) -> list[TriggerRef]:
    """Many of one namespace that fire often, and as many of another of which each fires once, early on."""
    often = [TriggerRef("busy", f"s{n % 5}", f"t{n % 10}") for n in range(COUNT)]
    rare = [TriggerRef("rare", f"s{n}", "t0") for n in range(10)]
    return [*rare, *dice.sample(often, COUNT - len(rare))]


def a_firing(number: int, trigger: TriggerRef) -> Firing:
    identity, replay = an_event(str(number)).identity, REPLAYS[number % len(REPLAYS)]
    return Firing(
        id=firing_id(trigger, [("push", identity)], replay),
        replay=replay,
        trigger=trigger,
        revision="r1",
        causes=(Cause("push", number, identity),),
        decided_us=1_750_000_000_000_000 + number // 2,
    )


async def recorded(bus: SqliteBus, dice: random.Random) -> list[tuple[Firing, OutcomeKind | None]]:
    """Firings that ended in every way, most of them well, and some that are open; decided two at a time."""
    found: list[tuple[Firing, OutcomeKind | None]] = []
    for n, trigger in enumerate(triggers(dice)):
        kind = dice.choice([None, *OutcomeKind, *[OutcomeKind.SUCCEEDED] * 6])
        found.append((a_firing(n, trigger), kind))
    await bus.commit(Decisions(group=GROUP, position=0, firings=[firing for firing, _ in found]))
    while taken := await bus.outbox.take(limit=100, timeout_s=0.0):
        assert taken
    for firing, kind in found:
        if kind is not None:
            await bus.outbox.close(firing.id, Outcome(kind=kind), attempt=None, request=None)
    return found


async def test_every_filter_finds_what_a_look_at_each_firing_finds(bus: SqliteBus) -> None:
    dice = random.Random(SEED)
    made = await recorded(bus, dice)
    states: list[dict[str, object]] = [{}, {"open": True}, {"open": False}, *({"outcome": kind} for kind in OutcomeKind)]
    names: list[dict[str, str]] = [{}, {"namespace": "rare"}, {"namespace": "busy"}, {"sensor": "s3"}, {"trigger": "t0"}]
    names += [{"namespace": "rare", "sensor": "s3"}, {"namespace": "nowhere"}]
    times: list[dict[str, int]] = [{}, {"after_us": made[50][0].decided_us, "before_us": made[300][0].decided_us}]
    replays: list[dict[str, int]] = [{}, {"replay": 1}, {"replay": 2}, {"replay": 3}]
    for state, name, time, replay, limit in product(states, names, times, replays, (1, 4, 1000)):
        wanted = FiringFilter(**state, **name, **time, **replay)  # type: ignore[arg-type]
        expected = [str(firing.id) for firing, kind in reversed(made) if wants(wanted, firing, kind)]
        assert await all_firings(bus, wanted, limit, most=40) == expected[: 40 if limit < 1000 else None], wanted


def wants(wanted: FiringFilter, firing: Firing, kind: OutcomeKind | None) -> bool:
    trigger = firing.trigger
    return (
        wanted.namespace in (None, trigger.namespace)
        and wanted.sensor in (None, trigger.sensor)
        and wanted.trigger in (None, trigger.trigger)
        and wanted.outcome in (None, kind)
        and wanted.open in (None, kind is None)
        and wanted.replay in (None, firing.replay)
        and (wanted.after_us is None or firing.decided_us >= wanted.after_us)
        and (wanted.before_us is None or firing.decided_us < wanted.before_us)
    )


async def all_firings(bus: SqliteBus, wanted: FiringFilter, limit: int, *, most: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await bus.journal.firings(wanted, limit=limit, cursor=cursor)
        found += [str(record.firing.id) for record in page.items]
        cursor = page.next
        if cursor is None or (limit < 1000 and len(found) >= most):
            return found[:most] if limit < 1000 else found


async def test_events_of_many_kinds_are_found_where_they_are_rare(bus: SqliteBus) -> None:
    dice = random.Random(SEED)
    rare = [an_event(f"rare-{n}", namespace="rare", source=f"s{n}") for n in range(10)]
    often = [an_event(f"busy-{n}", namespace="busy", source=f"s{dice.randrange(12)}") for n in range(COUNT)]
    made = [*rare, *often]
    await bus.append(made)
    for given in ({}, {"namespace": "rare"}, {"namespace": "busy"}, {"source": "s3"}, {"type": "nothing"}):
        wanted = EventFilter(**given)
        expected = [event.id for event in reversed(made) if has(event, given)]
        for limit in (1, 4, 1000):
            assert await all_events(bus, wanted, limit) == expected, given


def has(event: Event, given: dict[str, str]) -> bool:
    return all(getattr(event, name) == value for name, value in given.items())


async def all_events(bus: SqliteBus, wanted: EventFilter, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await bus.journal.events(wanted, limit=limit, cursor=cursor)
        found += [one.event.id for one in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_the_index_of_what_failed_is_what_finds_it(bus: SqliteBus) -> None:
    await recorded(bus, random.Random(SEED))
    plans = [
        bus._files.store.ask(f"EXPLAIN QUERY PLAN {text}", bindings)
        for text, bindings in (
            (firing_walks._OUTCOME_OF_TRIGGER, (3, 1, 0, 9, 9, 1)),
            (firing_walks._OF_TRIGGER, (1, 0, 9, 9, 1)),
            (firing_walks._OPEN_OF_TRIGGER, (1, 0, 0, 1)),
            (firing_walks._OPEN, (0, 9, 9, 1)),
            (firing_walks._OF_REPLAY, (1, 0, 9, 9, 1)),
            (firing_walks._STATE_OF_REPLAY, (1, None, 0, 9, 9, 1)),
            (firing_walks._OF_REPLAY_AND_TRIGGER, (1, 1, 3, 0, 9, 9, 1)),
        )
    ]
    for plan in plans:
        details = " ".join(str(row[-1]) for row in plan)
        assert "SEARCH" in details
        assert "TEMP B-TREE" not in details, "walked in the order of the index"
