"""Replays on every bus: what they open, what they leave alone, and how they go on after a crash."""

import asyncio

import pytest
from replay_rig import JOINED, SINGLE, Rig, causes, crash_at_commit, event

from eventbus.contract import Decisions
from sensors.beside.asking import Asking, Taken
from sensors.beside.wire import Answer
from sensors.filters.held import Held
from sensors.joins import PREFIX as LIVE_JOINS
from tocsin.queries import Conflict, NotFound
from tocsin.replaying.preview import preview
from tocsin.replaying.record import Asked, ReplayState
from tocsin.views import when


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


ENDLESS = SINGLE.replace("value: [", 'template: "{{ range until 10000 }}{{ range until 10000 }}x{{ end }}{{ end }}", value: [')


async def test_rules_that_take_long_are_asked_beside_the_loop_once_that_is_known(rig: Rig) -> None:
    asked: list[str] = []

    async def says_yes(asking: Asking) -> Taken:
        asked.append(asking.view.event.id)
        return [Answer(Held.YES.value, 0.05)]

    await rig.declare(ENDLESS)
    start = rig.bus.clock.now_us
    await rig.decided(*[event(n) for n in range(5)])
    rig.ask_beside = says_yes
    replay = await rig.carried_out(Asked(after=when(start)))
    assert (replay.events, replay.firings) == (5, 3)
    assert asked == ["push-2", "push-3", "push-4"], "the first two took long in the loop, and the second was measured"
    assert causes(await rig.taken()) == [[id] for id in asked]


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
