"""What `tocsin simulate` decides and would send, against what the original engine was seen to do."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from service_process import tocsin as tocsin_process

from tocsin.cli.root import tocsin

Json = dict[str, Any]

J: Json = {"k": "v", "n": 5, "b": True, "z": None, "s": "5", "o": {"q": 1}}
EVENT: Json = {
    "specversion": "1.0",
    "id": "1",
    "source": "depot",
    "subject": "scan",
    "type": "webhook",
    "time": "2024-07-05T13:00:00.987Z",
    "datacontenttype": "application/json",
}
UNSET: Any = object()
"""Stands for an attribute that the event lacks."""


def event(data: Any = UNSET, *, raw: str = "", **attributes: Any) -> str:
    """One event as a line. `raw` is the JSON of its data, to the letter."""
    members = {name: value for name, value in (EVENT | attributes).items() if value is not UNSET}
    text = json.dumps(members if data is UNSET else members | {"data": data}, separators=(",", ":"))
    return f'{text[:-1]},"data":{raw}}}' if raw else text


def dependency(name: str = "d", *, source: str = "depot", **more: Any) -> Json:
    return {"name": name, "eventSourceName": source, "eventName": "scan", **more}


def clause(path: str, kind: str, *values: str, **more: str) -> Json:
    return {"path": path, "type": kind, "value": list(values), **more}


def data(*clauses: Json, **more: Any) -> Json:
    return {"filters": {"data": list(clauses), **more}}


def sensor(dependencies: Sequence[Json], trigger: Json, **head: Any) -> Json:
    conditions = " || ".join(dict.fromkeys(one["name"] for one in dependencies))
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": "s"},
        "spec": {
            "dependencies": list(dependencies),
            "triggers": [{"template": {"name": "t", "conditions": conditions, **trigger}, **head}],
        },
    }


def http(**more: Any) -> Json:
    return {"http": {"url": "https://example.net/x", **more}}


class Found:
    """What the command printed."""

    def __init__(self, code: int, stdout: str) -> None:
        self.code = code
        document = json.loads(stdout)
        assert list(document) == ["verdicts", "firings", "problems"]
        self.verdicts: list[Json] = document["verdicts"]
        self.firings: list[Json] = document["firings"]
        self.problems: list[Json] = document["problems"]
        self.stdout = stdout

    @property
    def matched(self) -> bool:
        (verdict,) = self.verdicts
        assert (verdict["reason"] == "") is verdict["matched"]
        return bool(verdict["matched"])

    @property
    def body(self) -> Any:
        (firing,) = self.firings
        return firing["request"]["body"]

    @property
    def error(self) -> str:
        (firing,) = self.firings
        assert "request" not in firing
        return str(firing["error"])


def simulate(tmp_path: Path, declared: Json, *lines: str) -> Found:
    (tmp_path / "m.yaml").write_text(json.dumps(declared))
    (tmp_path / "e.jsonl").write_text("\n".join(lines))
    arguments = ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl"), "-o", "json"]
    done = CliRunner().invoke(tocsin, arguments, catch_exceptions=False)
    return Found(done.exit_code, done.stdout)


OR = {"filtersLogicalOperator": "or"}
ANY = {"dataLogicalOperator": "or"}
WEBHOOK, OTHER = {"context": {"type": "webhook"}}, {"context": {"type": "other"}}
HIT, MISS, GONE = clause("k", "string", "^v$"), clause("k", "string", "zzz"), clause("nope", "string", ".")

ON_J: list[tuple[str, Json, bool]] = [
    ("no filters at all", {}, True),
    ("empty filters", {"filters": {}}, True),
    ("empty filters joined by or", {"filters": {}} | OR, False),
    ("or: context holds, data errs", {"filters": WEBHOOK | {"data": [GONE]}} | OR, False),
    ("or: context holds, data does not", {"filters": WEBHOOK | {"data": [MISS]}} | OR, True),
    ("or: data holds, context does not", {"filters": OTHER | {"data": [HIT]}} | OR, True),
    ("or: neither holds", {"filters": OTHER | {"data": [MISS]}} | OR, False),
    ("and: context does not hold, data does", {"filters": OTHER | {"data": [HIT]}}, False),
    ("and: both hold", {"filters": WEBHOOK | {"data": [HIT]}, "filtersLogicalOperator": "and"}, True),
    ("all context attributes", {"filters": {"context": {"type": "webhook", "subject": "scan", "source": "depot"}}}, True),
    ("the context's content type", {"filters": {"context": {"datacontenttype": "text/plain"}}}, False),
    ("id, specversion and time of a context are ignored", {"filters": {"context": {"type": "webhook", "id": "x"}}}, True),
    ("a context attribute is equal, not like", {"filters": {"context": {"type": "web"}}}, False),
    ("any of two patterns in one", data(clause("k", "string", "v|w")), True),
    ("a pattern is not anchored", data(clause("o", "string", '"q":1')), True),
    ("not equal to one of two", data(clause("k", "string", "v", "w", comparator="!=")), True),
    ("not equal to the only one", data(clause("k", "string", "v", comparator="!=")), False),
    ("text has no order", data(clause("k", "string", "a", comparator=">")), False),
    ("a truth value ignores the comparator", data(clause("b", "bool", "true", comparator="!=")), True),
    ("a number that is not zero is true", data(clause("n", "bool", "true")), True),
    ("text that is no truth value is false", data(clause("k", "bool", "false")), True),
    ("null is false", data(clause("z", "bool", "F")), True),
    ("a filter's truth value has to be one", data(clause("b", "bool", "yes")), False),
    ("a truth value that holds before a bad one", data(clause("b", "bool", "1", "yes")), True),
    ("a bad truth value before one that holds", data(clause("b", "bool", "yes", "1")), False),
    ("text as a number", data(clause("s", "number", "5")), True),
    ("text that is no number is 0", data(clause("k", "number", "0")), True),
    ("null is 0", data(clause("z", "number", "0")), True),
    ("an object is 0", data(clause("o", "number", "0")), True),
    ("true is 1", data(clause("b", "number", "1")), True),
    ("a bad number before one that holds", data(clause("n", "number", "x", "5")), False),
    ("a number that holds before a bad one", data(clause("n", "number", "5", "x")), True),
    ("a number that does not hold before a bad one", data(clause("n", "number", "6", "x")), False),
    ("at least", data(clause("n", "number", "5", comparator=">=")), True),
    ("greater", data(clause("n", "number", "5", comparator=">")), False),
    ("less than one of two", data(clause("n", "number", "4", "6", comparator="<")), True),
    ("at most", data(clause("n", "number", "4.9", comparator="<=")), False),
    ("an underscore in a number", data(clause("n", "number", "0_5")), True),
    ("less than infinity", data(clause("n", "number", "inf", comparator="<")), True),
    ("nothing equals NaN", data(clause("n", "number", "NaN")), False),
    ("null as text is empty", data(clause("z", "string", "^$")), True),
    ("a number as text", data(clause("n", "string", "^5$")), True),
    ("true as text", data(clause("b", "string", "^true$")), True),
    ("a type that does not exist", data(clause("o", "json", "x")), False),
    ("or: a type that does not exist, then a hit", data(clause("o", "json", "x"), HIT, **ANY), True),
    ("a bad pattern", data(clause("k", "string", "(")), False),
    ("a pattern that holds before a bad one", data(clause("k", "string", "v", "(")), True),
    ("a pattern that does not hold before a bad one", data(clause("k", "string", "w", "(")), False),
    ("a bad pattern before one that holds", data(clause("k", "string", "(", "v")), False),
    ("a bad pattern under not equal", data(clause("k", "string", "w", "(", comparator="!=")), True),
    ("or: a bad pattern, then a hit", data(clause("k", "string", "("), HIT, **ANY), True),
    ("look-ahead is no pattern", data(clause("k", "string", "(?=v)v")), False),
    ("no such path", data(GONE), False),
    ("or: no such path, then a hit", data(GONE, HIT, **ANY), True),
    ("or: no such path, then a miss", data(GONE, MISS, **ANY), False),
    ("and: a miss, then no such path", data(MISS, GONE), False),
    ("and: a hit, then a miss", data(HIT, MISS), False),
    ("two paths without brackets", data(clause("k,n", "string", ".")), False),
    ("two paths in brackets", data(clause("[k,nope]", "string", r'^\["v"\]$')), True),
    ("a wildcard", data(clause("o.?", "number", "1")), True),
    ("a modifier", data(clause("o.@this", "string", "q")), True),
    ("a template sees text", data(clause("n", "string", "^07$", template='{{ add .Input 2 | printf "%02d" }}')), True),
    ("a template's text as a number", data(clause("k", "number", "2", template="{{ len .Input | add 1 }}")), True),
    ("a template that prints nothing", data(clause("k", "string", ".*", template="{{ if false }}x{{ end }}")), False),
    ("a template on a field of text", data(clause("o", "string", ".*", template="{{ .Input.q }}")), False),
    ("a bad template", data(clause("k", "string", ".*", template="{{")), False),
    ("an unknown function in a template", data(clause("k", "string", ".*", template="{{ nope }}")), False),
]


@pytest.mark.parametrize(("declared", "matched"), [pytest.param(*case[1:], id=case[0]) for case in ON_J])
def test_a_dependency_makes_of_an_event_what_the_original_makes(declared: Json, matched: bool, tmp_path: Path) -> None:
    found = simulate(tmp_path, sensor([dependency(**declared)], http()), event(J))
    assert found.matched is matched
    errors = any(problem["severity"] == "error" for problem in found.problems)
    assert found.code == (2 if errors else 0)
    assert len(found.firings) == (matched and not errors)


K = data(clause("k", "string", "v"))
ON_DATA: list[tuple[str, str, Json, bool]] = [
    ("absent data passes a data filter", event(), K, True),
    ("absent data passes, a context filter is asked as usual", event(), {"filters": {**K["filters"], **OTHER}}, False),
    ("absent data passes a filter with a bad pattern", event(), data(clause("k", "string", "v", "(")), True),
    ("null data is looked into", event(None), K, False),
    ("empty data errs", event(data_base64=""), K, False),
    ("empty data errs, under or too", event(data_base64=""), {"filters": {**K["filters"], **WEBHOOK}} | OR, False),
    ("data that is not JSON errs", event("k: v", datacontenttype="text/plain"), K, False),
    ("data that is not JSON leaves the context", event("k: v", datacontenttype="text/plain"), {"filters": WEBHOOK}, True),
    ("an array is usable", event([{"k": "v"}]), data(clause("0.k", "string", "v")), True),
    ("a scalar is usable", event("v"), data(clause("@this", "string", "^v$")), True),
    ("the first of two equal keys counts", event(raw='{"k":"v","k":"w"}'), K, True),
    ("no content type keeps filters going", event(J, datacontenttype=UNSET), K, True),
    ("base64 data is data", event(data_base64=b64encode(b'{"k":"v"}').decode()), K, True),
    ("a long number keeps its digits", event(raw='{"k":12345678901234567890}'),
     data(clause("k", "string", "^12345678901234567890$")), True),
    ("a number as text loses its zeros", event(raw='{"k":1.50}'), data(clause("k", "string", r"^1\.5$")), True),
]  # fmt: skip


@pytest.mark.parametrize(("line", "declared", "matched"), [pytest.param(*case[1:], id=case[0]) for case in ON_DATA])
def test_data_of_every_shape_is_filtered_as_by_the_original(line: str, declared: Json, matched: bool, tmp_path: Path) -> None:
    assert simulate(tmp_path, sensor([dependency(**declared)], http()), line).matched is matched


def src(**more: Any) -> Json:
    return {"dependencyName": "d", **more}


def entry(dest: str = "a", operation: str = "", **more: Any) -> Json:
    return {"src": src(**more), "dest": dest} | ({"operation": operation} if operation else {})


RAW = {"useRawData": True}
VALUES = (
    '{"n":5,"f":1.50,"e":1E3,"t":1e-7,"big":12345678901234567890,"m":1000000,"zero":-0,"h":1e21,'
    '"s":"a<b>&\\"\\n\\u2028é","empty":"","y":true,"no":false,"nil":null,"o":{"x": 1.50,"l":[1 ,2]},"l":[1,"a"],"five":"5",'
    '"sur":"\\ud800","half":{"x":"\\udc00"}}'
)
WHOLE_CONTEXT = (
    '{"context":{"id":"1","source":"depot","specversion":"1.0","type":"webhook","datacontenttype":"application/json",'
    '"subject":"scan","time":"2024-07-05T13:00:00Z"},"data":"e30="}'
)
ERR: Any = object()
"""Stands for a request that cannot be built."""
NONE: Any = object()
"""Stands for an event that nothing can match."""

PAYLOADS: list[tuple[str, list[Json], Any]] = [
    ("a number is text", [entry(dataKey="n")], {"a": "5"}),
    ("a raw number", [entry(dataKey="n", **RAW)], {"a": 5}),
    ("a number is normalised", [entry(dataKey="f")], {"a": "1.5"}),
    ("a raw number is normalised", [entry(dataKey="f", **RAW)], '{"a":1.5}'),
    ("an exponent is written out", [entry(dataKey="e", **RAW)], '{"a":1000}'),
    ("a small number is written out", [entry(dataKey="t")], {"a": "0.0000001"}),
    ("a small raw number is written out", [entry(dataKey="t", **RAW)], '{"a":0.0000001}'),
    ("a large number is written out", [entry(dataKey="h")], {"a": "1000000000000000000000"}),
    ("a long integer stays exact", [entry(dataKey="big", **RAW)], '{"a":12345678901234567890}'),
    ("minus zero stays", [entry(dataKey="zero", **RAW)], '{"a":-0}'),
    ("true is text", [entry(dataKey="y")], {"a": "true"}),
    ("raw false", [entry(dataKey="no", **RAW)], {"a": False}),
    ("null is text and beats the value", [entry(dataKey="nil", value="V")], {"a": "null"}),
    ("raw null", [entry(dataKey="nil", **RAW)], {"a": None}),
    ("an object is text as written", [entry(dataKey="o")], {"a": '{"x": 1.50,"l":[1 ,2]}'}),
    ("a raw object is as written", [entry(dataKey="o", **RAW)], '{"a":{"x": 1.50,"l":[1 ,2]}}'),
    ("half a surrogate pair in a raw object", [entry(dataKey="half", **RAW)], {"a": {"x": "\ufffd"}}),
    ("raw text stays text", [entry(dataKey="five", **RAW)], {"a": "5"}),
    ("a template's text stays text", [entry(dataTemplate="{{ .Input.n }}", **RAW)], {"a": "5"}),
    ("a value stays text", [entry(value="5", **RAW)], {"a": "5"}),
    ("empty text by key", [entry(dataKey="empty", value="V")], {"a": ""}),
    ("empty text by template falls through", [entry(dataTemplate="{{ .Input.empty }}", value="V")], {"a": "V"}),
    ("text is escaped as Go does", [entry(dataKey="s")], r'{"a":"a\u003cb\u003e\u0026\"\n\u2028é"}'),
    ("half a surrogate pair", [entry(dataKey="sur")], {"a": "\ufffd"}),
    ("a number in a template is a float", [entry(dataTemplate="{{ .Input.m }}")], {"a": "1e+06"}),
    ("a long integer in a template is a float", [entry(dataTemplate="{{ .Input.big }}")], {"a": "1.2345678901234567e+19"}),
    ("an object in a template", [entry(dataTemplate="{{ .Input.o }}")], {"a": "map[l:[1 2] x:1.5]"}),
    ("a list in a template", [entry(dataTemplate="{{ .Input.l }}")], {"a": "[1 a]"}),
    ("a missing field inside longer text", [entry(dataTemplate="x-{{ .Input.gone }}")], {"a": "x-<no value>"}),
    ("a missing field alone is no value", [entry(dataTemplate="{{ .Input.gone }}", value="V")], {"a": "V"}),
    ("a null in a template falls through", [entry(dataTemplate="{{ .Input.nil }}", value="V")], {"a": "V"}),
    ("a template comes before the key", [entry(dataTemplate="T", dataKey="n", value="V")], {"a": "T"}),
    ("a bad template falls through to the key", [entry(dataTemplate="{{", dataKey="n", value="V")], {"a": "5"}),
    ("a failing template falls through to the key", [entry(dataTemplate="{{ eq .Input.n 5 }}", dataKey="n")], {"a": "5"}),
    ("a key comes before the value", [entry(dataKey="n", value="V")], {"a": "5"}),
    ("a missing key falls through to the value", [entry(dataKey="gone", value="")], {"a": ""}),
    ("a missing key without a value", [entry(dataKey="gone")], ERR),
    ("data selectors replace those of the context", [entry(dataKey="gone", contextKey="id")], ERR),
    ("a key of the context", [entry(contextKey="type")], {"a": "webhook"}),
    ("whole seconds of the context's time", [entry(contextKey="time")], {"a": "2024-07-05T13:00:00Z"}),
    ("a template on the context", [entry(contextTemplate="{{ .Input.source }}/{{ .Input.subject }}")], {"a": "depot/scan"}),
    ("a key that the context lacks", [entry(contextKey="gone", value="V")], {"a": "V"}),
    ("an array index makes an array", [entry("a.1", dataKey="n", **RAW)], {"a": [None, 5]}),
    ("-1 appends", [entry("a.-1", dataKey="n"), entry("a.-1", dataKey="f")], {"a": ["5", "1.5"]}),
    ("-1 at the root is a key", [entry("-1", dataKey="n")], {"-1": "5"}),
    ("-2 is a key", [entry("a.-2", dataKey="n")], {"a": {"-2": "5"}}),
    ("a number first makes an array", [entry("0", dataKey="n")], ["5"]),
    ("an index, then a key", [entry("a.0", dataKey="n"), entry("a.b", dataKey="n")], ERR),
    ("an index at the root, then a key", [entry("0", dataKey="n"), entry("a", dataKey="n")], ERR),
    ("an index of an object is a key", [entry("a.b", dataKey="n"), entry("a.0", dataKey="n")], {"a": {"b": "5", "0": "5"}}),
    ("a key, then an index at the root", [entry("a", dataKey="n"), entry("0", dataKey="n")], {"a": "5", "0": "5"}),
    ("01 is an index", [entry("a.01", dataKey="n")], {"a": [None, "5"]}),
    ("a dot at the end", [entry("a.", dataKey="n")], {"a": ["5"]}),
    ("a dot at the start", [entry(".a", dataKey="n")], [{"a": "5"}]),
    ("a colon at the start", [entry(":a", dataKey="n")], {"a": "5"}),
    ("a colon before a number", [entry("a.:1", dataKey="n")], {"a": {"1": "5"}}),
    ("an escaped dot", [entry(r"a.b\.c/d", dataKey="n")], {"a": {"b.c/d": "5"}}),
    ("an empty step", [entry("a..b", dataKey="n")], {"a": [{"b": "5"}]}),
    ("a wildcard replaces a match", [entry("ab", dataKey="n"), entry("a*", value="x")], {"ab": "x"}),
    ("a scalar in the way", [entry("a", dataKey="n"), entry("a.b", dataKey="n")], {"a": {"b": "5"}}),
    ("a dest that matches nothing", [entry('l.#(x=="y").v', dataKey="n")], None),
    ("setting twice keeps the last", [entry(dataKey="n"), entry(dataKey="f")], {"a": "1.5"}),
    ("a payload has no operation", [entry(value="txt"), entry("a", "append", dataKey="n")], {"a": "5"}),
    ("members keep their order", [entry("z", value="1"), entry("y", value="2"), entry("x", value="3")],
     '{"z":"1","y":"2","x":"3"}'),
    ("no dest is the whole payload", [entry(dataKey="n"), entry("", value="txt"), entry("b", value="x")], "txt"),
    ("a whole payload as JSON", [entry("", dataKey="o")], '{"x": 1.50,"l":[1 ,2]}'),
    ("a whole payload of null", [entry("", dataKey="nil")], None),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "body"), [pytest.param(*case[1:], id=case[0]) for case in PAYLOADS])
def test_a_payload_is_built_as_by_the_original(payload: list[Json], body: Any, tmp_path: Path) -> None:
    found = simulate(tmp_path, sensor([dependency()], http(payload=payload)), event(raw=VALUES))
    if body is ERR:
        assert found.error
    elif isinstance(body, str) and body[0] in "{[":
        assert repr(found.body) == repr(json.loads(body))  # tells 5 from 5.0, and sees the order
    else:
        assert found.body == body


YAML = {"datacontenttype": "application/yaml"}
ON_TYPES: list[tuple[str, str, Json, Any]] = [
    ("the whole event, data in base64", event({}), entry(""), json.loads(WHOLE_CONTEXT)),
    ("the whole event as text", event({}), entry(), {"a": WHOLE_CONTEXT}),
    ("the whole event is text however raw", event({}), entry(**RAW), {"a": WHOLE_CONTEXT}),
    ("a value instead of the whole event", event({}), entry("", value="V"), "V"),
    ("no content type, by key", event(J, datacontenttype=UNSET), entry(dataKey="k"), ERR),
    ("no content type, by template", event(J, datacontenttype=UNSET), entry(dataTemplate="{{ .Input.k }}"), ERR),
    ("no content type, with a value", event(J, datacontenttype=UNSET), entry(dataKey="k", value="V"), {"a": "V"}),
    ("no content type leaves the context", event(J, datacontenttype=UNSET), entry(contextKey="id"), {"a": "1"}),
    ("no content type in the context", event(J, datacontenttype=UNSET), entry(contextKey="datacontenttype"), {"a": ""}),
    ("a charset is another content type", event(J, datacontenttype="application/json; charset=utf-8"), entry(dataKey="k"), ERR),
    ("a charset, with a value", event(J, datacontenttype="application/json; charset=utf-8"),
     entry(dataKey="k", value="V"), {"a": "V"}),
    ("text data", event("k", datacontenttype="text/plain"), entry(dataKey="k"), ERR),
    ("YAML data by key", event("k: v\nn: 1.50", **YAML), entry(dataKey="k"), {"a": "v"}),
    ("a YAML number", event("f: 1e3", **YAML), entry(dataKey="f", **RAW), {"a": 1000}),
    ("a YAML hexadecimal", event("f: 0x1f", **YAML), entry(dataKey="f", **RAW), {"a": 31}),
    ("a YAML key that is false", event("n: 1", **YAML), entry(dataKey="false", **RAW), {"a": 1}),
    ("yes and no in YAML", event("yes: no", **YAML), entry(dataKey="@this", **RAW), {"a": {"true": False}}),
    ("YAML data by template", event("k: {l: [1, x]}", **YAML), entry(dataTemplate="{{ .Input.k.l }}"), {"a": "[1 x]"}),
    ("null data by key", event(None), entry(dataKey="k"), ERR),
    ("null data by template", event(None), entry(dataTemplate="{{ . }}", value="V"), {"a": "map[Input:<nil>]"}),
    ("absent data by key", event(), entry(dataKey="k"), ERR),
    ("absent data with a value", event(), entry(dataKey="k", value="V"), {"a": "V"}),
    ("absent data leaves the context", event(), entry(contextKey="subject"), {"a": "scan"}),
    ("data that is no JSON, with a value", event(data_base64="ew=="), entry(dataKey="k", value="V"), {"a": "V"}),
    ("no time is null by key and beats the value", event({}, time=UNSET), entry(contextKey="time", value="V"), {"a": "null"}),
    ("no time falls through by template", event({}, time=UNSET), entry(contextTemplate="{{ .Input.time }}", value="V"),
     {"a": "V"}),
    ("time in UTC", event({}, time="2024-07-05T15:00:00+02:00"), entry(contextKey="time"), {"a": "2024-07-05T13:00:00Z"}),
    ("extensions are not in the context", event({}, traceparent="x"), entry(contextKey="traceparent"), ERR),
    ("the first of two equal keys by key", event(raw='{"k":"v","k":"w"}'), entry(dataKey="k"), {"a": "v"}),
    ("the first of two equal keys by template", event(raw='{"k":"v","k":"w"}'), entry(dataTemplate="{{ .Input.k }}"), {"a": "v"}),
    ("a number out of range by template", event(raw='{"k":1e400}'), entry(dataTemplate="{{ .Input.k }}"), {"a": "+Inf"}),
    ("half a surrogate pair by template", event(raw=r'{"k":["\ud800"]}'), entry(dataTemplate="{{ .Input.k }}"),
     {"a": "[\ufffd]"}),
    ("minus zero by template", event(raw='{"k":-0}'), entry(dataTemplate="{{ .Input.k }}"), {"a": "-0"}),
    ("a number of six digits by template", event(raw='{"k":100000}'), entry(dataTemplate="{{ .Input.k }}"), {"a": "100000"}),
    ("a key of a number's template", event({"n": 5}), entry(dataTemplate="{{ .Input.n | int64 }}-{{ toJson . }}"),
     {"a": '5-{"Input":{"n":5}}'}),
    ("text of several lines", event({"k": " a\r\n\tb "}), entry(dataKey="k"), {"a": " a\r\n\tb "}),
    ("members of every element", event({"l": [{"a": 1}, {"b": 2}, {"a": 3}]}), entry(dataKey="l.#.a", **RAW), {"a": [1, 3]}),
    ("how many elements", event({"l": [1, 2]}), entry(dataKey="l.#", **RAW), {"a": 2}),
    ("the first match of a query", event({"l": [{"k": "x", "v": 1}, {"k": "y", "v": 2}]}), entry(dataKey='l.#(k=="y").v'),
     {"a": "2"}),
    ("an event that cannot be decoded", event(J, datacontenttype="text/plain"), entry(contextKey="id"), NONE),
    ("null as text data is empty", event(None, datacontenttype="text/plain"), entry(contextKey="id"), {"a": "1"}),
    ("a number out of range as text", event(raw='{"k":1e400}'), entry(dataKey="k"), {"a": "+Inf"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "parameter", "body"), [pytest.param(*case[1:], id=case[0]) for case in ON_TYPES])
def test_a_value_is_read_from_data_of_each_content_type(line: str, parameter: Json, body: Any, tmp_path: Path) -> None:
    found = simulate(tmp_path, sensor([dependency()], http(payload=[parameter])), line)
    if body is NONE:
        assert (found.matched, found.firings, found.code) == (False, [], 2)
        assert found.problems[0]["line"] == 1
    elif body is ERR:
        assert found.error
    else:
        assert found.body == body


ABSENT: list[tuple[str, list[Json], Any]] = [
    ("no value", [entry(dependencyName="other", dataKey="k")], ERR),
    ("no value, whole payload", [entry("", dependencyName="other", dataKey="k"), entry(dataKey="k")], {"a": "v"}),
    ("a value", [entry(dependencyName="other", dataKey="k", value="V"), entry("b", dataKey="k")], {"a": "V", "b": "v"}),
    ("an empty value", [entry(dependencyName="other", dataKey="k", value="", **RAW)], {"a": ""}),
]


@pytest.mark.parametrize(("payload", "body"), [pytest.param(*case[1:], id=case[0]) for case in ABSENT])
def test_a_dependency_without_an_event_is_stood_in_for(payload: list[Json], body: Any, tmp_path: Path) -> None:
    found = simulate(tmp_path, sensor([dependency(), dependency("other", source="gate")], http(payload=payload)), event(J))
    if body is ERR:
        assert "other" in found.error
    else:
        assert found.body == body


URL = "https://example.net/x"
REWRITES: list[tuple[str, list[Json], list[Json], Any]] = [
    ("a method that no manifest may declare", [entry("http.method", value="PURGE")], [], {"method": "PURGE"}),
    ("a method that is no word", [entry("http.method", value="A B")], [], ERR),
    ("an unknown field", [entry("http.nope", value="x")], [], {"url": URL}),
    ("a null method", [entry("http.method", dataKey="z", **RAW)], [], {"method": "POST"}),
    ("resource level: no such field", [], [entry("http.url", value="http://a/")], {"url": URL}),
    ("resource level: an unknown field and a bad one", [], [entry("nope", value="x"), entry("timeout", value="x")], ERR),
    ("the url", [entry("http.url", value="https://example.net/y?z=1")], [], {"url": "https://example.net/y?z=1"}),
    ("the url's end", [entry("http.url", "append", dataKey="k")], [], {"url": f"{URL}v"}),
    ("the url's start", [entry("http.url", "prepend", value="http")], [], ERR),
    ("the url by another operation", [entry("http.url", "overwrite", value="http://a/b")], [], {"url": "http://a/b"}),
    ("the method", [entry("http.method", value="DELETE")], [], {"method": "DELETE"}),
    ("the name", [entry("name", dataKey="k")], [], {"url": URL}),
    ("a header", [entry("http.headers.X-K", dataKey="k")], [], {"headers": {"X-K": "v"}}),
    ("a timeout that is text", [entry("http.timeout", dataKey="n")], [], ERR),
    ("a timeout that is a number", [entry("http.timeout", dataKey="n", **RAW)], [], {"url": URL}),
    ("a timeout from text", [entry("http.timeout", dataKey="s", **RAW)], [], ERR),
    ("nothing at the key", [entry("http.url", dataKey="gone")], [], ERR),
    ("the payload's dest", [entry("http.payload.0.dest", value="other")], [], {"body": {"other": "v"}}),
    ("the payload's key", [entry("http.payload.0.src.dataKey", value="s")], [], {"body": {"p": "5"}}),
    ("one after the other", [entry("http.url", value="http://a/"), entry("http.url", "append", dataKey="s")], [],
     {"url": "http://a/5"}),
    ("resource level: the url", [], [entry("url", "append", dataKey="s")], {"url": f"{URL}5"}),
    ("resource level: the method", [], [entry("method", value="PUT")], {"method": "PUT"}),
    ("resource level: a match that is none", [], [entry('payload.#(dest=="q").dest', value="r")], {"body": {"p": "v"}}),
    ("resource level: a match", [], [entry('payload.#(dest=="p").dest', value="r")], {"body": {"r": "v"}}),
    ("both levels", [entry("http.url", value="http://a/")], [entry("url", "append", value="b")], {"url": "http://a/b"}),
    ("the resource level rewritten", [entry("http.parameters.0.src.value", value="c")],
     [entry("url", "append", value="b")], {"url": f"{URL}c"}),
]  # fmt: skip


@pytest.mark.parametrize(("head", "own", "request_"), [pytest.param(*case[1:], id=case[0]) for case in REWRITES])
def test_parameters_rewrite_the_trigger(head: list[Json], own: list[Json], request_: Any, tmp_path: Path) -> None:
    trigger = http(payload=[entry("p", dataKey="k")], **({"parameters": own} if own else {}))
    found = simulate(tmp_path, sensor([dependency()], trigger, **({"parameters": head} if head else {})), event(J))
    if request_ is ERR:
        assert found.error
        return
    (firing,) = found.firings
    plain = {"method": "POST", "url": URL, "headers": {}, "body": {"p": "v"}}
    assert firing["request"] == plain | request_


HEADERS: list[tuple[str, list[Json], Any]] = [
    ("text", [entry("X-A", dataKey="k")], {"X-S": "s", "X-A": "v"}),
    ("always text", [entry("X-A", dataKey="n", **RAW)], {"X-S": "s", "X-A": "5"}),
    ("an object", [entry("X-A", dataKey="o", **RAW)], {"X-S": "s", "X-A": '{"q":1}'}),
    ("replaces a header", [entry("X-S", dataKey="k")], {"X-S": "v"}),
    ("the last of two", [entry("X-A", value="1"), entry("X-A", value="2")], {"X-S": "s", "X-A": "2"}),
    ("as written", [entry("x-lower", value="1")], {"X-S": "s", "x-lower": "1"}),
    ("missing", [entry("X-A", dataKey="gone")], ERR),
]


@pytest.mark.parametrize(("dynamic", "headers"), [pytest.param(*case[1:], id=case[0]) for case in HEADERS])
def test_headers_are_taken_from_events(dynamic: list[Json], headers: Any, tmp_path: Path) -> None:
    found = simulate(tmp_path, sensor([dependency()], http(headers={"X-S": "s"}, dynamicHeaders=dynamic)), event(J))
    if headers is ERR:
        assert found.error
    else:
        assert found.firings[0]["request"] == {"method": "POST", "url": URL, "headers": headers, "body": None}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (event(raw='{"k": 1}'), '{"k": 1}'),
        (event("text", datacontenttype="text/plain"), "text"),
        (event("k: v", datacontenttype="application/yaml"), "azogdg=="),
        (event(), ""),
    ],
)
def test_a_log_trigger_shows_its_lines(line: str, message: str, tmp_path: Path) -> None:
    (firing,) = simulate(tmp_path, sensor([dependency()], {"log": {}}), line).firings
    (shown,) = firing["request"]["lines"]
    assert (shown["dependencyName"], shown["message"], shown["eventContext"]["id"]) == ("d", message, "1")


FAULTY: list[tuple[Json, str]] = [
    (data(clause("k", "string", "(")), "pattern"),
    (data(clause("k", "string", ".*", template="{{")), "template"),
    ({"filters": {"exprs": [{"expr": "n = 1", "fields": [{"name": "n", "path": "n"}]}]}}, "exprs"),
    ({"filters": {"script": "return ("}}, "script"),
    ({"transform": {"jq": "{a:"}}, "transform"),
    ({"filters": {"script": "return (", **WEBHOOK}} | OR, "script"),
]


@pytest.mark.parametrize(("faulty", "named"), FAULTY)
def test_a_dependency_that_cannot_work_has_a_verdict_and_disables_its_trigger_alone(
    faulty: Mapping[str, Any], named: str, tmp_path: Path
) -> None:
    declared = sensor([dependency("bad", **faulty)], http())
    good = {"template": {"name": "good", "conditions": "fine", **http()}}
    declared["spec"]["dependencies"].append(dependency("fine"))
    declared["spec"]["triggers"].append(good)
    found = simulate(tmp_path, declared, event(J), event(J, id="2"))
    assert [(row["dependency"], row["event"]["id"], row["matched"]) for row in found.verdicts] == [
        ("bad", "1", False),
        ("fine", "1", True),
        ("bad", "2", False),
        ("fine", "2", True),
    ]
    assert named in found.verdicts[0]["reason"]
    assert {firing["trigger"] for firing in found.firings} == {"good"}
    assert any(problem["severity"] == "error" for problem in found.problems)
    assert found.code == 2


def test_one_event_behind_two_dependencies_of_an_or_fires_once_with_both(tmp_path: Path) -> None:
    payload = [entry(dataKey="k"), entry("b", dependencyName="twin", dataKey="n", **RAW)]
    found = simulate(tmp_path, sensor([dependency(), dependency("twin")], http(payload=payload)), event(J))
    assert [row["dependency"] for row in found.verdicts] == ["d", "twin"]
    assert found.body == {"a": "v", "b": 5}
    assert found.firings[0]["events"] == [{"source": "depot", "id": "1"}]


def test_a_real_process_prints_what_programs_rely_on(tmp_path: Path) -> None:
    declared = sensor([dependency(**data(HIT))], http(payload=[entry(dataKey="n", **RAW)]))
    (tmp_path / "m.json").write_text(json.dumps(declared))
    lines = f"{event(J)}\n{event({'k': 'w'}, id='2')}\n"
    done = tocsin_process("simulate", str(tmp_path / "m.json"), "--events", "-", "-o", "json", stdin=lines)
    assert (done.returncode, done.stderr) == (0, "")
    row = {"sensor": "s", "dependency": "d", "event": {"source": "depot", "id": "1"}, "matched": True, "reason": ""}
    missed = {"event": {"source": "depot", "id": "2"}, "matched": False, "reason": 'data k: "w" matches none of ["^v$"]'}
    assert json.loads(done.stdout) == {
        "verdicts": [row, row | missed],
        "firings": [
            {
                "sensor": "s",
                "trigger": "t",
                "events": [{"source": "depot", "id": "1"}],
                "request": {"method": "POST", "url": URL, "headers": {}, "body": {"a": 5}},
            }
        ],
        "problems": [],
    }


def test_a_real_process_prints_all_it_found_where_a_manifest_is_faulty(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(sensor([dependency(**data(clause("k", "string", "(")))], http())))
    done = tocsin_process("simulate", str(tmp_path / "m.json"), "--events", "-", "-o", "json", stdin=event(J))
    found = Found(done.returncode, done.stdout)
    assert (found.code, found.matched, found.firings) == (2, False, [])
    assert found.problems[0]["path"] == "spec.dependencies[0].filters.data[0].value[0]"
