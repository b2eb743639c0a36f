"""Replays on every bus: what they open, what they leave alone, and how they go on after a crash."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
import yaml
from bus_backends import ReopenableBus
from structlog.testing import capture_logs
from waiting import until

from eventbus.contract import Decisions
from eventbus.errors import BusUnavailable
from eventbus.event import Event
from eventbus.firing import OutcomeKind, Taken
from eventbus.journal import FiringFilter
from eventbus.retention import Retention
from manifests.revision import canonical_json, revision_of
from sensors.joins import PREFIX as LIVE_JOINS
from tocsin.declared import object_of
from tocsin.metrics import ReplaySeries
from tocsin.queries import Conflict, NotFound, QueryError
from tocsin.replaying import record
from tocsin.replaying.preview import preview
from tocsin.replaying.record import Asked, Replay, ReplayState
from tocsin.replaying.replayer import MOST_STARTS, Replayer
from tocsin.replaying.stepping import Stepper
from tocsin.views import when

SINGLE = """
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: NAME}
spec:
  dependencies:
    - name: a
      eventSourceName: hooks
      eventName: push
      filters: {data: [{path: n, type: number, comparator: ">=", value: ["2"]}]}
  triggers: [{template: {name: say, log: {}}}]
"""
JOINED = """
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: pair}
spec:
  dependencies:
    - {name: a, eventSourceName: hooks, eventName: push}
    - {name: b, eventSourceName: hooks, eventName: tag}
  triggers: [{template: {name: both, conditions: a && b, log: {}}}]
