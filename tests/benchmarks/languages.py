"""What one decision costs in each language, beside the original's engines asked through the oracle program.

In the process, on an event of 1 KiB that its source has parsed already, each time a new one: nothing is remembered from the event
before. The original's column is the processor time of its engine with the request decoded and the program compiled, which Argo
Events does for each event anew.
"""

import gc
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from benchmarks.matching import NoValues
from benchmarks.scale import Scale
from benchmarks.table import Row
from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Dependency, Dialect, ObjectRef, Parameter, Sensor, TriggerHead
from sensors.bound import Bound, EventView
from sensors.compile import CompiledDependency, compile_sensor
from sensors.parameters import compile_payload
from sensors.triggers.trigger import triggers

EVENTS, BATCHES, ROUNDS = 2_000, 9, 2_000
BODY = {
    "ref": "refs/heads/main",
    "size": 7,
    "score": 5.5,
    "merged": True,
    "user": {"name": "ana", "admin": False},
    "commits": [{"id": str(n), "message": "m"} for n in range(5)],
    "pad": "x" * 720,
}
TREE = {"header": {"Content-Type": ["application/json"]}, "body": BODY}
RAW = msgspec.json.encode(TREE)
NOW = datetime(2026, 1, 5, tzinfo=UTC)

Decide = Callable[[Event], object]


class Language(NamedTuple):
    """One thing to measure: what it is, the goal in microseconds, how it is done here, and the same for the oracle."""

    name: str
    goal_us: float
    decide: Decide
    asked: Mapping[str, Any]


def languages() -> list[Language]:
    """Everything that is measured."""
    import_module("sensors.triggers.log")  # registers the kind
    document = RAW.decode()
    main, five = "^refs/heads/main$", 'ref == "refs/heads/main" && score > 5 && size < 10 && merged == true && name != "bob"'
    names = {"ref": BODY["ref"], "score": 5.5, "size": 7, "merged": True, "name": "ana"}
    template, program = "{{ .Input.body.user.name | upper }}", "{ref: .body.ref, next: (.body.size + 1)}"
    script = 'return event.body.size > 5 and event.body.ref:match("^refs/") ~= nil'
    return [
        Language("data filter", 5, _filter(data=[_clause(main)]), {"engine": "gjson", "document": document, "path": "body.ref"}),
        Language(
            "expression",
            5,
            _filter(exprs=[_expr("score > 5", score="body.score")]),
            {"engine": "expression", "expression": "score > 5", "names": names},
        ),
        Language(
            "expression of five clauses",
            10,
            _filter(exprs=[_expr(five, **{name: f"body.{name}" for name in names if name != "name"}, name="body.user.name")]),
            {"engine": "expression", "expression": five, "names": names},
        ),
        Language(
            "template parameter", 30, _parameter(template), {"engine": "template", "document": document, "template": template}
        ),
        Language("jq transform", 20, _transform(program), {"engine": "jq", "document": document, "program": program}),
        Language("Lua script", 150, _filter(script=script), {"engine": "lua", "document": document, "script": script}),
    ]


def _clause(pattern: str) -> dict[str, Any]:
    return {"path": "body.ref", "type": "string", "value": [pattern]}


def _expr(text: str, **paths: str) -> dict[str, Any]:
    return {"expr": text, "fields": [{"name": name, "path": path} for name, path in paths.items()]}


def _compiled(**declared: Any) -> CompiledDependency:
    head = {"name": "push", "eventSourceName": "hooks", "eventName": "push"}
    dependency = Dependency.model_validate(head | declared)
    log = triggers.make("log").spec()
    trigger = DeclaredTrigger(name="say-so", kind="log", spec=log, template={"name": "say-so", "log": {}}, head=TriggerHead())
    sensor = Sensor(
        ref=ObjectRef("Sensor", "default", "bench"),
        dialect=Dialect.ARGO,
        dependencies=(dependency,),
        triggers=(trigger,),
        content={"spec": {}},
    )
    return compile_sensor(sensor, triggers, NoValues()).dependencies[0]


def _filter(**filters: Any) -> Decide:
    clause = _compiled(filters=filters).clause
    return lambda event: clause.holds(EventView(event))


def _transform(program: str) -> Decide:
    dependency = _compiled(transform={"jq": program})
    return lambda event: dependency.seen(EventView(event))


def _parameter(template: str) -> Decide:
    source = {"dependencyName": "push", "dataTemplate": template}
    payload = compile_payload([Parameter.model_validate({"src": source, "dest": "name"})])
    return lambda event: payload.build(Bound(events={"push": EventView(event)}, now=NOW, seed=b"bench"))


def _event(number: int) -> Event:
    return Event(
        namespace="default",
        source="hooks",
        name="push",
        id=str(number),
        type="webhook",
        time="2026-01-05T09:00:00Z",
        datacontenttype="application/json",
        data=RAW,
        tree=msgspec.json.decode(RAW),
    )


def cost_us(decide: Decide) -> float:
    """Microseconds of processor time for one event: the best of several batches."""
    events = [_event(number) for number in range(EVENTS)]
    for one in events[:50]:
        decide(one)
    gc.collect()
    gc.freeze()
    best = min(_batch_s(decide, events) for _ in range(BATCHES))
    gc.unfreeze()
    return 1e6 * best / EVENTS


def _batch_s(decide: Decide, events: list[Event]) -> float:
    began = time.process_time()
    for event in events:
        decide(event)
    return time.process_time() - began


def originals_us(asked: list[Mapping[str, Any]]) -> list[float]:
    """Microseconds of processor time of the original's engines; empty where the oracle cannot be built here."""
    from oracle.asking import ask
    from servers.cache import Missing

    try:
        answers = ask({"engine": "timing", "rounds": ROUNDS, "of": one} for one in asked)
    except Missing:
        return []
    wrong = [answer["error"] for answer in answers if "error" in answer]
    if wrong:
        raise RuntimeError(f"the original could not be timed: {wrong[0]}")
    return [answer["microseconds"] for answer in answers]


def one_decision(scale: Scale) -> list[Row]:
    """A row for each language."""
    measured = languages()
    originals = originals_us([one.asked for one in measured])
    rows = []
    for place, language in enumerate(measured):
        own = cost_us(language.decide)
        beside = f"; the original {originals[place]:.1f} µs" if originals else "; the original cannot be built here"
        figures = {"own_us": own} | ({"original_us": originals[place]} if originals else {})
        rows.append(
            Row(
                measure=f"one decision: {language.name}",
                result=f"{own:.1f} µs of processor time{beside}",
                goal=f"≤ {language.goal_us:.0f} µs",
                met=own <= language.goal_us,
                figures=figures,
            )
        )
    return rows
