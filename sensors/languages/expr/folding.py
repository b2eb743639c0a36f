"""What of a checked tree is known before it runs. The original does so too, and it shows: `x && false` is false whatever `x` is.

As there, a list of texts behind `in` becomes a set of keys, which a number cannot be asked for; and `map` over `filter`, `filter`
under `first`, `last`, `[0]` and `[-1]` become one loop, with the index of the list that is filtered.
"""

from dataclasses import fields
from typing import Any

from sensors.languages.expr import operators, values
from sensors.languages.expr.tree import Binary, Builtin, Closure, ListOf, Literal, Logic, Member, Node, Unary
from sensors.languages.expr.types import BOOL, FLOAT, INT, LIST, TEXT
from sensors.languages.expr.words import ExprError


def fold(node: Node) -> Node:
    """`node`, with what is known put in its place. Raises `ExprError` where it shows that it cannot work."""
    return _loops(_constants(_keys(node)))


def _below(node: Node, visit: Any) -> Node:
    """`node` with everything below it replaced by what `visit` gives."""
    for one in fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Node):
            setattr(node, one.name, visit(value))
        elif isinstance(value, list):
            setattr(node, one.name, [_in_list(element, visit) for element in value])
    return node


def _in_list(element: Any, visit: Any) -> Any:
    if isinstance(element, Node):
        return visit(element)
    return tuple(visit(part) for part in element) if isinstance(element, tuple) else element


def _keys(node: Node) -> Node:
    _below(node, _keys)
    if isinstance(node, Binary) and node.operator == "in" and isinstance(node.right, ListOf) and node.right.nodes:
        found = [one.value for one in node.right.nodes if isinstance(one, Literal) and type(one.value) is str]
        if len(found) == len(node.right.nodes):
            node.right = Literal(dict.fromkeys(found), at=node.right.at, type=LIST)
    return node


def _constants(node: Node) -> Node:
    _below(node, _constants)
    if isinstance(node, Unary):
        return _unary(node)
    if isinstance(node, Logic):
        return _logic(node)
    if isinstance(node, Binary):
        return _binary(node)
    if isinstance(node, ListOf) and node.nodes and all(_is_scalar(one) for one in node.nodes):
        return Literal([one.value for one in node.nodes if isinstance(one, Literal)], at=node.at, type=LIST)
    if isinstance(node, Builtin) and node.name == "filter":
        return _filtered_twice(node)
    return node


def _is_scalar(node: Node) -> bool:
    return isinstance(node, Literal) and type(node.value) in (int, float, str, bool)


def _unary(node: Unary) -> Node:
    if not isinstance(node.node, Literal):
        return node
    value = node.node.value
    if node.operator in ("!", "not"):
        return Literal(not value, at=node.at, type=BOOL) if type(value) is bool else node
    if type(value) not in (int, float):
        return node
    return Literal(operators.negated(value) if node.operator == "-" else value, at=node.at, type=node.node.type)


def _logic(node: Logic) -> Node:
    parts: list[Node] = []
    for part in node.parts:
        if isinstance(part, Literal) and type(part.value) is bool:
            if part.value is not node.is_and:
                return Literal(part.value, at=node.at, type=BOOL)
            last = part
        else:
            parts.append(part)
    if not parts:
        return last
    if len(parts) == 1:
        return parts[0]
    node.parts = parts
    return node


def _binary(node: Binary) -> Node:  # noqa: PLR0911 - one for each kind of operator
    left, right = node.left, node.right
    if not isinstance(left, Literal) or not isinstance(right, Literal):
        return node
    kinds = (type(left.value), type(right.value))
    if kinds == (str, str) and node.operator == "+":
        return Literal(values.bounded(left.value + right.value), at=node.at, type=TEXT)
    if node.operator == "==" and kinds in ((int, int), (str, str), (bool, bool)):
        return Literal(left.value == right.value, at=node.at, type=BOOL)
    if not set(kinds) <= {int, float}:
        return node
    if node.operator == "%":
        if kinds != (int, int):
            return node
        if right.value == 0:
            raise ExprError(f"{node.at}: division by zero")
        return Literal(operators.remainder(left.value, right.value), at=node.at, type=INT)
    compute = _ARITHMETIC.get(node.operator)
    if compute is None:
        return node
    found = compute(left.value, right.value)
    return Literal(found, at=node.at, type=INT if type(found) is int else FLOAT)


_ARITHMETIC = {
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "**": operators.power,
    "^": operators.power,
}


def _filtered_twice(node: Builtin) -> Node:
    base = node.arguments[0]
    if not isinstance(base, Builtin) or base.name != "filter":
        return node
    both = Logic(True, [base.arguments[1], node.arguments[1]], at=node.at, type=BOOL)
    return Builtin("filter", [base.arguments[0], both], at=node.at, type=node.type)


def _loops(node: Node) -> Node:
    """The order of these counts: `map` takes up `filter` first."""
    node = _everywhere(node, _mapped_filter)
    node = _everywhere(node, _counted_filter)
    return _everywhere(node, _found_filter)


def _everywhere(node: Node, change: Any) -> Node:
    _below(node, lambda one: _everywhere(one, change))
    return change(node)  # type: ignore[no-any-return]


def _is_filter(node: Node) -> bool:
    return isinstance(node, Builtin) and node.name == "filter" and len(node.arguments) == 2


def _mapped_filter(node: Node) -> Node:
    if not isinstance(node, Builtin) or node.name != "map" or not isinstance(node.arguments[1], Closure):
        return node
    base = node.arguments[0]
    if not _is_filter(base) or not isinstance(base, Builtin) or base.mapped is not None:
        return node
    return Builtin("filter", base.arguments, mapped=node.arguments[1].node, at=node.at, type=node.type)


def _counted_filter(node: Node) -> Node:
    if not isinstance(node, Builtin) or node.name != "len" or not _is_filter(node.arguments[0]):
        return node
    base = node.arguments[0]
    return Builtin("count", base.arguments if isinstance(base, Builtin) else [], at=node.at, type=node.type)


def _found_filter(node: Node) -> Node:
    if isinstance(node, Member) and not node.optional and isinstance(node.key, Literal) and type(node.key.value) is int:
        name = {0: "find", -1: "findLast"}.get(node.key.value)
        base, throws = node.node, True
    elif isinstance(node, Builtin) and node.name in ("first", "last"):
        name = {"first": "find", "last": "findLast"}[node.name]
        base, throws = node.arguments[0], False
    else:
        return node
    if name is None or not isinstance(base, Builtin) or not _is_filter(base):
        return node
    return Builtin(name, base.arguments, mapped=base.mapped, throws=throws, at=node.at, type=node.type)