"""


def event(n: int, name: str = "push") -> Event:
    return Event(
        namespace="default", source="hooks", name=name, id=f"{name}-{n}", type="webhook", time=None, data=b'{"n":%d}' % n
    )


class Rig:
    """A store with sensors in force and events that were decided, and a replayer beside it."""

    def __init__(self, bus: ReopenableBus) -> None:
        self.bus = bus
        self.replayer = Replayer(bus.bus)

    async def declare(self, manifest: str, name: str = "one") -> str:
        sensor = object_of(canonical_json(yaml.safe_load(manifest.replace("NAME", name))))
        revision = revision_of(sensor.content)
        await self.bus.declarations.put(str(sensor.ref), revision, canonical_json(sensor.content))
        return revision

    async def decided(self, *events: Event) -> None:
        """Append events and note that live deciding has passed them."""
        await self.bus.bus.read("sensors", limit=1, timeout_s=0.0)
        for one in events:
            self.bus.clock.advance(1.0)
            ((position, _, _),) = await self.bus.append([one])
        await self.bus.commit(Decisions(group="sensors", position=position))

    async def crash(self) -> None:
        await self.bus.crash()
        self.replayer = Replayer(self.bus.bus)
        await self.replayer.load()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Replayer]:
        """A replayer that carries out what was asked for, also before it was there."""
        self.replayer = Replayer(self.bus.bus)
        await self.replayer.load()
        task = asyncio.ensure_future(self.replayer.run())
        try:
            yield self.replayer
        finally:
            self.replayer.stop()
            await asyncio.wait_for(task, 10.0)

    async def until(self, number: int, *states: ReplayState) -> Replay:
        wanted = states or tuple(set(ReplayState) - {ReplayState.RUNNING})

        async def asked() -> Replay | None:
            found = await record.find(self.bus.journal, number)
            return found if found is not None and found.state in wanted else None

        replay: Replay = await until(asked)
        return replay

    async def carried_out(self, asked: Asked, **given: Any) -> Replay:
        async with self.running() as replayer:
            replay, _ = await replayer.ask(asked, **({"rate": 0.0} | given))
            return await self.until(replay.number)

    async def taken(self) -> Sequence[Taken]:
        return await self.bus.take(1000)


@pytest.fixture
def rig(bus: ReopenableBus) -> Rig:
    return Rig(bus)


def causes(taken: Sequence[Taken]) -> list[list[str]]:
    return [[cause.identity.id for cause in one.firing.causes] for one in taken]


async def test_an_event_is_decided_again_under_a_number_of_its_own(rig: Rig) -> None:
    revision = await rig.declare(SINGLE)
    await rig.decided(event(1), event(2))
    replays = [await rig.carried_out(Asked(event="push-2"), by="ana", reason="try") for _ in range(2)]
    assert [(one.number, one.state, one.events, one.firings) for one in replays] == [
        (1, ReplayState.DONE, 1, 1),
        (2, ReplayState.DONE, 1, 1),
    ]
    taken = await rig.taken()
    assert causes(taken) == [["push-2"], ["push-2"]]
    assert [one.firing.replay for one in taken] == [1, 2]
    assert len({one.firing.id for one in taken}) == 2
    assert {one.firing.revision for one in taken} == {revision}
    assert (await rig.carried_out(Asked(event="push-1"))).firings == 0


async def test_a_span_of_time_is_decided_in_order_and_live_deciding_is_not_touched(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(10)])
    start = rig.bus.clock.now_us
    await rig.decided(*[event(n) for n in range(10, 20)])
    middle = rig.bus.clock.now_us
    await rig.decided(*[event(n) for n in range(20, 30)])
    before = await rig.bus.journal.tallies()
    replay = await rig.carried_out(Asked(after=when(start + 1), before=when(middle)))
    assert (replay.events, replay.firings, replay.state) == (9, 9, ReplayState.DONE)
    assert causes(await rig.taken()) == [[f"push-{n}"] for n in range(10, 19)]
    after = await rig.bus.journal.tallies()
    assert (after.undecided, after.last_position) == (before.undecided, before.last_position)
    assert (await rig.carried_out(Asked(after=when(start + 1), most=3))).firings == 3


async def test_only_the_sensor_that_was_named_decides(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.declare(SINGLE, "two")
    await rig.decided(event(5))
    await rig.carried_out(Asked(event="push-5", sensor="two"))
    assert [one.firing.trigger.sensor for one in await rig.taken()] == ["two"]
    with pytest.raises(NotFound, match="no sensor 'three' is in force now"):
        await rig.replayer.ask(Asked(event="push-5", sensor="three"))


async def test_the_revision_of_now_or_of_then_decides_as_asked(rig: Rig) -> None:
    then = await rig.declare(SINGLE)
    await rig.decided(event(1), event(2))
    now = await rig.declare(SINGLE.replace('["2"]', '["1"]'))
    await rig.decided(event(3))
    await rig.carried_out(Asked(after="2020-01-01T00:00:00Z"))
    await rig.carried_out(Asked(after="2020-01-01T00:00:00Z", as_decided=True))
    found = [(one.firing.replay, one.firing.causes[0].identity.id, one.firing.revision) for one in await rig.taken()]
    assert found == [(1, "push-1", now), (1, "push-2", now), (1, "push-3", now), (2, "push-2", then), (2, "push-3", now)]


async def test_a_span_joins_inside_itself_and_leaves_what_live_deciding_waits_for_alone(rig: Rig) -> None:
    await rig.declare(JOINED)
    await rig.decided(event(1), event(2, "tag"), event(3), event(4, "tag"), event(5))
    live = await rig.bus.journal.records(LIVE_JOINS)
    replay = await rig.carried_out(Asked(after="2020-01-01T00:00:00Z"))
    assert replay.firings == 2
    assert causes(await rig.taken()) == [["push-1", "tag-2"], ["push-3", "tag-4"]]
    assert await rig.bus.journal.records(LIVE_JOINS) == live == []
    assert await rig.bus.journal.records("replay-") == []
    assert (await rig.carried_out(Asked(event="push-1"))).firings == 0


async def crash_at_commit(rig: Rig, count: int, *, stored: bool) -> None:
    """Carry out until the commit of that number, and end without a goodbye before or after it is stored."""
    reached, commit, left = asyncio.Event(), rig.bus.bus.commit, count

    async def cut(decided: Decisions) -> None:
        nonlocal left
        left -= 1
        if left > 0 or stored:
            await commit(decided)
        if left <= 0:
            reached.set()
            await asyncio.Event().wait()

    rig.bus.bus.commit = cut  # type: ignore[method-assign]
    task = asyncio.ensure_future(rig.replayer.run())
    await asyncio.wait_for(reached.wait(), 10.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await rig.crash()


async def test_after_a_crash_anywhere_it_goes_on_and_nothing_is_doubled_or_lost(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.replaying.stepping.PART", 7)
    monkeypatch.setattr("tocsin.replaying.stepping.AT_ONCE", 3)
    await rig.declare(SINGLE)
    await rig.declare(JOINED)
    await rig.decided(*[event(n // 2, "push" if n % 2 else "tag") for n in range(120)])
    expected = {("one", f"push-{n}") for n in range(2, 60)} | {("pair", f"push-{n}") for n in range(60)}
    asked = Asked(after="2020-01-01T00:00:00Z")
    replay, _ = await rig.replayer.ask(asked, rate=0.0)
    reached = []
    for count, stored in ((1, False), (2, False), (2, True), (4, False), (3, True), (6, False), (5, True)):
        await crash_at_commit(rig, count, stored=stored)
        again, present = await rig.replayer.ask(asked)
        assert (again.number, present) == (replay.number, True)
        reached.append(again.position)
    assert reached == sorted(reached)
    assert 0 < reached[-1] < 120
    assert len(set(reached)) > 4
    async with rig.running():
        ended = await rig.until(replay.number)
    assert ended.state is ReplayState.DONE, ended.problem
    assert ended.events == 120
    taken = await rig.taken()
    found = [(one.firing.trigger.sensor, one.firing.causes[0].identity.id) for one in taken]
    assert len(found) == len(set(found)) == ended.firings
    assert set(found) == expected


async def test_the_same_request_while_it_is_under_way_is_the_same_replay_and_a_name_makes_it_so_for_good(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2), event(3))
    asked = Asked(event="push-2")
    first, present = await rig.replayer.ask(asked, name="nightly")
    assert (first.number, present) == (1, False)
    both = await asyncio.gather(rig.replayer.ask(asked, name="nightly"), rig.replayer.ask(Asked(event="push-3")))
    assert [(replay.number, there) for replay, there in both] == [(1, True), (2, False)]
    async with rig.running():
        await rig.until(2)
    assert (await rig.replayer.ask(asked, name="nightly"))[0].state is ReplayState.DONE
    with pytest.raises(Conflict, match="has the name 'nightly'"):
        await rig.replayer.ask(Asked(event="push-3"), name="nightly")
    again, present = await rig.replayer.ask(Asked(event="push-3"))
    assert (again.number, present) == (3, False)


async def test_it_is_cancelled_where_it_is_also_while_it_waits_for_its_rate(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 40)])
    async with rig.running() as replayer:
        replay, _ = await replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=2.0)
        queued, _ = await replayer.ask(Asked(event="push-3"), rate=1.0)
        taken: list[Taken] = []
        while not taken:
            taken += await rig.taken()
            await asyncio.sleep(0.005)
        assert (await replayer.cancel(queued.number, "cancelled by ana")).problem == "cancelled by ana"
        ended = await asyncio.wait_for(replayer.cancel(replay.number, "cancelled by ana"), 2.0)
        with pytest.raises(Conflict, match="is cancelled"):
            await replayer.cancel(replay.number, "again")
        with pytest.raises(NotFound, match="no replay 9"):
            await replayer.cancel(9, "none")
    assert ended.state is ReplayState.CANCELLED
    taken += await rig.taken()
    assert len(taken) == ended.firings < 38
    await rig.crash()
    async with rig.running():
        await asyncio.sleep(0.05)
    assert len(await rig.taken()) == len(taken)


class SlowToCancel:
    """A bus whose commits take until told, where a cancellation asks for them."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def commit(self, decided: Decisions) -> Any:
        task = asyncio.current_task()
        if task is not None and task.get_name() == "cancelling":
            self.asked.set()
            await self.goes_on.wait()
        return await self._bus.commit(decided)


