"""From the types of two operands to that of what an operator gives; None where it does not join them."""

from collections.abc import Callable

from sensors.languages.expr.types import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    TEXT,
    TIME,
    Type,
    combined,
    comparable,
    is_any,
    is_duration,
    is_integer,
    is_number,
    is_text,
    is_time,
)

Known = Type | None
_INT_LIST = Type("list", "list of int", INT)


def _either(left: Known, right: Known, *kinds: Callable[[Known], bool]) -> bool:
    """Whether one side is not known, and the other is not known either or one of `kinds`."""
    if is_any(left):
        return is_any(right) or any(one(right) for one in kinds)
    return is_any(right) and any(one(left) for one in kinds)


def _arithmetic(left: Known, right: Known) -> Known:
    if left is not None and right is not None and is_number(left) and is_number(right):
        return combined(left, right)
    return ANY if _either(left, right, is_number) else None


def _plus(left: Known, right: Known) -> Known:
    if is_text(left) and is_text(right):
        return TEXT
    if (is_time(left) and is_duration(right)) or (is_duration(left) and is_time(right)):
        return TIME
    return _arithmetic(left, right) or (ANY if _either(left, right, is_number, is_text, is_time, is_duration) else None)


def _minus(left: Known, right: Known) -> Known:
    if is_time(left) and (is_time(right) or is_duration(right)):
        return DURATION if is_time(right) else TIME
    return _arithmetic(left, right) or (ANY if _either(left, right, is_number, is_time) else None)


def _floating(left: Known, right: Known) -> Known:
    return None if _arithmetic(left, right) is None else FLOAT


def _modulo(left: Known, right: Known) -> Known:
    if left is not None and right is not None and is_integer(left) and is_integer(right):
        return combined(left, right)
    return ANY if _either(left, right, is_integer) else None


def _compared(left: Known, right: Known) -> Known:
    same = any(one(left) and one(right) for one in (is_number, is_text, is_time))
    return BOOL if same or _either(left, right, is_number, is_text, is_time) else None


def _texts(left: Known, right: Known) -> Known:
    return BOOL if (is_text(left) and is_text(right)) or _either(left, right, is_text) else None


def _range(left: Known, right: Known) -> Known:
    return _INT_LIST if (is_integer(left) and is_integer(right)) or _either(left, right, is_integer) else None


def _equal(left: Known, right: Known) -> Known:
    return BOOL if comparable(left, right) else None


OPERATOR_TYPES: dict[str, Callable[[Known, Known], Known]] = {
    **dict.fromkeys(("==", "!="), _equal),
    **dict.fromkeys(("<", ">", ">=", "<="), _compared),
    **dict.fromkeys(("matches", "contains", "startsWith", "endsWith"), _texts),
    "..": _range,
    "+": _plus,
    "-": _minus,
    "*": _arithmetic,
    **dict.fromkeys(("/", "**", "^"), _floating),
    "%": _modulo,
}
