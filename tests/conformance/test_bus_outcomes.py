"""How firings ended, told to those who read it: in order, with the outcome itself, and nothing when nobody reads."""

import asyncio
from collections.abc import Sequence

import pytest
from bus_backends import DEAD, DONE, START_US, ReopenableBus, a_firing, tried

from eventbus.firing import FiringEnded, Outcome, OutcomeKind

READER = "default/chain/deployed"


async def read(bus: ReopenableBus, reader: str = READER, **given: float) -> Sequence[FiringEnded]:
    return await bus.outcomes.read(reader, limit=int(given.get("limit", 100)), timeout_s=given.get("timeout_s", 0.0))


async def end(bus: ReopenableBus, *numbers: int, outcome: Outcome = DONE) -> None:
    await bus.put(*[a_firing(number) for number in numbers])
    await bus.take()
    for number in numbers:
        await bus.close(a_firing(number), outcome)


async def test_a_reader_learns_what_ended_after_it_was_there_in_order(bus: ReopenableBus) -> None:
    await end(bus, 1)
    await bus.outcomes.keep_for([READER])
    await end(bus, 3, 2)
    first, second = await read(bus)
    assert (first.firing, second.firing) == (a_firing(3), a_firing(2))
    assert first.number < second.number
    assert (first.outcome, first.attempts, first.status, first.closed_us) == (DONE, 1, 200, START_US)


async def test_what_was_not_passed_is_read_again_and_what_was_is_not(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await end(bus, 1, 2, 3)
    first, second, third = await read(bus)
    assert await read(bus) == [first, second, third]
    assert await read(bus, limit=1) == [first]
    await bus.outcomes.passed(READER, second.number)
    await bus.outcomes.passed(READER, first.number)
    await bus.crash()
    assert await read(bus) == [third]


async def test_an_outcome_and_what_is_told_of_it_survive_a_crash_together(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await end(bus, 1)
    await bus.crash()
    ((told),) = await read(bus)
    assert told.firing == a_firing(1)
    await end(bus, 2)
    assert [one.firing for one in await read(bus)] == [a_firing(1), a_firing(2)]


async def test_a_number_never_comes_again_when_all_before_it_is_passed(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await end(bus, 1)
    ((first),) = await read(bus)
    await bus.outcomes.passed(READER, first.number)
    await bus.restart()
    await end(bus, 2)
    ((second),) = await read(bus)
    assert second.number > first.number


async def test_readers_pass_each_at_its_own_pace(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER, "slow"])
    await end(bus, 1, 2)
    first, second = await read(bus)
    await bus.outcomes.passed(READER, second.number)
    assert (await read(bus), await read(bus, "slow")) == ([], [first, second])
    await bus.outcomes.keep_for([READER, "slow", "new"])
    assert (await read(bus, "slow"), await read(bus, "new")) == ([first, second], [])


async def test_a_reader_that_is_gone_is_forgotten_and_begins_anew(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await end(bus, 1)
    await bus.outcomes.keep_for([])
    await end(bus, 2)
    with pytest.raises(LookupError, match="does not read outcomes"):
        await read(bus)
    await bus.outcomes.keep_for([READER])
    assert await read(bus) == []
    await end(bus, 3)
    assert [one.firing for one in await read(bus)] == [a_firing(3)]


async def test_a_waiting_reader_gets_the_next_outcome(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    reading = asyncio.ensure_future(read(bus, timeout_s=30.0))
    await asyncio.sleep(0)
    await end(bus, 1)
    assert [one.firing for one in await asyncio.wait_for(reading, 5.0)] == [a_firing(1)]


async def test_every_end_of_a_dead_letter_is_told(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await end(bus, 1, outcome=DEAD)
    assert await bus.outbox.redrive(a_firing(1).id)
    await bus.take()
    await bus.close(a_firing(1), DEAD, number=2)
    assert await bus.outbox.drop(a_firing(1).id, "looked at")
    told = [(one.outcome.kind, one.attempts, one.status) for one in await read(bus)]
    dead, skipped = OutcomeKind.DEAD_LETTERED, OutcomeKind.SKIPPED
    assert told == [(dead, 1, 200), (dead, 2, 200), (skipped, 2, 200)]


async def test_what_is_cancelled_is_told_with_the_attempts_it_had(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await bus.put(a_firing(1), a_firing(2))
    await bus.take()
    await bus.outbox.again(a_firing(1).id, attempt=tried(1, succeeded=False), due_us=START_US + 1, request=None)
    await bus.outbox.give_back([a_firing(2).id])
    assert await bus.outbox.cancel(a_firing(1).id, "not wanted")
    assert await bus.outbox.cancel(a_firing(2).id, "not wanted")
    assert [(one.outcome.reason, one.attempts) for one in await read(bus)] == [("not wanted", 1), ("not wanted", 0)]


async def test_what_a_crash_left_unknown_is_told(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await bus.put(a_firing(1, record_start=True))
    await bus.take()
    await bus.outbox.started(a_firing(1).id, attempt=1)
    await bus.crash()
    ((told),) = await read(bus)
    assert (told.outcome.kind, told.attempts) == (OutcomeKind.UNKNOWN, 1)


async def test_a_loop_that_was_stopped_is_not_told_so_that_it_does_not_go_on(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    await end(bus, 1, outcome=Outcome(kind=OutcomeKind.LOOPED, reason="a → b → a"))
    await end(bus, 2)
    assert [one.firing for one in await read(bus)] == [a_firing(2)]
    record = await bus.journal.firing(a_firing(1).id)
    assert record is not None
    assert (record.outcome, record.reason) == (OutcomeKind.LOOPED, "a → b → a")


async def test_reading_ends_with_the_bus(bus: ReopenableBus) -> None:
    await bus.outcomes.keep_for([READER])
    reading = asyncio.ensure_future(read(bus, timeout_s=30.0))
    await asyncio.sleep(0)
    await bus.bus.aclose()
    with pytest.raises(Exception, match="the bus is closed"):
        await asyncio.wait_for(reading, 5.0)
