"""RE2 patterns and the literals that their matches must contain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.languages.pattern_literals import required_literal
from sensors.languages.patterns import PatternError, compile_pattern

ATOMS = st.sampled_from(
    ["a", "b", "ab", "abc", "\\.", ".", "[ab]", "[^a]", "\\w", "^", "$", "\\b", "\\n", " ", "é", "{", "[]a]", "\\pL", "x{y}"]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "{0}", "*?", "+?", "{2}?"])
FLAGS = st.sampled_from(["", "", "", "(?i)", "(?s)", "(?U)", "(?i:", "(?:"])


def _joined(parts: list[tuple[str, str]]) -> str:
    return "".join(atom + quantifier for atom, quantifier in parts)


def _group(parts: list[tuple[str, str]]) -> st.SearchStrategy[str]:
    return st.sampled_from(["(", "(?:", "(?i:", "(?P<g>"]).map(lambda opening: f"{opening}{_joined(parts)})")


PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(st.tuples(inner, QUANTIFIERS), min_size=1, max_size=4).map(_joined)
        | st.lists(st.tuples(inner, QUANTIFIERS), min_size=1, max_size=3).flatmap(_group)
        | st.tuples(inner, inner).map("|".join)
    ),
    max_leaves=8,
)
TEXTS = st.text(alphabet="abcABC.xy{}] \né", max_size=12)


@given(st.sampled_from(["", "", "(?i)", "(?s)", "(?U)"]), PATTERNS, st.lists(TEXTS, min_size=5, max_size=5))
def test_a_text_that_matches_contains_the_required_literal(flags: str, pattern: str, texts: list[str]) -> None:
    try:
        compiled = compile_pattern(flags + pattern)
    except PatternError:
        return
    literal = required_literal(flags + pattern)
    for text in texts:
        if compiled.search(text) is not None:
            assert literal is None or literal in text


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("refs/heads/main", "refs/heads/main"),
        ("^refs/heads/(main|dev)$", "refs/heads/"),
        ("a+bc?d", "a"),
        ("ab{0,3}cde", "cde"),
        ("ab{2}c", "ab"),
        ("\\.json$", ".json"),
        ("(x(def)+)?gh", "gh"),
        ("(ab)+c", "ab"),
        ("[[:alpha:]x]yz", "yz"),
        ("(?i)abc", None),
        ("abc|abd", None),
        ("\\Qa.b\\E", None),
        (".*", None),
        ("", None),
        ("\\x41b", None),
    ],
)
def test_the_longest_literal_is_found_where_it_is_sure(pattern: str, literal: str | None) -> None:
    compile_pattern(pattern)
    assert required_literal(pattern) == literal


@pytest.mark.parametrize("pattern", ["(", "a**", "(?=a)", "\\1", "a{1001}", "[z-a]", "\\C", "*a"])
def test_what_go_refuses_is_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"error parsing regexp: .+"):
        compile_pattern(pattern)


def test_a_pattern_is_searched_for_anywhere() -> None:
    assert compile_pattern("main").search("refs/heads/main-2") is not None
    assert compile_pattern("^main").search("refs/heads/main") is None


def test_a_pattern_that_backtracks_elsewhere_takes_linear_time() -> None:
    assert compile_pattern("^(a+)+$").search("a" * 20_000 + "b") is None
