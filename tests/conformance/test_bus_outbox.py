"""The outbox: each firing to one worker at a time, in order where a key asks for it, until an outcome is recorded."""

import asyncio

import pytest
from bus_backends import DEAD, DONE, START_US, TRIGGER, Clock, ReopenableBus, a_firing, tried

from eventbus.firing import FiringId, Outcome, OutcomeKind, TriggerRef

OTHER = TriggerRef("default", "on-push", "announce")


async def test_a_firing_is_handed_out_once(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1), a_firing(2))
    first = await bus.take(1)
    second = await bus.take(5)
    assert [taken.firing for taken in (*first, *second)] == [a_firing(1), a_firing(2)]
    assert {taken.attempt for taken in (*first, *second)} == {1}
    assert await bus.take() == []


async def test_two_takers_share_no_firing(bus: ReopenableBus) -> None:
    await bus.put(*[a_firing(number) for number in range(20)])
    taken = await asyncio.gather(*[bus.take_ids(5, timeout_s=0.05) for _ in range(6)])
    ids = [id for some in taken for id in some]
    assert len(ids) == len(set(ids)) == 20


async def test_a_waiting_taker_gets_what_is_decided_next(bus: ReopenableBus) -> None:
    taking = asyncio.ensure_future(bus.take(timeout_s=30.0))
    await asyncio.sleep(0)
    await bus.put(a_firing(1))
    assert [taken.firing for taken in await asyncio.wait_for(taking, 5.0)] == [a_firing(1)]


async def test_a_cancelled_take_leaves_nothing_taken(bus: ReopenableBus) -> None:
    taking = asyncio.ensure_future(bus.take(timeout_s=30.0))
    await asyncio.sleep(0)
    putting = asyncio.ensure_future(bus.put(a_firing(1)))
    for _ in range(3):
        await asyncio.sleep(0)
    taking.cancel()
    await putting
    await asyncio.gather(taking, return_exceptions=True)
    assert await bus.take_ids(timeout_s=1.0) == [a_firing(1).id] or not taking.cancelled()


async def test_what_was_taken_and_not_closed_is_handed_out_again_after_a_crash(bus: ReopenableBus) -> None:
    await bus.put(*[a_firing(number) for number in range(10)])
    before = await bus.take_ids()
    await bus.crash()
    assert sorted(await bus.take_ids()) == sorted(before)


