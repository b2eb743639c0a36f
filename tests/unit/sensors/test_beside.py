"""Rules that take long: which they are, what is asked beside the loop, and the same answer wherever it comes from."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from beside_helpers import DATA, RULES, compiled
from deciding_helpers import an_event, recorded

from eventbus.contract import DependencyRef
from eventbus.event import Road
from manifests.objects import ObjectRef
from sensors.beside import wire
from sensors.beside.answering import Answering
from sensors.beside.asking import Asking, Taken
from sensors.beside.heavy import BESIDE_S, LIGHT_AFTER, PLACES, Heavy
from sensors.bound import EventView
from sensors.compile import CompiledSensor
from sensors.decide import Decided, Decider
from sensors.erring import IN_A_ROW

ROAD = Road("default", "source", "name")
REF = DependencyRef("default", "sensor", "dep")


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
        "filters": {
            "data": [{"path": "s", "type": "string", "value": ["^n$"], "template": "{{ repeat 200 .Input | sha256sum }}"}]
        }
    }
    made = Decider([compiled(rule, name=f"sensor-{n}") for n in range(40)])
    for position in (1, 2):
        made.decide(recorded(an_event(DATA), position), now_us=1)
    assert len(made.heavy.rules) > 30


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
