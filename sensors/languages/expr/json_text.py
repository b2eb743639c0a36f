"""JSON as Go writes it of a value of an expression: `toJSON` with indentation, `toJson` without."""

import math
from typing import Any

from sensors.languages.expr.values import AnyMap, Duration, Function, Instant
from sensors.languages.expr.words import ExprError
from sensors.languages.gotemplate import format_time
from sensors.languages.jsonwrite import go_json

_RFC3339 = "2006-01-02T15:04:05.999999999Z07:00"


def plain(value: Any) -> Any:
    """`value` of what JSON has. Raises `ExprError` where it is of anything else."""
    if type(value) is Instant:
        return format_time(value.wall(), value.nanoseconds % 1_000_000_000, _RFC3339)
    if type(value) is Duration or (isinstance(value, int) and not isinstance(value, bool)):
        return int(value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, AnyMap) or type(value) is Function:
        raise ExprError("JSON has no maps with other keys than texts, and no functions")
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if type(value) is float and not math.isfinite(value):
        raise ExprError("JSON has no infinities")
    return value


def compact(value: Any) -> str:
    """On one line."""
    return go_json(plain(value)).decode()


def pretty(value: Any) -> str:
    """Over many lines, two blanks for each level."""
    return _pretty(plain(value), "")


def _pretty(value: Any, margin: str) -> str:
    if not isinstance(value, list | dict) or not value:
        return go_json(value).decode()
    inner = margin + "  "
    if isinstance(value, list):
        rows = [_pretty(one, inner) for one in value]
    else:
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-8", "surrogatepass"))
        rows = [f"{go_json(key).decode()}: {_pretty(one, inner)}" for key, one in members]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    body = f",\n{inner}".join(rows)
    return f"{opening}\n{inner}{body}\n{margin}{closing}"
