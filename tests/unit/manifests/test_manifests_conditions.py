"""The language of conditions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.conditions import MAX_NESTING, All, ConditionError, Name, Names, OneOf, parse_conditions

NAMES = ("a", "b", "c-d", "e_f", "in", "x1")


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("a", [{"a"}]),
        (" ( a ) ", [{"a"}]),
        ("a||b", [{"a"}, {"b"}]),
        ("a || b || a", [{"a"}, {"b"}]),
        ("a && b", [{"a", "b"}]),
        ("a && b || x1", [{"a", "b"}, {"x1"}]),
        ("a && (b || x1)", [{"a", "b"}, {"a", "x1"}]),
        ("(a || b) && (a || x1)", [{"a"}, {"b", "x1"}]),
        ("a || a && b", [{"a"}]),
        ("a\n&&\n\tb", [{"a", "b"}]),
        ("c_d", [{"c-d"}]),
        ("e-f && c-d", [{"c-d", "e_f"}]),
        ("in", [{"in"}]),
        ("", [set(NAMES)]),
        ("  ", [set(NAMES)]),
    ],
)
def test_a_condition_becomes_the_smallest_sets_that_make_it_true(text: str, alternatives: list[set[str]]) -> None:
    assert [set(one) for one in parse_conditions(text, NAMES).alternatives] == alternatives


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!a", "'!' at character 1: a condition cannot ask for an event that is absent"),
        ("a && !b", "'!' at character 6"),
        ("a & b", "write && instead of '&'"),
        ("a and b", "write && instead of 'and'"),
        ("a or b", "write || instead of 'or'"),
        ("a | b", "write || instead of '|'"),
        ("a b", "expected && or || before 'b' at character 3"),
        ("a &&", "expected the name of a dependency at the end"),
        ("()", "expected the name of a dependency, got ')' at character 2"),
        ("(a", "the parenthesis at character 1 is not closed"),
        ("a)", "expected && or || before ')'"),
        ("|| a", "expected the name of a dependency, got '||' at character 1"),
        ("a ? b : c", "expected && or || before '?'"),
        ("true", "'true' is not a dependency of this sensor"),
        ("1 && a", "'1' is not a dependency"),
        ("A", "did you mean 'a'?"),
        ("c-e", "did you mean 'c-d'?"),
        ("a + b", "expected && or || before '+'"),
        ("(" * (MAX_NESTING + 1) + "a" + ")" * (MAX_NESTING + 1), "parentheses inside each other"),
        ("(" * 100_000, "parentheses inside each other"),
        ("\u202ea", "'\\u202e'"),
    ],
)
def test_everything_else_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_conditions(text, NAMES)
    assert words in str(caught.value)


def test_names_that_differ_only_in_dash_and_underscore_must_be_written_exactly() -> None:
    assert parse_conditions("a-b", ("a-b", "a_b")).names == ("a-b",)
    with pytest.raises(ConditionError, match="can mean 'a-b_c' or 'a_b_c'"):
        parse_conditions("a-b-c", ("a-b_c", "a_b_c"))


def test_no_dependencies_are_nothing_to_wait_for() -> None:
    with pytest.raises(ConditionError, match="no dependencies"):
        parse_conditions("", ())


def test_the_names_come_once_in_the_order_of_mention() -> None:
    condition = parse_conditions("b && (a || b)", Names(NAMES))
    assert condition.names == ("b", "a")
    assert condition.term == All((Name("b"), OneOf((Name("a"), Name("b")))))


@pytest.mark.parametrize(("text", "joins"), [("a", False), ("a || b", False), ("a && a", False), ("a && b", True), ("", True)])
def test_a_condition_knows_whether_it_needs_several_events_at_once(text: str, joins: bool) -> None:
    assert parse_conditions(text, NAMES).joins is joins


def test_one_dependency_without_conditions_joins_nothing() -> None:
    assert parse_conditions("", ("a",)).joins is False


def test_a_condition_with_too_many_ways_is_refused_when_they_are_asked_for() -> None:
    names = [f"n{i}" for i in range(40)]
    condition = parse_conditions(" && ".join(f"({names[i]} || {names[i + 1]})" for i in range(0, 40, 2)), names)
    assert condition.holds(set(names))
    with pytest.raises(ConditionError, match="ways"):
        _ = condition.alternatives


@st.composite
def texts(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["a", "b", "c"]))
    parts = [draw(texts(depth - 1)) for _ in range(draw(st.integers(2, 3)))]
    return "(" + draw(st.sampled_from([" && ", "||"])).join(parts) + ")"


@given(texts(), st.sets(st.sampled_from(["a", "b", "c"])))
def test_the_alternatives_agree_with_the_condition_itself(text: str, present: set[str]) -> None:
    condition = parse_conditions(text, ("a", "b", "c"))
    assert condition.holds(present) == any(one <= present for one in condition.alternatives)
    expected = eval(text.replace("&&", " and ").replace("||", " or "), {name: name in present for name in "abc"})
    assert condition.holds(present) == expected


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_a_clear_refusal(text: str) -> None:
    try:
        shown = " ".join(parse_conditions(text, NAMES).names)
        assert set(shown.split()) <= set(NAMES)
    except ConditionError as exc:
        shown = str(exc)
    assert shown.isprintable()
