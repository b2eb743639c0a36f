"""Replays that do not simply end: cancelled, stopped, given up, busy, or without their turn."""

import asyncio
from functools import partial
from typing import Any

import pytest
from replay_rig import SINGLE, Rig, event
from structlog.testing import capture_logs
from waiting import until

from eventbus.contract import Decisions
from eventbus.errors import BusUnavailable
from eventbus.firing import Taken
from tocsin.queries import Conflict, NotFound
from tocsin.replaying import record
from tocsin.replaying.record import Asked, Replay, ReplayState
from tocsin.replaying.replayer import MOST_STARTS, Replayer
from tocsin.replaying.stepping import Stepper


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
