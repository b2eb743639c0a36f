"""What the operators of a GJSON query say about a value.

Semantics: `queryMatches` of tidwall/gjson 1.19.0.
"""

import operator as operators
from collections.abc import Callable
from typing import Any

from sensors.languages.gjson_path import Query
from sensors.languages.gonumbers import float_or_zero, lower, parse_bool
from sensors.languages.jsontext import Kind, kind_of, string_of
from sensors.languages.wildcards import matches


def compare(raw: str, query: Query) -> bool:
    """Whether the value satisfies the query's operator and operand; what does not exist satisfies only `~` operands."""
    operand = query.value
    if operand[:1] == "~":
        is_so = _resembles(raw, operand[1:])
        if is_so is None:
            return False
        raw, operand = ("true" if is_so else "false"), "true"
    if not raw or not query.operator:
        return bool(raw)
    kind = kind_of(raw)
    if kind is Kind.STRING:
        order = _TEXT_OPERATORS.get(query.operator)
        return order is not None and order(string_of(raw), operand)
    if kind is Kind.NUMBER:
        order = _ORDER.get(query.operator)
        return order is not None and order(float_or_zero(raw), float_or_zero(operand))
    return kind in (Kind.TRUE, Kind.FALSE) and _compare_truths(kind is Kind.TRUE, query.operator, operand)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
_TEXT_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    **_ORDER,
    "%": matches,
    "!%": lambda text, pattern: not matches(text, pattern),
}


def _resembles(raw: str, what: str) -> bool | None:
    """Whether the value is loosely `what`; None where `what` is none of the four words."""
    kind = kind_of(raw) if raw else Kind.NULL
    match what:
        case "*":
            return bool(raw)
        case "null":
            return kind is Kind.NULL
        case "true" | "false":
            return _truth(raw, kind) is (what == "true")
    return None


def _truth(raw: str, kind: Kind) -> bool | None:
    """What a value counts as; None for texts that say neither, and for objects and arrays."""
    if kind is Kind.STRING:
        return parse_bool(lower(string_of(raw)))
    if kind is Kind.NUMBER:
        return float_or_zero(raw) != 0
    return _TRUTHS.get(kind)


_TRUTHS = {Kind.NULL: False, Kind.FALSE: False, Kind.TRUE: True}


def _compare_truths(left: bool, operator: str, right: str) -> bool:
    """Compare a truth with a word: true is greater than false, and nothing else is greater or less than either."""
    match operator:
        case "=" | "!=":
            return (right == ("true" if left else "false")) is (operator == "=")
        case ">" | "<":
            return left is (operator == ">") and right == ("false" if left else "true")
        case ">=" | "<=":
            return left is (operator == ">=")
    return False