async def test_its_turn_does_not_come_while_it_is_being_cancelled(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2), event(3))
    slow = SlowToCancel(rig.bus.bus)
    replayer = Replayer(slow)  # type: ignore[arg-type]
    first, _ = await replayer.ask(Asked(event="push-2"), rate=0.0)
    second, _ = await replayer.ask(Asked(event="push-3"), rate=0.0)
    cancelling = asyncio.create_task(replayer.cancel(second.number, "cancelled by ana"), name="cancelling")
    await slow.asked.wait()
    with pytest.raises(Conflict, match="is being cancelled"):
        await replayer.cancel(second.number, "again")
    running = asyncio.ensure_future(replayer.run())
    await rig.until(first.number)
    await asyncio.sleep(0.05)
    slow.goes_on.set()
    assert (await cancelling).state is ReplayState.CANCELLED
    replayer.stop()
    await asyncio.wait_for(running, 10.0)
    found = await record.find(rig.bus.journal, second.number)
    assert found is not None
    assert (found.state, found.problem, found.firings) == (ReplayState.CANCELLED, "cancelled by ana", 0)
    assert len(await rig.taken()) == 1


async def test_its_rate_bounds_what_it_opens(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 14)])
    loop = asyncio.get_running_loop()
    began = loop.time()
    await rig.carried_out(Asked(after="2020-01-01T00:00:00Z"), rate=40.0)
    assert loop.time() - began >= 2 / 40


