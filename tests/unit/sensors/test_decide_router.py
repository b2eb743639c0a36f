"""The loop that reads, decides and commits."""

import asyncio
import json
import time
from collections.abc import Generator, Sequence

import pytest
from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, an_event, recorded

from eventbus.contract import Decisions, DependencyRef
from eventbus.errors import BusUnavailable
from eventbus.event import Recorded, Road
from sensors.binding import bind
from sensors.bound import LARGE, EventView
from sensors.compile import compile_sensor
from sensors.complaints import Complaints
from sensors.decide import Decided, Decider
from sensors.languages.document import Document
from sensors.languages.gjson import Path as GjsonPath
from sensors.languages.gjson import Result
from sensors.router import Router, Views

MAIN = [{"path": "ref", "type": "string", "value": ["main"]}]


class LogOnly:
    """A log with some events in it; keeps what is committed."""

    def __init__(self, count: int = 0, *, starts: int = 1, refuse: int = 0, ref: str = "main") -> None:
        self.waiting = [recorded(an_event({"ref": ref}, id=f"e-{at}"), at) for at in range(1, count + 1)]
        self.committed: list[Decisions] = []
        self.starts = starts
        self.began_calls = 0
        self.refuse = refuse
        self.done = asyncio.Event()
        self._expected = count

    async def read(self, group: str, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        if not self.waiting:
            await asyncio.sleep(0.001)
            return ()
        batch, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return batch

    async def commit(self, decided: Decisions) -> None:
        if self.refuse:
            self.refuse -= 1
            raise BusUnavailable("the disk is full", retry_after_s=0.001)
        self.committed.append(decided)
        if decided.position >= self._expected:
            self.done.set()

    async def began(self, group: str) -> int:
        self.began_calls += 1
        return self.starts


def a_decider() -> Decider:
    return Decider([compile_sensor(a_sensor(a_dependency("push", data=MAIN)), KINDS, NoValues())])


async def routed(bus: LogOnly, decider: Decider | None = None, **options) -> Router:
    """Run a router over all that `bus` holds, then stop it."""
    router = Router(bus, decider or a_decider(), clock_us=lambda: 1_000_000, **options)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(router.run())
        await bus.done.wait()
        router.stop()
    return router


async def test_everything_is_decided_in_order_and_committed_with_its_position() -> None:
    bus = LogOnly(600)
    router = await routed(bus)
    firings = [firing for step in bus.committed for firing in step.firings]
    assert [firing.causes[0].position for firing in firings] == list(range(1, 601))
    positions = [step.position for step in bus.committed]
    assert positions == sorted(set(positions))
    assert router.position == 600


async def test_counts_say_what_was_seen_and_matched() -> None:
    bus = LogOnly(10)
    await routed(bus)
    seen = sum(step.counts.seen.get(Road("default", "source", "name"), 0) for step in bus.committed)
    matched = sum(step.counts.matched.get(DependencyRef("default", "sensor", "push"), 0) for step in bus.committed)
    assert (seen, matched) == (10, 10)


async def test_a_step_ends_when_its_time_is_over() -> None:
    bus = LogOnly(20)
    await routed(bus, step_s=0.0)
    assert [step.position for step in bus.committed] == list(range(1, 21))


async def test_events_that_match_nothing_still_move_the_position() -> None:
    bus = LogOnly(3, ref="dev")
    await routed(bus)
    assert bus.committed[-1].position == 3
    assert not any(step.firings for step in bus.committed)


async def test_fresh_firings_are_handed_over_after_their_commit_with_their_events() -> None:
    bus = LogOnly(5)
    handed: list[tuple[int, int, bool]] = []

    def take(fresh: Sequence) -> None:
        for firing, views in fresh:
            position = firing.causes[0].position
            handed.append((position, views[position].event.id == f"e-{position}", bus.committed[-1].position >= position))

    await routed(bus, hand_over=take)
    assert handed == [(position, True, True) for position in range(1, 6)]


async def test_an_unavailable_bus_is_waited_for_and_nothing_is_lost() -> None:
    bus = LogOnly(5, refuse=3)
    await routed(bus)
    assert [firing.causes[0].position for step in bus.committed for firing in step.firings] == [1, 2, 3, 4, 5]


async def test_stopping_while_the_bus_is_unavailable_ends_at_once_and_hands_nothing_over() -> None:
    bus = LogOnly(5, refuse=10**9)
    handed: list[object] = []
    router = Router(bus, a_decider(), hand_over=handed.extend)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(router.run())
        await asyncio.sleep(0.01)
        router.stop()
    assert bus.committed == []
    assert handed == []


async def test_an_idle_start_is_not_counted_as_a_start_of_deciding() -> None:
    bus = LogOnly(0)
    router = Router(bus, a_decider())
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(router.run())
        await asyncio.sleep(0.01)
        router.stop()
    assert bus.began_calls == 0


@pytest.mark.parametrize("starts", [2, 3])
async def test_after_a_start_that_ended_badly_one_event_at_a_time_is_committed(starts: int) -> None:
    bus = LogOnly(4, starts=starts)
    await routed(bus)
    assert [step.position for step in bus.committed] == [1, 2, 3, 4]
    assert not any(step.quarantined for step in bus.committed)


async def test_at_the_fourth_bad_start_the_event_at_the_head_is_set_aside_and_the_rest_goes_on() -> None:
    bus = LogOnly(4, starts=4)
    told: list[tuple[str, str]] = []
    await routed(bus, on_quarantine=lambda head, reason: told.append((head.event.id, reason)))
    assert bus.committed[0].position == 1
    assert list(bus.committed[0].quarantined) == [1]
    assert "4 starts in a row" in bus.committed[0].quarantined[1]
    assert [firing.causes[0].position for step in bus.committed for firing in step.firings] == [2, 3, 4]
    assert told == [("e-1", bus.committed[0].quarantined[1])]


async def test_a_poison_event_alone_in_the_log_is_set_aside_too() -> None:
    bus = LogOnly(1, starts=5)
    await routed(bus)
    assert [list(step.quarantined) for step in bus.committed] == [[1]]


async def test_sensors_applied_while_running_decide_what_comes_next() -> None:
    decider = Decider()
    bus = LogOnly(40)

    class Late(Decider):
        def slices(self, event: Recorded, *, now_us: int, decided_us: int | None = None) -> Generator[None, None, Decided]:
            if event.position == 20:
                decider.apply(compile_sensor(a_sensor(a_dependency("push", data=MAIN)), KINDS, NoValues()), since=20)
            return decider.slices(event, now_us=now_us, decided_us=decided_us)

    await routed(bus, Late())
    assert [firing.causes[0].position for step in bus.committed for firing in step.firings] == list(range(21, 41))


async def test_filters_see_the_time_at_which_an_event_was_received_however_late_it_is_decided() -> None:
    in_2023 = [{"path": "ref", "type": "string", "template": '{{ now | date "2006" }}', "value": ["^2023$"]}]
    dependency = a_dependency("push", data=in_2023, transform={"jq": "{ref, moment: now}"})
    decider = Decider([compile_sensor(a_sensor(dependency), KINDS, NoValues())])
    bus = LogOnly(1)
    (event,) = bus.waiting
    router = await routed(bus, decider)
    ((firing,),) = [step.firings for step in bus.committed]
    assert firing.decided_us == 1_000_000, "the router's clock"
    (again,) = decider.verdicts(event, now_us=event.received_us)
    assert again.matched
    view = router.views.get(1)
    assert view is not None
    sensor = next(iter(decider.sensors.values()))
    bound = bind(firing, {1: view}, sensor.triggers[firing.trigger.trigger].transforms)
    assert json.loads(bound.events["push"].event.data or b"") == {"ref": "main", "moment": 1_700_000_000}


async def test_an_event_of_many_slow_rules_lets_others_run_in_between() -> None:
    turns = 0

    class Slow(Decider):
        def slices(self, event: Recorded, *, now_us: int, decided_us: int | None = None) -> Generator[None, None, Decided]:
            for _ in range(10):
                time.sleep(0.003)
                yield
            return decider.decide(event, now_us=now_us)

    async def count_turns() -> None:
        nonlocal turns
        while not bus.committed:
            turns += 1
            await asyncio.sleep(0)

    decider, bus = Decider(), LogOnly(1)
    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count_turns())
        await routed(bus, Slow())
    assert counting.done()
    assert turns >= 10


