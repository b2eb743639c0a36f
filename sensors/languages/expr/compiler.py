"""From a checked and folded tree to functions, each of one run.

A run is bounded: elements looked at, elements and texts made. What a sender puts into an event must not hold up the rest.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sensors.languages.expr import values
from sensors.languages.expr.builtins import BUILTINS
from sensors.languages.expr.times import fetch_member
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
from sensors.languages.expr.types import kind
from sensors.languages.expr.words import ExprError
from sensors.languages.patterns import PatternError, compile_pattern

MAX_STEPS = 250_000
"""Elements that one run may look at, nested ones counted as often as they are looked at."""
MAX_ELEMENTS = 1_000_000
"""Elements of lists, maps and ranges that one run may make, as in the original."""


class _Scope:
    """A function that looks at the elements of a list."""

    __slots__ = ("accumulated", "elements", "index")

    def __init__(self, elements: Any) -> None:
        self.elements = elements
        self.index = 0
        self.accumulated: Any = None


class Run:
    """What one run knows."""

    __slots__ = ("_elements", "_steps_left", "environment", "now", "scopes", "variables")

    def __init__(self, environment: Mapping[str, Any], now: datetime) -> None:
        self.environment, self.now = environment, now
        self.variables: list[Any] = []
        self.scopes: list[_Scope] = []
        self._steps_left = MAX_STEPS
        self._elements = 0

    def step(self) -> None:
        """Count an element that is looked at."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise ExprError(f"more than {MAX_STEPS} elements were looked at, or it took too long")

    def exhaust(self) -> None:
        """Let the next step be the last: there is no time left."""
        self._steps_left = 0

    def made(self, count: int) -> None:
        """Count elements that are made."""
        self._elements += count
        if self._elements >= MAX_ELEMENTS:
            raise ExprError(f"more than {MAX_ELEMENTS} elements were made")


Compute = Callable[[Run], Any]


def compile_node(node: Node) -> Compute:
    """The function that computes `node`; it raises `ExprError`."""
    return _Compiler().node(node)


class _Raised(Exception):
    """Leaves a chain of `?.` with nil."""


