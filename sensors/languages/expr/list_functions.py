"""The functions of lists and maps."""

from typing import Any

from sensors.languages.expr.containers import as_list, as_map, fetch, hashable
from sensors.languages.expr.values import AnyMap, PairList, Uint8, as_bytes, key_value, shown, text, type_name
from sensors.languages.expr.words import ExprError


def find(value: Any, key: Any) -> Any:
    """`get`: nil where there is nothing."""
    try:
        return fetch(value, key)
    except ExprError:
        return None


def take(value: Any, count: Any) -> Any:
    """`take`: the first elements."""
    elements = as_list(value, "take")
    if type(count) is Uint8 or isinstance(count, bool) or not isinstance(count, int):
        raise ExprError(f"take: {shown(count)} is no whole number")
    if count < 0:
        raise ExprError(f"take: {count} elements cannot be taken")
    return value if count > len(elements) else type(value)(elements[:count])


def to_pairs(value: Any) -> PairList:
    """`toPairs`."""
    return PairList([key_value(key), member] for key, member in as_map(value, "toPairs").items())


def from_pairs(value: Any) -> AnyMap:
    """`fromPairs`."""
    made = AnyMap()
    for pair in as_list(value, "fromPairs"):
        if not isinstance(pair, list) or len(pair) != 2:
            raise ExprError(f"fromPairs: {shown(pair)} is no pair")
        made[hashable(pair[0])] = pair[1]
    return made


def sort(value: Any, direction: Any = "asc") -> list[Any]:
    """`sort`."""
    return _sorted(value, "", direction)


def sort_by(value: Any, field: Any, direction: Any = "asc") -> list[Any]:
    """`sortBy`: maps by one of their members."""
    return _sorted(value, text(field), direction)


def _sorted(value: Any, field: str, direction: Any) -> list[Any]:
    elements = as_list(value, "sort")
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
