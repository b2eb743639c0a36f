"""The functions of the language: what they take, as far as that is known before running, and what they do."""

import base64
import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sensors.languages.document import DocumentError, lenient_decode
from sensors.languages.expr import json_text, times
from sensors.languages.expr.types import (
    ANY,
    DURATION,
    FLOAT,
    INT,
    LIST,
    PAIRS,
    TEXT,
    TEXTS,
    TIME,
    Type,
    assignable,
    is_any,
    is_integer,
    kind,
)
from sensors.languages.expr.values import (
    LISTS,
    MAX_TEXT,
    AnyMap,
    Duration,
    Function,
    Instant,
    PairList,
    TextList,
    Uint8,
    as_bytes,
    as_text,
    bounded,
    fetch,
    hashable,
    key_value,
    length,
    negated,
    ordered,
    printed,
    shown,
    text,
    to_int,
    type_name,
)
from sensors.languages.expr.words import ExprError
from sensors.languages.gonumbers import parse_float

PREDICATES = frozenset(
    ("all", "none", "any", "one", "filter", "map", "count", "find", "findIndex", "findLast", "findLastIndex", "groupBy", "reduce")
)
"""Functions that compute something for each element; the compiler has them."""

_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_NUMBERS = frozenset(("any", "int", "int64", "float"))
_MOST_REPEATS = 1_000_000
_MOST_DIGITS = 100

Known = Sequence[Type | None]
Check = Callable[[str, Known], Type | None]


class Builtin(NamedTuple):
    """One function."""

    check: Check
    """From its name and the types of its arguments to the type of what it gives. Raises `ExprError`."""
    call: Callable[..., Any]


def _count(name: str, known: Known, *allowed: int) -> None:
    if len(known) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ExprError(f"{name} takes {wanted} argument{'' if allowed == (1,) else 's'}, not {len(known)}")


def _takes(kinds: frozenset[str], gives: Callable[[Known], Type | None], *counts: int) -> Check:
    """The first argument is of one of `kinds`."""

    def check(name: str, known: Known) -> Type | None:
        _count(name, known, *(counts or (1,)))
        if kind(known[0]) not in kinds:
            raise ExprError(f"{name} does not take {known[0] or 'nil'}")
        return gives(known)

    return check


def _overloads(*forms: tuple[tuple[Type, ...], Type]) -> Check:
    """The arguments fit one of `forms`; of nil and of what is not known before running it is found out then."""

    def fits(known: Known, wanted: tuple[Type, ...]) -> bool:
        return len(known) == len(wanted) and all(
            one is None or is_any(one) or assignable(one, other) or (is_integer(one) and is_integer(other))
            for one, other in zip(known, wanted, strict=True)
        )

    def check(name: str, known: Known) -> Type | None:
        for wanted, gives in forms:
            if fits(known, wanted):
                return gives
        said = ", ".join(str(one or "nil") for one in known) or "nothing"
        wants = " or ".join(f"({', '.join(map(str, wanted))})" for wanted, _ in forms)
        raise ExprError(f"{name} takes {wants}, not ({said})")

    return check


def _extreme(name: str, known: Known) -> Type | None:
    if not known:
        raise ExprError(f"{name} takes at least one argument")
    for one in known:
        if is_any(one):
            return ANY
        if kind(one) not in _NUMBERS:
            raise ExprError(f"{name} does not take {one or 'nil'}")
    return known[0]


def _sorting(*counts: int) -> Check:
    def check(name: str, known: Known) -> Type | None:
        _count(name, known, *counts)
        if kind(known[0]) not in ("any", "list"):
            raise ExprError(f"{name} does not take {known[0] or 'nil'}")
        for one in known[1:]:
            if kind(one) not in ("any", "text"):
                raise ExprError(f"{name}: expected a text, not {one or 'nil'}")
        return LIST

    return check


def _taking(name: str, known: Known) -> Type | None:
    _count(name, known, 2)
    if kind(known[0]) not in ("any", "list"):
        raise ExprError(f"{name} does not take {known[0] or 'nil'}")
    if kind(known[1]) not in ("any", "int", "int64"):
        raise ExprError(f"{name}: expected a whole number, not {known[1] or 'nil'}")
    return known[0]


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ExprError(f"{what}: {shown(value)} is no list")
    return value


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


