"""Conditions that join events: what completes them, what is kept, what is forgotten."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import pytest
from deciding_helpers import KINDS, NOW, NoValues, a_dependency, a_sensor, a_trigger, an_event
from hypothesis import given
from hypothesis import strategies as st

from eventbus.event import Event, Recorded
from eventbus.firing import Firing, TriggerRef
from manifests.conditions import parse_conditions
from manifests.objects import ConditionsReset, Dialect, ObjectRef, TocsinTriggerHead
from sensors.compile import compile_sensor
from sensors.decide import Decider
from sensors.joins import JoinedCondition, Joins, decode, key_of, trigger_of

AT = int(NOW.timestamp() * 1_000_000)
ACT = TriggerRef("default", "sensor", "act")


def on(name: str, **fields: object):
    """A dependency on the event of the same name."""
    return a_dependency(name, eventName=name, **fields)


def joining(conditions: str = "", *names: str, triggers=None, joins: Joins | None = None, **fields: object) -> Decider:
    dependencies = [on(name) for name in names or ("a", "b")]
    declared = a_sensor(*dependencies, triggers=triggers or (a_trigger(conditions=conditions),), **fields)
    return Decider([compile_sensor(declared, KINDS, NoValues())], joins=joins)


class Log:
    """Events in order, each `a1`: the first event named a."""

    def __init__(self, decider: Decider) -> None:
        self.decider = decider
        self.position = 0
        self.records: dict[str, bytes] = {}

    def add(self, id: str, *, received_us: int | None = None, **changes: object) -> list[Firing]:
        self.position += 1
        return self.decide(an_event({}, name=id.rstrip("0123456789"), id=id, **changes), self.position, received_us)

    def decide(self, event: Event, position: int, received_us: int | None = None) -> list[Firing]:
        decided = self.decider.decide(Recorded(position, AT + position if received_us is None else received_us, event), now_us=AT)
        for change in decided.state:
            if change.value is None:
                self.records.pop(change.key, None)
            else:
                self.records[change.key] = change.value
        return list(decided.firings)

    def run(self, *ids: str) -> list[list[str]]:
        return [causes(firing) for id in ids for firing in self.add(id)]


def causes(firing: Firing) -> list[str]:
    return [cause.identity.id for cause in firing.causes]


@pytest.mark.parametrize(
    ("conditions", "came", "fired"),
    [
        ("a && b", "a1 b1", ["a1 b1"]),
        ("a && b", "b1 a1", ["a1 b1"]),
        ("a && b", "a1 a2 b1", ["a2 b1"]),
        ("a && b", "a1 b1 b2", ["a1 b1"]),
        ("a && b", "a1 b1 b2 a2", ["a1 b1", "a2 b2"]),
        ("", "a1 b1", ["a1 b1"]),
        ("a && b && c", "a1 b1 b2 c1", ["a1 b2 c1"]),
        ("(a && b) || c", "a1 c1", ["a1 c1"]),
        ("(a && b) || c", "c1 c2 a1 b1", ["c1", "c2", "a1 b1"]),
        ("a && (b || c)", "b1 c1 a1", ["a1 b1 c1"]),
        ("a || a && b", "b1 a1", ["a1 b1"]),
        ("a && a", "a1", ["a1"]),
        ("a || b", "a1 b1", ["a1", "b1"]),
    ],
)
def test_what_completes_a_condition_fires_with_all_that_has_come(conditions: str, came: str, fired: list[str]) -> None:
    log = Log(joining(conditions, "a", "b", *("c" for _ in "c" if "c" in conditions)))
    assert [" ".join(one) for one in log.run(*came.split())] == fired


def test_names_may_have_dashes_and_be_words_of_expression_languages() -> None:
    log = Log(joining("rates-published && count && in", "rates-published", "count", "in"))
    assert log.run("count1", "rates-published1", "in1") == [["count1", "in1", "rates-published1"]]


def test_two_triggers_of_one_sensor_keep_rounds_of_their_own() -> None:
    triggers = (a_trigger("one", "a && b"), a_trigger("two", "b && c", index=1), a_trigger("three", "b", index=2))
    log = Log(joining("", "a", "b", "c", triggers=triggers))
    assert log.run("a1") == []
    assert [firing.trigger.trigger for firing in log.add("b1")] == ["one", "three"]
    assert [(firing.trigger.trigger, causes(firing)) for firing in log.add("c1")] == [("two", ["b1", "c1"])]


def test_one_event_may_fill_both_sides() -> None:
    declared = a_sensor(a_dependency("a"), a_dependency("b"), triggers=(a_trigger(conditions="a && b"),))
    log = Log(Decider([compile_sensor(declared, KINDS, NoValues())]))
    [firing] = log.add("name1")
    assert [(cause.dependency, cause.identity.id) for cause in firing.causes] == [("a", "name1"), ("b", "name1")]


@pytest.mark.parametrize(
    ("conditions", "fired"),
    [
        ("a && b && c", ["c1 e1 e1"]),
        ("(a || b) && c", ["c1 e1 e1"]),
        ("a || b && c", ["e1 e1", "e2 e2"]),
        ("a && c || b", ["c1 e1 e1", "e2 e2"]),
    ],
)
def test_one_event_behind_two_dependencies_takes_part_in_one_round(conditions: str, fired: list[str]) -> None:
    declared = a_sensor(
        a_dependency("a", eventName="e"), a_dependency("b", eventName="e"), on("c"), triggers=(a_trigger(conditions=conditions),)
    )
    log = Log(Decider([compile_sensor(declared, KINDS, NoValues())]))
    came = ("e1", "e2", "c1") if conditions.startswith("a ||") else ("c1", "e1", "e2")
    assert [" ".join(sorted(one)) for one in log.run(*came)] == fired


def test_the_chain_goes_on_from_the_first_event_and_the_longest_way() -> None:
    log = Log(joining("a && b"))
    log.add("a1", correlation="start", hops=1)
    [firing] = log.add("b1", correlation="other", hops=4)
    assert (firing.correlation, firing.hops) == ("start", 5)


def test_the_order_key_is_what_the_first_dependency_gives() -> None:
    head = TocsinTriggerHead(orderBy="key")
    trigger = a_trigger(conditions="a && b")
    ordered = type(trigger)(**{name: getattr(trigger, name) for name in trigger.__slots__} | {"head": head})
    log = Log(joining("", "a", "b", triggers=(ordered,), dialect=Dialect.TOCSIN))
    log.decide(an_event({}, name="a", id="a1"), 1)
    [firing] = log.decide(an_event({"key": "k"}, name="b", id="b1"), 2)
    assert firing.order_key == "k"


def test_what_has_come_survives_a_restart_as_it_was_committed() -> None:
    log = Log(joining("a && b"))
    log.run("a1", "a2")
    again = Log(joining("a && b", joins=Joins(log.records.items())))
    again.position = log.position
    assert again.run("b1") == [["a2", "b1"]]
    assert again.records == {}


def test_deciding_again_after_a_crash_gives_the_same_firing() -> None:
    log = Log(joining("a && b"))
    log.run("a1")
    before = dict(log.records)
    [first] = log.add("b1")
    again = Log(joining("a && b", joins=Joins(before.items())))
    [second] = again.decide(an_event({}, name="b", id="b1"), 2)
    assert first.id == second.id


def test_an_edit_keeps_what_has_come_for_what_did_not_change() -> None:
    log = Log(joining("a && b && c", "a", "b", "c"))
    log.run("a1", "b1")
    edited = a_sensor(
        on("a"), on("b", data=[{"path": "x", "type": "string", "value": ["y"]}]), on("c"),
        triggers=(a_trigger(conditions=" a&&b &&  c "),), content={"edited": 1},
    )  # fmt: skip
    log.decider.apply(compile_sensor(edited, KINDS, NoValues()), since=log.position)
    assert log.run("c1") == []
    pending = log.decider.joins.pending(ACT)
    assert pending is not None
    assert [member.id for member in pending.members] == ["a1", "c1"]


def test_another_condition_begins_a_new_round() -> None:
    log = Log(joining("a && b"))
    log.run("a1")
    edited = a_sensor(on("a"), on("b"), triggers=(a_trigger(conditions="a && (b || b)"),), content={"edited": 1})
    log.decider.apply(compile_sensor(edited, KINDS, NoValues()), since=log.position)
    assert log.run("b1") == []


def test_a_transform_and_a_filter_decide_what_counts() -> None:
    declared = a_sensor(
        on("a", data=[{"path": "x", "type": "string", "value": ["^y$"]}], transform={"jq": "{x: .z}"}),
        on("b"),
        triggers=(a_trigger(conditions="a && b"),),
    )
    log = Log(Decider([compile_sensor(declared, KINDS, NoValues())]))
    assert log.decide(an_event({"z": "n"}, name="a", id="a1"), 1) == []
    assert log.decide(an_event({"z": "y"}, name="a", id="a2"), 2) == []
    assert [causes(one) for one in log.decide(an_event({}, name="b", id="b1"), 3)] == [["a2", "b1"]]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def resetting(*resets: dict[str, str]) -> Log:
    trigger = a_trigger(conditions="a && b")
    declared = tuple(ConditionsReset.model_validate({"byTime": reset}) for reset in resets)
    return Log(joining("", "a", "b", triggers=(dataclasses.replace(trigger, conditions_reset=declared),)))


@pytest.mark.parametrize(
    ("cron", "zone", "first", "second", "pairs"),
    [
        ("30 2 * * *", "", "2024-07-05T02:00Z", "2024-07-05T02:29Z", True),
        ("30 2 * * *", "", "2024-07-05T02:00Z", "2024-07-05T02:30Z", False),
        ("30 2 * * *", "", "2024-07-05T02:30Z", "2024-07-05T23:59Z", True),
        ("30 2 * * *", "", "2024-07-05T03:00Z", "2024-07-09T03:00Z", False),
        ("30 2 * * 1-5", "Asia/Singapore", "2024-07-05T18:29Z", "2024-07-05T18:31Z", True),
        ("30 2 * * 1-5", "Asia/Singapore", "2024-07-04T18:29Z", "2024-07-04T18:31Z", False),
        ("TZ=America/New_York 0 9 * * *", "", "2024-03-10T12:59Z", "2024-03-10T13:01Z", False),
        ("TZ=America/New_York 0 9 * * *", "", "2024-03-09T13:59Z", "2024-03-09T14:01Z", False),
        ("TZ=America/New_York 0 9 * * *", "", "2024-11-03T13:01Z", "2024-11-03T13:59Z", True),
    ],
)
def test_what_came_before_a_reset_is_forgotten_after_it(cron: str, zone: str, first: str, second: str, pairs: bool) -> None:
    log = resetting({"cron": cron, "timezone": zone})
    log.add("a1", received_us=at(first))
    assert bool(log.add("b1", received_us=at(second))) is pairs


def test_a_reset_while_the_service_was_down_counts() -> None:
    log = resetting({"cron": "0 * * * *"}, {"cron": "30 * * * *"})
    log.add("a1", received_us=at("2024-07-05T10:10Z"))
    again = resetting({"cron": "0 * * * *"}, {"cron": "30 * * * *"})
    again.decider.joins = Joins(log.records.items())
    again.position = 1
    assert again.add("b1", received_us=at("2024-07-05T10:31Z")) == []
    assert [causes(one) for one in again.add("a2", received_us=at("2024-07-05T10:32Z"))] == [["a2", "b1"]]


def test_a_reset_that_cannot_be_read_disables_its_trigger() -> None:
    trigger = dataclasses.replace(
        a_trigger(conditions="a && b"), conditions_reset=(ConditionsReset.model_validate({"byTime": {"cron": "61 * * * *"}}),)
    )
    sensor = compile_sensor(a_sensor(on("a"), on("b"), triggers=(trigger,)), KINDS, NoValues())
    assert not sensor.triggers
    assert sensor.problems[0].path == "spec.triggers[0].template.conditionsReset"


def test_the_events_that_are_needed_are_known() -> None:
    log = Log(joining("a && b && c", "a", "b", "c"))
    log.run("a1", "b1", "a2")
    assert log.decider.needed(AT) == {1, 2, 3}, "what a2 replaced is stored until the step is"
    log.decider.passed(3)
    assert log.decider.needed(AT) == {2, 3}
    log.run("c1")
    assert log.decider.needed(AT) == {2, 3}, "the firing is not stored yet"
    log.decider.passed(4)
    assert log.decider.needed(AT) == set()


def test_what_will_never_count_is_not_needed() -> None:
    log = resetting({"cron": "0 * * * *"})
    log.add("a1", received_us=at("2024-07-05T10:10Z"))
    assert log.decider.needed(at("2024-07-05T10:59Z")) == {1}
    assert log.decider.needed(at("2024-07-05T11:00Z")) == set()
    log.decider.remove(ObjectRef("Sensor", "default", "sensor"), until=5)
    assert log.decider.needed(at("2024-07-05T10:59Z")) == {1}, "what waits may still complete it"
    log.decider.passed(5)
    assert log.decider.needed(at("2024-07-05T10:59Z")) == set()


def test_a_key_names_its_trigger_whatever_the_names_hold() -> None:
    for trigger in (ACT, TriggerRef("n", "a/b", "c%2Fd"), TriggerRef("", "%", "/")):
        assert trigger_of(key_of(trigger)) == trigger


def test_a_record_says_what_waits() -> None:
    log = Log(joining("a && b"))
    log.run("a1")
    [value] = log.records.values()
    pending = decode(value)
    assert pending.conditions == "(a && b)"
    [member] = pending.members
    assert (member.dependency, member.position, member.received_us, member.id) == ("a", 1, AT + 1, "a1")


@pytest.mark.parametrize(
    ("conditions", "present", "missing"),
    [
        ("a && b", {"a"}, (("b",),)),
        ("a && b && c", {"b"}, (("a", "c"),)),
        ("a && (b || c)", {"a"}, (("b",), ("c",))),
        ("(a && b) || c", {"a"}, (("b",), ("c",))),
    ],
)
def test_what_is_missing_can_be_told(conditions: str, present: set[str], missing: Sequence[Sequence[str]]) -> None:
    assert JoinedCondition(parse_conditions(conditions, "abc")).missing(present) == missing


CONDITIONS = [
    "a && b",
    "a && b && c",
    "(a && b) || c",
    "a && (b || c)",
    "(a || b) && (b || c)",
    "a && b || b && c",
    "a || b && c",
]


@given(st.sampled_from(CONDITIONS), st.lists(st.sampled_from("abc"), max_size=40), st.integers(min_value=0, max_value=40))
def test_it_pairs_what_a_slow_and_obvious_reading_pairs(conditions: str, names: list[str], restart: int) -> None:
    ids = [f"{name}{number}" for number, name in enumerate(names)]
    expected, held = [], {}
    for name, id in zip(names, ids, strict=True):
        if name not in conditions:
            continue
        held[name] = id
        if eval(conditions.replace("&&", "and").replace("||", "or"), {one: one in held for one in "abc"}):
            expected.append([held[one] for one in sorted(held)])
            held = {}
    log = Log(joining(conditions, "a", "b", "c"))
    fired = log.run(*ids[:restart])
    again = Log(joining(conditions, "a", "b", "c", joins=Joins(log.records.items())))
    again.position = log.position
    assert fired + again.run(*ids[restart:]) == expected
