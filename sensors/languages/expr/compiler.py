"""From a checked and folded tree to functions, each of one run."""

from collections.abc import Callable
from typing import Any

from sensors.languages.expr import containers, operators, values
from sensors.languages.expr.builtins import BUILTINS
from sensors.languages.expr.loops import LOOPS, pointed
from sensors.languages.expr.operators import OPERATORS, strictly_equal
from sensors.languages.expr.run import Compute, Run
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
from sensors.languages.patterns import compile_pattern


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
        apply = operators.negated if node.operator == "-" else operators.inverted
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
            return lambda run: strictly_equal(left(run), right(run), wanted)
        if node.operator == "..":
            return lambda run: _range(run, left(run), right(run))
        apply = OPERATORS[node.operator]
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
            last = containers.length(value) if stop is None else stop(run)
            return containers.sliced(value, start(run), last)

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
        loop = LOOPS.get(node.name)
        if loop is not None:
            return loop(self.node, node)
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
        return pointed

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


def _range(run: Run, first: Any, last: Any) -> values.IntList:
    low, high = values.to_int(first), values.to_int(last)
    run.made(max(high - low + 1, 0))
    return values.IntList(range(low, high + 1))


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
