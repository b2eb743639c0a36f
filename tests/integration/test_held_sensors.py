"""Sensors that are paused and resumed: what they decide, and when."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from sensors_rig import Rig, push, ref_of, rig, sensor
from waiting import until

from eventbus.contract import Decisions
from eventbus.errors import BusUnavailable
from eventbus.retention import Retention
from tocsin.catching_up import CatchUp
from tocsin.queries import Conflict
from tocsin.said import Said
from tocsin.sensor_pauses import held_group, undecided

ANN = Said("ann", "maintenance")


async def pause(running: Rig, name: str = "s", *, drop: bool = False) -> None:
    await running.sensors.holding.pause(ref_of(name), "drop" if drop else "hold", ANN)


async def resume(running: Rig, name: str = "s", rate: float = 0.0) -> None:
    await running.sensors.holding.resume(ref_of(name), rate, ANN)


async def back(running: Rig, name: str = "s") -> None:
    """Wait until the sensor is among the others, and nothing is left of its pause."""
    await until(lambda: ref_of(name) not in running.sensors.holding)
    await until(lambda: held_group(ref_of(name)) not in running.bus.stored.groups)
    await until(lambda: not any(key.startswith("pause/") for key in running.bus.stored.records))


def ids(first: int, last: int) -> Sequence[str]:
    return [str(number) for number in range(first, last + 1)]


async def test_a_held_sensor_decides_nothing_and_later_everything_in_order_while_others_go_on() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await running.send(push("1"))
        await pause(running)
        await running.send(*[push(id, "main" if int(id) % 2 else "dev") for id in ids(2, 600)])
        assert await running.fired("s") == ["1"]
        assert len(await running.fired("other")) == 300
        counted = await running.sensors.holding.counted(ref_of())
        assert counted is not None
        assert (counted.waiting, counted.pause.by, counted.pause.reason) == (599, "ann", "maintenance")
        await resume(running)
        await back(running)
        assert await running.fired("s") == [id for id in ids(1, 600) if int(id) % 2]
        await running.send(push("601"))
        assert (await running.fired("s"))[-1] == "601"
        assert (await running.bus.journal.tallies()).undecided == 0


async def test_what_it_catches_up_with_is_counted_once_and_as_what_it_matched() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other", "dev"))
        await pause(running)
        await running.send(*[push(id) for id in ids(1, 10)])
        await resume(running)
        await back(running)
        journal = running.bus.journal
        assert await journal.seen(push("1").road) == 10
        assert await journal.matched("default", "s") == {"d": (10, 0)}


async def test_events_that_come_in_while_it_catches_up_are_decided_once_each() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await pause(running)
        await running.send(*[push(id) for id in ids(1, 400)])
        await resume(running)
        for id in ids(401, 900):
            await running.bus.append([push(id)])
            await asyncio.sleep(0)
        await back(running)
        await running.send(push("901"))
        assert await running.fired("s") == ids(1, 901)
        assert await running.fired("other") == ids(1, 901)


@pytest.mark.parametrize(("rate", "held"), [(40.0, 12), (4.0, 3)])
async def test_it_catches_up_no_faster_than_it_is_told(rate: float, held: int) -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await pause(running)
        await running.send(*[push(id) for id in ids(1, held)])
        began = time.monotonic()
        await resume(running, rate=rate)
        await running.send(push("other", "other"))
        await back(running)
        # What a step has is at most a quarter of a second's worth, and the last one is not waited for.
        assert time.monotonic() - began >= (held - max(1, rate / 4)) / rate
        assert await running.fired("s") == ids(1, held)


async def test_the_rate_can_be_changed_and_the_pause_taken_up_again_while_it_catches_up() -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        await pause(running)
        await running.send(*[push(id) for id in ids(1, 50)])
        await resume(running, rate=1.0)
        await until(lambda: len(running.bus.stored.firings) > 0)
        await pause(running)
        some = len(await running.fired("s"))
        assert 0 < some < 50
        await running.send(push("51"))
        assert len(await running.fired("s")) == some
        await resume(running, rate=5.0)
        await resume(running, rate=0.0)
        await back(running)
        assert await running.fired("s") == ids(1, 51)


async def test_a_dropping_sensor_skips_what_comes_says_how_much_and_goes_on_from_there() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await running.send(push("1"))
        await pause(running, drop=True)
        assert held_group(ref_of()) not in running.bus.stored.groups
        await running.send(push("2"), push("3", "dev"))
        assert "it is skipped: the sensor is paused since" in await undecided(running.bus.journal, ref_of(), 2)
        counted = await running.sensors.holding.counted(ref_of())
        assert counted is not None
        assert (counted.dropped, counted.waiting) == (2, 0)
        await resume(running)
        await running.send(push("4"))
        assert await running.fired("s") == ["1", "4"]
        assert await running.fired("other") == ["1", "2", "4"]
        (gap,) = await running.bus.journal.gaps(held_group(ref_of()))
        assert (gap.first, gap.last) == (2, 3)
        assert gap.reason.startswith("dropped while the sensor was paused since ")
        assert gap.reason.endswith(" by ann (maintenance)")
        assert await undecided(running.bus.journal, ref_of(), 3) == f"it was skipped: {gap.reason}"
        assert await undecided(running.bus.journal, ref_of(), 4) == ""
        assert running.sensors.holding.dropped == {ref_of(): 2}


async def test_what_is_held_can_be_dropped_and_a_drop_can_become_a_hold() -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        await pause(running)
        await running.send(push("1"))
        await pause(running, drop=True)
        await running.send(push("2"))
        await pause(running)
        await running.send(push("3"))
        await resume(running)
        await back(running)
        await running.send(push("4"))
        assert await running.fired("s") == ["3", "4"]
        assert running.sensors.holding.dropped == {ref_of(): 2}
        (gap,) = await running.bus.journal.gaps()
        assert (gap.first, gap.last) == (1, 2)


@pytest.mark.parametrize("catching_up", [False, True])
async def test_a_crash_forgets_neither_the_pause_nor_what_waits(catching_up: bool) -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await running.send(push("1"))
        await pause(running)
        await running.send(*[push(id) for id in ids(2, 40)])
        if catching_up:
            # So slowly that a busy machine, too, looks at it long before it is through.
            await resume(running, rate=1.0)
            await until(lambda: len(running.bus.stored.firings) > 41)
    stored = running.bus.stored
    async with rig(stored) as again:
        await again.apply(sensor("s"), sensor("other"))
        again.sensors.holding.go_on()
        await again.send(push("41"))
        assert ref_of() in again.sensors.holding
        assert len(await again.fired("s")) < 40
        await resume(again)
        await back(again)
        assert await again.fired("s") == ids(1, 41)
        assert await again.fired("other") == ids(1, 41)


async def test_a_sensor_that_is_edited_while_it_is_held_decides_each_event_as_it_was_declared_then() -> None:
    async with rig() as running:
        await running.apply(sensor("s", "main"))
        await pause(running)
        await running.send(push("1", "main"), push("2", "dev"))
        await running.apply(sensor("s", "dev"))
        await running.send(push("3", "main"), push("4", "dev"))
    async with rig(running.bus.stored) as again:
        await again.apply(sensor("s", "qa"))
        await again.send(push("5", "dev"), push("6", "qa"))
        await resume(again)
        await back(again)
        await again.send(push("7", "qa"))
        assert await again.fired("s") == ["1", "4", "6", "7"]


@pytest.mark.parametrize("crash", [False, True])
async def test_what_a_held_sensor_holds_outlives_its_removal_and_it_comes_back_held(crash: bool) -> None:
    async with rig() as first:
        await first.apply(sensor("s"), sensor("other"))
        await pause(first)
        await first.send(push("1"))
        await first.apply(sensor("other"))
        await first.send(push("2"))
        running = first
        if not crash:
            await coming_back(running)
    if crash:
        async with rig(first.bus.stored) as running:
            await running.apply(sensor("other"))
            await coming_back(running)


async def coming_back(running: Rig) -> None:
    assert ref_of() in running.sensors.holding
    await running.apply(sensor("other"), sensor("s"))
    await running.send(push("3"))
    assert await running.fired("s") == []
    await resume(running)
    await back(running)
    assert await running.fired("s") == ["1", "3"]
    assert await running.fired("other") == ["1", "2", "3"]


async def test_a_removed_sensor_that_is_resumed_decides_what_came_before_it_went() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await pause(running)
        await running.send(push("1"))
        await running.apply(sensor("other"))
        await running.send(push("2"))
        await resume(running)
        await back(running)
        await running.send(push("3"))
        assert await running.fired("s") == ["1"]


async def test_partial_matches_go_on_where_they_were_and_in_the_order_of_events() -> None:
    joined = sensor("s", conditions="a && b", dependencies=["a", "b"])
    async with rig() as running:
        await running.apply(joined, sensor("other"))
        await running.send(push("1", "a"))
        await pause(running)
        await running.send(push("2", "b"), push("3", "a"), push("4", "a"))
        assert await running.fired("s") == []
        assert running.sensors.needed() >= {1}
    async with rig(running.bus.stored) as again:
        await again.apply(joined, sensor("other"))
        assert again.sensors.needed() >= {1}
        await resume(again)
        await back(again)
        assert await again.fired("s") == ["1+2"]
        await again.send(push("5", "b"))
        assert await again.fired("s") == ["1+2", "4+5"]


async def test_a_reset_counts_when_the_events_came_and_not_when_they_are_decided() -> None:
    """Every minute what has come is forgotten: of three pairs that wait, the second has a minute's end in it."""
    joined = sensor("s", conditions="a && b", dependencies=["a", "b"], conditionsReset=[{"byTime": {"cron": "* * * * *"}}])
    minute_us, now = 60_000_000, [1_800_000_000_000_000]
    async with rig(now_us=lambda: now[0]) as running:
        await running.apply(joined)
        await running.send(push("1", "a"))
        await pause(running)
        now[0] += minute_us // 2
        await running.send(push("2", "b"), push("3", "a"))
        now[0] += minute_us
        await running.send(push("4", "b"), push("5", "a"))
        assert await running.fired("s") == []
        now[0] += 100 * minute_us
        await resume(running)
        await back(running)
        assert await running.fired("s") == ["1+2", "4+5"]


