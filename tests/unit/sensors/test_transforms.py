"""Transforms: what filters and requests see of an event. The languages are held to the original's answers in `tests/oracle`."""

import contextlib
import json
import time

import pytest
from deciding_helpers import NO_DATA, J, a_dependency, an_event

from manifests.objects import Transform as Declared
from sensors.bound import EventView
from sensors.filters.check import check_dependency
from sensors.filters.combine import compile_filters
from sensors.filters.held import Held
from sensors.languages.jq import JqCutOff, JqFailed, compile_program
from sensors.languages.jq.bounds import MAX_CHARACTERS
from sensors.languages.time_limit import TimeUp, within
from sensors.transforms import TransformFailed, compile_transform, transformed


def made(event=None, now_us: int = 0, **declared: str) -> EventView:
    view = EventView(an_event(J) if event is None else event)
    return compile_transform(Declared(**declared)).apply(view, now_us)


def asked(filters: dict, event=None, **declared: str) -> tuple[Held, str]:
    clause, _ = transformed(Declared(**declared), compile_filters(a_dependency(filters=filters)))
    view = EventView(an_event(J) if event is None else event)
    held = clause.holds(view)
    return held, "" if held is Held.YES else clause.why(view)


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        ({"jq": "{x: .n}"}, {"x": 5}),
        ({"jq": "{x: .n}, {x: 9}"}, {"x": 5}),
        ({"script": "return {x = event.n}"}, {"x": 5}),
        ({"script": "return {1, 2}"}, [1, 2]),
        ({"jq": "{x: 1}", "script": "return {x = 2}"}, {"x": 1}),
    ],
)
def test_only_the_data_changes_and_it_is_json(declared: dict, data: object) -> None:
    view = made(an_event(J, datacontenttype="text/plain"), **declared)
    assert json.loads(view.event.data or b"") == data
    assert view.event.datacontenttype == "application/json"
    assert (view.event.id, view.event.source, view.event.time) == ("1", "source", "2024-05-06T07:08:09.123456Z")


def test_an_event_without_data_stays_as_it_is() -> None:
    event = an_event(raw=NO_DATA, datacontenttype="text/plain")
    assert made(event, jq="{x: 1}").event is event


def test_null_goes_to_scripts_as_an_empty_object() -> None:
    assert made(an_event(raw=b"null"), script="return event").event.data == b"{}"
    assert made(an_event(raw=b"null"), jq="{x: .}").event.data == b'{"x":null}'
    assert made(an_event(raw=b"null"), jq=".").event.data == b"null"


@pytest.mark.parametrize(
    ("jq", "data"),
    [
        ("{k: keys, t: type, n: length}", b'{"k":[],"n":0,"t":"object"}'),
        ("{e: [.[]], i: (if . then 1 else 2 end), q: (. == {}), o: (. == null)}", b'{"e":[],"i":1,"o":false,"q":true}'),
        (". // {d: 1}", b"null"),
        ("{l: [., {}], a: .a}", b'{"a":null,"l":[null,{}]}'),
        ("with_entries(.)", b"{}"),
        (". * {b: 1}", b'{"b":1}'),
    ],
)
def test_null_is_an_object_without_members_to_jq_and_null_where_it_is_given_back(jq: str, data: bytes) -> None:
    assert made(an_event(raw=b"null"), jq=jq).event.data == data


@pytest.mark.parametrize("jq", ["null", ".a", "empty", ".[0]"])
def test_null_that_jq_makes_of_null_is_no_object(jq: str) -> None:
    with pytest.raises(TransformFailed):
        made(an_event(raw=b"null"), jq=jq)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"jq": ".n"}, "transform.jq: its first output is no object"),
        ({"jq": "empty"}, "transform.jq: it gave nothing"),
        ({"jq": 'error("boom")'}, "transform.jq: boom"),
        ({"jq": "{a: nan}"}, "transform.jq: its first output holds a number that JSON cannot"),
        ({"jq": "{a: input}"}, "transform.jq: input is not available here"),
        ({"script": "return 5"}, "transform.script: it gave no table"),
        ({"script": "return {a = print}"}, "transform.script: a value of type function cannot be part of the data"),
        ({"script": "return {a = 0/0}"}, "transform.script: NaN is no JSON number"),
    ],
)
def test_what_gives_no_data_fails_with_the_reason(declared: dict, reason: str) -> None:
    with pytest.raises(TransformFailed) as failed:
        made(**declared)
    assert str(failed.value) == reason
    assert asked({"context": {"type": "webhook"}}, **declared) == (Held.ERROR, reason)


@pytest.mark.parametrize("data", [b"[1]", b"5", b'"x"', b"{", b""])
def test_data_that_is_no_object_fails(data: bytes) -> None:
    for declared in ({"jq": "."}, {"script": "return event"}):
        with pytest.raises(TransformFailed):
            made(an_event(raw=data), **declared)


def test_filters_see_what_the_transform_made_and_each_dependency_starts_anew() -> None:
    clause = {"data": [{"path": "x", "type": "number", "value": ["5"]}]}
    assert asked(clause, jq="{x: .n}")[0] is Held.YES
    assert asked(clause)[1] == "data x: there is no such value in the event"
    assert asked({}, jq="{x: .n}")[0] is Held.YES


def test_the_clock_of_a_program_is_that_of_the_decision() -> None:
    view = EventView(an_event(J))
    transform = compile_transform(Declared(jq="{t: now}"))
    assert json.loads(transform.apply(view, 1_700_000_000_000_000).event.data or b"") == {"t": 1700000000}
    assert json.loads(transform.apply(view, 1_800_000_000_000_000).event.data or b"") == {"t": 1800000000}


