"""Lists, maps and texts: what is in them."""

from typing import Any

from sensors.languages.expr.values import GroupMap, Key, NilList, TextMap, Uint8, as_bytes, as_text, shown, to_int, type_name
from sensors.languages.expr.words import ExprError


def fetch(value: Any, key: Any) -> Any:
    """`value[key]`. What a map does not have is nil; of what is no list, map or text it is an error."""
    kind = type(value)
    if kind is dict or kind is TextMap:
        if key is not None and type(key) is not str:
            raise ExprError(f"a key is a text, not {shown(key)}")
        return value.get(key or "", "" if kind is TextMap else None)
    if isinstance(value, dict):
        return value.get(hashable(key), NilList() if type(value) is GroupMap else None)
    if isinstance(value, list) or kind is str:
        return _element(value, to_int(key))
    raise ExprError(f"{shown(key)} of {shown(value)}: {type_name(value)} has no members")


def _element(value: Any, index: int) -> Any:
    elements = as_bytes(value) if type(value) is str else value
    if not -len(elements) <= index < len(elements):
        raise ExprError(f"there is no element {index}; there are {len(elements)}")
    found = elements[index]
    return Uint8(found) if type(value) is str else found


def hashable(key: Any) -> Any:
    """`key`, where a map may have it."""
    if isinstance(key, list | dict):
        raise ExprError(f"{shown(key)} cannot be a key")
    return key if type(key) in (str, type(None)) else Key((type(key).__name__, key))


def sliced(value: Any, start: Any, stop: Any) -> Any:
    """`value[start:stop]`: what lies outside is left out."""
    if not isinstance(value, list) and type(value) is not str:
        raise ExprError(f"{shown(value)} cannot be sliced")
    elements: Any = as_bytes(value) if type(value) is str else value
    length = len(elements)
    first, last = to_int(start), to_int(stop)
    first = max(first + length if first < 0 else first, 0)
    last = min(max(last + length if last < 0 else last, 0), length)
    found = elements[min(first, last) : last]
    if type(value) is str:
        return as_text(found)
    return (list if type(value) is NilList else type(value))(found)


def length(value: Any) -> int:
    """`len`: bytes of a text, elements, members."""
    if type(value) is str:
        return len(as_bytes(value))
    if isinstance(value, list | dict):
        return len(value)
    raise ExprError(f"{shown(value)} has no length")


def as_list(value: Any, what: str) -> list[Any]:
    """`value`, where it is a list; `what` wants it."""
    if not isinstance(value, list):
        raise ExprError(f"{what}: {shown(value)} is no list")
    return value


def as_map(value: Any, what: str) -> dict[Any, Any]:
    """`value`, where it is a map; `what` wants it."""
    if not isinstance(value, dict):
        raise ExprError(f"{what}: {shown(value)} is no map")
    return value
