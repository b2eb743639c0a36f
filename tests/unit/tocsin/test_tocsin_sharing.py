"""While several sources send, one that sends more than its share waits for its turn, and the others do not."""

import asyncio

import pytest

from eventbus.event import Road
from sensors.router import Stepped
from tocsin import sharing as module
from tocsin.sharing import ACTIVE_S, FLOODS_EVENTS, GUESSED_S, LAG_S, LEAST_AT_ONCE, Flow, Sharing

NOISY, QUIET = Road("default", "noisy", "push"), Road("default", "quiet", "push")


class Rig:
    """Two sources; time stands still unless it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.sharing = Sharing(lambda: self.now_s)
        self.noisy, self.quiet = self.sharing.flow(NOISY), self.sharing.flow(QUIET)

    async def send(self, flow: Flow, count: int = 1) -> None:
        """Append, which takes no time."""
        await self.enter(flow, count)
        self.sharing.left(flow, count, count)

    async def enter(self, flow: Flow, count: int = 1) -> None:
        if self.sharing.crowded(flow):
            await self.sharing.turn(flow, count)
        else:
            self.sharing.entered(flow, self.now_s, count)

    def decide(self, road: Road, count: int, each_s: float) -> None:
        self.sharing.decided(Stepped({road: count}, {road: count * each_s}, {}))

    async def costly(self) -> None:
        """Both have sent, and one event of the noisy one is known to take half of what may wait."""
        await self.send(self.quiet)
        await self.send(self.noisy)
        self.decide(NOISY, 1, LAG_S / 2)
        self.decide(QUIET, 1, LAG_S / 1000)
        self.now_s += 1


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_a_source_that_is_alone_never_waits(rig: Rig) -> None:
    await rig.send(rig.noisy)
    rig.decide(NOISY, 1, 10 * LAG_S)
    for _ in range(1000):
        assert not rig.sharing.crowded(rig.noisy)
        await rig.send(rig.noisy)


async def test_what_outruns_deciding_waits_for_it_and_the_other_source_does_not(rig: Rig) -> None:
    await rig.costly()
    for _ in range(3):
        await rig.send(rig.noisy)
    assert rig.sharing.crowded(rig.noisy)
    assert not rig.sharing.crowded(rig.quiet)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waits = tasks.create_task(rig.send(rig.noisy))
        await asyncio.sleep(0)
        await rig.send(rig.quiet)
        assert not waits.done()
        rig.decide(NOISY, 2, LAG_S / 2)
    assert rig.noisy.pending == 2


async def test_of_events_that_take_long_one_waits_at_a_time_while_another_source_sends(rig: Rig) -> None:
    await rig.costly()
    await rig.send(rig.noisy)
    rig.decide(NOISY, 1, LAG_S)  # what is thought of them goes half way at once
    assert not rig.sharing.crowded(rig.noisy)
    await rig.send(rig.noisy)
    assert rig.noisy.pending * rig.noisy.cost_s < LAG_S, "there is room for more, but not for another of these"
    assert rig.sharing.crowded(rig.noisy)
    assert not rig.sharing.crowded(rig.quiet)
    rig.decide(NOISY, 1, LAG_S * 0.6)
    assert not rig.sharing.crowded(rig.noisy)
    await rig.send(rig.noisy)
    rig.now_s += 2 * ACTIVE_S
    assert not rig.sharing.crowded(rig.noisy), "alone it may send as it likes"


async def test_one_that_begins_is_shared_with_at_once_and_fills_no_log_before_it_is_known_what_it_costs(rig: Rig) -> None:
    await rig.send(rig.quiet)
    rig.decide(QUIET, 1, LAG_S / 1000)
    assert not rig.sharing.crowded(rig.quiet)
    sent = 0
    while not rig.sharing.crowded(rig.noisy):
        await rig.send(rig.noisy)
        sent += 1
    assert LAG_S / GUESSED_S <= sent <= LAG_S / GUESSED_S + 1
    rig.decide(NOISY, 1, LAG_S / 1000)
    assert not rig.sharing.crowded(rig.noisy)
    rig.decide(NOISY, 1, LAG_S)
    assert rig.noisy.cost_s > LAG_S / 3


async def test_waiting_has_an_end_whatever_becomes_of_deciding(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    await rig.costly()
    for _ in range(5):
        async with asyncio.timeout(5):
            await rig.send(rig.noisy)
    assert (rig.noisy.pending, rig.noisy.in_flight, len(rig.noisy.waiting)) == (5, 0, 0)


async def test_turns_that_take_long_leave_a_source_few_appends_at_a_time(rig: Rig) -> None:
    await rig.send(rig.quiet)
    for _ in range(100):
        await rig.send(rig.noisy)
        rig.decide(NOISY, 1, 0.0)
        rig.now_s += 0.01
        await asyncio.sleep(0)
    assert rig.sharing.at_once == LEAST_AT_ONCE
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        begun = [tasks.create_task(rig.enter(rig.noisy)) for _ in range(LEAST_AT_ONCE + 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [task.done() for task in begun] == [True] * LEAST_AT_ONCE + [False] * 2
        assert not rig.sharing.crowded(rig.quiet)
        for _ in range(2):
            rig.sharing.left(rig.noisy, 1, 1)
    assert rig.noisy.in_flight == LEAST_AT_ONCE


async def test_one_that_is_cancelled_while_it_waits_leaves_no_trace_let_in_or_not(rig: Rig) -> None:
    await rig.costly()
    for _ in range(3):
        await rig.send(rig.noisy)
    first, second = (asyncio.create_task(rig.enter(rig.noisy)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert (rig.noisy.pending, len(rig.noisy.waiting)) == (3, 1)
    rig.decide(NOISY, 3, LAG_S / 2)
    second.cancel()  # it was let in, and has not run yet
    await asyncio.wait([second])
    assert (rig.noisy.pending, rig.noisy.in_flight, len(rig.noisy.waiting)) == (0, 0, 0)


async def test_repeats_and_failures_are_nothing_to_decide(rig: Rig) -> None:
    await rig.costly()
    await rig.enter(rig.noisy, 10)
    assert rig.noisy.pending == 10
    rig.sharing.left(rig.noisy, 10, 3)
    assert rig.noisy.pending == 3


async def test_a_batch_that_is_decided_before_its_append_returns_leaves_nothing_pending(rig: Rig) -> None:
    await rig.costly()
    await rig.enter(rig.noisy, 4)
    rig.decide(NOISY, 4, 0.0)
    rig.sharing.left(rig.noisy, 4, 4)
    assert rig.noisy.pending == 0


async def test_a_source_that_is_held_back_for_a_while_is_said_to_flood_and_not_for_one_burst(rig: Rig) -> None:
    for _ in range(FLOODS_EVENTS):
        rig.sharing._note_held(rig.noisy, 1)
    assert rig.sharing.flooding() == []
    for _ in range(4):
        rig.now_s += 1
        rig.sharing._note_held(rig.noisy, 10)
        rig.noisy.taken += 50
    ((source, lasted_s, held, rate),) = rig.sharing.flooding()
    assert (source, lasted_s, held, rate) == (("default", "noisy"), 4.0, FLOODS_EVENTS + 40, 50.0)
    rig.now_s += ACTIVE_S + 1
    assert rig.sharing.flooding() == []


async def test_sources_that_are_gone_are_forgotten(rig: Rig) -> None:
    await rig.costly()
    await rig.send(rig.noisy)
    rig.sharing.keep([("default", "quiet")])
    assert rig.sharing.flow(NOISY) is not rig.noisy
    assert rig.sharing.flow(QUIET) is rig.quiet
    assert not rig.sharing.crowded(rig.quiet)
