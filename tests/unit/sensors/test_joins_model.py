"""Joined conditions against a slow and obvious reading: shared events, resets and restarts in any order."""

import dataclasses
from collections.abc import Mapping
from functools import cache

from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, a_trigger, an_event
from hypothesis import given
from hypothesis import strategies as st

from eventbus.event import Recorded
from manifests.objects import ConditionsReset
from sensors.compile import CompiledSensor, compile_sensor
from sensors.decide import Decider
from sensors.joins import Joins

DEPENDENCIES = {"a": "left", "b": "right", "c": "both", "d": "both"}
"""Each with the name of the event it waits for: `both` fills two."""
CONDITIONS = [
    "a && b",
    "",
    "a && c",
    "(a || c) && (b || d)",
    "a && b || c && d",
    "c || a && b",
    "a && (b || c) || b && d",
]
HOUR_US = 3_600_000_000


@cache
def compiled(conditions: str, *, resets: bool) -> CompiledSensor:
    reset = (ConditionsReset.model_validate({"byTime": {"cron": "0 * * * *"}}),) if resets else ()
    trigger = dataclasses.replace(a_trigger(conditions=conditions), conditions_reset=reset)
    dependencies = [a_dependency(name, eventName=event) for name, event in DEPENDENCIES.items()]
    return compile_sensor(a_sensor(*dependencies, triggers=(trigger,)), KINDS, NoValues())


def holds(conditions: str, held: Mapping[str, object]) -> bool:
    text = conditions or "a && b && c && d"
    return bool(eval(text.replace("&&", "and").replace("||", "or"), {name: name in held for name in DEPENDENCIES}))


@given(
    st.sampled_from(CONDITIONS),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(["left", "right", "both"]), st.integers(0, 40), st.booleans()), max_size=30),
)
def test_what_fires_is_what_a_slow_and_obvious_reading_fires(
    conditions: str, resets: bool, came: list[tuple[str, int, bool]]
) -> None:
    """`came`: an event, the minutes that pass before it, and whether the process is killed after it."""
    mentioned = [name for name in DEPENDENCIES if name in (conditions or "abcd")]
    decider = Decider([compiled(conditions, resets=resets)])
    stored: dict[str, bytes] = {}
    held: dict[str, tuple[int, int]] = {}
    now_us = 480_000 * HOUR_US
    for position, (event, minutes, killed) in enumerate(came, 1):
        now_us += minutes * HOUR_US // 60
        arrived = {name: (position, now_us) for name in mentioned if DEPENDENCIES[name] == event}
        expected = []
        if arrived:
            held = {name: one for name, one in held.items() if not resets or one[1] // HOUR_US == now_us // HOUR_US} | arrived
        if arrived and holds(conditions, held):
            expected, held = [sorted((name, one[0]) for name, one in held.items())], {}
        recorded = Recorded(position, now_us, an_event({}, name=event, id=str(position)))
        decided = decider.decide(recorded, now_us=now_us)
        assert [[cause[:2] for cause in firing.causes] for firing in decided.firings] == expected
        again = Decider([compiled(conditions, resets=resets)], joins=Joins(stored.items())).decide(recorded, now_us=now_us)
        assert [one.id for one in again.firings] == [one.id for one in decided.firings], "killed before the step was stored"
        for change in decided.state:
            stored = {change.key: change.value} if change.value is not None else {}  # there is but one trigger
        if killed:
            decider = Decider([compiled(conditions, resets=resets)], joins=Joins(stored.items()))
        else:
            decider.passed(position)
        counting = {one[0] for one in held.values() if not resets or one[1] // HOUR_US == now_us // HOUR_US}
        assert counting <= decider.needed(now_us)


def test_a_condition_over_49_dependencies_stays_small() -> None:
    names = [f"d{number}" for number in range(49)]
    sensor = a_sensor(*[a_dependency(name, eventName=name) for name in names], triggers=(a_trigger(),))
    decider = Decider([compile_sensor(sensor, KINDS, NoValues())])
    fired, largest = [], 0
    for position, name in enumerate([*names[:-1] * 20, names[-1]], 1):
        decided = decider.decide(Recorded(position, 0, an_event({}, name=name, id=str(position))), now_us=0)
        largest = max([largest, *(len(change.value) for change in decided.state if change.value is not None)])
        fired += decided.firings
        decider.passed(position)
        assert len(decider.needed(0)) < 49
    (firing,) = fired
    assert len(firing.causes) == 49
    assert largest < 49 * 120