async def test_it_opens_no_more_while_much_is_open(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.replaying.stepping.MOST_OPEN", 3)
    monkeypatch.setattr("tocsin.replaying.stepping.LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr("tocsin.replaying.stepping.AT_ONCE", 2)
    await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 12)])
    closed = 0
    async with rig.running() as replayer:
        replay, _ = await replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
        while closed < 10:
            assert (await rig.bus.journal.tallies()).open_firings <= 4
            for one in await rig.taken():
                await rig.bus.close(one.firing)
                closed += 1
            await asyncio.sleep(0.005)
        assert (await rig.until(replay.number)).firings == 10


async def test_what_is_not_decided_yet_is_left_to_live_deciding(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2))
    await rig.bus.append([event(3)])
    with pytest.raises(Conflict, match="not decided yet"):
        await rig.replayer.ask(Asked(event="push-3"))
    shown = await preview(rig.bus.journal, Asked(after="2020-01-01T00:00:00Z"))
    assert (shown["events"], shown["firings"]) == (1, 1)
    assert [(item["why"], item["count"]) for item in shown["passed_over"]] == [
        ("not decided yet: they are left to live deciding", 1)
    ]


async def test_what_was_set_aside_is_passed_over(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2), event(3))
    await rig.bus.commit(Decisions(group="sensors", position=2, quarantined={1: "it ended the process"}))
    replay = await rig.carried_out(Asked(after="2020-01-01T00:00:00Z"))
    assert (replay.events, replay.missing, causes(await rig.taken())) == (1, 1, [["push-3"]])


async def test_one_that_ends_the_process_again_and_again_is_given_up(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2))
    replay, _ = await rig.replayer.ask(Asked(event="push-2"))
    for _ in range(4):
        assert await rig.replayer._begin(replay.number, [])
        await rig.crash()
    async with rig.running():
        ended = await rig.until(replay.number)
    assert ended.state is ReplayState.FAILED
    assert "starts in a row ended" in ended.problem


async def test_one_whose_process_ends_while_firings_wait_for_their_turn_is_not_given_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2))
    replay, _ = await rig.replayer.ask(Asked(event="push-2"))
    for _ in range(2 * MOST_STARTS):
        waiting = asyncio.Event()
        with monkeypatch.context() as patched:
            patched.setattr(Stepper, "_room", partial(_wait_for_ever, waiting))
            carrying = asyncio.ensure_future(rig.replayer.run())
            await asyncio.wait_for(waiting.wait(), 10.0)
            carrying.cancel()
            await asyncio.wait([carrying])
        await rig.crash()
    async with rig.running():
        ended = await rig.until(replay.number)
    assert (ended.state, ended.problem, ended.firings) == (ReplayState.DONE, "", 1)


async def _wait_for_ever(waiting: asyncio.Event, replay: Replay, firings: int) -> bool:
    waiting.set()
    return await asyncio.Event().wait()


async def test_one_that_meets_a_busy_bus_again_and_again_is_not_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2))
    async with rig.running() as replayer:
        commit, refused = replayer._bus.commit, 0

        async def busy(decided: Decisions) -> None:
            nonlocal refused
            if decided.firings and refused < MOST_STARTS + 2:
                refused += 1
                raise BusUnavailable("many writes wait", retry_after_s=0.001)
            await commit(decided)

        monkeypatch.setattr(replayer._bus, "commit", busy)
        replay, _ = await replayer.ask(Asked(event="push-2"), rate=0.0)
        ended = await rig.until(replay.number)
    assert (refused, ended.state, ended.firings) == (MOST_STARTS + 2, ReplayState.DONE, 1)


