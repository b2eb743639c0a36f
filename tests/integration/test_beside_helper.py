"""The process that asks rules beside the event loop: started, asked, lost, and started again."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from beside_helpers import DATA, RULES, compiled
from deciding_helpers import an_event, recorded

from sensors.beside import wire
from sensors.beside.asking import Asking, Taken
from sensors.beside.heavy import LIGHT_AFTER
from sensors.beside.helper import Helper
from sensors.bound import EventView
from sensors.compile import CompiledSensor
from sensors.decide import Decider
from sensors.filters.held import Held


class Beside:
    """A helper that runs, and what it answers."""

    def __init__(self, helper: Helper) -> None:
        self.helper = helper

    async def ask(self, *sensors: CompiledSensor, event: object = DATA, **changes: Any) -> Taken:
        questions = [_question(sensor) for sensor in sensors]
        return await self.helper.ask(Asking(EventView(an_event(event, **changes), now_us=7), questions))

    async def knows(self, *sensors: CompiledSensor) -> Taken:
        """The answers, once it knows the rules of `sensors`."""
        async with asyncio.timeout(60):
            while not all(answers := [*await self.ask(*sensors), None][: len(sensors)]):
                await asyncio.sleep(0.01)
        return answers


def _question(sensor: CompiledSensor) -> Any:
    made = Decider([sensor])
    (asking,) = [wish for wish in _wishes(made) if isinstance(wish, Asking)]
    return asking.questions[0]


def _wishes(made: Decider) -> Sequence[object]:
    made.heavy.rules = {one.ref: LIGHT_AFTER for sensor in made.sensors.values() for one in sensor.dependencies}
    return [next(made.slices(recorded(an_event(DATA)), now_us=7))]


async def running(helper: Helper, use: Callable[[Beside], Any]) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(helper.run())
        try:
            await use(Beside(helper))
        finally:
            helper.stop()


async def test_a_helper_answers_once_it_has_learnt_a_rule_and_nobody_waits_for_that() -> None:
    one, other = compiled(RULES["a script"]), compiled(RULES["jq"], name="other")

    async def use(beside: Beside) -> None:
        assert not any(await beside.ask(one)), "it is not there yet"
        (answer,) = await beside.knows(one)
        assert Held(answer.held) is Held.YES
        first, second = await beside.ask(other, one)
        assert first is None, "one that it does not know is asked in the loop"
        assert second is not None
        (made, _) = await beside.knows(other, one)
        assert made.data == b'{"at":0.000007,"n":14}'

    await running(Helper(), use)


async def test_a_helper_that_is_told_of_one_starts_before_it_is_asked() -> None:
    async def use(beside: Beside) -> None:
        beside.helper.make_ready()
        async with asyncio.timeout(60):
            while beside.helper._pipe is None:
                await asyncio.sleep(0.01)

    await running(Helper(), use)


async def test_the_loop_goes_on_while_a_rule_runs_to_its_limit_beside_it() -> None:
    bad = compiled(RULES["a template in a loop"])

    async def use(beside: Beside) -> None:
        await beside.knows(bad)
        began = time.thread_time()
        (answer,) = await beside.ask(bad)
        assert Held(answer.held) is Held.ERROR
        assert answer.processor_s > 0.04
        assert time.thread_time() - began < answer.processor_s / 4

    await running(Helper(), use)


async def test_a_rule_that_gets_less_time_is_cut_off_within_it_to_the_millisecond() -> None:
    bad = compiled(RULES["a template in a loop"])

    async def use(beside: Beside) -> None:
        await beside.knows(bad)
        taken = []
        for _ in range(5):
            view = EventView(an_event(DATA), now_us=7)
            (answer,) = await beside.helper.ask(Asking(view, [_question(bad)._replace(share=0.05)]))
            taken.append(answer.processor_s)
        assert 0.002 < min(taken) < 0.007, "ticks of four milliseconds would make it twelve"

    await running(Helper(), use)


async def test_a_helper_that_was_killed_is_missed_by_nobody_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.beside.helper.FIRST_PAUSE_S", 0.01)
    one = compiled(RULES["a script"])

    async def use(beside: Beside) -> None:
        await beside.knows(one)
        pipe = beside.helper._pipe
        assert pipe is not None
        pipe.process.kill()
        assert not any(await beside.ask(one)), "the loop asks meanwhile"
        await beside.knows(one)
        assert beside.helper._pipe is not pipe

    await running(Helper(), use)


async def test_a_helper_that_cannot_start_or_says_nonsense_leaves_all_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.beside.helper.FIRST_PAUSE_S", 0.001)
    one = compiled(RULES["a script"])

    async def use(beside: Beside) -> None:
        for _ in range(20):
            assert not any(await beside.ask(one))
            await asyncio.sleep(0.005)

    for command in (("/nowhere/at/all",), ("/bin/echo", "no frame at all"), ("/bin/false",)):
        await running(Helper(command), use)


async def test_what_cannot_be_sent_is_asked_in_the_loop_and_the_helper_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    one = compiled(RULES["a script"])

    async def use(beside: Beside) -> None:
        await beside.knows(one)
        assert not any(await beside.ask(one, id="\ud800"))
        assert all(await beside.ask(one))
        monkeypatch.setattr(wire, "MAX_DATA_BYTES", 10)
        assert not any(await beside.ask(one))

    await running(Helper(), use)


async def test_who_gives_up_asking_leaves_no_answer_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.beside.helper.FIRST_PAUSE_S", 0.01)
    bad, good = compiled(RULES["a template in a loop"]), compiled(RULES["a script"], name="good")

    async def use(beside: Beside) -> None:
        await beside.knows(bad)
        await beside.knows(good)
        asking = asyncio.ensure_future(beside.ask(bad))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        (answer,) = await beside.knows(good)
        assert Held(answer.held) is Held.YES

    await running(Helper(), use)


async def test_a_helper_that_knows_many_rules_forgets_all_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.beside.helper.KNOWN", 2)
    rules = [compiled({"filters": {"script": f"return event.n == {n}"}}, name=f"sensor-{n}") for n in range(5, 9)]

    async def use(beside: Beside) -> None:
        found = [(await beside.knows(one))[0] for one in rules]
        assert [Held(answer.held) for answer in found if answer] == [Held.NO, Held.NO, Held.YES, Held.NO]
        assert len(beside.helper._numbers) <= 2

    await running(Helper(), use)
