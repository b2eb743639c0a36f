"""The tree of an expression. A node knows where it stands and, once checked, its type."""

from dataclasses import dataclass, field
from typing import Any

from sensors.languages.expr.types import Type
from sensors.languages.expr.words import At

_START = At(1, 1)


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """A part of an expression."""

    at: At = _START
    type: Type | None = None
    """None where it is nil."""


@dataclass(slots=True, eq=False)
class Literal(Node):
    """A value that stands there, or was computed before running."""

    value: Any


@dataclass(slots=True, eq=False)
class Name(Node):
    """A name: a variable, or a part of the environment."""

    name: str


@dataclass(slots=True, eq=False)
class Unary(Node):
    """An operator before a value."""

    operator: str
    node: Node


@dataclass(slots=True, eq=False)
class Binary(Node):
    """An operator between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True, eq=False)
class Logic(Node):
    """A chain of `&&`, or of `||`: one node however long, so that long chains do not nest."""

    is_and: bool
    parts: list[Node]


@dataclass(slots=True, eq=False)
class Chain(Node):
    """What `?.` in it ends with nil."""

    node: Node


@dataclass(slots=True, eq=False)
class Member(Node):
    """`node.key` and `node[key]`."""

    node: Node
    key: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class Slice(Node):
    """`node[start:stop]`."""

    node: Node
    start: Node | None
    stop: Node | None


@dataclass(slots=True, eq=False)
class Call(Node):
    """A call of a function of the environment."""

    callee: Node
    arguments: list[Node]


@dataclass(slots=True, eq=False)
class Builtin(Node):
    """A call of a function of the language."""

    name: str
    arguments: list[Node]
    mapped: Node | None = None
    """What `map` makes of what `filter` and its like find."""
    throws: bool = False
    """Whether finding nothing is an error."""


@dataclass(slots=True, eq=False)
class Closure(Node):
    """What is computed for each element."""

    node: Node


@dataclass(slots=True, eq=False)
class Pointer(Node):
    """`#`, `#index` and `#acc`."""

    name: str


@dataclass(slots=True, eq=False)
class Let(Node):
    """`let name = value; node`."""

    name: str
    value: Node
    node: Node


@dataclass(slots=True, eq=False)
class Conditional(Node):
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node


@dataclass(slots=True, eq=False)
class ListOf(Node):
    """`[…]`."""

    nodes: list[Node]


@dataclass(slots=True, eq=False)
class MapOf(Node):
    """`{key: value}`."""

    pairs: list[tuple[Node, Node]] = field(default_factory=list)