def _number(value: Any, what: str) -> int | float:
    if isinstance(value, bool | Duration) or not isinstance(value, int | float):
        raise ExprError(f"{what}: {shown(value)} is no number")
    return value


def _abs(value: Any) -> Any:
    return negated(value) if _number(value, "abs") < 0 else value


def _rounded(what: str, rounding: Callable[[float], int | float], value: Any) -> float:
    number = float(_number(value, what))
    return math.copysign(float(rounding(number)), number) if math.isfinite(number) else number


def _round(number: float) -> float:
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
        return float(_number(value, "float"))
    number = parse_float(value)
    if number is None or (math.isinf(number) and "inf" not in value.lower()):
        raise ExprError(f"float: {shown(value)} is no number")
    return number


def _trim(value: Any, characters: Any = _SPACES) -> str:
    return text(value).strip(text(characters)) if characters != "" else text(value)


def _upper(value: Any) -> str:
    # One character becomes one, as in Go: ß stays.
    return "".join([big if len(big := one.upper()) == 1 else one for one in text(value)])


def _lower(value: Any) -> str:
    return "".join([one.lower()[:1] for one in text(value)])


def _split(keep: int, value: Any, separator: Any, most: Any = -1) -> list[Any]:
    said, by, count = text(value), text(separator), to_int(most)
    if count == 0:
        return TextList()
    if by == "":
        parts = list(said) if count < 0 or count >= len(said) else [*said[: count - 1], said[count - 1 :]]
    else:
        parts = said.split(by, count - 1 if count > 0 else -1)
    if keep:
        parts = [part + by for part in parts[:-1]] + parts[-1:]
    return TextList(parts)


def _replace(value: Any, old: Any, new: Any, most: Any = -1) -> str:
    said, out, into, count = text(value), text(old), text(new), to_int(most)
    places = said.count(out) if out else len(said) + 1
    places = min(places, count) if count >= 0 else places
    if len(said) + places * len(into) > MAX_TEXT:
        raise ExprError(f"replace: the text grows past {MAX_TEXT} characters")
    return said.replace(out, into, count)


def _repeat(value: Any, count: Any) -> str:
    said, times_ = text(value), to_int(count)
    if not 0 <= times_ <= _MOST_REPEATS or times_ * len(said) > MAX_TEXT:
        raise ExprError(f"repeat: {times_} times is too often")
    return said * times_


def _join(value: Any, glue: Any = "") -> str:
    if type(value) is not list and type(value) is not TextList:
        raise ExprError(f"join: {shown(value)} is no list of texts")
    by, parts = text(glue), [text(part) for part in value]
    if sum(map(len, parts)) + len(by) * len(parts) > MAX_TEXT:
        raise ExprError(f"join: the text grows past {MAX_TEXT} characters")
    return by.join(parts)


def _sum(value: Any) -> int | float:
    total: int | float = 0
    for one in _list(value, "sum"):
        total += _number(one, "sum") if not isinstance(one, Uint8) else _refused(one)
    return total


def _refused(value: Any) -> int:
    raise ExprError(f"{shown(value)} is a byte, not a number")


def _floats(value: Any, what: str) -> list[float]:
    return [float(_number(one, what)) for one in _list(value, what)]


def _mean(value: Any) -> float:
    numbers = _floats(value, "mean")
    total = 0.0
    for number in numbers:
        total += number
    return total / len(numbers) if numbers else 0.0


def _median(value: Any) -> float:
    numbers = sorted(_floats(value, "median"))
    if not numbers:
        return 0.0
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


_less = ordered(lambda left, right: bool(left < right), "<")
_more = ordered(lambda left, right: bool(left > right), ">")


def _most(better: Callable[[Any, Any], bool], *values: Any) -> Any:
    best = None
    for value in values:
        if best is None or better(best, value):
            best = value
    return best


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


def _from_base64(value: Any) -> str:
    said = text(value).replace("\n", "").replace("\r", "")
    try:
        return as_text(base64.b64decode(said, validate=True))
    except (binascii.Error, ValueError):
        raise ExprError(f"fromBase64: {shown(value)} is no Base64") from None


