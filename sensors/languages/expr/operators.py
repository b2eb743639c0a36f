"""What operators do with values of Go."""

import math
import operator
from collections.abc import Callable
from typing import Any

from sensors.languages.expr.containers import hashable
from sensors.languages.expr.values import (
    LOWEST,
    NUMBERS,
    WHOLE,
    AnyMap,
    Duration,
    Function,
    Instant,
    Uint8,
    as_bytes,
    bounded,
    is_nil,
    shown,
    text,
    to_float,
    truth,
    type_name,
    wrapped,
)
from sensors.languages.expr.words import ExprError
from sensors.languages.expression_values import power as go_power
from sensors.languages.patterns import PatternError, compile_pattern


def equal(left: Any, right: Any) -> bool:
    """`==`: numbers by value, everything else only where the types agree."""
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return bool(left == right) if type(left) in WHOLE and type(right) in WHOLE else float(left) == float(right)
    if type(left) is Instant and type(right) is Instant:
        return left.nanoseconds == right.nanoseconds
    return (is_nil(left) and is_nil(right)) or _same(left, right)


def _same(left: Any, right: Any) -> bool:
    """Deep equality without conversions: `[1] == [1.0]` is false."""
    if type(left) is not type(right) or type(left) is Function:
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(key in right and _same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def ordered(compare: Callable[[Any, Any], bool], symbol: str) -> Callable[[Any, Any], bool]:
    """A comparison of two numbers, two texts by their bytes, two times or two durations."""

    def apply(left: Any, right: Any) -> bool:
        kinds = (type(left), type(right))
        if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
            if kinds[0] in WHOLE and kinds[1] in WHOLE:
                return compare(left, right)
            return compare(float(left), float(right))
        if kinds == (str, str):
            return compare(as_bytes(left), as_bytes(right))
        if kinds == (Duration, Duration):
            return compare(left, right)
        if kinds == (Instant, Instant):
            return compare(left.nanoseconds, right.nanoseconds)
        raise mismatch(left, symbol, right)

    return apply


def mismatch(left: Any, symbol: str, right: Any) -> ExprError:
    """What is said of two values that an operator does not join."""
    return ExprError(f"{shown(left)} {symbol} {shown(right)}: {type_name(left)} and {type_name(right)} do not go together")


def add(left: Any, right: Any) -> Any:
    """`+`."""
    kinds = (type(left), type(right))
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return _arithmetic(left, right, operator.add)
    if kinds == (str, str):
        return bounded(left + right)
    if kinds == (Duration, Duration):
        return Duration(wrapped(int(left) + int(right)))
    if kinds == (Instant, Duration):
        return left._replace(nanoseconds=left.nanoseconds + int(right))
    if kinds == (Duration, Instant):
        return right._replace(nanoseconds=right.nanoseconds + int(left))
    raise mismatch(left, "+", right)


def _arithmetic(left: Any, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    if type(left) in WHOLE and type(right) in WHOLE:
        return wrapped(compute(int(left), int(right)))
    return compute(float(left), float(right))


def subtract(left: Any, right: Any) -> Any:
    """`-`."""
    kinds = (type(left), type(right))
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return _arithmetic(left, right, operator.sub)
    if kinds == (Duration, Duration):
        return Duration(wrapped(int(left) - int(right)))
    if kinds == (Instant, Duration):
        return left._replace(nanoseconds=left.nanoseconds - int(right))
    if kinds == (Instant, Instant):
        return Duration(min(max(left.nanoseconds - right.nanoseconds, LOWEST), -LOWEST - 1))
    raise mismatch(left, "-", right)


def multiply(left: Any, right: Any) -> Any:
    """`*`."""
    kinds = (type(left), type(right))
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return _arithmetic(left, right, operator.mul)
    if Duration in kinds and kinds[0] in NUMBERS | {Duration} and kinds[1] in NUMBERS | {Duration}:
        if float in kinds:
            return float(left) * float(right)
        return Duration(wrapped(int(left) * int(right)))
    raise mismatch(left, "*", right)


def divide(left: Any, right: Any) -> float:
    """`/`: always a float; by zero it is an infinity, or no number."""
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise mismatch(left, "/", right)
    above, below = float(left), float(right)
    if below == 0:
        return math.nan if above == 0 or math.isnan(above) else math.copysign(math.inf, above) * math.copysign(1.0, below)
    return above / below


def remainder(left: Any, right: Any) -> int:
    """`%`: of whole numbers, with the sign of the left one."""
    if type(left) not in WHOLE or type(right) not in WHOLE:
        raise mismatch(left, "%", right)
    if right == 0:
        raise ExprError(f"{shown(left)} % 0: division by zero")
    return wrapped(int(math.copysign(1, left)) * (abs(int(left)) % abs(int(right))))


def power(left: Any, right: Any) -> float:
    """`**`: always a float."""
    return go_power(to_float(left, "**"), to_float(right, "**"))


def negated(value: Any) -> Any:
    """`-value`."""
    if type(value) is Uint8:
        return Uint8(-int(value) % 256)
    if type(value) in WHOLE:
        return type(value)(wrapped(-int(value)))
    if type(value) is float:
        return -value
    raise ExprError(f"-{shown(value)}: {type_name(value)} is no number")


def inverted(value: Any) -> bool:
    """`!value`."""
    return not truth(value)


def contained(needle: Any, value: Any) -> bool:
    """`needle in value`: an element of a list, a key of a map; nothing is in nil."""
    if value is None:
        return False
    if isinstance(value, list):
        return any(equal(element, needle) for element in value)
    if isinstance(value, dict):
        if isinstance(value, AnyMap):
            return hashable(needle) in value
        if needle is not None and type(needle) is not str:
            raise ExprError(f"a key is a text, not {shown(needle)}")
        return (needle or "") in value
    raise ExprError(f"in: {shown(value)} is neither a list nor a map")


def strictly_equal(left: Any, right: Any, wanted: type) -> bool:
    """Where both are known to be whole numbers, or texts, nothing else will do: `findIndex` that finds nothing is an error."""
    for value in (left, right):
        if type(value) is not wanted:
            raise ExprError(f"{shown(value)} cannot be compared here: expected {type_name(wanted())}")
    return bool(left == right)


def matches(left: Any, right: Any) -> bool:
    """`matches` with a pattern that is known only now."""
    try:
        # Not kept: patterns that come with events would push out those that stand in manifests.
        return compile_pattern.__wrapped__(text(right)).search(text(left)) is not None
    except PatternError as exc:
        raise ExprError(f"{shown(right)} is no pattern: {exc}") from None


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": ordered(operator.lt, "<"),
    ">": ordered(operator.gt, ">"),
    "<=": ordered(operator.le, "<="),
    ">=": ordered(operator.ge, ">="),
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "**": power,
    "^": power,
    "in": contained,
    "matches": matches,
    # Of bytes: a part may end within a character.
    "contains": lambda left, right: as_bytes(text(right)) in as_bytes(text(left)),
    "startsWith": lambda left, right: as_bytes(text(left)).startswith(as_bytes(text(right))),
    "endsWith": lambda left, right: as_bytes(text(left)).endswith(as_bytes(text(right))),
}
"""Those that need both sides and nothing else; the compiler has the others."""
