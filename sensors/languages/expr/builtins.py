"""The functions of the language: what they take, as far as that is known before running, and what they do."""

import base64
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sensors.languages.document import DocumentError, lenient_decode
from sensors.languages.expr import json_text, times
from sensors.languages.expr.containers import as_map, length
from sensors.languages.expr.list_functions import find, from_pairs, sort, sort_by, take, to_pairs
from sensors.languages.expr.number_functions import (
    absolute,
    greatest,
    half_away,
    least,
    make_float,
    make_int,
    mean,
    median,
    rounded,
    total,
)
from sensors.languages.expr.signatures import (
    ANY_LIST,
    ANY_MAP,
    ANY_NUMBER,
    TEXT_OR_NUMBER,
    Check,
    element,
    extreme,
    overloads,
    sorting,
    takes,
    taking,
)
from sensors.languages.expr.text_functions import from_base64, join, lower, repeat, replace, split, trim, upper
from sensors.languages.expr.types import ANY, BOOL, DURATION, FLOAT, INT, LIST, PAIRS, TEXT, TEXTS, TIME
from sensors.languages.expr.values import (
    LISTS,
    Duration,
    Function,
    Instant,
    Uint8,
    as_bytes,
    bounded,
    key_value,
    printed,
    shown,
    text,
)
from sensors.languages.expr.words import ExprError

PREDICATES = frozenset(
    ("all", "none", "any", "one", "filter", "map", "count", "find", "findIndex", "findLast", "findLastIndex", "groupBy", "reduce")
)
"""Functions that compute something for each element; `loops` has them."""


class Builtin(NamedTuple):
    """One function."""

    check: Check
    """From its name and the types of its arguments to the type of what it gives. Raises `ExprError`."""
    call: Callable[..., Any]


def _type(value: Any) -> str:
    for kinds, name in _TYPE_NAMES:
        if isinstance(value, kinds):
            return name
    return "unknown"


_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "nil"),
    (bool, "bool"),
    (Uint8, "uint"),
    (Duration, "time.Duration"),
    (int, "int"),
    (float, "float"),
    (str, "string"),
    (LISTS, "array"),
    (dict, "map"),
    (Instant, "time.Time"),
    (Function, "func"),
)


def _from_json(value: Any) -> Any:
    try:
        return as_floats(lenient_decode(text(value)))
    except (DocumentError, RecursionError):
        raise ExprError(f"fromJSON: {shown(value)} is no JSON") from None


def as_floats(value: Any) -> Any:
    """JSON as Go decodes it: every number is a float."""
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ExprError("the event has a number that no float can hold") from None
    if type(value) is list:
        return [as_floats(one) for one in value]
    return {key: as_floats(one) for key, one in value.items()} if type(value) is dict else value


def _now(moment: datetime) -> Instant:
    return times.instant_of(moment)