@pytest.mark.parametrize("most", [None, 70])
async def test_a_stop_in_the_middle_of_an_event_counts_nothing_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, most: int | None
) -> None:
    for number in range(72):
        await rig.declare(SINGLE, f"s{number}")
    await rig.decided(event(2))
    async with rig.running() as replayer:
        commit = replayer._bus.commit

        async def stop_behind(decided: Decisions) -> None:
            await commit(decided)
            if decided.firings:
                replayer.stop()

        with monkeypatch.context() as patched:
            patched.setattr(replayer._bus, "commit", stop_behind)
            replay, _ = await replayer.ask(Asked(event="push-2", most=most), rate=0.0)
            await until(lambda: replayer._stopping)
    stopped = await record.find(rig.bus.journal, replay.number)
    assert stopped is not None
    assert (stopped.state, stopped.firings) == (ReplayState.RUNNING, 0)
    async with rig.running():
        ended = await rig.until(replay.number)
    assert (ended.state, ended.firings, len(await rig.taken())) == (ReplayState.DONE, most or 72, most or 72)


async def test_one_that_cannot_be_carried_out_fails_alone(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(2))
    broken, _ = await rig.replayer.ask(Asked(event="push-2"), name="x")
    await rig.bus.state.put(record.pinned_key(broken.number), b"no list")
    with capture_logs() as logs:
        async with rig.running() as replayer:
            assert (await rig.until(broken.number)).state is ReplayState.FAILED
            replay, _ = await replayer.ask(Asked(event="push-2", sensor="one"))
            assert (await rig.until(replay.number)).state is ReplayState.DONE
    assert "replay_failed" in [line["event"] for line in logs]


async def test_a_revision_that_cannot_decide_any_more_is_named(rig: Rig) -> None:
    await rig.declare(SINGLE)
    content = b'{"apiVersion": "tocsin.dev/v1", "kind": "Sensor", "metadata": {"name": "odd"}, "spec": {"dependencies": 7}}'
    odd = content.replace(b"7", b'[{"name": "a", "eventSourceName": "hooks", "eventName": "push", "nonsense": 1}]')
    await rig.bus.declarations.put("Sensor/default/odd", "oddrevision", odd)
    await rig.decided(event(2))
    shown = await preview(rig.bus.journal, Asked(event="push-2"))
    assert [(item["what"], item["name"]) for item in shown["passed_over"]] == [("sensor", "default/odd")]
    replay = await rig.carried_out(Asked(event="push-2"))
    assert (replay.state, replay.firings) == (ReplayState.DONE, 1)
    assert "Sensor/default/odd decided nothing" in replay.problem


