"""Rules that take long: which they are, what asks them beside the loop, and the same answer wherever it comes from."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, an_event, recorded

from eventbus.contract import DependencyRef
from eventbus.event import Road
from manifests.objects import ObjectRef
from sensors.beside import wire
from sensors.beside.answering import Answering
from sensors.beside.asking import Asking, Taken
from sensors.beside.heavy import BESIDE_S, LIGHT_AFTER, PLACES, Heavy
from sensors.beside.helper import Helper
from sensors.bound import EventView
from sensors.compile import CompiledSensor, compile_sensor
from sensors.decide import Decided, Decider
from sensors.erring import IN_A_ROW
from sensors.filters.held import Held

ROAD = Road("default", "source", "name")
REF = DependencyRef("default", "sensor", "dep")
DATA = {"s": "a" * 2000, "n": 7, "l": list(range(50))}
LOOP = "{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}x{{ end }}{{ end }}{{ end }}"
TEXTS = ("^a+$", "^never$")
RULES: dict[str, dict[str, Any]] = {
    **{f"data: {text}": {"filters": {"data": [{"path": "s", "type": "string", "value": [text]}]}} for text in TEXTS},
    "data: nothing there": {"filters": {"data": [{"path": "x", "type": "number", "value": ["7"]}]}},
    "a template": {"filters": {"data": [{"path": "n", "type": "string", "value": ["^14$"], "template": "{{ mul .Input 2 }}"}]}},
    "a template's moment": {
        "filters": {"data": [{"path": "n", "type": "string", "value": ["^1970$"], "template": '{{ now | date "2006" }}'}]}
    },
    "a template in a loop": {"filters": {"data": [{"path": "s", "type": "string", "value": ["^n$"], "template": LOOP}]}},
    "an expression": {"filters": {"exprs": [{"expr": "n > 6", "fields": [{"name": "n", "path": "n"}]}]}},
    "a script": {"filters": {"script": "return event.n == 7"}},
    "a script that says no": {"filters": {"script": "return event.n == 8"}},
    "a script that fails": {"filters": {"script": "return event.a.b == 1"}},
    "a script in a loop": {"filters": {"script": "while true do end"}},
    "jq": {"transform": {"jq": "{n: (.n * 2), at: now}"}, "filters": {"script": "return event.n == 14"}},
    "jq that fails": {"transform": {"jq": 'error("no")'}},
    "a script's table": {"transform": {"script": "return {m = event.n}"}, "filters": {"script": "return event.m == 7"}},
}


def compiled(rule: dict[str, Any], **options: Any) -> CompiledSensor:
    return compile_sensor(a_sensor(a_dependency(**rule), content=rule, **options), KINDS, NoValues())


def sent(message: Any, decode: Callable[[bytes], Any]) -> Any:
    """`message` as the other side reads it."""
    return decode(wire.frame(message)[wire.LENGTH.size :])


def beside(asking: Asking, *, most: int = 99) -> Taken:
    """What a helper answers, up to its first `most` answers, by way of everything that is sent."""
    answering = Answering()
    declared = {number: one.dependency.declared.model_dump_json(by_alias=True).encode() for number, one in numbered(asking)}
    assert sent(answering.answer(sent(wire.Learn(declared, False), wire.asked)), wire.answers) == []
    rules = [wire.Rule(number, one.share, one.reason) for number, one in numbered(asking)]
    ask = wire.Ask(asking.view.event, asking.view.now_us, rules)
    found: wire.Answers = sent(answering.answer(sent(ask, wire.asked)), wire.answers)
    return found[:most]


def numbered(asking: Asking) -> Sequence[tuple[int, Any]]:
    return list(enumerate(asking.questions))


def decided(made: Decider, answer: Callable[[Asking], Taken | None], position: int = 1, data: object = DATA) -> Decided:
    """What is decided where `answer` is asked whatever takes long."""
    slices, answers = made.slices(recorded(an_event(data), position), now_us=7), None
    while True:
        try:
            wish = slices.send(answers)
        except StopIteration as ended:
            return ended.value
        answers = answer(wish) if isinstance(wish, Asking) else None


def all_heavy(*sensors: CompiledSensor) -> Decider:
    made = Decider(sensors)
    made.heavy.rules = {one.ref: LIGHT_AFTER for sensor in sensors for one in sensor.dependencies}
    return made


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_a_rule_answers_beside_the_loop_is_what_it_answers_in_it(rule: dict[str, Any]) -> None:
    here, there = Decider([compiled(rule)]).decide(recorded(an_event(DATA)), now_us=7), decided(all_heavy(compiled(rule)), beside)
    assert (there.firings, there.matched, there.errors) == (here.firings, here.matched, here.errors)
    assert here.view is not None
    assert there.view is not None
    made = [[one.event for one in view.transformed.values() if isinstance(one, EventView)] for view in (here.view, there.view)]
    assert made[1] == (made[0] if here.matched else [])


def test_what_is_not_answered_beside_is_asked_in_the_loop() -> None:
    sensors = [compiled(RULES["a script"], name=f"sensor-{n}") for n in range(3)]
    for answer in (lambda _: (), lambda _: [None, None, None], lambda _: None):
        assert len(decided(all_heavy(*sensors), answer).firings) == 3


def test_a_rule_that_breaks_beside_is_asked_in_the_loop_where_it_is_seen() -> None:
    broken = wire.Answer(None, 0.001)
    assert len(decided(all_heavy(compiled(RULES["a script"])), lambda _: [broken]).firings) == 1


def test_a_helper_that_had_enough_is_asked_for_the_rest() -> None:
    sensors = [compiled(RULES["a script"], name=f"sensor-{n}") for n in range(5)]
    asked: list[int] = []

    def two_at_a_time(asking: Asking) -> Taken:
        asked.append(len(asking.questions))
        return beside(asking, most=2)

    assert len(decided(all_heavy(*sensors), two_at_a_time).firings) == 5
    assert asked == [5, 3, 1]


def test_a_helper_begins_no_further_rule_after_it_has_taken_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.beside.answering.ENOUGH_S", 0.0)
    sensors = [compiled(RULES["a script"], name=f"sensor-{n}") for n in range(2)]
    asked: list[int] = []

    def one_at_a_time(asking: Asking) -> Taken:
        asked.append(len(asking.questions))
        return beside(asking)

    assert len(decided(all_heavy(*sensors), one_at_a_time).firings) == 2
    assert asked == [2, 1]


def test_failures_beside_are_counted_and_the_reason_is_asked_as_seldom_as_in_the_loop() -> None:
    made, reasons = all_heavy(compiled(RULES["a script that fails"])), []

    def told(asking: Asking) -> Taken:
        reasons.append(asking.questions[0].reason)
        return beside(asking)

    for position in range(1, IN_A_ROW + 1):
        assert decided(made, told, position).errors == [REF]
    assert "attempt to index" in made.erring.failing()[REF].reason
    assert reasons == [False] * (IN_A_ROW - 1) + [True]


def test_a_rule_that_is_cut_off_beside_again_and_again_gets_less_time_there() -> None:
    made, shares = all_heavy(compiled(RULES["a template in a loop"])), []

    def told(asking: Asking) -> Taken:
        shares.append(asking.questions[0].share)
        return beside(asking)

    for position in range(1, 6):
        assert decided(made, told, position).errors == [REF]
    assert shares[0] == 1.0
    assert shares[-1] < 0.1
    assert made.erring.slow[REF].longest_s > 0.02


def test_rules_that_take_long_are_found_by_their_second_event_and_by_nothing_that_only_seemed_long() -> None:
    made = Decider([compiled(RULES["a template in a loop"])])
    made.decide(recorded(an_event(DATA), 1), now_us=1)
    assert (list(made.heavy.suspected), made.heavy.rules) == ([ROAD], {})
    made.decide(recorded(an_event(DATA), 2), now_us=2)
    assert (list(made.heavy.suspected), made.heavy.rules) == ([], {REF: LIGHT_AFTER})
    quick = Decider([compiled(RULES["data: ^a+$"])])
    quick.heavy.suspect(ROAD)  # as where the machine did something else meanwhile
    quick.decide(recorded(an_event(DATA), 1), now_us=1)
    assert (list(quick.heavy.suspected), quick.heavy.rules) == ([], {})


def test_who_asks_rules_beside_is_told_as_soon_as_there_is_one_that_takes_long() -> None:
    made, told = Decider([compiled(RULES["a template in a loop"])]), []
    made.heavy.found = lambda: told.append("found")
    made.decide(recorded(an_event(DATA), 1), now_us=1)
    assert told == []
    made.decide(recorded(an_event(DATA), 2), now_us=2)
    assert told == ["found"]


def test_many_rules_that_take_long_together_are_found_too() -> None:
    rule = {
        "filters": {"data": [{"path": "s", "type": "string", "value": ["^n$"], "template": "{{ repeat 30 .Input | sha256sum }}"}]}
    }
    made = Decider([compiled(rule, name=f"sensor-{n}") for n in range(200)])
    for position in (1, 2):
        made.decide(recorded(an_event(DATA), position), now_us=1)
    assert len(made.heavy.rules) > 100


def test_rules_that_became_light_are_asked_in_the_loop_again() -> None:
    heavy = Heavy()
    heavy.note([REF], BESIDE_S)
    for _ in range(LIGHT_AFTER - 1):
        heavy.note([REF], 0.0)
    assert REF in heavy.rules
    heavy.note([REF], 0.0)
    assert heavy.rules == {}


def test_what_is_declared_anew_is_asked_in_the_loop_first() -> None:
    made = all_heavy(compiled(RULES["a script"]))
    made.apply(compiled(RULES["a script that says no"]))
    assert made.heavy.rules == {}
    made.heavy.rules[REF] = LIGHT_AFTER
    made.remove(ObjectRef("Sensor", "default", "sensor"))
    assert made.heavy.rules == {}


def test_no_more_rules_and_roads_are_told_apart_than_there_is_room_for() -> None:
    heavy = Heavy()
    for number in range(PLACES + 5):
        heavy.suspect(Road("default", "source", str(number)))
        heavy.note([REF._replace(dependency=str(number))], 1.0)
    assert len(heavy.suspected) == len(heavy.rules) == PLACES


# ---- the process itself ----------------------------------------------------------------------------------------------


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