def test_one_event_is_transformed_once_for_all_that_ask() -> None:
    view = EventView(an_event(J))
    transform = compile_transform(Declared(jq="{x: .n}"))
    assert transform.apply(view, 1) is transform.apply(view, 2)


@pytest.mark.parametrize(
    ("declared", "place", "says"),
    [
        ({"jq": "{a:"}, "transform.jq", "not a jq program"),
        ({"jq": "{a: nofunc}"}, "transform.jq", "function not defined: nofunc/0"),
        ({"jq": "{a: keys_unsorted}"}, "transform.jq", "function not defined"),
        ({"script": "return ("}, "transform.script", "not a Lua script: 1:"),
    ],
)
def test_a_program_that_cannot_be_read_is_found_before_any_event_comes(declared: dict, place: str, says: str) -> None:
    ((where, message, severity),) = check_dependency(a_dependency(transform=declared))
    assert (where, severity) == (place, "error")
    assert says in message


def test_a_program_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "seen")
    assert compile_program("{a: $ENV, b: env}").transform({}) == {"a": {}, "b": {}}


@pytest.mark.parametrize(
    "hostile",
    [
        "def f: f; {a: f}",
        "{a: [range(1e9)] | length}",
        "{a: [repeat(1)]}",
        "{a: last(range(1e12))}",
        "{a: (reduce range(60) as $i (\"x\"; . + .))}",
        "{a: (\"x\" * 1e9)}",
        "{a: (reduce range(60) as $i ([]; [., .]) | tojson)}",
        "{a: (reduce range(60) as $i ([0]; . + .) | length)}",
        "{a: (reduce range(50) as $i ([]; [., .]) == reduce range(50) as $i ([]; [., .]))}",
        "{a: ([limit(100000; repeat(\"x\"))] | join(\"yyyyyyyyyyyyyyyyyyyyyyy\"))}",
        "{a: (\"a\" * 50000 | test(\"(a+)+$b\"))}",
        "{a: [recurse(. + 1)]}",
        "{a: (try (def f: f; f) catch 1)}",
        "[range(300)] | {a: [combinations(4)]}",
    ],
)  # fmt: skip
def test_a_hostile_program_is_cut_off_soon_and_the_next_one_runs(hostile: str) -> None:
    began = time.process_time()
    with contextlib.suppress(JqFailed):
        compile_program(hostile).transform({})
    assert time.process_time() - began < 1.0  # it is 0.05 on an idle machine
    assert compile_program("{a: 1}").transform({}) == {"a": 1}


def test_what_is_cut_off_says_so() -> None:
    with pytest.raises(JqCutOff, match=r"steps|deep|time"):
        compile_program("{a: last(range(1e12))}").transform({})
    with pytest.raises(JqFailed, match=str(MAX_CHARACTERS)):
        compile_program("." * (MAX_CHARACTERS + 1))


def test_work_without_end_is_cut_off_by_its_processor_time() -> None:
    def work() -> None:
        while True:
            pass

    asked: list[bool] = []
    with pytest.raises(TimeUp):
        within(0.01, work, lambda: asked.append(True))
    assert asked == [True]
    assert within(0.01, lambda: 5, work) == 5


@pytest.mark.parametrize(
    ("program", "made"),
    [
        ('{a: ("abab" | gsub("a"; "x"))}', "xbxb"),
        ('{a: ("abab" | sub("a"; "x"))}', "xbab"),
        ('{a: ["ab" | gsub("[ab]"; "x", "y")]}', ["xx", "xy", "yx", "yy"]),
        ('{a: ["ab" | gsub("[ab]"; empty)]}', []),
        ('{a: ["ab" | gsub("c"; "x", "y")]}', ["ab"]),
        ('{a: (first("a" | gsub("a"; "x", error("late"))))}', "x"),
        ('{a: ("ab" | gsub("(?<l>[ab])"; "<" + .l + ">"))}', "<a><b>"),
        ('{a: ("" | gsub(""; "x"))}', "x"),
    ],
)
def test_replacing_gives_every_combination_in_order(program: str, made: object) -> None:
    assert compile_program(program).transform({}) == {"a": made}


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("[5 | .a?]", []),
        ("{a: 1} | (.b // .a) |= 7 | [.a, +2, path(limit(1; .a, .b))]", [7, 2, ["a"]]),
        ("[{a: 1,}.a]", [1]),
        ('(1, error("x")) + 1', 2),
        ("[[null, 1, false] | min]", [None]),
        ('[8 | frexp] + ["YWJj" | @base64d]', [[0.5, 4], "abc"]),
        ('[-62135596800 | todate] + [5 | format("json")]', ["0001-01-01T00:00:00Z", "5"]),
    ],
)
def test_jq_is_that_of_gojq(program: str, found: list[object]) -> None:
    assert compile_program(f"{{r: ({program})}}").transform({}) == {"r": found}


@pytest.mark.parametrize("program", ["5 | .a.b?", "1e17 | gmtime", '"!" | @base64d', "5 | .x[0]?"])
def test_jq_errs_where_gojq_does(program: str) -> None:
    with pytest.raises(JqFailed):
        compile_program(f"{{r: ({program})}}").transform({})


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("('50 off'):gsub('off', '%%')", "50 %"),
        ("select('#', ('abc'):match('x'))", 0),
        ("string.format('%05d %x %s', '7', 'hi', -1)", "00007 6869 -1"),
        ("select('#', ('abc'):byte())", 3),
        ("('aaa'):gsub('a', 'b', 0)", "bbb"),
        ("('abc'):gsub('b', function() return true end)", "ac"),
    ],
)
def test_lua_is_that_of_gopher_lua(expression: str, found: object) -> None:
    assert json.loads(made(script=f"return {{r = ({expression})}}").event.data or b"") == {"r": found}
