"""Rules that do nothing but fail, and rules that take long, are known by name."""

import dataclasses

import pytest
from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, a_trigger, an_event

from eventbus.contract import DependencyRef
from eventbus.event import Recorded
from manifests.objects import ObjectRef
from sensors import erring
from sensors.bound import EventView
from sensors.compile import CompiledSensor, compile_sensor
from sensors.decide import Decided, Decider
from sensors.erring import IN_A_ROW, PLACES, Erring
from sensors.filters.held import Held
from sensors.languages.gjson import compile_path
from sensors.languages.time_limit import share

REF = DependencyRef("default", "sensor", "dep")


def decider(**filters: object) -> Decider:
    return Decider([compiled(**filters)])


def compiled(**filters: object) -> CompiledSensor:
    return compile_sensor(a_sensor(a_dependency(filters=filters), content={"filters": filters}), KINDS, NoValues())


def decide(made: Decider, *data: object) -> None:
    for position, one in enumerate(data, 1):
        made.decide(Recorded(position, position, an_event(one)), now_us=position)


def test_a_rule_that_fails_on_every_event_is_named_with_its_reason_since_the_first() -> None:
    made = decider(script="return event.a.b == 1")
    decide(made, *[{}] * (IN_A_ROW - 1))
    assert made.erring.failing() == {}
    decide(made, {})
    (found,) = made.erring.failing().values()
    assert (found.count, found.since_us) == (IN_A_ROW, 1)
    assert "attempt to index" in found.reason


def test_one_answer_in_between_shows_that_the_rule_works() -> None:
    made = decider(script="return event.a.b == 1")
    decide(made, *[{}] * IN_A_ROW, {"a": {"b": 2}})
    assert made.erring.streaks == {}


def test_events_that_only_have_no_such_value_are_no_fault_of_the_rule() -> None:
    made = decider(data=[{"path": "n", "type": "number", "comparator": ">", "value": ["1"]}])
    decided = made.decide(Recorded(1, 1, an_event({})), now_us=1)
    assert (decided.errors, made.erring.streaks) == ([], {})


def test_what_is_declared_anew_begins_anew() -> None:
    made = decider(script="return event.a.b == 1")
    decide(made, *[{}] * IN_A_ROW)
    made.apply(compiled(script="return event.a == 1"))
    assert made.erring.streaks == {}
    decide(made, *[{}] * 3)
    made.remove(ObjectRef("Sensor", "default", "sensor"))
    assert made.erring.streaks == {}


def test_a_rule_that_takes_long_is_named_and_others_run_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.decide.SLOW_S", -1.0)
    monkeypatch.setattr("sensors.decide.WORTH_S", -1.0)
    monkeypatch.setattr("sensors.decide.SLICE_S", -1.0)
    made = decider(script="return true")
    assert len(list(made.slices(Recorded(1, 1, an_event({})), now_us=7))) == 1
    (slow,) = made.erring.slow.values()
    assert (slow.count, slow.since_us, slow.last_us) == (1, 7, 7)


def test_no_more_places_are_told_apart_than_there_is_room_for() -> None:
    known = Erring()
    for number in range(PLACES + 5):
        known.erred(REF._replace(dependency=str(number)), lambda: "why", 1)
        known.took(REF._replace(dependency=str(number)), 1.0, 1)
    assert len(known.streaks) == len(known.slow) == PLACES


def test_a_reason_that_cannot_be_had_is_said_so() -> None:
    known = Erring()

    def breaks() -> str:
        raise ValueError("no reason")

    for _ in range(erring.IN_A_ROW):
        known.erred(REF, breaks, 1)
    assert known.streaks[REF].reason == "the rule broke: ValueError: no reason"


def test_the_reason_of_a_rule_that_is_cut_off_again_and_again_is_asked_in_no_more_time() -> None:
    made, given = decider(script="return event.a.b == 1"), []
    (sensor,) = made.sensors.values()

    class Failing:
        needs = None

        def holds(self, view: EventView) -> Held:
            return Held.ERROR

        def why(self, view: EventView) -> str:
            given.append(share())
            return "cut off"

    dependency = dataclasses.replace(sensor.dependencies[0], clause=Failing())
    made.apply(dataclasses.replace(sensor, revision="other", dependencies=(dependency,)))
    made.erring.overruns[REF] = erring.HURRIED_AFTER
    decide(made, *[{}] * IN_A_ROW)
    assert given == [erring.HURRIED]


QUERY = '#(name=="last").n'
BY_QUERY = [{"path": QUERY, "type": "number", "value": ["7"]}]
ITEMS = [{"name": f"n{n}", "n": n} for n in range(4000)] + [{"name": "last", "n": 7}]


def searched(made: Decider, data: object) -> tuple[Decided, int]:
    """What is decided where a thread does all that it may do, and how often it does something."""
    steps = made.slices(Recorded(1, 1, an_event(data)), now_us=1)
    searches = 0
    while True:
        try:
            search = next(steps)
        except StopIteration as ended:
            return ended.value, searches
        if search is not None:
            searches += 1
            search()


def test_a_query_on_a_large_event_may_be_answered_by_a_thread_beforehand() -> None:
    made = decider(data=BY_QUERY)
    decided, searches = searched(made, ITEMS)
    assert ([ref.dependency for ref in decided.matched], searches) == (["dep"], 2)
    assert decided.view is not None
    assert decided.view.looked(compile_path(QUERY))
    assert len(made.decide(Recorded(2, 2, an_event(ITEMS)), now_us=2).matched) == 1, "and the same where nobody did"


def test_so_may_one_on_what_a_transform_makes_of_it() -> None:
    clause = {"path": f"items.{QUERY}", "type": "number", "value": ["7"]}
    dependency = a_dependency(filters={"data": [clause]}, transform={"jq": "{items: .all}"})
    made = Decider([compile_sensor(a_sensor(dependency), KINDS, NoValues())])
    decided, searches = searched(made, {"all": ITEMS})
    assert ([ref.dependency for ref in decided.matched], searches) == (["dep"], 2)
    assert len(made.decide(Recorded(2, 2, an_event({"all": ITEMS})), now_us=2).matched) == 1


def test_a_transform_that_fails_on_a_large_event_is_an_error_of_its_rule() -> None:
    dependency = a_dependency(filters={"data": BY_QUERY}, transform={"jq": "error"})
    decided, searches = searched(Decider([compile_sensor(a_sensor(dependency), KINDS, NoValues())]), ITEMS)
    assert ([ref.dependency for ref in decided.errors], searches) == (["dep"], 1)


def test_so_may_the_value_that_orders_firings() -> None:
    sensor = a_sensor(a_dependency(), triggers=(a_trigger(conditions="dep", orderBy=QUERY),))
    decided, searches = searched(Decider([compile_sensor(sensor, KINDS, NoValues())]), ITEMS)
    assert ([firing.order_key for firing in decided.firings], searches) == (["7"], 2)


def test_a_small_event_is_searched_at_once() -> None:
    made = decider(data=[{"path": '#(name=="last").n', "type": "number", "value": ["7"]}])
    steps = list(made.slices(Recorded(1, 1, an_event([{"name": "last", "n": 7}])), now_us=1))
    assert [step for step in steps if step is not None] == []