class _Compiler:
    def __init__(self) -> None:
        self._variables: list[str] = []

    def node(self, node: Node) -> Compute:
        return _COMPILES[type(node)](self, node)

    def literal(self, node: Literal) -> Compute:
        value = node.value
        return lambda run: value

    def name(self, node: Name) -> Compute:
        name = node.name
        if name in self._variables:
            at = len(self._variables) - 1 - self._variables[::-1].index(name)
            return lambda run: run.variables[at]
        if name == "$env":
            return lambda run: run.environment
        return lambda run: run.environment.get(name)

    def unary(self, node: Unary) -> Compute:
        inner = self.node(node.node)
        if node.operator == "+":
            return inner
        apply = values.negated if node.operator == "-" else values.inverted
        return lambda run: apply(inner(run))

    def logic(self, node: Logic) -> Compute:
        *first, last = map(self.node, node.parts)
        ends, truth = not node.is_and, values.truth

        def compute(run: Run) -> Any:
            for part in first:
                if truth(part(run)) is ends:
                    return ends
            return last(run)

        return compute

    def binary(self, node: Binary) -> Compute:
        left, right = self.node(node.left), self.node(node.right)
        if node.operator == "??":
            return lambda run: right(run) if values.is_nil(value := left(run)) else value
        if node.operator == "matches" and isinstance(node.right, Literal):
            pattern = compile_pattern(node.right.value)
            return lambda run: pattern.search(values.text(left(run))) is not None
        if node.operator == "==" and kind(node.left.type) == kind(node.right.type) in _STRICT:
            wanted = _STRICT[kind(node.left.type)]
            return lambda run: _strictly_equal(left(run), right(run), wanted)
        if node.operator == "..":
            return lambda run: _range(run, left(run), right(run))
        apply = _OPERATORS[node.operator]
        return lambda run: apply(left(run), right(run))

    def chain(self, node: Chain) -> Compute:
        inner = self.node(node.node)

        def compute(run: Run) -> Any:
            try:
                return inner(run)
            except _Raised:
                return None

        return compute

    def member(self, node: Member) -> Compute:
        base, key = self.node(node.node), self.node(node.key)
        if not node.optional:
            return lambda run: fetch_member(base(run), key(run))

        def compute(run: Run) -> Any:
            value = base(run)
            if values.is_nil(value):
                raise _Raised
            return fetch_member(value, key(run))

        return compute

    def slice(self, node: Slice) -> Compute:
        inner = self.node(node.node)
        start = self.node(node.start) if node.start is not None else lambda run: 0
        stop = None if node.stop is None else self.node(node.stop)

        def compute(run: Run) -> Any:
            value = inner(run)
            last = values.length(value) if stop is None else stop(run)
            return values.sliced(value, start(run), last)

        return compute

    def call(self, node: Call) -> Compute:
        arguments, callee = [self.node(argument) for argument in node.arguments], self.node(node.callee)

        def compute(run: Run) -> Any:
            given = [argument(run) for argument in arguments]
            function = callee(run)
            if type(function) is not values.Function:
                raise ExprError(f"{values.shown(function)} is no function")
            return function.call(*_fitting(function, given))

        return compute

    def builtin(self, node: Builtin) -> Compute:
        made = _PREDICATES.get(node.name)
        if made is not None:
            return made(self, node)
        call = BUILTINS[node.name].call
        if node.name == "now":
            return lambda run: call(run.now)
        arguments = [self.node(argument) for argument in node.arguments]
        if len(arguments) == 1:
            (only,) = arguments
            return lambda run: call(only(run))
        return lambda run: call(*[argument(run) for argument in arguments])

    def closure(self, node: Closure) -> Compute:
        return self.node(node.node)

    def pointer(self, node: Pointer) -> Compute:
        if node.name == "index":
            return lambda run: run.scopes[-1].index
        if node.name == "acc":
            return lambda run: run.scopes[-1].accumulated
        return _pointed

    def let(self, node: Let) -> Compute:
        value = self.node(node.value)
        self._variables.append(node.name)
        at, inner = len(self._variables) - 1, self.node(node.node)
        self._variables.pop()

        def compute(run: Run) -> Any:
            known = value(run)
            del run.variables[at:]
            run.variables.append(known)
            return inner(run)

        return compute

    def conditional(self, node: Conditional) -> Compute:
        condition, yes, no = self.node(node.condition), self.node(node.yes), self.node(node.no)
        return lambda run: yes(run) if values.truth(condition(run)) else no(run)

    def list_of(self, node: ListOf) -> Compute:
        nodes = [self.node(one) for one in node.nodes]

        def compute(run: Run) -> Any:
            run.made(len(nodes))
            return [one(run) for one in nodes]

        return compute

    def map_of(self, node: MapOf) -> Compute:
        pairs = [(self.node(key), self.node(value)) for key, value in node.pairs]

        def compute(run: Run) -> Any:
            run.made(len(pairs))
            found = [(key(run), value(run)) for key, value in pairs]
            # As in the original, of repeated keys the first counts.
            return {values.text(key): value for key, value in reversed(found)}

        return compute

    def looped(self, node: Builtin, *, backwards: bool = False) -> "Callable[[Run], _Loop]":
        """The loop of a function that looks at elements."""
        elements = self.node(node.arguments[0])

        def begin(run: Run) -> _Loop:
            found = elements(run)
            if not isinstance(found, list | str | dict):
                raise ExprError(f"{node.name}: {values.shown(found)} is no list")
            return _Loop(run, found, backwards)

        return begin


