"""The expression language of event sources beside its golden vectors: bounds, places of mistakes, what names become."""

import contextlib
import copy
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.languages.expr import ExprError, compile_expr, parser, program, run, words
from sensors.languages.expr.builtins import as_floats
from sensors.languages.expr.environment import environment
from sensors.languages.gotemplate import moment

sys.path.append(str(Path(__file__).parents[2] / "oracle"))

NOW = datetime(2024, 7, 5, 13, 0, tzinfo=UTC)


def compute(text: str, **data: Any) -> Any:
    with moment(NOW, b"seed"):
        return compile_expr(text).compute(environment(as_floats(data)), NOW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("body.a ==", "1:10: unexpected end of the expression"),
        ("body.a\n  == 'x", "2:6: a text that does not end"),
        ("a b", "1:3: unexpected name 'b'"),
        ("'a' > 1", "1:5: string > int do not go together"),
        ("type == 'x'", "1:6: function == string do not go together"),
        ("values.k", "it is a function, which goes before what the event holds under this name"),
        ("body.ref matches '('", "1:18: error parsing regexp"),
        ("any(1, true)", "1:5: any takes a list, not int"),
        ("# > 1", "1:1: # stands for an element only inside"),
        ("a ?? b == c", "1:8: == and ?? cannot be mixed"),
        ("5 % (2 - 2)", "1:3: division by zero"),
        ("len(1, 2)", "1:1: len takes 1 argument, not 2"),
        ("upper(1)", "upper takes (string), not (int)"),
        ("9223372036854775808", "is no number, or too large"),
        ("1 /* x", "1:3: a comment that does not end"),
        ("@", "means nothing here"),
    ],
)
def test_a_mistake_is_found_before_running_and_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ExprError) as failed:
        compile_expr(text)
    assert said in str(failed.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("body.none.x", "nil has no members"),
        ("body.n + 'a'", "float64 and string do not go together"),
        ("body.n in ['a']", "a key is a text, not 4"),
        ("body.l[9]", "there is no element 9; there are 3"),
        ("sprig.trunc(body.n, 'abc')", "argument 1 is float64 4, and must be int; write int(…)"),
        ("sprig.nope(1)", "nil is no function"),
        ("body.n % 2", "float64 and int do not go together"),
        ("now().Year() == 'x' ? 1 : body.none.x", "do not go together"),
    ],
)
def test_values_that_do_not_fit_are_named(text: str, said: str) -> None:
    with pytest.raises(ExprError) as failed:
        compute(text, body={"n": 4, "l": [1, 2, 3]})
    assert said in str(failed.value)


def test_what_is_looked_at_is_bounded() -> None:
    many = {"l": [0] * 2000}
    assert compute("len(filter(body.l, # == 0))", body=many) == 2000
    with pytest.raises(ExprError, match=f"more than {run.MAX_STEPS} elements were looked at"):
        compute("any(body.l, any(body.l, # == 1))", body=many)


def test_what_takes_long_is_cut_off() -> None:
    body = {"l": ["x"] * 5000, "s": "a" * 1_000_000}
    began = time.process_time()
    with pytest.raises(ExprError, match=r"took too long|more than 100 ms"):
        compute("count(body.l, lower(body.s) contains 'b')", body=body)
    assert time.process_time() - began < 3


def test_what_is_made_is_bounded() -> None:
    with pytest.raises(ExprError, match="elements were made"):
        compute("1..int(body.n)", body={"n": 1e9})
    with pytest.raises(ExprError, match="grows past"):
        compute("reduce(1..40, #acc + #acc, 'ab')")
    with pytest.raises(ExprError, match="too often"):
        compute("repeat(body.s, 1000000)", body={"s": "abcd"})
    with pytest.raises(ExprError, match="grows past"):
        compute("replace(body.s, '', body.s)", body={"s": "x" * 10_000})


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000 + "]" * 5000,
        "!" * 5000 + "true",
        "1" + " + 1" * 5000,
        "a" + ".b" * 5000,
        "a" + "[0]" * 5000,
        "true ? 1 : " * 5000 + "1",
        "map([1], " * 200 + "1" + ")" * 200,
        "(" * 90 + "1" + (" + 1" * 90 + ")") * 90,
    ],
)
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ExprError, match=r"inside each other|in a row|nested too deep"):
        compile_expr(text)


def test_long_chains_of_and_and_or_are_no_nesting() -> None:
    assert compute(" || ".join(f"body.n == {number}" for number in range(2000)), body={"n": 1999}) is True
    assert compute(" && ".join(f"body.n != {number}" for number in range(2000)), body={"n": 2000}) is True


def test_an_expression_is_only_so_long() -> None:
    with pytest.raises(ExprError, match=f"at most {words.MAX_CHARACTERS}"):
        compile_expr("1" * (words.MAX_CHARACTERS + 1))
    assert parser.MAX_NESTING < 200