def _tolerant(value: Any, key: Any) -> Any:
    try:
        return fetch(value, key)
    except ExprError:
        return None


def _take(value: Any, count: Any) -> Any:
    elements = _list(value, "take")
    if type(count) is Uint8 or isinstance(count, bool) or not isinstance(count, int):
        raise ExprError(f"take: {shown(count)} is no whole number")
    if count < 0:
        raise ExprError(f"take: {count} elements cannot be taken")
    return value if count > len(elements) else type(value)(elements[:count])


def _map(value: Any, what: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ExprError(f"{what}: {shown(value)} is no map")
    return value


def _to_pairs(value: Any) -> PairList:
    return PairList([key_value(key), member] for key, member in _map(value, "toPairs").items())


def _from_pairs(value: Any) -> AnyMap:
    made = AnyMap()
    for pair in _list(value, "fromPairs"):
        if not isinstance(pair, list) or len(pair) != 2:
            raise ExprError(f"fromPairs: {shown(pair)} is no pair")
        made[hashable(pair[0])] = pair[1]
    return made


def _sort(value: Any, direction: Any = "asc") -> list[Any]:
    return _sorted(value, "", direction)


def _sort_by(value: Any, field: Any, direction: Any = "asc") -> list[Any]:
    return _sorted(value, text(field), direction)


def _sorted(value: Any, field: str, direction: Any) -> list[Any]:
    elements = _list(value, "sort")
    if text(direction) not in ("asc", "desc"):
        raise ExprError(f'sort: {shown(direction)}: expected "asc" or "desc"')
    keys = [_sort_key(one, field) for one in elements]
    kinds = {type(key) for key in keys}
    if len(kinds) > 1:
        raise ExprError(f"sort: values of different types: {', '.join(sorted(type_name(key) for key in keys[:20]))}")
    if len(keys) > 1 and not kinds <= {int, float, str}:
        raise ExprError(f"sort: {type_name(keys[0])} has no order")
    # Those that are equal keep their order, in both directions.
    order = sorted(range(len(keys)), key=lambda at: _ranked(keys[at]), reverse=direction == "desc")
    return [elements[at] for at in order]


def _sort_key(element: Any, field: str) -> Any:
    if not isinstance(element, dict):
        return element
    if field not in element:
        raise ExprError(f"sort: an element has no {field!r}")
    return element[field]


def _ranked(key: Any) -> Any:
    return as_bytes(key) if type(key) is str else key if isinstance(key, int | float) else 0


def _now(moment: datetime) -> Instant:
    return times.instant_of(moment)


_ANY_NUMBER = partial(_takes, _NUMBERS)
_ANY_LIST = partial(_takes, frozenset(("any", "list")))
_ANY_MAP = partial(_takes, frozenset(("any", "map")))
_TEXT_OR_NUMBER = partial(_takes, _NUMBERS | {"text"})


def _element(known: Known) -> Type | None:
    first = known[0]
    return ANY if first is None or is_any(first) else first.element


BUILTINS: Mapping[str, Builtin] = {
    "len": Builtin(_takes(frozenset(("any", "list", "map", "text")), lambda known: INT), length),
    "type": Builtin(_overloads(((ANY,), TEXT)), _type),
    "abs": Builtin(_ANY_NUMBER(lambda known: known[0]), _abs),
    "ceil": Builtin(_ANY_NUMBER(lambda known: FLOAT), partial(_rounded, "ceil", math.ceil)),
    "floor": Builtin(_ANY_NUMBER(lambda known: FLOAT), partial(_rounded, "floor", math.floor)),
    "round": Builtin(_ANY_NUMBER(lambda known: FLOAT), partial(_rounded, "round", _round)),
    "int": Builtin(_TEXT_OR_NUMBER(lambda known: INT), make_int),
    "float": Builtin(_TEXT_OR_NUMBER(lambda known: FLOAT), make_float),
    "string": Builtin(_overloads(((ANY,), TEXT)), printed),
    "trim": Builtin(_overloads(((TEXT,), TEXT), ((TEXT, TEXT), TEXT)), _trim),
    "trimPrefix": Builtin(
        _overloads(((TEXT, TEXT), TEXT), ((TEXT,), TEXT)), lambda value, part=" ": text(value).removeprefix(text(part))
    ),
    "trimSuffix": Builtin(
        _overloads(((TEXT, TEXT), TEXT), ((TEXT,), TEXT)), lambda value, part=" ": text(value).removesuffix(text(part))
    ),
    "upper": Builtin(_overloads(((TEXT,), TEXT)), _upper),
    "lower": Builtin(_overloads(((TEXT,), TEXT)), _lower),
    "split": Builtin(_overloads(((TEXT, TEXT), TEXTS), ((TEXT, TEXT, INT), TEXTS)), partial(_split, 0)),
    "splitAfter": Builtin(_overloads(((TEXT, TEXT), TEXTS), ((TEXT, TEXT, INT), TEXTS)), partial(_split, 1)),
    "replace": Builtin(_overloads(((TEXT, TEXT, TEXT, INT), TEXT), ((TEXT, TEXT, TEXT), TEXT)), _replace),
    "repeat": Builtin(_overloads(((TEXT, INT), TEXT)), _repeat),
    "join": Builtin(
        _overloads(((TEXTS, TEXT), TEXT), ((LIST, TEXT), TEXT), ((LIST,), TEXT), ((TEXTS,), TEXT)),
        _join,
    ),
    "indexOf": Builtin(_overloads(((TEXT, TEXT), INT)), lambda value, part: as_bytes(text(value)).find(as_bytes(text(part)))),
    "lastIndexOf": Builtin(
        _overloads(((TEXT, TEXT), INT)), lambda value, part: as_bytes(text(value)).rfind(as_bytes(text(part)))
    ),
    "hasPrefix": Builtin(
        _overloads(((TEXT, TEXT), Type("bool", "bool"))), lambda value, part: text(value).startswith(text(part))
    ),
    "hasSuffix": Builtin(_overloads(((TEXT, TEXT), Type("bool", "bool"))), lambda value, part: text(value).endswith(text(part))),
    "max": Builtin(_extreme, partial(_most, _less)),
    "min": Builtin(_extreme, partial(_most, _more)),
    "sum": Builtin(_ANY_LIST(lambda known: ANY), _sum),
    "mean": Builtin(_ANY_LIST(lambda known: FLOAT), _mean),
    "median": Builtin(_ANY_LIST(lambda known: FLOAT), _median),
    "toJSON": Builtin(_overloads(((ANY,), TEXT)), lambda value: bounded(json_text.pretty(value))),
    "fromJSON": Builtin(_overloads(((TEXT,), ANY)), _from_json),
    "toBase64": Builtin(_overloads(((TEXT,), TEXT)), lambda value: bounded(base64.b64encode(as_bytes(text(value))).decode())),
    "fromBase64": Builtin(_overloads(((TEXT,), TEXT)), _from_base64),
    "now": Builtin(_overloads(((), TIME)), _now),
    "duration": Builtin(_overloads(((TEXT,), DURATION)), times.parse_duration),
    "date": Builtin(_overloads(((TEXT,), TIME), ((TEXT, TEXT), TIME), ((TEXT, TEXT, TEXT), TIME)), times.parse_date),
    "first": Builtin(_ANY_LIST(_element), lambda value: _tolerant(value, 0)),
    "last": Builtin(_ANY_LIST(_element), lambda value: _tolerant(value, -1)),
    "get": Builtin(lambda name, known: ANY, _tolerant),
    "take": Builtin(_taking, _take),
    "keys": Builtin(_ANY_MAP(lambda known: LIST), lambda value: [key_value(key) for key in _map(value, "keys")]),
    "values": Builtin(_ANY_MAP(lambda known: LIST), lambda value: list(_map(value, "values").values())),
    "toPairs": Builtin(_ANY_MAP(lambda known: LIST), _to_pairs),
    "fromPairs": Builtin(_ANY_LIST(lambda known: PAIRS), _from_pairs),
    "sort": Builtin(_sorting(1, 2), _sort),
    "sortBy": Builtin(_sorting(2, 3), _sort_by),
}
"""Every function of the language but `PREDICATES`."""
