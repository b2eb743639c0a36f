"""What the operators of filter expressions do with values: numbers are floats, nothing is converted.

Semantics: govaluate at the version that Argo Events pins, on what Go's arithmetic gives on its usual machines.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from sensors.languages.expression_words import ExpressionError
from sensors.languages.gonumbers import format_general
from sensors.languages.patterns import PatternError, compile_pattern

MAX_TEXT = 1 << 20
"""Characters of a text that an expression may build."""

_LOWEST = -(1 << 63)
_WORD = 1 << 64


def is_number(value: Any) -> bool:
    """Whether `value` is a number, which a truth value is not."""
    return type(value) is float


def is_pattern(value: Any) -> bool:
    """Whether `value` is a compiled pattern, which only stands behind `=~` and `!~`."""
    return hasattr(value, "search")


def printed(value: Any) -> str:
    """A value as joining it to a text writes it: Go's `%v`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_general(value)
    if isinstance(value, list):
        return f"[{' '.join(map(printed, value))}]"
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-8", "surrogatepass"))
        return f"map[{' '.join(f'{key}:{printed(member)}' for key, member in members)}]"
    return str(value.pattern) if is_pattern(value) else str(value)


def equal(left: Any, right: Any) -> bool:
    """Deep equality without conversions: `5 == "5"` and `1 == true` are false."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def contained(left: Any, right: Any) -> bool:
    """`left in right`: the first equal element decides; lists and objects cannot be looked for."""
    if not isinstance(right, list):
        raise ExpressionError(f"{_shown(right)} behind 'in' is no list; a list has at least two elements, in parentheses")
    for value in right:
        if type(left) is type(value):
            if isinstance(left, list | dict):
                raise ExpressionError("lists and objects cannot be looked for with 'in'")
            if left == value:
                return True
    return False


def matches(left: Any, right: Any) -> bool:
    """`left =~ right`: unanchored."""
    if not isinstance(left, str):
        raise ExpressionError(f"{_shown(left)} is no text that a pattern could match")
    if isinstance(right, str):
        try:
            right = compile_pattern(right)
        except PatternError as exc:
            raise ExpressionError(f"{_shown(right)} is no pattern: {exc}") from None
    if not is_pattern(right):
        raise ExpressionError(f"{_shown(right)} is no pattern")
    # In bytes, because the library translates every offset of a match in text.
    return right.search(left.encode("utf-8", "replace")) is not None


def ordered(compare: Callable[[Any, Any], bool], symbol: str) -> Callable[[Any, Any], bool]:
    """A comparison of two numbers, or of two texts by their bytes."""

    def apply(left: Any, right: Any) -> bool:
        if is_number(left) and is_number(right):
            return compare(left, right)
        if isinstance(left, str) and isinstance(right, str):
            # Code points order as their UTF-8 does.
            return compare(left, right)
        raise ExpressionError(f"{_shown(left)} {symbol} {_shown(right)}: only two numbers or two texts can be compared")

    return apply


def add(left: Any, right: Any) -> Any:
    """The sum of two numbers; where one side is a text, both are joined."""
    if is_number(left) and is_number(right):
        return left + right
    if not isinstance(left, str) and not isinstance(right, str):
        raise ExpressionError(f"{_shown(left)} + {_shown(right)}: expected two numbers, or a text")
    return joined(printed(left), [right])


def joined(first: str, rest: Iterable[Any]) -> str:
    """`first` and the texts of all that follow, each taken only while the whole is not too long."""
    parts, length = [first], len(first)
    for value in rest:
        parts.append(printed(value))
        length += len(parts[-1])
        if length > MAX_TEXT:
            raise ExpressionError(f"the text grows past {MAX_TEXT} characters")
    return "".join(parts)


def arithmetic(compute: Callable[[float, float], float], symbol: str) -> Callable[[Any, Any], float]:
    """An operator of two numbers."""

    def apply(left: Any, right: Any) -> float:
        if not is_number(left) or not is_number(right):
            odd = right if is_number(left) else left
            raise ExpressionError(f"{_shown(odd)} cannot be used with {symbol}: it is no number")
        return compute(left, right)

    return apply


def divide(left: float, right: float) -> float:
    """Division; by zero it gives an infinity, or no number."""
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1.0, right)
    return left / right


def remainder(left: float, right: float) -> float:
    """Go's `math.Mod`: with the sign of `left`."""
    if right == 0 or math.isinf(left) or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.fmod(left, right)


def power(left: float, right: float) -> float:
    """Go's `math.Pow`: no exceptions, infinities instead."""
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        if left != 0:
            return math.nan
        return math.copysign(math.inf, left) if right % 2 == 1 else math.inf


def signed(number: float) -> int:
    """`int64(number)`; what does not fit is the lowest."""
    return int(number) if -(2.0**63) <= number < 2.0**63 else _LOWEST


def unsigned(number: float) -> int:
    """`uint64(number)`, as shifts take their operands."""
    if number >= 2.0**63:
        return int(number) if number < 2.0**64 else 1 << 63
    return signed(number) % _WORD


def shift_left(left: float, right: float) -> float:
    """`left << right` within 64 bits."""
    by = unsigned(right)
    return float((unsigned(left) << by) % _WORD) if by < 64 else 0.0


def shift_right(left: float, right: float) -> float:
    """`left >> right` without sign."""
    by = unsigned(right)
    return float(unsigned(left) >> by) if by < 64 else 0.0


def negated(value: Any) -> float:
    """`-value`."""
    if not is_number(value):
        raise ExpressionError(f"{_shown(value)} cannot be used with -: it is no number")
    return -float(value)


def inverted(value: Any) -> bool:
    """`!value`."""
    if not isinstance(value, bool):
        raise ExpressionError(f"{_shown(value)} cannot be used with !: it is neither true nor false")
    return not value


def complemented(value: Any) -> float:
    """`~value` of 64 bits."""
    if not is_number(value):
        raise ExpressionError(f"{_shown(value)} cannot be used with ~: it is no number")
    return float(~signed(value))


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else printed(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


shown_value = _shown