async def test_what_a_held_sensor_has_not_decided_outlives_its_age() -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        await pause(running)
        await running.send(push("1"), push("2"))
        running.bus.retain(Retention(age_s=0.0, journal_age_s=0.0), running.sensors.needed)
        await running.bus.tidy()
        assert await running.bus.journal.event(1) is not None
        await resume(running)
        await back(running)
        assert await running.fired("s") == ["1", "2"]


async def test_the_order_of_sensors_is_that_of_their_declaration_also_after_a_pause() -> None:
    async with rig() as running:
        await running.apply(sensor("a"), sensor("b"))
        await pause(running, "a")
        await resume(running, "a")
        await back(running, "a")
        await running.send(push("1"))
    firings = [kept.firing.trigger.sensor for kept in running.bus.stored.firings.values()]
    assert firings == ["a", "b"]


@pytest.mark.parametrize("lost", [False, True])
async def test_a_pause_whose_record_cannot_be_read_holds_on(lost: bool) -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        await pause(running)
        await running.send(push("1"))
    stored = running.bus.stored
    stored.records["pause/Sensor/default/s"] = (b"{", 1, None)
    if lost:
        del stored.groups[held_group(ref_of())]
    async with rig(stored) as again:
        await again.apply(sensor("s"))
        await again.send(push("2"))
        assert again.sensors.holding.pauses[ref_of()].reason == "the record of this pause cannot be read"
        await resume(again)
        await back(again)
        assert await again.fired("s") == (["2"] if lost else ["1", "2"])


