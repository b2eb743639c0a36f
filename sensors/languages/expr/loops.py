"""The functions that compute something for each element of a list: `all`, `filter`, `map`, `reduce` and their like."""

from collections.abc import Callable
from typing import Any, Self

from sensors.languages.expr import containers, values
from sensors.languages.expr.run import Compute, Run, Scope
from sensors.languages.expr.tree import Builtin, Node
from sensors.languages.expr.words import ExprError

CompileNode = Callable[[Node], Compute]
CompileLoop = Callable[[CompileNode, Builtin], Compute]


class _Loop:
    """Goes through the elements with the index where closures find it; ends the scope whatever happens."""

    __slots__ = ("_backwards", "_run", "scope")

    def __init__(self, run: Run, elements: Any, backwards: bool) -> None:
        self._run, self._backwards = run, backwards
        self.scope = Scope(values.as_bytes(elements) if type(elements) is str else elements)

    def __enter__(self) -> Self:
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


def pointed(run: Run) -> Any:
    """The element that `#` stands for."""
    scope = run.scopes[-1]
    elements = scope.elements
    if isinstance(elements, dict):
        raise ExprError("a map has no elements; use keys or values")
    if scope.index >= len(elements):
        raise ExprError(f"there is no element {scope.index}; there are {len(elements)}")
    found = elements[scope.index]
    return values.Uint8(found) if type(elements) is bytes else found


def _looped(compiled: CompileNode, node: Builtin, *, backwards: bool = False) -> Callable[[Run], _Loop]:
    """The loop of a function that looks at elements."""
    elements = compiled(node.arguments[0])

    def begin(run: Run) -> _Loop:
        found = elements(run)
        if not isinstance(found, list | str | dict):
            raise ExprError(f"{node.name}: {values.shown(found)} is no list")
        return _Loop(run, found, backwards)

    return begin


def _deciding(ends: bool, gives: bool) -> CompileLoop:
    """A function that ends with `gives` at the first element that is `ends`."""

    def compile_it(compiled: CompileNode, node: Builtin) -> Compute:
        begin, asked = _looped(compiled, node), compiled(node.arguments[1])

        def compute(run: Run) -> bool:
            with begin(run) as loop:
                return gives if any(values.truth(asked(run)) is ends for _ in loop.indices()) else not gives

        return compute

    return compile_it


def _counting(one: bool) -> CompileLoop:
    def compile_it(compiled: CompileNode, node: Builtin) -> Compute:
        begin, asked = _looped(compiled, node), compiled(node.arguments[1])

        def compute(run: Run) -> Any:
            with begin(run) as loop:
                count = sum(values.truth(asked(run)) for _ in loop.indices())
            return count == 1 if one else count

        return compute

    return compile_it


def _filter(compiled: CompileNode, node: Builtin) -> Compute:
    begin, asked = _looped(compiled, node), compiled(node.arguments[1])
    mapped = pointed if node.mapped is None else compiled(node.mapped)

    def compute(run: Run) -> Any:
        with begin(run) as loop:
            found = [mapped(run) for _ in loop.indices() if values.truth(asked(run))]
        run.made(len(found))
        return found

    return compute


def _map(compiled: CompileNode, node: Builtin) -> Compute:
    begin, made = _looped(compiled, node), compiled(node.arguments[1])

    def compute(run: Run) -> Any:
        with begin(run) as loop:
            found = [made(run) for _ in loop.indices()]
        run.made(len(found))
        return found

    return compute


def _finding(*, index: bool, backwards: bool) -> CompileLoop:
    def compile_it(compiled: CompileNode, node: Builtin) -> Compute:
        begin, asked = _looped(compiled, node, backwards=backwards), compiled(node.arguments[1])
        mapped = pointed if node.mapped is None else compiled(node.mapped)

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


def _group_by(compiled: CompileNode, node: Builtin) -> Compute:
    begin, made = _looped(compiled, node), compiled(node.arguments[1])

    def compute(run: Run) -> Any:
        groups = values.GroupMap()
        with begin(run) as loop:
            for _ in loop.indices():
                groups.setdefault(containers.hashable(made(run)), []).append(pointed(run))
        return groups

    return compute


def _reduce(compiled: CompileNode, node: Builtin) -> Compute:
    begin, made = _looped(compiled, node), compiled(node.arguments[1])
    initial = compiled(node.arguments[2]) if len(node.arguments) == 3 else None

    def compute(run: Run) -> Any:
        with begin(run) as loop:
            loop.scope.accumulated = pointed(run) if initial is None else initial(run)
            for _ in loop.indices(1 if initial is None else 0):
                loop.scope.accumulated = made(run)
            return loop.scope.accumulated

    return compute


LOOPS: dict[str, CompileLoop] = {
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