async def test_a_closed_firing_never_comes_back(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    await bus.close(a_firing(1))
    await bus.put(a_firing(1))
    await bus.crash()
    await bus.put(a_firing(1), position=5)
    assert await bus.take() == []


async def test_closing_twice_changes_nothing(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    await asyncio.gather(bus.close(a_firing(1)), bus.close(a_firing(1), DEAD, number=2))
    await bus.close(a_firing(1), DEAD, number=3)
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.outcome, record.attempts, record.request) == (OutcomeKind.SUCCEEDED, (tried(1),), b"{}")
    tallies = await bus.journal.tallies()
    assert (tallies.open_firings, tallies.dead_letters) == (0, 0)


async def test_a_firing_is_closed_without_an_attempt(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    skipped = Outcome(kind=OutcomeKind.SKIPPED, reason="superseded by a newer one")
    await bus.outbox.close(a_firing(1).id, skipped, attempt=None, request=None)
    assert await bus.take() == []
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.attempts, record.outcome, record.reason, record.request) == ((), skipped.kind, skipped.reason, None)


async def test_an_outcome_is_recorded_whatever_the_target_answered(bus: ReopenableBus) -> None:
    await bus.put(*[a_firing(number) for number in range(3)])
    await bus.take()
    odd = Outcome(kind=OutcomeKind.FAILED, reason="503 \ud800 \u202e \x00")
    attempt = tried(succeeded=False, reason=odd.reason)
    await asyncio.gather(*[bus.outbox.close(a_firing(n).id, odd, attempt=attempt, request=None) for n in range(3)])
    assert (await bus.journal.tallies()).open_firings == 0


@pytest.mark.parametrize("id", ["0" * 32])
async def test_an_outcome_of_an_unknown_firing_is_a_mistake(bus: ReopenableBus, id: str) -> None:
    with pytest.raises(LookupError, match="no firing"):
        await bus.outbox.close(FiringId(id), DONE, attempt=None, request=None)
    with pytest.raises(LookupError, match="no firing"):
        await bus.outbox.again(FiringId(id), attempt=tried(), due_us=0, request=None)
    with pytest.raises(LookupError, match="not handed out"):
        await bus.outbox.started(FiringId(id), attempt=1)


async def test_a_failed_attempt_is_due_again_at_its_time_also_after_a_crash(bus: ReopenableBus, clock: Clock) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    failed = tried(1, succeeded=False, reason="503")
    await bus.outbox.again(a_firing(1).id, attempt=failed, due_us=clock.now_us + 10_000_000, request=b"as first rendered")
    assert await bus.take() == []
    await bus.crash()
    assert await bus.take() == []
    clock.advance(9.99)
    assert await bus.take() == []
    clock.advance(0.01)
    (taken,) = await bus.take()
    assert (taken.firing, taken.attempt, taken.request) == (a_firing(1), 2, b"as first rendered")
    await bus.close(a_firing(1), number=2)
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert record.attempts == (failed, tried(2))
    assert record.request == b"as first rendered"


async def test_a_taker_wakes_when_a_firing_falls_due(bus: ReopenableBus, clock: Clock) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    await bus.outbox.again(a_firing(1).id, attempt=tried(succeeded=False), due_us=clock.now_us + 20_000, request=None)
    taking = asyncio.ensure_future(bus.take(timeout_s=30.0))
    await asyncio.sleep(0)
    clock.advance(0.02)
    assert len(await asyncio.wait_for(taking, 5.0)) == 1


async def test_what_is_given_back_is_taken_again_with_nothing_recorded(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1), a_firing(2))
    taken = await bus.take_ids()
    await bus.outbox.give_back(taken)
    again = await bus.take()
    assert sorted(one.firing.id for one in again) == sorted(taken)
    assert {one.attempt for one in again} == {1}
    record = await bus.journal.firing(taken[0])
    assert record is not None
    assert record.attempts == ()


async def test_what_is_given_back_for_later_waits_until_then(bus: ReopenableBus, clock: Clock) -> None:
    firings = [a_firing(number) for number in range(9)]
    await bus.put(*firings)
    taken = await bus.take_ids()
    await bus.outbox.give_back(taken, due_us=clock.now_us + 2_000_000)
    assert await bus.take() == []
    clock.advance(2)
    assert sorted(await bus.take_ids()) == sorted(taken)


async def test_giving_back_what_is_not_taken_does_nothing(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    await bus.outbox.give_back([a_firing(1).id, FiringId("0" * 32)])
    assert len(await bus.take()) == 1


async def test_firings_of_one_order_key_run_one_at_a_time_in_the_order_decided(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, order_key="a"), a_firing(2, order_key="a"), a_firing(3, order_key="b"), a_firing(4))
    await bus.put(a_firing(5, order_key="a"))
    assert sorted(await bus.take_ids()) == sorted([a_firing(1).id, a_firing(3).id, a_firing(4).id])
    await bus.close(a_firing(1))
    assert await bus.take_ids() == [a_firing(2).id]
    await bus.crash()
    assert a_firing(5).id not in await bus.take_ids()
    await bus.close(a_firing(2))
    assert await bus.take_ids() == [a_firing(5).id]


async def test_a_retrying_head_holds_back_its_own_key_only(bus: ReopenableBus, clock: Clock) -> None:
    await bus.put(a_firing(1, order_key="a"), a_firing(2, order_key="a"), a_firing(3, order_key="b"))
    await bus.take()
    failed = tried(succeeded=False)
    await bus.outbox.again(a_firing(1).id, attempt=failed, due_us=clock.now_us + 5_000_000, request=None)
    await bus.close(a_firing(3))
    assert await bus.take() == []
    await bus.crash()
    assert await bus.take() == []
    clock.advance(5)
    assert await bus.take_ids() == [a_firing(1).id]
    await bus.close(a_firing(1), DEAD, number=2)
    assert await bus.take_ids() == [a_firing(2).id]


