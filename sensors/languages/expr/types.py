"""What is known of a value's type before running. Nil has none."""

from typing import NamedTuple


class Type(NamedTuple):
    """A type. `kind` is one of: any, bool, int, int64, float, text, list, map, function, struct."""

    kind: str
    name: str
    element: "Type | None" = None
    key: "Type | None" = None
    results: "Type | None" = None
    """Of a closure: what it gives; None is nil."""

    def __str__(self) -> str:
        return self.name


ANY = Type("any", "value")
BOOL = Type("bool", "bool")
INT = Type("int", "int")
FLOAT = Type("float", "float")
TEXT = Type("text", "string")
DURATION = Type("int64", "duration")
TIME = Type("struct", "time")
FUNCTION = Type("function", "function")
LIST = Type("list", "list", ANY)
MAP = Type("map", "map", ANY, TEXT)
PAIRS = Type("map", "map of pairs", ANY, ANY)
GROUPS = Type("map", "map of lists", LIST, ANY)
TEXTS = Type("list", "list of string", TEXT)

_INTEGERS = frozenset(("int", "int64"))


def list_of(element: Type) -> Type:
    """A list whose elements are known to be of one type."""
    return LIST if element == ANY else Type("list", f"list of {element.name}", element)


def kind(known: Type | None) -> str:
    """The kind; `nil` where there is no type."""
    return "nil" if known is None else known.kind


def is_any(known: Type | None) -> bool:
    """Whether nothing is known."""
    return known is not None and known.kind == "any"


def is_integer(known: Type | None) -> bool:
    """Whether it is a whole number; a duration is one."""
    return known is not None and known.kind in _INTEGERS


def is_number(known: Type | None) -> bool:
    """Whether it is a number."""
    return known is not None and (known.kind in _INTEGERS or known.kind == "float")


def is_bool(known: Type | None) -> bool:
    """Whether it is true or false."""
    return known is not None and known.kind == "bool"


def is_text(known: Type | None) -> bool:
    """Whether it is a text."""
    return known is not None and known.kind == "text"


def is_time(known: Type | None) -> bool:
    """Whether it is a time."""
    return known == TIME


def is_duration(known: Type | None) -> bool:
    """Whether it is a duration."""
    return known == DURATION


def is_list(known: Type | None) -> bool:
    """Whether it is a list."""
    return known is not None and known.kind == "list"


def is_map(known: Type | None) -> bool:
    """Whether it is a map."""
    return known is not None and known.kind == "map"


def assignable(known: Type | None, wanted: Type | None) -> bool:
    """Whether a value of the one type can stand where the other is wanted."""
    return wanted in (ANY, known)


def comparable(left: Type | None, right: Type | None) -> bool:
    """Whether the two can be equal at all."""
    if left is None or right is None or left.kind == right.kind:
        return True
    return (is_number(left) and is_number(right)) or is_any(left) or is_any(right)


def combined(left: Type, right: Type) -> Type:
    """The type of the sum of two numbers."""
    if left.kind == right.kind:
        return left
    return FLOAT if "float" in (left.kind, right.kind) else INT