async def test_the_preview_shows_requests_counts_and_what_is_passed_over_and_changes_nothing(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.declare(JOINED)
    await rig.decided(event(1), event(2), event(3, "other"))
    shown = await preview(rig.bus.journal, Asked(after="2020-01-01T00:00:00Z"))
    assert (shown["events"], shown["sensors"], shown["firings"], shown["whole"]) == (3, 2, 1, True)
    assert shown["by_trigger"] == [{"namespace": "default", "sensor": "one", "trigger": "say", "firings": 1}]
    (firing,) = shown["shown"]
    assert firing["causes"][0]["id"] == "push-2"
    assert (firing["request"] is not None, firing["problem"]) == (True, None)
    passed_over = {(item["what"], item["name"]): item for item in shown["passed_over"]}
    assert passed_over["dependency", "default/one/a"]["why"].startswith("data n: 1")
    assert passed_over["events", "default/hooks/other"]["why"] == "no sensor depends on them"
    assert "waits for b since event push-2" in passed_over["trigger", "default/pair/both"]["why"]
    assert await rig.taken() == []
    assert await rig.bus.journal.records("replay") == []


async def test_a_preview_of_much_is_cut_and_says_so(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(1), event(2))
    shown = await preview(rig.bus.journal, Asked(after="2020-01-01T00:00:00Z"), budget_s=0.0)
    assert (shown["whole"], shown["previewed_to"], shown["last"]) == (False, 0, 2)


async def test_one_event_whose_data_is_gone_is_refused_with_the_reason(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(1), event(2), event(3))
    rig.bus.clock.advance(100.0)
    await rig.decided(event(4))
    rig.bus.bus.retain(Retention(age_s=50.0), tuple)
    await rig.bus.bus.tidy()
    with pytest.raises(
        Conflict, match="event 'push-2' cannot be replayed: its data is no longer kept, only that of events since"
    ):
        await rig.replayer.ask(Asked(event="push-2"))
    with pytest.raises(Conflict, match="its data is no longer kept"):
        await preview(rig.bus.journal, Asked(event="push-2"))
    assert (await rig.carried_out(Asked(event="push-4"))).firings == 1


async def test_its_firings_are_listed_by_its_number_with_other_filters_and_page_by_page(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.declare(SINGLE, "two")
    await rig.decided(*[event(n) for n in range(2, 6)])
    for _ in range(2):
        await rig.carried_out(Asked(after="2020-01-01T00:00:00Z"))
    taken = await rig.taken()
    of_two = FiringFilter(replay=2, sensor="two")
    (first,) = (await rig.bus.journal.firings(of_two, limit=1)).items
    await rig.bus.close(first.firing)
    assert len(taken) == 16
    assert len(await listed(rig, FiringFilter(replay=1))) == 8
    assert await listed(rig, of_two) == [["push-5"], ["push-4"], ["push-3"], ["push-2"]]
    assert await listed(rig, FiringFilter(replay=2, open=True, sensor="two")) == [["push-4"], ["push-3"], ["push-2"]]
    assert await listed(rig, FiringFilter(replay=2, outcome=OutcomeKind.SUCCEEDED)) == [["push-5"]]
    assert await listed(rig, FiringFilter(replay=3)) == []


async def listed(rig: Rig, wanted: FiringFilter) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        page = await rig.bus.journal.firings(wanted, limit=3, cursor=cursor)
        found += [[cause.identity.id for cause in one.firing.causes] for one in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_how_replays_stand_is_told_in_numbers(rig: Rig) -> None:
    nothing = dict.fromkeys(("running", "done", "cancelled", "failed"), 0)
    assert rig.replayer.series() == ReplaySeries(states=nothing)
    await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(1, 6)])
    await rig.replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
    await rig.replayer.ask(Asked(event="push-2"))
    assert rig.replayer.series() == ReplaySeries(states=nothing | {"running": 2}, remaining=6)
    await rig.crash()
    await rig.replayer.cancel(2, "not needed")
    async with rig.running() as replayer:
        await until(lambda: not replayer.series().states["running"])
        assert replayer.series() == ReplaySeries(states=nothing | {"done": 1, "cancelled": 1}, events=5, firings=4)


async def test_the_revision_that_decides_is_kept_until_its_end_whatever_retention_takes(rig: Rig) -> None:
    then = await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 6)])
    replay, _ = await rig.replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
    await rig.declare(SINGLE.replace('["2"]', '["9"]'))
    for number in (10, 11, 12):
        await gone(rig, event(number, "other"))
    assert await rig.bus.journal.event(1) is None
    assert await rig.bus.journal.revision(then) is not None
    await rig.crash()
    async with rig.running():
        ended = await rig.until(replay.number)
    assert (ended.state, ended.problem, ended.missing) == (ReplayState.DONE, "", 4)
    await gone(rig, event(13, "other"))
    assert await rig.bus.journal.revision(then) is None


async def gone(rig: Rig, new: Event) -> None:
    """Let all go that came before `new`."""
    rig.bus.clock.advance(1000.0)
    await rig.decided(new)
    rig.bus.bus.retain(Retention(age_s=50.0, journal_age_s=100.0), tuple)
    await rig.bus.bus.tidy()


async def test_one_that_was_asked_for_before_revisions_were_pinned_pins_them_when_it_goes_on(rig: Rig) -> None:
    then = await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 12)])
    replay, _ = await rig.replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
    await rig.bus.commit(Decisions(group=None, position=0, pins={record.key_of(replay.number): ()}))
    await crash_at_commit(rig, 1, stored=True)
    await rig.declare(SINGLE.replace('["2"]', '["9"]'))
    for number in (20, 21, 22):
        await gone(rig, event(number, "other"))
    assert await rig.bus.journal.revision(then) is not None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(), "name an event, or a span of time"),
        (Asked(event="x", after="2020-01-01T00:00:00Z"), "not both"),
        (Asked(event="x"), "no event 'x'"),
        (Asked(after="yesterday"), "from: 'yesterday' is no time"),
        (Asked(after="2020-01-01T00:00:00Z", before="2020-01-01T00:00:00"), "to: .* has no zone"),
        (Asked(after="2020-01-02T00:00:00Z", before="2020-01-01T00:00:00Z"), "is not later than"),
    ],
)
async def test_what_cannot_be_meant_says_what_was_expected(rig: Rig, asked: Asked, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        await rig.replayer.ask(asked)