def test_names_of_data_lose_dashes_and_dots_at_the_top_only() -> None:
    data = {"my-key": 1, "a.b": 2, "a.c.d": 3, "x": 4, "x.y": 5, "body": {"in-side": 6, "p.q": 7}}
    assert compute("my_key + a.b + a.c.d + x.y", **data) == 11.0
    assert compute('body["in-side"] + body["p.q"]', **data) == 13.0
    assert compute("body.in_side", **data) is None


def test_functions_go_before_data_of_their_name() -> None:
    assert compute("asInt('5') + asInt(body.n)", asInt="mine", body={"n": 4.9}) == 9
    assert compute("sprig.upper('a')", sprig={"upper": 1}) == "A"


def test_functions_that_change_what_they_get_leave_the_event_alone() -> None:
    data = as_floats({"body": {"a": {"b": 1}}})
    before = copy.deepcopy(data)
    with moment(NOW, b"seed"):
        changed = compile_expr('sprig.set(body.a, "c", 2).c == 2 && sprig.unset(body.a, "b").b == nil').holds(
            environment(data), NOW
        )
    assert changed
    assert data == before


@pytest.mark.parametrize("name", ["env", "expandenv", "getHostByName", "genPrivateKey"])
def test_nothing_reads_the_machine(name: str) -> None:
    with pytest.raises(ExprError, match="is no function"):
        compute(f'sprig.{name}("HOME")')


def test_only_true_and_false_hold() -> None:
    with pytest.raises(ExprError, match=r'gives "x", and must give true or false'):
        compile_expr("body.s").holds({"body": {"s": "x"}}, NOW)
    assert compile_expr("body.n").holds({"body": {"n": True}}, NOW)


def test_a_function_of_sprig_that_takes_too_long_is_cut_off_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MAX_SECONDS", 0.005)
    data = {"body": {"x": "a" * 100_000 + "b"}}
    with moment(NOW, b"seed"), pytest.raises(ExprError, match=r"^needs more than 5 ms$"):
        compile_expr("sprig.snakecase(body.x)").compute(environment(data), NOW)


def test_the_time_is_the_one_that_is_given() -> None:
    assert compute("now() == date('2024-07-05T13:00:00Z')") is True
    assert compute("(now() - date('2024-07-05')).Hours() == 13.0") is True


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.q[1].r", "s"),
        ("$['q'][0]", 1.0),
        ("$.q[-1].r", "s"),
        ("$.q[*]", [1.0, {"r": "s"}]),
        ("$..r", ["s"]),
        ("$.q[0:1]", [1.0]),
        ("$.q[0,1]", [1.0, {"r": "s"}]),
        ("$['a b']", 2.0),
        ("$", {"q": [1.0, {"r": "s"}], "a b": 2.0}),
    ],
)
def test_paths_into_json_texts(path: str, found: Any) -> None:
    assert compute(f'jsonpath(body.j, "{path}")', body={"j": '{"q":[1,{"r":"s"}],"a b":2}'}) == found


@pytest.mark.parametrize("path", ["q", "$.zz", "$.q[?(@.r)]", "$.q[", "$q", "$..", "$.q[9]"])
def test_paths_that_cannot_be_read_or_lead_nowhere(path: str) -> None:
    with pytest.raises(ExprError, match="jsonpath"):
        compute(f'jsonpath(body.j, "{path}")', body={"j": '{"q":[1]}'})


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_a_mistake(text: str) -> None:
    with contextlib.suppress(ExprError):
        compute(text, body={"a": 1})


WORDS = [*"()[]{}.,:;?#|+-*/%", "..", "?.", "??", "**", "==", "in", "not", "and", "or", "matches", "sprig.", "let x =", "x", "1"]
WORDS += ["2.5", "body", ".l", ".s", "'a'", "nil", "true", "map", "filter", "len", "sort", "first", "date", "duration", "now()"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.sampled_from(WORDS), max_size=14), VALUES)
def test_whatever_words_and_values_meet_it_ends_with_a_value_or_a_mistake(pieces: list[str], value: Any) -> None:
    with contextlib.suppress(ExprError):
        compute(" ".join(pieces), body={"l": [value, value], "s": value})


@given(st.integers(0, 1 << 30))
def test_expressions_of_the_oracle_end_on_odd_events_too(seed: int) -> None:
    from expr_cases import written

    case = written(random.Random(seed), seed)
    with contextlib.suppress(ExprError):
        compute(case["expression"], **odd(case["data"]))


def odd(value: Any) -> Any:
    """`value` with other types in many places."""
    if isinstance(value, dict):
        return {key: odd(one) for key, one in value.items()}
    if isinstance(value, list):
        return {"0": odd(value[0])} if len(value) == 4 else [odd(one) for one in value]
    return {4: "4", True: 1e300, "b": None, 3: [3]}.get(value, value)