BUILTINS: Mapping[str, Builtin] = {
    "len": Builtin(takes(frozenset(("any", "list", "map", "text")), lambda known: INT), length),
    "type": Builtin(overloads(((ANY,), TEXT)), _type),
    "abs": Builtin(ANY_NUMBER(lambda known: known[0]), absolute),
    "ceil": Builtin(ANY_NUMBER(lambda known: FLOAT), partial(rounded, "ceil", math.ceil)),
    "floor": Builtin(ANY_NUMBER(lambda known: FLOAT), partial(rounded, "floor", math.floor)),
    "round": Builtin(ANY_NUMBER(lambda known: FLOAT), partial(rounded, "round", half_away)),
    "int": Builtin(TEXT_OR_NUMBER(lambda known: INT), make_int),
    "float": Builtin(TEXT_OR_NUMBER(lambda known: FLOAT), make_float),
    "string": Builtin(overloads(((ANY,), TEXT)), printed),
    "trim": Builtin(overloads(((TEXT,), TEXT), ((TEXT, TEXT), TEXT)), trim),
    "trimPrefix": Builtin(
        overloads(((TEXT, TEXT), TEXT), ((TEXT,), TEXT)), lambda value, part=" ": text(value).removeprefix(text(part))
    ),
    "trimSuffix": Builtin(
        overloads(((TEXT, TEXT), TEXT), ((TEXT,), TEXT)), lambda value, part=" ": text(value).removesuffix(text(part))
    ),
    "upper": Builtin(overloads(((TEXT,), TEXT)), upper),
    "lower": Builtin(overloads(((TEXT,), TEXT)), lower),
    "split": Builtin(overloads(((TEXT, TEXT), TEXTS), ((TEXT, TEXT, INT), TEXTS)), partial(split, False)),
    "splitAfter": Builtin(overloads(((TEXT, TEXT), TEXTS), ((TEXT, TEXT, INT), TEXTS)), partial(split, True)),
    "replace": Builtin(overloads(((TEXT, TEXT, TEXT, INT), TEXT), ((TEXT, TEXT, TEXT), TEXT)), replace),
    "repeat": Builtin(overloads(((TEXT, INT), TEXT)), repeat),
    "join": Builtin(
        overloads(((TEXTS, TEXT), TEXT), ((LIST, TEXT), TEXT), ((LIST,), TEXT), ((TEXTS,), TEXT)),
        join,
    ),
    "indexOf": Builtin(overloads(((TEXT, TEXT), INT)), lambda value, part: as_bytes(text(value)).find(as_bytes(text(part)))),
    "lastIndexOf": Builtin(overloads(((TEXT, TEXT), INT)), lambda value, part: as_bytes(text(value)).rfind(as_bytes(text(part)))),
    "hasPrefix": Builtin(
        overloads(((TEXT, TEXT), BOOL)), lambda value, part: as_bytes(text(value)).startswith(as_bytes(text(part)))
    ),
    "hasSuffix": Builtin(
        overloads(((TEXT, TEXT), BOOL)), lambda value, part: as_bytes(text(value)).endswith(as_bytes(text(part)))
    ),
    "max": Builtin(extreme, greatest),
    "min": Builtin(extreme, least),
    "sum": Builtin(ANY_LIST(lambda known: ANY), total),
    "mean": Builtin(ANY_LIST(lambda known: FLOAT), mean),
    "median": Builtin(ANY_LIST(lambda known: FLOAT), median),
    "toJSON": Builtin(overloads(((ANY,), TEXT)), lambda value: bounded(json_text.pretty(value))),
    "fromJSON": Builtin(overloads(((TEXT,), ANY)), _from_json),
    "toBase64": Builtin(overloads(((TEXT,), TEXT)), lambda value: bounded(base64.b64encode(as_bytes(text(value))).decode())),
    "fromBase64": Builtin(overloads(((TEXT,), TEXT)), from_base64),
    "now": Builtin(overloads(((), TIME)), _now),
    "duration": Builtin(overloads(((TEXT,), DURATION)), times.parse_duration),
    "date": Builtin(overloads(((TEXT,), TIME), ((TEXT, TEXT), TIME), ((TEXT, TEXT, TEXT), TIME)), times.parse_date),
    "first": Builtin(ANY_LIST(element), lambda value: find(value, 0)),
    "last": Builtin(ANY_LIST(element), lambda value: find(value, -1)),
    "get": Builtin(lambda name, known: ANY, find),
    "take": Builtin(taking, take),
    "keys": Builtin(ANY_MAP(lambda known: LIST), lambda value: [key_value(key) for key in as_map(value, "keys")]),
    "values": Builtin(ANY_MAP(lambda known: LIST), lambda value: list(as_map(value, "values").values())),
    "toPairs": Builtin(ANY_MAP(lambda known: LIST), to_pairs),
    "fromPairs": Builtin(ANY_LIST(lambda known: PAIRS), from_pairs),
    "sort": Builtin(sorting(1, 2), sort),
    "sortBy": Builtin(sorting(2, 3), sort_by),
}
"""Every function of the language but `PREDICATES`."""