async def test_a_head_given_back_stays_the_head(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, order_key="a"), a_firing(2, order_key="a"))
    for _ in range(3):
        assert await bus.take_ids() == [a_firing(1).id]
        await bus.outbox.give_back([a_firing(1).id])


async def test_the_same_order_key_of_two_triggers_is_two_keys(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, order_key="a"), a_firing(1, order_key="a", trigger=OTHER))
    assert len(await bus.take()) == 2


async def test_many_firings_of_one_key_come_out_in_order(bus: ReopenableBus) -> None:
    firings = [a_firing(number, order_key="a") for number in range(30)]
    await bus.put(*firings)
    order = []
    while taken := await bus.take():
        assert len(taken) == 1
        order.append(taken[0].firing)
        await bus.close(taken[0].firing)
    assert order == firings


async def test_nothing_of_a_full_trigger_is_handed_out(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1), a_firing(2, trigger=OTHER))
    assert [taken.firing.trigger for taken in await bus.take(full={TRIGGER})] == [OTHER]
    assert await bus.take(full={TRIGGER}) == []
    assert [taken.firing.trigger for taken in await bus.take()] == [TRIGGER]


async def test_a_flood_on_one_trigger_does_not_starve_another(bus: ReopenableBus) -> None:
    await bus.put(*[a_firing(number) for number in range(40)])
    await bus.put(a_firing(100, trigger=OTHER))
    taken = [one.firing.trigger for one in [*await bus.take(2), *await bus.take(2)]]
    assert OTHER in taken


async def test_a_backlog_larger_than_memory_comes_out_whole(bus: ReopenableBus) -> None:
    firings = [a_firing(number, trigger=(TRIGGER, OTHER)[number % 2]) for number in range(200)]
    for start in range(0, 200, 50):
        await bus.put(*firings[start : start + 50])
    taken = await bus.take_ids(7)
    await bus.crash()
    taken = []
    while some := await bus.take_ids(7):
        taken += some
    assert sorted(taken) == sorted(firing.id for firing in firings)
    assert len(taken) == 200


async def test_retries_come_back_from_a_backlog_too(bus: ReopenableBus, clock: Clock) -> None:
    firings = [a_firing(number) for number in range(30)]
    await bus.put(*firings)
    while taken := await bus.take(3):
        for one in taken:
            due_us = clock.now_us + 1_000_000 * (one.firing.decided_us - START_US)
            await bus.outbox.again(one.firing.id, attempt=tried(succeeded=False), due_us=due_us + 1, request=None)
    order = []
    for _ in range(31):
        clock.advance(1)
        order += [one.firing for one in await bus.take()]
    assert order == firings


async def test_a_recorded_start_that_a_crash_cut_off_ends_as_unknown(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, record_start=True), a_firing(2, record_start=True), a_firing(3))
    await bus.take()
    await bus.outbox.started(a_firing(1).id, attempt=1)
    await bus.outbox.started(a_firing(3).id, attempt=1)
    await bus.crash()
    assert sorted(await bus.take_ids()) == sorted([a_firing(2).id, a_firing(3).id])
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert record.outcome is OutcomeKind.UNKNOWN
    assert "attempt 1" in record.reason
    assert [(one.firing, one.outcome.kind, one.attempts) for one in bus.outbox.cut_off] == [
        (a_firing(1, record_start=True), OutcomeKind.UNKNOWN, 1)
    ]
    await bus.crash()
    assert list(bus.outbox.cut_off) == []


async def test_a_start_whose_end_was_recorded_is_no_unknown(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, record_start=True))
    await bus.take()
    await bus.outbox.started(a_firing(1).id, attempt=1)
    await bus.outbox.again(a_firing(1).id, attempt=tried(succeeded=False), due_us=0, request=None)
    await bus.crash()
    assert [taken.attempt for taken in await bus.take()] == [2]