async def test_a_query_that_breaks_in_a_thread_is_an_error_of_its_rule_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: GjsonPath, document: Document) -> Result:
        raise ValueError("a fault of the search")

    bus = LogOnly(2)
    bus.waiting[0] = recorded(an_event({"ref": "x" * LARGE}, id="e-1"), 1)
    query = [{"path": "#(a>1)#", "type": "string", "value": ["main"]}]
    decider = Decider([compile_sensor(a_sensor(a_dependency("push", data=query)), KINDS, NoValues())])
    monkeypatch.setattr(GjsonPath, "get", broken)
    await routed(bus, decider)
    errors = sum(count for step in bus.committed for count in step.counts.errors.values())
    assert (bus.committed[-1].position, errors) == (2, 2)


def test_views_are_bounded_by_number_and_by_bytes() -> None:
    views = Views(capacity=3, max_bytes=100)
    for position in range(5):
        views.put(position, EventView(an_event(raw=b"x" * 10)))
    assert [views.get(position) is not None for position in range(5)] == [False, False, True, True, True]
    views.put(5, EventView(an_event(raw=b"x" * 95)))
    assert len(views) == 1
    views.put(5, EventView(an_event(raw=b"x" * 10)))
    views.put(6, EventView(an_event(raw=b"x" * 80)))
    assert len(views) == 2


def test_complaints_about_one_place_come_once_a_minute_and_tell_what_was_left_out() -> None:
    clock = [0.0]
    complaints = Complaints(clock=lambda: clock[0])
    assert [complaints.left_out("a") for _ in range(3)] == [0, None, None]
    assert complaints.left_out("b") == 0
    clock[0] = 60.0
    assert complaints.left_out("a") == 2
    for place in range(5000):
        complaints.left_out(f"p{place}")
    assert complaints.left_out("a") == 0
