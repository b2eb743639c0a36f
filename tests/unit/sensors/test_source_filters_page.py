"""The page about filters of event sources says what is there."""

import re
from pathlib import Path

from sensors.languages.expr.builtins import BUILTINS, PREDICATES
from sensors.languages.expr.parser import MAX_NESTING
from sensors.languages.expr.program import MAX_SECONDS, compile_expr
from sensors.languages.expr.run import MAX_ELEMENTS, MAX_STEPS
from sensors.languages.expr.times import DURATION_METHODS, TIME_METHODS
from sensors.languages.expr.words import MAX_CHARACTERS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "source-filters.md").read_text()


def test_the_functions_of_the_page_are_those_of_the_language() -> None:
    (listed,) = re.findall(r"^\| functions \| `([^`]+)` \|$", PAGE, re.MULTILINE)
    (each,) = re.findall(r"^\| for each element \| `([^`]+)`", PAGE, re.MULTILINE)
    assert set(listed.split()) == set(BUILTINS)
    assert set(each.split()) == PREDICATES


def test_the_methods_of_the_page_are_those_of_times_and_durations() -> None:
    times, durations = re.findall(r"`(Year [^`]+)`; durations: `([^`]+)`", PAGE)[0]
    assert set(times.split()) == set(TIME_METHODS)
    assert set(durations.split()) == set(DURATION_METHODS)


def test_the_expression_of_the_page_compiles_and_its_limits_are_the_real_ones() -> None:
    (expression,) = re.findall(r"expression: (.+)$", PAGE, re.MULTILINE)
    assert compile_expr(expression).type is not None
    for limit in (f"{MAX_CHARACTERS:,}", f"{MAX_NESTING}", f"{MAX_STEPS:,}", f"{MAX_ELEMENTS:,}", f"{MAX_SECONDS * 1000:g} ms"):
        assert limit in PAGE.replace("\n", " ")
