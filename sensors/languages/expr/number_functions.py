"""The functions of numbers."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from sensors.languages.expr.containers import as_list
from sensors.languages.expr.operators import negated, ordered
from sensors.languages.expr.values import Duration, Uint8, shown, to_int
from sensors.languages.expr.words import ExprError
from sensors.languages.gonumbers import parse_float

_MOST_DIGITS = 100


def as_number(value: Any, what: str) -> int | float:
    """`value`, where it is a number."""
    if isinstance(value, bool | Duration) or not isinstance(value, int | float):
        raise ExprError(f"{what}: {shown(value)} is no number")
    return value


def absolute(value: Any) -> Any:
    """`abs`."""
    return negated(value) if as_number(value, "abs") < 0 else value


def rounded(what: str, rounding: Callable[[float], int | float], value: Any) -> float:
    """`ceil`, `floor` and `round`: a float, with the sign of `value`."""
    number = float(as_number(value, what))
    return math.copysign(float(rounding(number)), number) if math.isfinite(number) else number


def half_away(number: float) -> float:
    """Halves go away from zero."""
    whole = math.trunc(number)
    return math.copysign(abs(whole) + (abs(number - whole) >= 0.5), number)


def make_int(value: Any) -> int:
    """`int(value)`."""
    if type(value) is not str:
        return to_int(value)
    digits = value[1:] if value[:1] in ("+", "-") else value
    if 0 < len(digits) < _MOST_DIGITS and digits.isascii() and digits.isdigit() and -(1 << 63) <= int(value) < 1 << 63:
        return int(value)
    raise ExprError(f"int: {shown(value)} is no whole number")


def make_float(value: Any) -> float:
    """`float(value)`."""
    if type(value) is not str:
        return float(as_number(value, "float"))
    number = parse_float(value)
    if number is None or (math.isinf(number) and "inf" not in value.lower()):
        raise ExprError(f"float: {shown(value)} is no number")
    return number


def total(value: Any) -> int | float:
    """`sum`."""
    so_far: int | float = 0
    for one in as_list(value, "sum"):
        so_far += as_number(one, "sum") if not isinstance(one, Uint8) else _refused(one)
    return so_far


def _refused(value: Any) -> int:
    raise ExprError(f"{shown(value)} is a byte, not a number")


def _floats(value: Any, what: str) -> list[float]:
    return [float(as_number(one, what)) for one in as_list(value, what)]


def mean(value: Any) -> float:
    """`mean`; zero of an empty list."""
    numbers = _floats(value, "mean")
    added = 0.0
    for number in numbers:  # one by one, as in Go: `sum` of Python 3.12 compensates
        added += number
    return added / len(numbers) if numbers else 0.0


def median(value: Any) -> float:
    """`median`; zero of an empty list."""
    numbers = sorted(_floats(value, "median"))
    if not numbers:
        return 0.0
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


_less = ordered(lambda left, right: bool(left < right), "<")
_more = ordered(lambda left, right: bool(left > right), ">")


def _best(better: Callable[[Any, Any], bool], *values: Any) -> Any:
    found = None
    for value in values:
        if found is None or better(found, value):
            found = value
    return found


greatest = partial(_best, _less)
least = partial(_best, _more)
