"""Deciding that dead-letter triggers run."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from eventbus.event import Identity
from eventbus.firing import Cause, Firing, FiringEnded, Outcome, OutcomeKind, TriggerRef, firing_id
from sensors.dead_letters import DeadLetters, dead_letter_ref

REF = TriggerRef("default", "shop", "pay")


def given_up() -> FiringEnded:
    identity = Identity("default", "github", "push", "e1")
    firing = Firing(
        id=firing_id(REF, [("dep", identity)]),
        trigger=REF,
        revision="r1",
        causes=(Cause("dep", 1, identity),),
        decided_us=1,
        order_key=None,
        record_start=False,
        correlation="e1",
        hops=1,
    )
    return FiringEnded(
        number=1, firing=firing, outcome=Outcome(kind=OutcomeKind.DEAD_LETTERED, reason="no"), attempts=1, closed_us=2
    )


class Outcomes:
    """A reader's outcomes, which are kept only from the third look on."""

    def __init__(self) -> None:
        self.looks = 0
        self.left = [given_up()]
        self.up_to = asyncio.Event()

    async def read(self, reader: str, *, limit: int, timeout_s: float) -> Sequence[FiringEnded]:
        self.looks += 1
        if self.looks < 3:
            raise LookupError(f"{reader} does not read outcomes")
        if not self.left:
            await asyncio.sleep(timeout_s)
        return self.left

    async def passed(self, reader: str, number: int) -> None:
        self.left = []
        self.up_to.set()


async def test_outcomes_that_are_not_kept_yet_are_waited_for() -> None:
    outcomes, committed = Outcomes(), []

    async def commit(decisions: object) -> None:
        committed.append(decisions)

    async def follower(trigger: TriggerRef, revision: str) -> TriggerRef | None:
        return dead_letter_ref(trigger)

    reading = DeadLetters(SimpleNamespace(outcomes=outcomes, commit=commit), follower)  # type: ignore[arg-type]
    reading.wanted = True
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(reading.run())
        await outcomes.up_to.wait()
        reading.stop()
    assert [firing.trigger for step in committed for firing in step.firings] == [dead_letter_ref(REF)]


async def test_a_fault_in_finding_what_follows_is_no_reason_to_wait() -> None:
    async def follower(trigger: TriggerRef, revision: str) -> TriggerRef | None:
        raise KeyError(trigger)

    reading = DeadLetters(SimpleNamespace(outcomes=Outcomes()), follower)  # type: ignore[arg-type]
    reading.wanted = True
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(10):
            await reading.run()
    assert raised.group_contains(KeyError)
