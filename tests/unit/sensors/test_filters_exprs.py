"""The `exprs` filter, as the original behaves; the language itself is held to the original's answers in `tests/oracle`."""

import contextlib
import functools
import re
import time

import pytest
from deciding_helpers import NO_DATA, J, a_dependency, an_event
from hypothesis import given
from hypothesis import strategies as st

from sensors.bound import EventView
from sensors.filters.check import check_dependency
from sensors.filters.combine import compile_filters
from sensors.filters.held import Held
from sensors.languages.expression_values import add
from sensors.languages.expression_words import ExpressionError
from sensors.languages.expressions import MAX_NESTING, compile_expression

YES, NO, ERROR, ABSENT = Held.YES, Held.NO, Held.ERROR, Held.ABSENT


def item(expr: str, **fields: str) -> dict:
    return {"expr": expr, "fields": [{"name": name, "path": path} for name, path in fields.items()]}


def asked(*items: dict, event=None, operator: str = "") -> tuple[Held, str]:
    view = EventView(an_event(J) if event is None else event)
    clause = compile_filters(a_dependency(filters={"exprs": list(items), "exprLogicalOperator": operator}))
    held = clause.holds(view)
    return held, "" if held is YES else clause.why(view)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (item("n == 5", n="n"), YES),
        (item("n > 5", n="n"), NO),
        (item("n", n="n"), NO),
        (item("z == 1", z="z"), NO),
        (item("z != 1", z="z"), YES),
        (item("s == '5'", s="s"), YES),
        (item("s == 5", s="s"), NO),
        (item("s > 4", s="s"), ERROR),
        (item("k =~ '^v$' && b", k="k", b="b"), YES),
        (item("q + 1 == 2", q="o.q"), YES),
        (item("n == 5 || x", n="n", x="nope"), ABSENT),
        (item("n == 5 || x", n="n"), YES),
        (item("n == 5 && x", n="n"), ERROR),
        (item("n = 5", n="n"), ERROR),
    ],
)
def test_an_item_holds_where_its_expression_is_true(one: dict, expected: Held) -> None:
    assert asked(one)[0] is expected


def test_all_items_must_hold_and_the_first_that_does_not_decides() -> None:
    assert asked(item("n == 5", n="n"), item("k == 'v'", k="k"))[0] is YES
    assert asked(item("n == 6", n="n"), item("x", x="nope"))[0] is NO


def test_with_or_an_item_that_holds_makes_up_for_one_that_errs() -> None:
    assert asked(item("x", x="nope"), item("n == 5", n="n"), operator="or")[0] is YES
    assert asked(item("x", x="nope"), item("n == 6", n="n"), operator="or")[0] is ABSENT
    assert asked(item("n == 7", n="n"), item("n == 6", n="n"), operator="or")[0] is NO


def test_an_event_without_data_passes_and_data_that_is_no_json_errs() -> None:
    assert asked(item("n == 6", n="n"), event=an_event(raw=NO_DATA))[0] is YES
    assert asked(item("n == 5", n="n"), event=an_event(raw=b"no json")) == (ERROR, "exprs: the event data is not JSON")


def test_the_reason_names_the_expression_and_the_values_it_saw() -> None:
    assert asked(item("n > 5", n="n"))[1] == 'exprs "n > 5" is false, with n = 5'
    assert asked(item("k", k="k"))[1] == 'exprs "k" is "v", neither true nor false, with k = "v"'
    assert asked(item("x", x="nope"))[1] == 'exprs "x": there is no value for x at nope in the event'
    assert asked(item("k > 4", k="k"))[1] == (
        'exprs "k > 4": it failed: "v" > 4: only two numbers or two texts can be compared, with k = "v"'
    )


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ("n = 5", "write =="),
        ("n &&!b", "put a space"),
        ("len(n) > 1", "no function"),
        ("n == 'a", "quote"),
        ("(n == 5", "parentheses"),
        ("n =~ '('", "no pattern"),
        ("body.ref == 'x'", "dot"),
    ],
)
def test_an_expression_that_cannot_be_read_is_found_before_any_event_comes(expr: str, says: str) -> None:
    ((place, message, severity),) = check_dependency(a_dependency(filters={"exprs": [item(expr, n="n", b="b")]}))
    assert (place, severity) == ("filters.exprs[0].expr", "error")
    assert says in message


def test_beside_an_item_that_works_one_that_cannot_is_a_warning_under_or() -> None:
    filters = {"exprs": [item("n = 5", n="n"), item("n == 5", n="n")], "exprLogicalOperator": "or"}
    assert [(place, how) for place, _, how in check_dependency(a_dependency(filters=filters))] == [
        ("filters.exprs[0].expr", "warning")
    ]


def test_a_name_without_a_field_is_a_warning() -> None:
    ((_, message, severity),) = check_dependency(a_dependency(filters={"exprs": [item("n == 5 || m", n="n")]}))
    assert severity == "warning"
    assert "'m'" in message


def test_long_expressions_neither_nest_nor_stop_anything() -> None:
    assert compile_expression(" || ".join(["a == 1"] * 5000)).compute({"a": 2.0}) is False
    assert compile_expression(" + ".join(["1"] * 5000)).compute({}) == 5000.0
    with pytest.raises(ExpressionError, match="parentheses inside"):
        compile_expression("(" * (MAX_NESTING + 1) + "a" + ")" * (MAX_NESTING + 1))
    with pytest.raises(ExpressionError, match="65536"):
        compile_expression("a" * 70_000)


def test_a_text_does_not_grow_without_bound() -> None:
    with pytest.raises(ExpressionError, match="grows past"):
        compile_expression("t + t + t").compute({"t": "x" * 500_000})


VALUES = st.one_of(st.floats(-9, 9), st.text("ab", max_size=3), st.booleans(), st.none(), st.just([1.0, "x"]))


@given(st.lists(VALUES, min_size=2, max_size=6))
def test_a_chain_of_sums_is_what_its_steps_are_one_after_the_other(summands: list[object]) -> None:
    names = {f"v{at}": value for at, value in enumerate(summands)}

    try:
        expected = functools.reduce(add, summands)
    except ExpressionError as exc:
        with pytest.raises(ExpressionError, match=re.escape(str(exc))):
            compile_expression(" + ".join(names)).compute(names)
    else:
        assert compile_expression(" + ".join(names)).compute(names) == expected


def test_a_long_chain_of_texts_costs_as_much_as_the_text_is_long() -> None:
    chain = compile_expression(" + ".join(["t"] * 16_000))
    began = time.process_time()
    assert len(chain.compute({"t": "x" * 60})) == 960_000
    assert time.process_time() - began < 0.2, "joined again at each step it takes a second"


@given(st.text(alphabet="ab1.5 ()[]&|!=<>~+-*/%?:'\"\\,in", max_size=30))
def test_any_text_is_an_expression_or_an_error_and_never_anything_else(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        compile_expression(text).compute({"a": 1.0, "b": True})
