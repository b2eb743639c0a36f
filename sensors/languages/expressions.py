"""Filter expressions: compiled once into functions, computed on named values.

Semantics: govaluate at the version that Argo Events pins, without functions. All operators of one level group from the left,
the ternary ones too; `**` does as well, and a prefix binds tightest. What follows a complete expression where no operator
could stand, as in `(a)(b)`, is not looked at. Long chains do not nest: a run of one level is one loop.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sensors.languages import expression_values as values
from sensors.languages.expression_words import ExpressionError, Kind, Word, read_words

MAX_CHARACTERS = 65_536
MAX_NESTING = 100

Names = Mapping[str, Any]
Node = Callable[[Names], Any]
Operator = Callable[[Any, Node, Names], Any]
"""Combines a value with an operand that is computed only where the operator wants it."""


class Expression:
    """A compiled expression. Computing it changes nothing."""

    __slots__ = ("_node", "names", "text")

    def __init__(self, text: str, node: Node, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        """The names that stand in it."""
        self._node = node

    def compute(self, names: Names) -> Any:
        """The value, with numbers as floats. Raises `ExpressionError` where the values do not fit."""
        return self._node(names)


@lru_cache(maxsize=8192)
def compile_expression(text: str) -> Expression:
    """Compile `text`; the same text gives the same object. Raises `ExpressionError` with the reason."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    words = read_words(text)
    names = frozenset(str(word.value) for word in words if word.kind is Kind.NAME)
    return Expression(text, _Planner(words).plan(), names)


class _Level(NamedTuple):
    """Operators that bind equally tight."""

    kind: Kind
    operators: Mapping[str, Operator]


