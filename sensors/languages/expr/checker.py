"""What of an expression cannot work, known before it runs; nodes get their types.

Nothing is known of the environment, so a mistake is found where literals and functions of the language show it, and where a name
is that of a function: `type == "x"` compares a function with a text, because functions go before what an event holds.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sensors.languages.expr.builtins import BUILTINS, PREDICATES
from sensors.languages.expr.operator_types import OPERATOR_TYPES, Known
from sensors.languages.expr.times import METHODS
from sensors.languages.expr.tree import (
    Binary,
    Builtin,
    Call,
    Chain,
    Closure,
    Conditional,
    Let,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Member,
    Name,
    Node,
    Pointer,
    Slice,
    Unary,
)
from sensors.languages.expr.types import (
    ANY,
    BOOL,
    FLOAT,
    FUNCTION,
    GROUPS,
    INT,
    LIST,
    MAP,
    TEXT,
    Type,
    assignable,
    comparable,
    is_any,
    is_bool,
    is_integer,
    is_list,
    is_map,
    is_number,
    is_text,
    kind,
    list_of,
)
from sensors.languages.expr.words import ExprError
from sensors.languages.patterns import PatternError, compile_pattern

_FUNCTIONS = PREDICATES | BUILTINS.keys()


class _Scope(NamedTuple):
    """What `#` stands for."""

    collection: Known
    pointers: frozenset[str]


def check(node: Node) -> Known:
    """Type `node` and all that is in it. Raises `ExprError` with line and column."""
    return _Checker().visit(node)


class _Checker:
    def __init__(self) -> None:
        self._scopes: list[_Scope] = []
        self._variables: list[tuple[str, Known]] = []

    def visit(self, node: Node) -> Known:
        node.type = _VISITS[type(node)](self, node)
        return node.type

    def _fail(self, node: Node, message: str) -> ExprError:
        return ExprError(f"{node.at}: {message}")

    def literal(self, node: Literal) -> Known:
        return _LITERALS[type(node.value)]

    def name(self, node: Name) -> Known:
        for name, known in reversed(self._variables):
            if name == node.name:
                return known
        if node.name == "$env":
            return MAP
        return FUNCTION if node.name in _FUNCTIONS else ANY

    def unary(self, node: Unary) -> Known:
        known = self.visit(node.node)
        if node.operator in ("!", "not"):
            if is_bool(known) or is_any(known):
                return BOOL
        elif is_number(known) or is_any(known):
            return known
        raise self._fail(node, f"{node.operator} does not go with {known or 'nil'}")

    def logic(self, node: Logic) -> Known:
        for part in node.parts:
            known = self.visit(part)
            if not is_bool(known) and not is_any(known):
                raise self._fail(part, f"{known or 'nil'} does not go with {'&&' if node.is_and else '||'}")
        return BOOL

    def binary(self, node: Binary) -> Known:
        left, right = self.visit(node.left), self.visit(node.right)
        if node.operator == "??":
            if left is None or right is None:
                return right if left is None else left
            return left if assignable(right, left) else ANY
        if node.operator == "in":
            return self._in(node, left, right)
        found = OPERATOR_TYPES[node.operator](left, right)
        if found is None:
            raise self._fail(node, f"{left or 'nil'} {node.operator} {right or 'nil'} do not go together")
        if node.operator == "matches" and isinstance(node.right, Literal):
            try:
                compile_pattern(str(node.right.value))
            except PatternError as exc:
                raise self._fail(node.right, str(exc)) from None
        return found

    def _in(self, node: Binary, left: Known, right: Known) -> Known:
        if is_map(right):
            if left is not None and right is not None and not is_any(left) and not assignable(left, right.key):
                raise self._fail(node, f"{left} cannot be a key of {right}")
            return BOOL
        if is_list(right) and right is not None:
            literal = _element_type(node.right)
            for element in (right.element, literal):
                if left is not None and not comparable(left, element):
                    raise self._fail(node, f"{left} cannot be in a list of {element}")
            return BOOL
        if is_any(right) or (is_any(left) and is_text(right)):
            return BOOL
        raise self._fail(node, f"{left or 'nil'} in {right or 'nil'} do not go together")

    def chain(self, node: Chain) -> Known:
        return self.visit(node.node)

    def member(self, node: Member) -> Known:
        base, key = self.visit(node.node), self.visit(node.key)
        named = node.key.value if isinstance(node.key, Literal) and type(node.key.value) is str else None
        if isinstance(node.node, Name) and node.node.name == "$env":
            return FUNCTION if named in _FUNCTIONS else ANY
        if base is None:
            raise self._fail(node, "nil has no members")
        if is_any(base):
            return ANY
        if named is not None and base in METHODS:
            if named not in METHODS[base]:
                raise self._fail(node, f"{base} has no {named!r} here")
            return FUNCTION
        if base.kind == "map":
            if key is not None and not is_any(key) and not assignable(key, base.key):
                raise self._fail(node, f"{key} cannot be a key of {base}")
            return base.element
        if base.kind == "list":
            if not is_integer(key) and not is_any(key):
                raise self._fail(node, f"an element of a list is named by a whole number, not by {key or 'nil'}")
            return base.element
        hint = "; it is a function, which goes before what the event holds under this name" if base == FUNCTION else ""
        raise self._fail(node, f"{base} has no members{hint}")

    def slice(self, node: Slice) -> Known:
        known = self.visit(node.node)
        if kind(known) not in ("any", "text", "list"):
            raise self._fail(node, f"{known or 'nil'} cannot be sliced")
        for bound in (node.start, node.stop):
            if bound is not None:
                at = self.visit(bound)
                if not is_integer(at) and not is_any(at):
                    raise self._fail(bound, f"a slice has whole numbers, not {at or 'nil'}")
        return known

    def call(self, node: Call) -> Known:
        callee = self.visit(node.callee)
        known = [self.visit(argument) for argument in node.arguments]
        if isinstance(node.callee, Member) and callee == FUNCTION and node.callee.node.type in METHODS:
            return self._method(node, node.callee, known)
        if callee is None:
            raise self._fail(node, "nil cannot be called")
        if not is_any(callee) and callee != FUNCTION:
            raise self._fail(node, f"{callee} cannot be called")
        return ANY

    def _method(self, node: Call, member: Member, known: list[Known]) -> Known:
        methods = METHODS[member.node.type or ANY]
        parameters, gives, _ = methods[str(member.key.value) if isinstance(member.key, Literal) else ""]
        fits = len(parameters) == len(known) and all(
            is_any(one) or assignable(one, wanted) for one, wanted in zip(known, parameters, strict=False)
        )
        if not fits:
            raise self._fail(node, f"expected ({', '.join(map(str, parameters))})")
        return gives

    def builtin(self, node: Builtin) -> Known:
        if node.name in PREDICATES:
            return self._predicate(node)
        known = [self.visit(argument) for argument in node.arguments]
        if node.name == "get":
            return self._get(node, known)
        try:
            return BUILTINS[node.name].check(node.name, known)
        except ExprError as exc:
            raise self._fail(node, str(exc)) from None

    def _get(self, node: Builtin, known: list[Known]) -> Known:
        if len(known) != 2:
            raise self._fail(node, f"get takes 2 arguments, not {len(known)}")
        base, key = known
        if isinstance(node.arguments[0], Name) and node.arguments[0].name == "$env":
            # Of a name that stands there the original thinks that it is nil.
            return None if isinstance(node.arguments[1], Literal) and type(node.arguments[1].value) is str else ANY
        if is_any(base):
            return ANY
        if base is None or base.kind not in ("list", "map"):
            raise self._fail(node, f"get does not take {base or 'nil'}")
        fits = is_integer(key) if base.kind == "list" else assignable(key, base.key)
        if key is None or not (is_any(key) or fits):
            raise self._fail(node, f"{key or 'nil'} names nothing in {base}")
        return base.element

    def _predicate(self, node: Builtin) -> Known:
        collection = self.visit(node.arguments[0])
        if not is_list(collection) and not is_any(collection):
            raise self._fail(node.arguments[0], f"{node.name} takes a list, not {collection or 'nil'}")
        self._scopes.append(_Scope(collection, _POINTERS.get(node.name, frozenset())))
        gives = self.visit(node.arguments[1]).results  # type: ignore[union-attr]
        self._scopes.pop()
        for argument in node.arguments[2:]:
            self.visit(argument)
        if node.name in _ASKING and not is_bool(gives) and not is_any(gives):
            raise self._fail(node.arguments[1], f"{node.name} wants true or false for each element, not {gives}")
        if node.name == "map":
            return list_of(gives or ANY)
        if node.name == "reduce":
            return gives
        if node.name in ("filter", "find", "findLast"):
            element = ANY if collection is None or collection.element is None else collection.element
            return list_of(element) if node.name == "filter" else element
        return _GIVES[node.name]

    def closure(self, node: Closure) -> Known:
        known = self.visit(node.node)
        if known is None:
            raise self._fail(node.node, "nil for each element means nothing")
        return Type("function", "function", results=known)

    def pointer(self, node: Pointer) -> Known:
        if not self._scopes:
            raise self._fail(node, "# stands for an element only inside a function such as any or filter")
        scope = self._scopes[-1]
        if node.name:
            if node.name not in scope.pointers:
                raise self._fail(node, f"there is no #{node.name} here")
            return INT if node.name == "index" else ANY
        return ANY if scope.collection is None or scope.collection.element is None else scope.collection.element

    def let(self, node: Let) -> Known:
        if node.name in _FUNCTIONS or any(name == node.name for name, _ in self._variables):
            raise self._fail(node, f"the name {node.name!r} is taken")
        self._variables.append((node.name, self.visit(node.value)))
        known = self.visit(node.node)
        self._variables.pop()
        return known

    def conditional(self, node: Conditional) -> Known:
        condition = self.visit(node.condition)
        if not is_bool(condition) and not is_any(condition):
            raise self._fail(node.condition, f"before ? stands true or false, not {condition or 'nil'}")
        yes, no = self.visit(node.yes), self.visit(node.no)
        if yes is None or no is None:
            return no if yes is None else yes
        return yes if assignable(yes, no) else ANY

    def list_of(self, node: ListOf) -> Known:
        for one in node.nodes:
            self.visit(one)
        return LIST

    def map_of(self, node: MapOf) -> Known:
        for key, value in node.pairs:
            self.visit(key)
            self.visit(value)
        return MAP


def _element_type(node: Node) -> Known:
    """What all elements of a list are that stands there literally; None where they differ, or it is another list."""
    if not isinstance(node, ListOf) or not node.nodes:
        return None
    first, *others = (one.type for one in node.nodes)
    return node.nodes[-1].type if first is not None and all(kind(one) == kind(first) for one in others) else None


_POINTERS = {"map": frozenset(("index",)), "reduce": frozenset(("index", "acc"))}
_ASKING = frozenset(("all", "none", "any", "one", "filter", "count", "find", "findIndex", "findLast", "findLastIndex"))
_GIVES: dict[str, Type] = {
    **dict.fromkeys(("all", "none", "any", "one"), BOOL),
    **dict.fromkeys(("count", "findIndex", "findLastIndex"), INT),
    "groupBy": GROUPS,
}
_LITERALS: dict[type, Known] = {type(None): None, bool: BOOL, int: INT, float: FLOAT, str: TEXT}
_VISITS: dict[type, Callable[[_Checker, Any], Known]] = {
    Literal: _Checker.literal,
    Name: _Checker.name,
    Unary: _Checker.unary,
    Binary: _Checker.binary,
    Logic: _Checker.logic,
    Chain: _Checker.chain,
    Member: _Checker.member,
    Slice: _Checker.slice,
    Call: _Checker.call,
    Builtin: _Checker.builtin,
    Closure: _Checker.closure,
    Pointer: _Checker.pointer,
    Let: _Checker.let,
    Conditional: _Checker.conditional,
    ListOf: _Checker.list_of,
    MapOf: _Checker.map_of,
}