async def test_an_unknown_head_lets_the_next_of_its_key_go(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, record_start=True, order_key="a"), a_firing(2, order_key="a"))
    await bus.take()
    await bus.outbox.started(a_firing(1).id, attempt=1)
    await bus.crash()
    assert await bus.take_ids() == [a_firing(2).id]


async def test_a_dead_letter_is_opened_again_with_its_attempts(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    await bus.close(a_firing(1), DEAD)
    assert (await bus.journal.tallies()).dead_letters == 1
    assert await bus.outbox.redrive(a_firing(1).id)
    assert not await bus.outbox.redrive(a_firing(1).id)
    tallies = await bus.journal.tallies()
    assert (tallies.open_firings, tallies.dead_letters) == (1, 0)
    await bus.crash()
    (taken,) = await bus.take()
    assert (taken.firing, taken.attempt) == (a_firing(1), 2)
    await bus.close(a_firing(1), number=2)
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert [attempt.number for attempt in record.attempts] == [1, 2]
    assert not await bus.outbox.redrive(a_firing(1).id)


async def test_what_is_no_dead_letter_is_not_opened(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1), a_firing(2))
    await bus.take(1)
    await bus.close(a_firing(1))
    assert [await bus.outbox.redrive(id) for id in (a_firing(1).id, a_firing(2).id, FiringId("0" * 32))] == [False] * 3


async def test_a_redriven_elder_goes_before_what_waits(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, order_key="a"), a_firing(2, order_key="a"), a_firing(3, order_key="a"))
    await bus.take()
    await bus.close(a_firing(1), DEAD)
    await bus.outbox.redrive(a_firing(1).id)
    assert await bus.take_ids() == [a_firing(1).id]
    await bus.close(a_firing(1), number=2)
    assert await bus.take_ids() == [a_firing(2).id]


async def test_a_redriven_elder_waits_for_the_one_that_runs(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, order_key="a"), a_firing(2, order_key="a"), a_firing(3, order_key="a"))
    await bus.take()
    await bus.close(a_firing(1), DEAD)
    assert await bus.take_ids() == [a_firing(2).id]
    await bus.outbox.redrive(a_firing(1).id)
    assert await bus.take() == []
    await bus.outbox.again(a_firing(2).id, attempt=tried(succeeded=False), due_us=0, request=None)
    order = []
    while taken := await bus.take():
        order.append(taken[0].firing.id)
        await bus.close(taken[0].firing, number=taken[0].attempt)
    assert order == [a_firing(number).id for number in (1, 2, 3)]


@pytest.mark.parametrize("turns", range(6))
async def test_cancelling_an_outcome_at_any_moment_records_it_or_not_but_loses_nothing(bus: ReopenableBus, turns: int) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    closing = asyncio.ensure_future(bus.close(a_firing(1)))
    for _ in range(turns):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await bus.restart()
    taken = await bus.take()
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.outcome is None) == bool(taken)


@pytest.mark.parametrize("turns", range(6))
async def test_cancelling_a_commit_at_any_moment_stores_all_of_it_or_none(bus: ReopenableBus, turns: int) -> None:
    committing = asyncio.ensure_future(bus.put(*[a_firing(number) for number in range(5)], position=7))
    for _ in range(turns):
        await asyncio.sleep(0)
    committing.cancel()
    await asyncio.gather(committing, return_exceptions=True)
    await bus.restart()
    assert len(await bus.take()) in (0, 5)


@pytest.mark.parametrize("turns", range(6))
async def test_after_a_cancelled_retry_the_firing_comes_back_once(bus: ReopenableBus, turns: int) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    putting_off = asyncio.ensure_future(bus.outbox.again(a_firing(1).id, attempt=tried(), due_us=0, request=None))
    for _ in range(turns):
        await asyncio.sleep(0)
    putting_off.cancel()
    await asyncio.gather(putting_off, return_exceptions=True)
    await bus.outbox.give_back([a_firing(1).id])
    await bus.close(a_firing(1), number=2)
    assert await bus.take(timeout_s=0.02) == []


