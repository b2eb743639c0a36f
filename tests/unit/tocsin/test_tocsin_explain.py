"""Why an event matched nothing: the clause and the value it saw for every kind of filter, as `simulate` and `explain` say it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from eventbus.contract import Decisions
from eventbus.event import Event
from eventbus.memory.bus import MemoryBus
from manifests.objects import ObjectRef
from tocsin.cli.root import tocsin
from tocsin.cli.storytext import explain_text
from tocsin.sensor_pauses import SensorPause
from tocsin.story import explain

DATA = {"body": {"ref": "refs/heads/dev", "n": 5, "ok": False, "tags": ["a", "b"]}}
TIME = "2024-05-06T07:08:09Z"


def clause(path: str, kind: str, *values: str, **more: str) -> dict[str, Any]:
    return {"path": f"body.{path}", "type": kind, "value": list(values), **more}


def expr(text: str, **paths: str) -> dict[str, Any]:
    return {"expr": text, "fields": [{"name": name, "path": f"body.{path}"} for name, path in paths.items()]}


REASONS: list[tuple[str, dict[str, Any], str]] = [
    (
        "text",
        {"filters": {"data": [clause("ref", "string", "^main$")]}},
        'data body.ref: "refs/heads/dev" matches none of ["^main$"]',
    ),
    (
        "other text",
        {"filters": {"data": [clause("ref", "string", "d", comparator="!=")]}},
        'data body.ref: "refs/heads/dev" matches all of ["d"]',
    ),
    (
        "number",
        {"filters": {"data": [clause("n", "number", "7", comparator=">")]}},
        'data body.n: 5 is greater than none of ["7"]',
    ),
    ("truth", {"filters": {"data": [clause("ok", "bool", "true")]}}, 'data body.ok: false is none of ["true"]'),
    ("nothing there", {"filters": {"data": [clause("no", "string", "x")]}}, "data body.no: there is no such value in the event"),
    (
        "template",
        {"filters": {"data": [clause("ref", "string", "^main$", template="{{ .Input | base }}")]}},
        '"dev" matches none of',
    ),
    (
        "failing template",
        {"filters": {"data": [clause("ref", "string", "x", template='{{ fail "no" }}')]}},
        "the template failed",
    ),
    ("expression", {"filters": {"exprs": [expr("n > 7", n="n")]}}, 'exprs "n > 7" is false, with n = 5'),
    ("no truth", {"filters": {"exprs": [expr("n + 1 ?? n", n="n")]}}, "is 6, neither true nor false, with n = 5"),
    ("failing expression", {"filters": {"exprs": [expr("n > s", n="n", s="ref")]}}, "it failed: "),
    ("no value", {"filters": {"exprs": [expr("n > 7", n="no")]}}, "there is no value for n at body.no in the event"),
    ("type", {"filters": {"context": {"type": "github"}}}, 'context type: "webhook" is not "github"'),
    (
        "content type",
        {"filters": {"context": {"datacontenttype": "text/plain"}}},
        'context datacontenttype: "application/json" is not "text/plain"',
    ),
    (
        "time",
        {"filters": {"time": {"start": "10:00:00", "stop": "12:00:00"}}},
        "time: 07:08:09 (UTC) is not between 10:00:00 and 12:00:00",
    ),
    (
        "zone",
        {"filters": {"time": {"start": "10:00:00", "stop": "12:00:00", "timezone": "Asia/Tokyo"}}},
        "time: 16:08:09 (Asia/Tokyo) is not",
    ),
    ("script", {"filters": {"script": "return event.body.n"}}, "script: it gave the number 5, not true"),
    ("script of text", {"filters": {"script": "return event.body.ref"}}, "script: it gave the text refs/heads/dev, not true"),
    ("script of nothing", {"filters": {"script": "local x"}}, "script: it gave nothing, not true"),
    ("script of nil", {"filters": {"script": "return event.none"}}, "script: it gave nil, not true"),
    ("script of a table", {"filters": {"script": "return event"}}, "script: it gave a value of type table, not true"),
    ("failing script", {"filters": {"script": "return event.none.x == 1"}}, "script: 1: attempt to index"),
    ("jq", {"transform": {"jq": ".body.n.x"}}, "transform.jq: "),
    ("transforming script", {"transform": {"script": "return 5"}}, "transform.script: it gave no table"),
    (
        "what a transform made",
        {"transform": {"jq": "{n: (.body.n + 1)}"}, "filters": {"data": [{"path": "n", "type": "number", "value": ["5"]}]}},
        'data n: 6 is none of ["5"]',
    ),
    (
        "any clause",
        {"filters": {"dataLogicalOperator": "or", "data": [clause("n", "number", "7"), clause("ok", "bool", "true")]}},
        'data body.n: 5 is none of ["7"]; data body.ok: false is none of ["true"]',
    ),
    (
        "any expression",
        {"filters": {"exprLogicalOperator": "or", "exprs": [expr("n > 7", n="n"), expr("n < 1", n="n")]}},
        'exprs "n > 7" is false, with n = 5; exprs "n < 1" is false',
    ),
    (
        "any kind",
        {"filtersLogicalOperator": "or", "filters": {"data": [clause("n", "number", "7")], "context": {"type": "github"}}},
        'data body.n: 5 is none of ["7"]; context type: "webhook" is not "github"',
    ),
    (
        "an error among kinds",
        {"filtersLogicalOperator": "or", "filters": {"data": [clause("no", "number", "7")], "context": {"type": "webhook"}}},
        "data body.no: there is no such value in the event",
    ),
    (
        "the first of all kinds",
        {"filters": {"data": [clause("n", "number", "5")], "context": {"type": "github"}, "script": "return false"}},
        'context type: "webhook" is not "github"',
    ),
]


def sensor(name: str, **more: Any) -> dict[str, Any]:
    dependency = {"name": "d", "eventSourceName": "hooks", "eventName": "push", **more}
    trigger = {"template": {"name": "t", "log": {}}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"dependencies": [dependency], "triggers": [trigger]},
    }


async def explained(*sensors: dict[str, Any], decided: int = 1, pause: SensorPause | None = None) -> Any:
    """What `explain` says of one event that came when `sensors` were in force, up to where everything is `decided`."""
    bus = MemoryBus()
    for one in sensors:
        await bus.declarations.put(f"Sensor/default/{one['metadata']['name']}", one["metadata"]["name"], msgspec.json.encode(one))
    event = Event(
        namespace="default", source="hooks", name="push", id="1", type="webhook", time=TIME,
        datacontenttype="application/json", data=msgspec.json.encode(DATA),
    )  # fmt: skip
    await bus.append([event])
    state = [] if pause is None else [pause.change(ObjectRef("Sensor", "default", sensors[0]["metadata"]["name"]))]
    await bus.commit(Decisions(group="sensors", position=decided, state=state))
    return await explain(bus.journal, "1")


@pytest.mark.parametrize(("dependency", "reason"), [case[1:] for case in REASONS], ids=[case[0] for case in REASONS])
async def test_the_clause_that_decided_and_what_it_saw_are_named(tmp_path: Path, dependency: dict[str, Any], reason: str) -> None:
    (told,) = (await explained(sensor("s", **dependency)))["sensors"][0]["verdicts"]
    assert told["matched"] is False
    assert reason in told["reason"]
    (tmp_path / "m.yaml").write_text(json.dumps(sensor("s", **dependency)))
    line = {"specversion": "1.0", "id": "1", "source": "hooks", "subject": "push", "type": "webhook", "time": TIME}
    (tmp_path / "e.jsonl").write_text(json.dumps(line | {"datacontenttype": "application/json", "data": DATA}))
    command = ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl"), "-o", "json"]
    (simulated,) = json.loads(CliRunner().invoke(tocsin, command).stdout)["verdicts"]
    assert simulated["reason"] == told["reason"]


HELD = clause("n", "number", "5")
MISSED = clause("ref", "string", "^main$")


@pytest.mark.parametrize(
    ("dependency", "tally"),
    [
        ({"filters": {"data": [HELD, MISSED, HELD]}}, (2, 3)),
        ({"filters": {"data": [MISSED]}}, (0, 1)),
        ({"filters": {"data": [HELD, HELD], "context": {"type": "github"}, "script": "return true"}}, (3, 4)),
        ({"filters": {"exprs": [expr("n > 7", n="n"), expr("n > 1", n="n")], "context": {"type": "webhook"}}}, (2, 3)),
        ({"filters": {"dataLogicalOperator": "or", "data": [MISSED, MISSED], "context": {"type": "webhook"}}}, (1, 2)),
        ({"filtersLogicalOperator": "or", "filters": {"data": [MISSED, HELD], "context": {"type": "github"}}}, (0, 1)),
        ({"transform": {"jq": ".body"}, "filters": {"data": [{"path": "n", "type": "number", "value": ["5"]}, MISSED]}}, (1, 2)),
        ({"transform": {"jq": ".body.n.x"}, "filters": {"data": [HELD, HELD]}}, (0, 1)),
    ],
)
async def test_it_is_said_how_many_clauses_held(dependency: dict[str, Any], tally: tuple[int, int]) -> None:
    (told,) = (await explained(sensor("s", **dependency)))["sensors"][0]["verdicts"]
    assert (told["clauses"]["held"], told["clauses"]["of"]) == tally


async def test_near_misses_are_named_with_the_clause_that_kept_them() -> None:
    story = await explained(
        sensor("far", filters={"data": [MISSED, MISSED, HELD]}),
        sensor("near", filters={"data": [HELD, MISSED]}),
        sensor("nearer", filters={"data": [HELD, HELD, HELD], "context": {"type": "github"}}),
        sensor("single", filters={"data": [MISSED]}),
        sensor("matched", filters={"data": [HELD]}),
    )
    assert [(one["sensor"], one["dependency"]) for one in story["near"]] == [("nearer", "d"), ("near", "d")]
    text = explain_text(story)
    assert 'one clause away:\n  nearer/d: context type: "webhook" is not "github"\n  near/d: data body.ref:' in text
    assert "d did not match (3 of 4 clauses held): context type" in text
    assert "d matched\n" in text


JOINED = {
    **sensor("s"),
    "spec": {
        "dependencies": [{"name": name, "eventSourceName": "hooks", "eventName": name} for name in ("push", "other")],
        "triggers": [{"template": {"name": "t", "log": {}}}],
    },
}


async def test_nothing_is_said_to_have_replaced_an_event_that_is_not_decided_yet() -> None:
    gone = "t did not fire on it"
    assert gone in explain_text(await explained(JOINED))
    behind = await explained(JOINED, decided=0)
    assert gone not in explain_text(behind)
    assert "not decided yet" in behind["note"]
    for mode, word in (("hold", "it waits"), ("drop", "it is skipped")):
        text = explain_text(await explained(JOINED, pause=SensorPause(mode=mode, since_us=1, position=0)))  # type: ignore[arg-type]
        assert word in text
        assert gone not in text


async def test_others_have_their_turn_between_two_of_many_sensors() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with asyncio.TaskGroup() as group:
        other = group.create_task(others())
        story = await explained(*[sensor(f"s{n}", filters={"data": [MISSED]}) for n in range(50)])
        other.cancel()
    assert len(story["sensors"]) == 50
    assert turns >= 50