async def test_resuming_what_is_not_paused_says_so() -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        with pytest.raises(Conflict, match="the sensor s is not paused"):
            await resume(running)


async def test_what_breaks_while_it_catches_up_stays_paused_and_takes_nothing_down_whatever_the_bus_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def breaks(self: CatchUp) -> bool:
        raise ValueError("no such thing")

    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await pause(running)
        await running.send(push("1"))
        commit = running.bus.commit

        async def busy(decided: Decisions) -> None:
            if any(b"no such thing" in (change.value or b"") for change in decided.state):
                raise BusUnavailable("many writes wait")
            await commit(decided)

        with monkeypatch.context() as broken:
            broken.setattr(CatchUp, "run", breaks)
            broken.setattr(running.bus, "commit", busy)
            await resume(running)
            await until(lambda: running.sensors.holding.pauses[ref_of()].rate is None)
        assert running.sensors.holding.pauses[ref_of()].problem == "ValueError: no such thing"
        await resume(running)
        await back(running)
        assert await running.fired("s") == ["1"]


async def test_a_bus_that_does_not_count_the_start_now_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        await pause(running)
        await running.send(push("1"), push("2"))
        began, refused = running.bus.began, 0

        async def busy(group: str) -> int:
            nonlocal refused
            if refused < 2:
                refused += 1
                raise BusUnavailable("many writes wait", retry_after_s=0.001)
            return await began(group)

        monkeypatch.setattr(running.bus, "began", busy)
        await resume(running)
        await back(running)
        assert (refused, await running.fired("s")) == (2, ["1", "2"])


async def test_a_resume_that_the_bus_does_not_take_leaves_it_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(decided: Decisions) -> None:
        raise BusUnavailable("many writes wait")

    async with rig() as running:
        await running.apply(sensor("s"))
        await pause(running)
        with monkeypatch.context() as broken:
            broken.setattr(running.bus, "commit", busy)
            with pytest.raises(BusUnavailable):
                await resume(running)
        assert running.sensors.holding.pauses[ref_of()].state == "paused"
        await resume(running)
        await back(running)


async def test_whoever_waits_for_deciding_in_vain_leaves_nothing_behind() -> None:
    async with rig() as running:
        await running.apply(sensor("s"))
        for _ in range(3):
            await running.sensors._gate.moved(0.0)
        assert running.sensors._gate._waiters == []