class _Loop:
    """Goes through the elements with the index where closures find it; ends the scope whatever happens."""

    __slots__ = ("_backwards", "_run", "scope")

    def __init__(self, run: Run, elements: Any, backwards: bool) -> None:
        self._run, self._backwards = run, backwards
        self.scope = _Scope(values.as_bytes(elements) if type(elements) is str else elements)

    def __enter__(self) -> "_Loop":
        self._run.scopes.append(self.scope)
        return self

    def __exit__(self, *exc: object) -> None:
        self._run.scopes.pop()

    def __len__(self) -> int:
        return len(self.scope.elements)

    def indices(self, start: int = 0) -> Any:
        """The indices, each noted before it is given."""
        scope, step = self.scope, self._run.step
        count = len(scope.elements)
        for index in range(count - 1, -1, -1) if self._backwards else range(start, count):
            scope.index = index
            step()
            yield index


def _pointed(run: Run) -> Any:
    scope = run.scopes[-1]
    elements = scope.elements
    if isinstance(elements, dict):
        raise ExprError("a map has no elements; use keys or values")
    if scope.index >= len(elements):
        raise ExprError(f"there is no element {scope.index}; there are {len(elements)}")
    found = elements[scope.index]
    return values.Uint8(found) if type(elements) is bytes else found


def _deciding(ends: bool, gives: bool) -> "Callable[[_Compiler, Builtin], Compute]":
    """A function that ends with `gives` at the first element that is `ends`."""

    def compile_it(compiler: _Compiler, node: Builtin) -> Compute:
        begin, asked = compiler.looped(node), compiler.node(node.arguments[1])

        def compute(run: Run) -> bool:
            with begin(run) as loop:
                return gives if any(values.truth(asked(run)) is ends for _ in loop.indices()) else not gives

        return compute

    return compile_it


def _counting(one: bool) -> "Callable[[_Compiler, Builtin], Compute]":
    def compile_it(compiler: _Compiler, node: Builtin) -> Compute:
        begin, asked = compiler.looped(node), compiler.node(node.arguments[1])

        def compute(run: Run) -> Any:
            with begin(run) as loop:
                count = sum(values.truth(asked(run)) for _ in loop.indices())
            return count == 1 if one else count

        return compute

    return compile_it


def _filter(compiler: _Compiler, node: Builtin) -> Compute:
    begin, asked = compiler.looped(node), compiler.node(node.arguments[1])
    mapped = _pointed if node.mapped is None else compiler.node(node.mapped)

    def compute(run: Run) -> Any:
        with begin(run) as loop:
            found = [mapped(run) for _ in loop.indices() if values.truth(asked(run))]
        run.made(len(found))
        return found

    return compute


def _map(compiler: _Compiler, node: Builtin) -> Compute:
    begin, made = compiler.looped(node), compiler.node(node.arguments[1])

    def compute(run: Run) -> Any:
        with begin(run) as loop:
            found = [made(run) for _ in loop.indices()]
        run.made(len(found))
        return found

    return compute


def _finding(*, index: bool, backwards: bool) -> "Callable[[_Compiler, Builtin], Compute]":
    def compile_it(compiler: _Compiler, node: Builtin) -> Compute:
        begin, asked = compiler.looped(node, backwards=backwards), compiler.node(node.arguments[1])
        mapped = _pointed if node.mapped is None else compiler.node(node.mapped)

        def compute(run: Run) -> Any:
            with begin(run) as loop:
                for at in loop.indices():
                    if values.truth(asked(run)):
                        return at if index else mapped(run)
            if node.throws:
                raise ExprError("nothing was found")
            return None

        return compute

    return compile_it


def _group_by(compiler: _Compiler, node: Builtin) -> Compute:
    begin, made = compiler.looped(node), compiler.node(node.arguments[1])

    def compute(run: Run) -> Any:
        groups = values.GroupMap()
        with begin(run) as loop:
            for _ in loop.indices():
                groups.setdefault(values.hashable(made(run)), []).append(_pointed(run))
        return groups

    return compute


