"""`validate`, seen from outside: each thing it finds, at its place, with the nearest right word; nothing about what is right."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from tocsin.cli.root import tocsin

ROOT = Path(__file__).resolve().parents[3]
Object = dict[str, Any]


def sensor(*triggers: Object, dependencies: list[Object] | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": "s"},
        "spec": {"dependencies": dependencies or [on()], "triggers": list(triggers) or [{"template": http()}], **spec},
    }


def on(name: str = "d", **more: Any) -> Object:
    return {"name": name, "eventSourceName": "hooks", "eventName": "push", **more}


def filtered(**filters: Any) -> Object:
    return sensor(dependencies=[on(filters=filters)])


def clause(path: str = "a", kind: str = "string", *values: str, **more: str) -> Object:
    return {"path": path, "type": kind, "value": list(values), **more}


def http(**more: Any) -> Object:
    return {"name": "t", "http": {"url": "https://example.net/x", **more}}


def taken(dest: str = "x", **src: Any) -> Object:
    return {"src": {"dependencyName": "d", **({} if src else {"dataKey": "body.a"}), **src}, "dest": dest}


def edited(dest: str, **src: Any) -> Object:
    """A sensor whose trigger has a parameter of its own."""
    return sensor({"template": http(), "parameters": [taken(dest, **src)]})


def joined(conditions: str, *filters: Object, **template: Any) -> Object:
    """Dependencies `a`, `b`, … with `filters`, and one trigger with `conditions`."""
    dependencies = [on(name, filters=one) if one else on(name) for name, one in zip("abcdef", filters, strict=False)]
    return sensor({"template": {"conditions": conditions, **http(), **template}}, dependencies=dependencies)


def source(name: str = "hooks", *, kind: str = "webhook", event: str = "push", **spec: Any) -> Object:
    listens = {"endpoint": "/push", "port": "12000", "method": "POST", **spec}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": name},
        "spec": {kind: {event: listens}},
    }


def bus(name: str) -> Object:
    spec = {"jetstream": {"version": "2.10.29"}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "EventBus", "metadata": {"name": name}, "spec": spec}


def secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def secure(name: str, key: str) -> Object:
    header = {"name": "X-Token", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
    return sensor({"template": http(secureHeaders=[header])})


class Case(NamedTuple):
    """What is wrong, where it is said and in which words."""

    name: str
    objects: list[Object]
    path: str
    words: str
    error: bool = False


IMPOSSIBLE = {"context": {"subject": "pull"}}
CLAUSE, FILTERS = "spec.dependencies[0].filters.data[0]", "spec.dependencies[0].filters"
TRIGGER = "spec.triggers[0]"
PAYLOAD = f"{TRIGGER}.template.http.payload[0]"

COMPILED = [
    Case("a pattern", [filtered(data=[clause("a", "string", "(")])], f"{CLAUSE}.value[0]", "not a pattern", True),
    Case("a later pattern", [filtered(data=[clause("a", "string", "a", "(")])], f"{CLAUSE}.value[1]", "not a pattern"),
    Case("a clause's template", [filtered(data=[clause("a", "string", "a", template="{{")])], f"{CLAUSE}.template", "no", True),
    Case("a type", [filtered(data=[clause("a", "strin", "a")])], f"{CLAUSE}.type", "did you mean 'string'?"),
    Case("a number", [filtered(data=[clause("a", "number", "x")])], f"{CLAUSE}.value[0]", "errs on every event"),
    Case("a truth value", [filtered(data=[clause("a", "bool", "yes")])], f"{CLAUSE}.value[0]", "not a truth value"),
    Case("a filter's script", [filtered(script="return (")], f"{FILTERS}.script", "not a Lua script", True),
    Case(
        "an expression",
        [filtered(exprs=[{"expr": "a >", "fields": [{"name": "a", "path": "a"}]}])],
        f"{FILTERS}.exprs[0].expr",
        "not an expression",
        True,
    ),
    Case(
        "a name in an expression",
        [filtered(exprs=[{"expr": "b > 1", "fields": [{"name": "a", "path": "a"}]}])],
        f"{FILTERS}.exprs[0].expr",
        "no field is named 'b'",
    ),
    Case("a window", [filtered(time={"start": "10:00:00", "stop": "10:00:00"})], f"{FILTERS}.time.stop", "is empty", True),
    Case(
        "a zone",
        [filtered(time={"start": "1:00:00", "stop": "2:00:00", "timezone": "Mars"})],
        f"{FILTERS}.time.timezone",
        "",
        True,
    ),
    Case(
        "jq", [sensor(dependencies=[on(transform={"jq": ".a |"})])], "spec.dependencies[0].transform.jq", "not a jq program", True
    ),
    Case(
        "a transform's script",
        [sensor(dependencies=[on(transform={"script": "return ("})])],
        "spec.dependencies[0].transform.script",
        "not a Lua script",
        True,
    ),
    Case(
        "jq and a script",
        [sensor(dependencies=[on(transform={"jq": ".", "script": "return event"})])],
        "spec.dependencies[0].transform.script",
        "jq is used",
    ),
    Case("a template", [sensor({"template": http(payload=[taken(dataTemplate="{{ .x")])})], f"{PAYLOAD}.src", "unclosed", True),
    Case(
        "a template of a header",
        [sensor({"template": http(dynamicHeaders=[taken("X", dataTemplate="{{ .x")])})],
        f"{TRIGGER}.template.http.dynamicHeaders[0].src",
        "unclosed",
        True,
    ),
    Case(
        "a template of the trigger", [edited("http.url", dataTemplate="{{ .x")], f"{TRIGGER}.parameters[0].src", "unclosed", True
    ),
    Case(
        "a template that something stands in for",
        [sensor({"template": http(payload=[taken(dataTemplate="{{ nosuch 1 }}", value="1")])})],
        f"{PAYLOAD}.src.dataTemplate",
        "what stands in is always taken",
    ),
    Case(
        "a template of a dead-letter trigger",
        [
            sensor(
                {
                    "template": http(),
                    "atLeastOnce": True,
                    "dlqTrigger": {"atLeastOnce": True, "template": http(payload=[taken(dataTemplate="{{")])},
                }
            )
        ],
        f"{TRIGGER}.dlqTrigger.template.http.payload[0].src",
        "unclosed",
        True,
    ),
    Case("a condition", [joined("a &", {})], f"{TRIGGER}.template.conditions", "write && instead", True),
    Case("a name in a condition", [joined("aa", {})], f"{TRIGGER}.template.conditions", "not a dependency", True),
    Case(
        "a schedule",
        [joined("a", {}, conditionsReset=[{"byTime": {"cron": "* * *"}}])],
        f"{TRIGGER}.template.conditionsReset[0].byTime.cron",
        "five fields",
        True,
    ),
    Case(
        "a source's filter",
        [source(filter={"expression": "body.a ="})],
        "spec.webhook.push.filter.expression",
        "not an expression",
        True,
    ),
]
NOT_CAUGHT_BY_THE_ORIGINAL = [
    Case("two of one name", [sensor(dependencies=[on(), on()])], "spec.dependencies[1].name", "is taken by"),
    Case("no kind", [sensor({"template": {"name": "t"}})], f"{TRIGGER}.template", "names no kind", True),
    Case(
        "two kinds", [sensor({"template": http() | {"log": {}}})], f"{TRIGGER}.template.log", "'http' runs and 'log' is ignored"
    ),
    Case(
        "a parameter of nobody",
        [sensor({"template": http(payload=[taken(dependencyName="dd", dataKey="a")])})],
        f"{PAYLOAD}.src.dependencyName",
        "did you mean 'd'?",
    ),
    Case(
        "a rate of nothing",
        [sensor({"template": http(), "rateLimit": {"unit": "Second"}})],
        f"{TRIGGER}.rateLimit.requestsPerUnit",
        "above 0",
        True,
    ),
    Case(
        "a backoff",
        [sensor({"template": http(), "retryStrategy": {"duration": "5 apples"}})],
        f"{TRIGGER}.retryStrategy.duration",
        "expected a duration",
        True,
    ),
]
NEVER = [
    Case(
        "text that is greater",
        [filtered(data=[clause("a", "string", "x", comparator=">")])],
        f"{CLAUSE}.comparator",
        "never holds",
    ),
    Case("text as a count", [filtered(data=[clause("a.#", "string", "many")])], f"{CLAUSE}.value", "is a count"),
    Case(
        "numbers apart",
        [filtered(data=[clause("a", "number", "5", comparator=">"), clause("a", "number", "3", comparator="<")])],
        f"{FILTERS}.data[1]",
        "filters.data[0]",
    ),
    Case(
        "texts apart",
        [filtered(data=[clause("a", "string", "^x$"), clause("a", "string", "^y$")])],
        f"{FILTERS}.data[1]",
        "no value of 'a'",
    ),
    Case(
        "truths apart",
        [filtered(data=[clause("a", "bool", "true"), clause("a", "bool", "false")])],
        f"{FILTERS}.data[1]",
        "no value of 'a'",
    ),
    Case(
        "an expression without a name",
        [filtered(exprs=[{"expr": "1 > 2", "fields": [{"name": "a", "path": "a"}]}])],
        f"{FILTERS}.exprs[0].expr",
        "names no field",
    ),
    Case(
        "an expression that gives a number",
        [filtered(exprs=[{"expr": "a + 1", "fields": [{"name": "a", "path": "a"}]}])],
        f"{FILTERS}.exprs[0].expr",
        "only true counts",
    ),
    Case("a script that returns nothing", [filtered(script="local x = event.a")], f"{FILTERS}.script", "no 'return'"),
    Case("another event's name", [filtered(context={"subject": "pusch"})], f"{FILTERS}.context.subject", "did you mean 'push'?"),
    Case("another source", [filtered(context={"source": "hook"})], f"{FILTERS}.context.source", "did you mean 'hooks'?"),
    Case(
        "an attribute nobody compares", [filtered(context={"type": "x", "id": "7"})], f"{FILTERS}.context.id", "is not compared"
    ),
    Case("a list as a number", [filtered(data=[clause("a.#.n", "number", "5")])], f"{CLAUSE}.path", "always a list"),
    Case("a list as a truth value", [filtered(data=[clause("a.#(n>1)#", "bool", "true")])], f"{CLAUSE}.path", "always a list"),
    Case(
        "no filters to choose from",
        [sensor(dependencies=[on(filters={}, filtersLogicalOperator="or")])],
        FILTERS,
        "no event will ever match",
    ),
    Case(
        "two fields of one name",
        [filtered(exprs=[{"expr": "a > 1", "fields": [{"name": "a", "path": "a"}, {"name": "a", "path": "b"}]}])],
        f"{FILTERS}.exprs[0].fields[1].name",
        "the last of them counts",
    ),
]
CONDITIONS = [
    Case("a dependency nobody waits for", [joined("a", {}, {})], "spec.dependencies[1].name", "nothing waits for it"),
    Case(
        "a trigger that cannot fire",
        [joined("a && b", {}, IMPOSSIBLE)],
        f"{TRIGGER}.template.conditions",
        "never fires: no event can match 'b'",
    ),
    Case("no way of several", [joined("a || b", IMPOSSIBLE, IMPOSSIBLE)], f"{TRIGGER}.template.conditions", "'a', 'b'"),
    Case(
        "a part that makes no difference",
        [joined("a || a && b", {}, {})],
        f"{TRIGGER}.template.conditions",
        "'b' makes no difference",
    ),
    Case(
        "a reset of nothing",
        [joined("a || b", {}, {}, conditionsReset=[{"byTime": {"cron": "0 0 * * *"}}])],
        f"{TRIGGER}.template.conditionsReset",
        "does nothing",
    ),
]
PARAMETERS = [
    Case("another kind", [edited("kafka.topic")], f"{TRIGGER}.parameters[0].dest", "changes nothing: the template has 'http'"),
    Case("the kind left out", [edited("url")], f"{TRIGGER}.parameters[0].dest", "did you mean 'http.url'?"),
    Case("no such field", [edited("http.ulr")], f"{TRIGGER}.parameters[0].dest", "did you mean 'url'?"),
    Case("text for a number", [edited("http.timeout")], f"{TRIGGER}.parameters[0].dest", "add useRawData: true"),
    Case("text for a mapping", [edited("http.headers")], f"{TRIGGER}.parameters[0].dest", "a list or a mapping is expected"),
    Case("inside a text", [edited("http.headers.X.Y")], f"{TRIGGER}.parameters[0].dest", "no mapping"),
    Case("no item's number", [edited("http.payload.first.dest")], f"{TRIGGER}.parameters[0].dest", "number of an item"),
    Case(
        "no such field of the kind",
        [sensor({"template": http(parameters=[taken("hedaers.X")])})],
        f"{TRIGGER}.template.http.parameters[0].dest",
        "did you mean 'headers'?",
    ),
    Case("a payload by search", [sensor({"template": http(payload=[taken("a.#.b")])})], f"{PAYLOAD}.dest", "begins empty"),
    Case("too great an index", [sensor({"template": http(payload=[taken("a.99999999")])})], f"{PAYLOAD}.dest", "greater than"),
    Case(
        "a payload added to",
        [sensor({"template": http(payload=[taken() | {"operation": "append"}])})],
        f"{PAYLOAD}.operation",
        "not looked at",
    ),
    Case(
        "no such attribute",
        [sensor({"template": http(payload=[taken(contextKey="typ")])})],
        f"{PAYLOAD}.src.contextKey",
        "did you mean 'type'?",
    ),
    Case(
        "context beside data",
        [sensor({"template": http(payload=[taken(contextKey="type", dataKey="a")])})],
        f"{PAYLOAD}.src.contextKey",
        "not looked at",
    ),
    Case(
        "raw text",
        [sensor({"template": http(payload=[taken(dataTemplate="{{ 1 }}", useRawData=True)])})],
        f"{PAYLOAD}.src.useRawData",
        "is text",
    ),
    Case(
        "a dependency that takes no part",
        [
            sensor(
                {"template": http(payload=[taken(dependencyName="e", dataKey="a")]) | {"conditions": "d"}},
                {"template": http() | {"name": "u"}},
                dependencies=[on(), on("e")],
            )
        ],
        f"{PAYLOAD}.src.dependencyName",
        "the request cannot be built",
    ),
]
SHAPES = [
    Case(
        "a clause past the body",
        [source(), filtered(data=[clause("ref", "string", "x")])],
        f"{CLAUSE}.path",
        "did you mean 'body.ref'?",
    ),
    Case(
        "headers of a webhook",
        [source(), filtered(data=[clause("headers.X", "string", "x")])],
        f"{CLAUSE}.path",
        "did you mean 'header'?",
    ),
    Case(
        "a field past the body",
        [source(), filtered(exprs=[{"expr": "a > 1", "fields": [{"name": "a", "path": "n"}]}])],
        f"{FILTERS}.exprs[0].fields[0].path",
        "did you mean 'body.n'?",
    ),
    Case(
        "a parameter past the body",
        [source(), sensor({"template": http(payload=[taken(dataKey="ref")])})],
        f"{PAYLOAD}.src.dataKey",
        "finds nothing",
    ),
    Case(
        "a trigger that waits for it",
        [source(), filtered(data=[clause("ref", "string", "x")])],
        f"{TRIGGER}.template",
        "never fires",
    ),
    Case(
        "another type", [source(), filtered(context={"type": "web-hook"})], f"{FILTERS}.context.type", "did you mean 'webhook'?"
    ),
]
REFERENCES = [
    Case("no such source", [source("hook"), sensor()], "spec.dependencies[0].eventSourceName", "did you mean 'hook'?"),
    Case("no such event", [source(event="pushes"), sensor()], "spec.dependencies[0].eventName", "did you mean 'pushes'?"),
    Case(
        "no such secret",
        [secret("gates", token="x"), secure("gate", "token")],
        f"{TRIGGER}.template.http.secureHeaders[0].valueFrom.secretKeyRef.name",
        "did you mean 'gates'?",
    ),
    Case(
        "no such key",
        [secret("gate", tokens="x"), secure("gate", "token")],
        f"{TRIGGER}.template.http.secureHeaders[0].valueFrom.secretKeyRef.key",
        "did you mean 'tokens'?",
    ),
    Case(
        "a secret of a source",
        [secret("gate", token="x"), source(authSecret={"name": "gat", "key": "token"})],
        "spec.webhook.push.authSecret.name",
        "did you mean 'gate'?",
    ),
    Case("a bus nobody uses", [bus("spare"), bus("default"), sensor()], "metadata.name", "uses the bus 'spare'"),
    Case(
        "no such bus", [bus("default"), source(), sensor(eventBusName="defualt")], "spec.eventBusName", "did you mean 'default'?"
    ),
    Case(
        "one endpoint twice",
        [source(), source("others")],
        "spec.webhook.push.endpoint",
        "belongs to the event 'push' of default/hooks",
    ),
    Case(
        "one endpoint with two methods",
        [source(), source("others", method="PUT")],
        "spec.webhook.push.endpoint",
        "belongs to the event 'push' of default/hooks",
    ),
    Case(
        "one template with two names",
        [source(endpoint="/x/{id}"), source("others", endpoint="/x/{name}")],
        "spec.webhook.push.endpoint",
        "/x/{name} on port 12000 belongs to the event 'push' of default/hooks",
    ),
]
CASES = [*COMPILED, *NOT_CAUGHT_BY_THE_ORIGINAL, *NEVER, *CONDITIONS, *PARAMETERS, *SHAPES, *REFERENCES]


def validate(tmp_path: Path, objects: list[Object], *args: str) -> tuple[int, list[Object]]:
    file = tmp_path / "m.yaml"
    file.write_text("\n---\n".join(json.dumps(one, indent=1) for one in objects))
    done = CliRunner().invoke(tocsin, ["validate", str(file), "-o", "json", *args], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)["problems"]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, case: Case) -> None:
    code, problems = validate(tmp_path, case.objects)
    found = [one for one in problems if one["path"] == case.path and case.words in one["message"]]
    assert len(found) == 1, problems
    assert found[0]["severity"] == ("error" if case.error else "warning")
    assert code == (2 if any(one["severity"] == "error" for one in problems) else 0)
    written = (tmp_path / "m.yaml").read_text().splitlines()[found[0]["line"] - 1]
    assert len(written) >= found[0]["column"] > 0


@pytest.mark.parametrize("case", [case for case in CASES if not case.error], ids=lambda case: case.name)
def test_strict_makes_a_failure_of_each_warning(tmp_path: Path, case: Case) -> None:
    assert validate(tmp_path, case.objects, "--strict")[0] == 2


@pytest.mark.parametrize(
    "objects",
    [
        [sensor()],
        [source(), filtered(data=[clause("body.ref", "string", "x"), clause("header.X.0", "string", "y")])],
        [
            source(),
            filtered(
                data=[clause("@this", "string", "x"), clause("bod*.a", "string", "y"), clause("body.a", "number", "1", "x")]
            ),
        ],
        [source(), sensor(dependencies=[on(transform={"jq": ".body"}, filters={"data": [clause("ref", "string", "x")]})])],
        [
            filtered(
                data=[clause("a", "number", "5", comparator=">"), clause("a", "number", "3", comparator="<")],
                dataLogicalOperator="or",
            )
        ],
        [filtered(data=[clause("a", "number", "5", comparator=">="), clause("a", "number", "5", comparator="<=")])],
        [filtered(data=[clause("a", "string", "^x"), clause("a", "string", "y$")])],
        [
            filtered(
                data=[clause("a.#", "string", "^1[0-9]$"), clause("a.#.n|0", "number", "5"), clause("a.#(n>1).n", "number", "5")]
            )
        ],
        [
            filtered(
                data=[clause("a", "string", "x", comparator=">", template="{{ .Input }}")],
                dataLogicalOperator="or",
                context={"subject": "push"},
            )
        ],
        [joined("a || b", IMPOSSIBLE, {}), sensor({"template": http()}) | {"metadata": {"name": "u"}}],
        [joined("a && (b || c)", {}, {}, {}, conditionsReset=[{"byTime": {"cron": "0 0 * * *"}}])],
        [edited("http.timeout", dataKey="body.n", useRawData=True), source()],
        [edited("http.headers.X-Ref"), source()],
        [edited("http.payload.-1.dest"), source()],
        [sensor({"template": http(payload=[taken("a.b"), taken("a.c")], parameters=[taken("url")])})],
        [secure("gate", "token")],
        [secret("gates", token="x") | {"metadata": {"name": "gates", "namespace": "other"}}, secure("gate", "token")],
        [bus("default") | {"metadata": {"name": "default", "namespace": "other"}}, sensor()],
        [secret("gate", token="x"), secure("gate", "token")],
        [sensor(eventBusName="jetstream")],
        [source(), source("others", port="12001")],
    ],
    ids=str,
)
def test_nothing_is_said_about_what_may_be_meant(tmp_path: Path, objects: list[Object]) -> None:
    _, problems = validate(tmp_path, objects)
    said = [
        one for one in problems if "clause errs where no earlier" not in one["message"] and "can never hold" not in one["message"]
    ]
    assert said == []


@pytest.mark.parametrize("file", sorted((ROOT / "examples").rglob("*.yaml")), ids=lambda file: file.name)
def test_nothing_is_said_about_the_examples(file: Path) -> None:
    done = CliRunner().invoke(tocsin, ["validate", str(file), "--strict"], catch_exceptions=False)
    assert (done.exit_code, done.stdout.strip().endswith("valid")) == (0, True), done.stdout


@pytest.mark.parametrize(
    ("objects", "path"),
    [
        ([sensor()], "spec.dependencies[0].eventSourceName"),
        ([secure("gate", "token")], f"{TRIGGER}.template.http.secureHeaders[0].valueFrom.secretKeyRef.name"),
        ([source(), sensor(eventBusName="jetstream")], "spec.eventBusName"),
    ],
)
def test_complete_files_are_all_there_is(tmp_path: Path, objects: list[Object], path: str) -> None:
    assert validate(tmp_path, objects, "--strict") == (0, [])
    code, problems = validate(tmp_path, objects, "--strict", "--complete")
    assert code == 2
    assert path in {one["path"] for one in problems}


def test_problems_come_in_the_order_of_the_text(tmp_path: Path) -> None:
    _, problems = validate(tmp_path, [case.objects[-1] | {"metadata": {"name": f"s{n}"}} for n, case in enumerate(NEVER)])
    assert [one["line"] for one in problems] == sorted(one["line"] for one in problems)
    assert len({json.dumps(one) for one in problems}) == len(problems)
