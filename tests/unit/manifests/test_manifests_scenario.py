"""Moments and answers of scenarios, as they are written."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_toys import toy_kinds
from pydantic import TypeAdapter

from manifests.fields import parse_duration
from manifests.load import load_text
from manifests.objects import ObjectRef, Scenario
from manifests.scenario_fields import Answers
from manifests.scenario_times import parse_moment
from manifests.schema import json_schema

HEAD = "apiVersion: tocsin.dev/v1\nkind: Scenario\nmetadata: {name: one}\nspec:\n"


def scenario(spec: str) -> Scenario:
    loaded = load_text(HEAD + spec, toy_kinds(), file="s.yaml")
    assert loaded.problems == ()
    return loaded.scenarios[ObjectRef("Scenario", "default", "one")]


def test_moments_count_from_the_start_from_the_step_before_or_are_times() -> None:
    found = scenario("""
  start: 2026-01-01T10:00:00+01:00
  given:
    - {expect: {}}
    - {at: +5m, expect: {}}
    - {at: 7m, event: {source: a, name: b}, repeat: 3, every: 1m}
    - {at: +1m, restart: 30s}
    - {at: +0s, expect: {}}
    - {at: 2026-01-01T10:00:00Z, expect: {}}
  until: +1h
""")
    seconds = [step.at.total_seconds() for step in found.steps]
    assert seconds == [0, 300, 420, 600, 630, 3600]
    assert found.until == timedelta(hours=2)
    assert found.spec.start == datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    "text", ["", "soon", "5", "-5m", "+-5m", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", 5, None]
)
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"expected|time"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00.000+00:00"])
def test_a_time_has_a_zone(text: str) -> None:
    assert parse_moment(text).time == datetime(2026, 1, 1, tzinfo=UTC)


def test_answers_have_short_forms() -> None:
    read = TypeAdapter(Answers).validate_python
    assert [one.status for one in read([200, {"status": 503}])] == [200, 503]
    assert [one.unavailable for one in read("unavailable")] == ["unavailable"]
    assert read("ok")[0].model_fields_set == set()
    assert read(["hang"])[0].hangs


def test_a_scenario_is_declared_in_our_dialect_only() -> None:
    text = (HEAD + "  given: [{restart: true}]\n  expect: {}\n").replace("tocsin.dev/v1", "argoproj.io/v1alpha1")
    (problem,) = load_text(text, toy_kinds(), file="s.yaml").problems
    assert str(problem) == "s.yaml:1:13: apiVersion: unknown version 'argoproj.io/v1alpha1' of Scenario; expected 'tocsin.dev/v1'"


def test_a_slip_in_the_kind_is_named() -> None:
    text = (HEAD + "  given: [{restart: true}]\n  expect: {}\n").replace("kind: Scenario", "kind: Scenarios")
    (problem,) = load_text(text, toy_kinds(), file="s.yaml").problems
    assert "did you mean 'Scenario'?" in problem.message


def test_the_schema_takes_the_short_forms() -> None:
    schema = json_schema("scenario", toy_kinds())
    assert schema["properties"]["apiVersion"] == {"enum": ["tocsin.dev/v1"]}
    defined = schema["$defs"]
    assert {"type": "integer"} in defined["Answer"]["anyOf"]
    targets = defined["ScenarioSpec"]["properties"]["targets"]["additionalProperties"]["anyOf"]
    assert targets[0] == {"$ref": "#/$defs/Answer"}
    assert defined["Step"]["properties"]["restart"]["type"] == ["boolean", "string"]
    with pytest.raises(ValueError, match="no kind 'scenario'"):
        json_schema("scenario", toy_kinds(), api_version="argoproj.io/v1alpha1")


@pytest.mark.parametrize("value", ["99999999999999h", "-99999999999999h", 10**30, -(10**400), "9" * 400 + "s"])
def test_a_duration_that_no_clock_can_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="at most 290 years"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "seconds"), [(1_500_000, 0.0015), (-(10**9), -1), ("1h30m", 5400), ("290h", 1_044_000), ("0", 0)]
)
def test_other_durations_are_what_they_say(value: object, seconds: float) -> None:
    assert parse_duration(value) == timedelta(seconds=seconds)


WHOLE: dict[str, Any] = {
    "manifests": ["."],
    "start": "2026-01-01T00:00:00Z",
    "calendars": True,
    "targets": {"s/t": [503, "ok", {"status": 429, "retryAfter": "3s", "times": 2, "after": "1s"}, {"refused": "x"}]},
    "given": [
        {"event": {"source": "a", "name": "b", "id": "1", "time": None, "data": {"c": [1]}}, "repeat": 3, "every": "1s"},
        {"at": "+5m", "restart": True},
        {"at": "10m", "anyOrder": [{"source": "a", "name": "b", "text": "{}"}, {"source": "a", "name": "b", "base64": "e30="}]},
        {"manifests": ["v2"]},
        {
            "expect": {
                "firings": [{"trigger": "s/t", "events": [1], "at": "0s", "tried": ["0s"], "request": {"a": 1}}],
                "repeats": 1,
            }
        },
    ],
    "until": "1h",
    "expect": {"notFired": [{"event": "a", "reason": "x"}], "deadLetters": [{"trigger": "s/t", "exactly": False}]},
}
ODD = [
    None,
    True,
    -1,
    10**400,
    1.5,
    "",
    "5m",
    "+5m",
    "-5m",
    "290000h",
    "9" * 400 + "h",
    [],
    {},
    [None],
    {"a": 1},
    "\u2028é",
    2001,
]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


@given(st.sampled_from(list(paths(WHOLE))), st.sampled_from(ODD), st.booleans())
def test_whatever_stands_there_is_read_or_named_with_its_place(path: tuple[Any, ...], odd: Any, leave_out: bool) -> None:
    spec = inner = copy.deepcopy(WHOLE)
    for part in path[:-1]:
        inner = inner[part]
    if leave_out:
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    document = {"apiVersion": "tocsin.dev/v1", "kind": "Scenario", "metadata": {"name": "one"}, "spec": spec}
    loaded = load_text(json.dumps(document), toy_kinds(), file="s.yaml")
    assert bool(loaded.scenarios) != bool(loaded.problems)
    assert all(problem.line == 1 and problem.path.startswith("spec") for problem in loaded.problems)