def _reduce(compiler: _Compiler, node: Builtin) -> Compute:
    begin, made = compiler.looped(node), compiler.node(node.arguments[1])
    initial = compiler.node(node.arguments[2]) if len(node.arguments) == 3 else None

    def compute(run: Run) -> Any:
        with begin(run) as loop:
            loop.scope.accumulated = _pointed(run) if initial is None else initial(run)
            for _ in loop.indices(1 if initial is None else 0):
                loop.scope.accumulated = made(run)
            return loop.scope.accumulated

    return compute


def _range(run: Run, first: Any, last: Any) -> values.IntList:
    low, high = values.to_int(first), values.to_int(last)
    run.made(max(high - low + 1, 0))
    return values.IntList(range(low, high + 1))


def _strictly_equal(left: Any, right: Any, wanted: type) -> bool:
    """Where both are known to be whole numbers, or texts, nothing else will do: `findIndex` that finds nothing is an error."""
    for value in (left, right):
        if type(value) is not wanted:
            raise ExprError(f"{values.shown(value)} cannot be compared here: expected {values.type_name(wanted())}")
    return bool(left == right)


def _matches(left: Any, right: Any) -> bool:
    try:
        # Not kept: patterns that come with events would push out those that stand in manifests.
        return compile_pattern.__wrapped__(values.text(right)).search(values.text(left)) is not None
    except PatternError as exc:
        raise ExprError(f"{values.shown(right)} is no pattern: {exc}") from None


def _fitting(function: values.Function, given: list[Any]) -> list[Any]:
    """The arguments, where they are of the types that the function takes."""
    wanted = list(function.parameters)
    if wanted and wanted[-1].startswith("*"):
        rest = wanted.pop()[1:]
        wanted += [rest] * (len(given) - len(wanted))
    if len(wanted) != len(given):
        raise ExprError(f"{function.name} takes {len(wanted)} arguments, not {len(given)}")
    for number, (value, name) in enumerate(zip(given, wanted, strict=True), 1):
        if name != "any" and values.type_name(value) != name:
            hint = "; write int(…)" if name == "int" and type(value) is float else ""
            raise ExprError(
                f"{function.name}: argument {number} is {values.type_name(value)} {values.shown(value)}, and must be {name}{hint}"
            )
    return given


_STRICT: dict[str, type] = {"int": int, "text": str}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<": values.ordered(operator.lt, "<"),
    ">": values.ordered(operator.gt, ">"),
    "<=": values.ordered(operator.le, "<="),
    ">=": values.ordered(operator.ge, ">="),
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.remainder,
    "**": values.power,
    "^": values.power,
    "in": values.contained,
    "matches": _matches,
    "contains": lambda left, right: values.text(right) in values.text(left),
    "startsWith": lambda left, right: values.text(left).startswith(values.text(right)),
    "endsWith": lambda left, right: values.text(left).endswith(values.text(right)),
}
_PREDICATES: dict[str, Callable[[_Compiler, Builtin], Compute]] = {
    "all": _deciding(ends=False, gives=False),
    "none": _deciding(ends=True, gives=False),
    "any": _deciding(ends=True, gives=True),
    "one": _counting(one=True),
    "count": _counting(one=False),
    "filter": _filter,
    "map": _map,
    "find": _finding(index=False, backwards=False),
    "findIndex": _finding(index=True, backwards=False),
    "findLast": _finding(index=False, backwards=True),
    "findLastIndex": _finding(index=True, backwards=True),
    "groupBy": _group_by,
    "reduce": _reduce,
}
_COMPILES: dict[type, Callable[[_Compiler, Any], Compute]] = {
    Literal: _Compiler.literal,
    Name: _Compiler.name,
    Unary: _Compiler.unary,
    Logic: _Compiler.logic,
    Binary: _Compiler.binary,
    Chain: _Compiler.chain,
    Member: _Compiler.member,
    Slice: _Compiler.slice,
    Call: _Compiler.call,
    Builtin: _Compiler.builtin,
    Closure: _Compiler.closure,
    Pointer: _Compiler.pointer,
    Let: _Compiler.let,
    Conditional: _Compiler.conditional,
    ListOf: _Compiler.list_of,
    MapOf: _Compiler.map_of,
}