async def test_a_dropped_dead_letter_is_skipped_with_its_reason_and_stays_so(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1), a_firing(2))
    await bus.take()
    await bus.close(a_firing(1), DEAD)
    await bus.close(a_firing(2))
    assert (await bus.journal.tallies()).dead_letters == 1
    assert [await bus.outbox.drop(id, "seen") for id in (a_firing(1).id, a_firing(2).id, FiringId("0" * 32))] == [
        True,
        False,
        False,
    ]
    assert not await bus.outbox.drop(a_firing(1).id, "seen")
    assert not await bus.outbox.redrive(a_firing(1).id)
    await bus.crash()
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.outcome, record.reason) == (OutcomeKind.SKIPPED, "seen")
    assert (await bus.journal.tallies()).dead_letters == 0
    assert await bus.take() == []


async def test_a_cancelled_firing_is_never_handed_out(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1), a_firing(2))
    assert await bus.outbox.cancel(a_firing(1).id, "not any more")
    assert not await bus.outbox.cancel(a_firing(1).id, "not any more")
    assert await bus.take_ids() == [a_firing(2).id]
    await bus.crash()
    assert await bus.take_ids() == [a_firing(2).id]
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.outcome, record.reason, record.attempts) == (OutcomeKind.SKIPPED, "not any more", ())
    with pytest.raises(LookupError):
        await bus.outbox.cancel(FiringId("0" * 32), "x")


async def test_what_is_being_tried_is_not_cancelled(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    assert not await bus.outbox.cancel(a_firing(1).id, "x")
    await bus.close(a_firing(1))
    assert not await bus.outbox.cancel(a_firing(1).id, "x")


async def test_what_waits_behind_a_cancelled_firing_of_its_key_has_its_turn(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1, order_key="k"), a_firing(2, order_key="k"), a_firing(3, order_key="k"))
    assert await bus.outbox.cancel(a_firing(2, order_key="k").id, "x")
    assert await bus.outbox.cancel(a_firing(1, order_key="k").id, "x")
    assert await bus.take_ids() == [a_firing(3).id]


async def test_a_cancelled_firing_is_not_handed_out_also_after_a_crash(bus: ReopenableBus) -> None:
    await bus.put(*[a_firing(number) for number in range(20)])
    for number in (0, 3, 19):
        assert await bus.outbox.cancel(a_firing(number).id, "by the test")
        assert not await bus.outbox.cancel(a_firing(number).id, "by the test")
    await bus.crash()
    taken = await bus.take_ids()
    assert len(taken) == 17
    assert not set(taken) & {a_firing(number).id for number in (0, 3, 19)}
    record = await bus.journal.firing(a_firing(3).id)
    assert record is not None
    assert (record.outcome, record.reason, record.attempts) == (OutcomeKind.SKIPPED, "by the test", ())


async def test_a_firing_that_waits_for_its_next_attempt_can_be_cancelled(bus: ReopenableBus, clock: Clock) -> None:
    await bus.put(a_firing(1))
    await bus.take()
    await bus.outbox.again(a_firing(1).id, attempt=tried(1, succeeded=False), due_us=clock.now_us + 1_000_000, request=b"{}")
    assert await bus.outbox.cancel(a_firing(1).id, "by the test")
    clock.advance(2.0)
    assert await bus.take() == []
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.outcome, record.request, len(record.attempts)) == (OutcomeKind.SKIPPED, b"{}", 1)


async def test_a_firing_is_cancelled_or_handed_out_but_never_both(bus: ReopenableBus) -> None:
    for number in range(1, 30):
        putting = asyncio.ensure_future(bus.put(a_firing(number), position=number))
        cancelled = False
        while not putting.done():
            try:
                cancelled = cancelled or await bus.outbox.cancel(a_firing(number).id, "by the test")
            except LookupError:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
        taken = await bus.take_ids()
        assert taken == ([] if cancelled else [a_firing(number).id])
        if taken:
            await bus.close(a_firing(number))
        assert (await bus.journal.tallies()).open_firings == 0
