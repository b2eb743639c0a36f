"""Whatever the order of appends, decisions, takes, outcomes and crashes, nothing is lost and nothing closed comes back."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from bus_backends import BACKENDS, DONE, ROAD, TRIGGER, Clock, ReopenableBus, an_event, tried
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from eventbus.contract import Decisions, VerdictCounts
from eventbus.event import Identity, Recorded
from eventbus.firing import Cause, Firing, FiringId, Taken, TriggerRef, firing_id

Result = TypeVar("Result")
KEYS = st.sampled_from([None, "a", "b"])
TRIGGERS = [TRIGGER, TriggerRef("default", "on-push", "announce")]


def decide(recorded: Recorded, trigger: TriggerRef, key: str | None) -> Firing:
    identity = recorded.event.identity
    return Firing(
        id=firing_id(trigger, [("push", identity)]),
        trigger=trigger,
        revision="r",
        causes=(Cause("push", recorded.position, identity),),
        decided_us=recorded.received_us,
        order_key=key,
    )


class AtLeastOnce(RuleBasedStateMachine):
    """Drives one backend beside a model of what it must not forget."""

    backend = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.bus = ReopenableBus(BACKENDS[self.backend](Path(self.folder.name) / "data"), self.clock)
        self.appended: dict[Identity, int] = {}
        self.undecided: list[Recorded] = []
        self.open: dict[FiringId, Firing] = {}
        self.decided: list[FiringId] = []
        self.held: list[Taken] = []
        self.closed: set[FiringId] = set()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    @initialize()
    def open_bus(self) -> None:
        self.run(self.bus.open())
        self.run(self.bus.read("sensors", limit=1, timeout_s=0.0))

    @rule(numbers=st.lists(st.integers(0, 40), min_size=1, max_size=6))
    def append(self, numbers: list[int]) -> None:
        async def append() -> Any:
            return await self.bus.append([an_event(str(number)) for number in numbers])

        for number, answer in zip(numbers, self.run(append()), strict=True):
            identity = Identity(*ROAD, str(number))
            known = self.appended.get(identity)
            assert answer.repeat == (known is not None)
            assert answer.position == self.appended.setdefault(identity, answer.position)
        assert sorted(self.appended.values()) == list(range(1, len(self.appended) + 1))

    @rule(limit=st.integers(1, 8))
    def read(self, limit: int) -> None:
        self.undecided += self.run(self.bus.read("sensors", limit=limit, timeout_s=0.0))

    @precondition(lambda self: self.undecided)
    @rule(count=st.integers(1, 8), keys=st.lists(KEYS, min_size=2, max_size=2), twice=st.booleans())
    def commit(self, count: int, keys: list[str | None], twice: bool) -> None:
        step, self.undecided = self.undecided[:count], self.undecided[count:]
        firings = [decide(one, trigger, key) for one in step for trigger, key in zip(TRIGGERS, keys, strict=True)]
        counts = VerdictCounts(seen={ROAD: len(step)})
        decided = Decisions(group="sensors", position=step[-1].position, firings=firings, counts=counts)
        for _ in range(1 + twice):
            self.run(self.bus.commit(decided))
        for firing in firings:
            if firing.id not in self.open and firing.id not in self.closed:
                self.open[firing.id] = firing
                self.decided.append(firing.id)

    @rule(limit=st.integers(1, 8), full=st.sets(st.sampled_from(TRIGGERS), max_size=1))
    def take(self, limit: int, full: set[TriggerRef]) -> None:
        taken = self.run(self.bus.take(limit, full=full))
        held = {one.firing.id for one in self.held}
        for one in taken:
            firing = one.firing
            assert firing.id not in held
            assert firing == self.open[firing.id]
            assert firing.trigger not in full
            self.assert_oldest_of_its_key(firing)
            held.add(firing.id)
        self.held += taken

    def assert_oldest_of_its_key(self, firing: Firing) -> None:
        if firing.order_key is not None:
            same = [
                id
                for id in self.decided
                if id in self.open and (self.open[id].trigger, self.open[id].order_key) == (firing.trigger, firing.order_key)
            ]
            assert same[0] == firing.id

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100))
    def close(self, which: int) -> None:
        taken = self.held.pop(which % len(self.held))
        self.settle(taken)

    def settle(self, taken: Taken) -> None:
        self.run(self.bus.outbox.close(taken.firing.id, DONE, attempt=tried(taken.attempt), request=None))
        del self.open[taken.firing.id]
        self.closed.add(taken.firing.id)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100), delay_s=st.sampled_from([0, 1, 50]))
    def again(self, which: int, delay_s: int) -> None:
        taken = self.held.pop(which % len(self.held))
        attempt = tried(taken.attempt, succeeded=False, reason="503")
        due_us = self.clock.now_us + delay_s * 1_000_000
        self.run(self.bus.outbox.again(taken.firing.id, attempt=attempt, due_us=due_us, request=None))

    @precondition(lambda self: self.held)
    @rule(delay_s=st.sampled_from([0, 1]))
    def give_back(self, delay_s: int) -> None:
        given, self.held = self.held, []
        due_us = self.clock.now_us + delay_s * 1_000_000 if delay_s else 0
        self.run(self.bus.outbox.give_back([one.firing.id for one in given], due_us=due_us))

    @rule(seconds=st.sampled_from([0.5, 2, 60]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(clean=st.booleans())
    def end(self, clean: bool) -> None:
        self.run(self.bus.restart() if clean else self.bus.crash())
        self.undecided = []
        self.held = []

    def teardown(self) -> None:
        try:
            if hasattr(self.bus, "bus"):
                self.decide_and_close_all()
                assert {identity.id for identity in self.appended} == {Identity(*ROAD, id).id for id in self.ids_closed()}
                assert self.run(self.bus.journal.seen(ROAD)) == len(self.appended)
                self.run(self.bus.aclose())
        finally:
            self.runner.close()
            self.folder.cleanup()

    def ids_closed(self) -> set[str]:
        return {
            identity.id
            for identity in self.appended
            if all(firing_id(trigger, [("push", identity)]) in self.closed for trigger in TRIGGERS)
        }

    def decide_and_close_all(self) -> None:
        self.end(clean=False)
        self.read(limit=1000)
        if self.undecided:
            self.commit(count=1000, keys=[None, "a"], twice=True)
        for _ in range(4 * len(self.appended) + 4):
            self.clock.advance(60)
            self.take(limit=1000, full=set())
            while self.held:
                self.settle(self.held.pop())
        assert not self.open


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_no_event_and_no_firing_is_lost(backend: str) -> None:
    machine = type("Machine", (AtLeastOnce,), {"backend": backend})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=40, deadline=None))