class _Planner:
    """Turns words into functions, level by level."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._at = 0
        self._nesting = 0

    def plan(self) -> Node:
        return self._level(0)

    def _level(self, level: int) -> Node:
        """An operand with all that `level` and the tighter levels join to it.

        From the tightest level down, so that nesting costs no frame for each level.
        """
        node = self._operand()
        for tight in range(len(_LEVELS) - 1, level - 1, -1):
            node = _run(node, list(self._joined(tight)))
        return node

    def _joined(self, level: int) -> Iterator[tuple[Operator, Node]]:
        kind, operators = _LEVELS[level]
        while self._at < len(self._words):
            word = self._words[self._at]
            if word.kind is not kind or word.value not in operators:
                return
            self._at += 1
            yield operators[str(word.value)], self._level(level + 1)

    def _operand(self) -> Node:
        if self._at >= len(self._words):
            return _nothing
        word = self._words[self._at]
        if word.kind is Kind.CLOSE:
            return _nothing
        self._at += 1
        compound = {Kind.OPEN: self._parenthesised, Kind.PREFIX: self._prefix, Kind.ACCESS: self._access}.get(word.kind)
        if compound is not None:
            return compound(word)
        if word.kind is Kind.NAME:
            return _named(str(word.value))
        if word.kind in (Kind.SEPARATOR, Kind.MODIFIER, Kind.COMPARATOR, Kind.LOGIC, Kind.TERNARY):
            raise ExpressionError(f"expected a value, got {word.value!r}")
        return _literal(word.value)

    def _prefix(self, word: Word) -> Node:
        return _prefixed(_PREFIXES[str(word.value)], self._operand())

    def _parenthesised(self, word: Word) -> Node:
        del word
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise ExpressionError(f"more than {MAX_NESTING} parentheses inside each other")
        inner = self._level(0)
        self._nesting -= 1
        # Whatever stands here is taken for the closing parenthesis, as in the original.
        self._at += 1
        return inner

    def _access(self, word: Word) -> Node:
        """`a.B` and `a.B(…)`: there are no such values in events, so computing it fails; what it takes up is passed over."""
        argument: Node | None = None
        if self._at < len(self._words) and self._words[self._at].kind is Kind.OPEN:
            argument = self._level(0)
        name = ".".join(word.value) if isinstance(word.value, tuple) else str(word.value)

        def fail(names: Names) -> Any:
            if argument is not None:
                argument(names)
            raise ExpressionError(f"{name!r}: parts of a value are not reached with a dot; name a field for its path")

        return fail


def _run(first: Node, rest: list[tuple[Operator, Node]]) -> Node:
    if not rest:
        return first
    if len(rest) == 1:
        ((only, operand),) = rest
        return lambda names: only(first(names), operand, names)
    if all(apply is _ADD for apply, _ in rest):
        return _sum(first, [operand for _, operand in rest])
    steps = tuple(rest)

    def run(names: Names) -> Any:
        value = first(names)
        for apply, operand in steps:
            value = apply(value, operand, names)
        return value

    return run


def _sum(first: Node, rest: Sequence[Node]) -> Node:
    """A chain of `+`: once one is a text all that follows is joined to it, in one go and not again at each step."""
    operands = tuple(rest)

    def run(names: Names) -> Any:
        value = first(names)
        for at, operand in enumerate(operands):
            if isinstance(value, str):
                return values.joined(value, (operand(names) for operand in operands[at:]))
            value = values.add(value, operand(names))
        return value

    return run


def _nothing(names: Names) -> Any:
    """An operand that was left out, as in `(a + )`, is no value."""
    del names


def _literal(value: Any) -> Node:
    return lambda names: value


def _named(name: str) -> Node:
    def look(names: Names) -> Any:
        try:
            return names[name]
        except KeyError:
            raise ExpressionError(f"there is no field named {name!r}") from None

    return look


def _prefixed(apply: Callable[[Any], Any], operand: Node) -> Node:
    return lambda names: apply(operand(names))


def _both(apply: Callable[[Any, Any], Any]) -> Operator:
    """An operator that wants both sides."""
    return lambda left, right, names: apply(left, right(names))


def _and(left: Any, right: Node, names: Names) -> Any:
    if left is False:
        return False
    other = right(names)
    if not isinstance(left, bool) or not isinstance(other, bool):
        raise _no_truth(left, other, "&&")
    return other


def _or(left: Any, right: Node, names: Names) -> Any:
    if left is True:
        return True
    other = right(names)
    if not isinstance(left, bool) or not isinstance(other, bool):
        raise _no_truth(left, other, "||")
    return other


def _no_truth(left: Any, right: Any, symbol: str) -> ExpressionError:
    odd = right if isinstance(left, bool) else left
    return ExpressionError(f"{values.shown_value(odd)} cannot be used with {symbol}: it is neither true nor false")


def _if(left: Any, right: Node, names: Names) -> Any:
    if left is False:
        return None
    chosen = right(names)
    if left is not True:
        raise _no_truth(left, True, "?")
    return chosen


def _else(left: Any, right: Node, names: Names) -> Any:
    return right(names) if left is None else left


def _separated(left: Any, right: Any) -> list[Any]:
    return [*left, right] if isinstance(left, list) else [left, right]


_PREFIXES: Mapping[str, Callable[[Any], Any]] = {"-": values.negated, "!": values.inverted, "~": values.complemented}

_BITS: Mapping[str, Callable[[float, float], float]] = {
    "&": lambda left, right: float(values.signed(left) & values.signed(right)),
    "|": lambda left, right: float(values.signed(left) | values.signed(right)),
    "^": lambda left, right: float(values.signed(left) ^ values.signed(right)),
}

_COMPARISONS: Mapping[str, Operator] = {
    "==": _both(values.equal),
    "!=": _both(lambda left, right: not values.equal(left, right)),
    ">": _both(values.ordered(operator.gt, ">")),
    ">=": _both(values.ordered(operator.ge, ">=")),
    "<": _both(values.ordered(operator.lt, "<")),
    "<=": _both(values.ordered(operator.le, "<=")),
    "=~": _both(values.matches),
    "!~": _both(lambda left, right: not values.matches(left, right)),
    "in": _both(values.contained),
}


def _numeric(operators: Mapping[str, Callable[[float, float], float]]) -> dict[str, Operator]:
    return {symbol: _both(values.arithmetic(compute, symbol)) for symbol, compute in operators.items()}


_ADD = _both(values.add)
_LEVELS: tuple[_Level, ...] = (
    _Level(Kind.SEPARATOR, {",": _both(_separated)}),
    _Level(Kind.TERNARY, {"?": _if, ":": _else, "??": _else}),
    _Level(Kind.LOGIC, {"||": _or}),
    _Level(Kind.LOGIC, {"&&": _and}),
    _Level(Kind.COMPARATOR, _COMPARISONS),
    _Level(Kind.MODIFIER, _numeric(_BITS)),
    _Level(Kind.MODIFIER, _numeric({"<<": values.shift_left, ">>": values.shift_right})),
    _Level(Kind.MODIFIER, {"+": _ADD, **_numeric({"-": operator.sub})}),
    _Level(Kind.MODIFIER, _numeric({"*": operator.mul, "/": values.divide, "%": values.remainder})),
    _Level(Kind.MODIFIER, _numeric({"**": values.power})),
)
"""From the loosest to the tightest."""
