"""From words to a tree. How operators bind, and what may stand where, is that of the original, its oddities included."""

from collections.abc import Sequence

from sensors.languages.expr.builtins import BUILTINS, PREDICATES
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
from sensors.languages.expr.words import At, ExprError, Kind, Word, is_name, read_words
from sensors.languages.gonumbers import parse_float

MAX_NESTING = 100

_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
_BINARY = {
    "|": 0,
    **dict.fromkeys(("or", "||"), 10),
    **dict.fromkeys(("and", "&&"), 15),
    **dict.fromkeys(("==", "!=", "<", ">", ">=", "<=", "in", "matches", "contains", "startsWith", "endsWith"), 20),
    "..": 25,
    **dict.fromkeys(("+", "-"), 30),
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("**", "^"), 100),
    "??": 500,
}
_FROM_THE_RIGHT = frozenset(("**", "^"))
_CONSTANTS = {"true": True, "false": False, "nil": None}
_MOST = (1 << 63) - 1
_MOST_DIGITS = 1000


def parse(text: str) -> Node:
    """The tree of `text`. Raises `ExprError` with line and column."""
    return _Parser(read_words(text)).whole()


class _Parser:
    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._at = 0
        self._closures = 0
        self._nesting = 0

    @property
    def _word(self) -> Word:
        return self._words[self._at]

    def _next(self) -> Word:
        word = self._word
        if word.kind is Kind.END:
            raise self._unexpected(word)
        self._at += 1
        return word

    def _is(self, value: str, kind: Kind = Kind.OPERATOR) -> bool:
        word = self._word
        return word.kind is kind and word.value == value

    def _expect(self, value: str, kind: Kind = Kind.OPERATOR) -> None:
        if not self._is(value, kind):
            raise self._unexpected(self._word, value)
        self._next()

    def _unexpected(self, word: Word, wanted: str = "") -> ExprError:
        return ExprError(f"{word.at}: unexpected {word}" + (f"; expected {wanted!r}" if wanted else ""))

    def whole(self) -> Node:
        node = self._expression(0)
        if self._word.kind is not Kind.END:
            raise self._unexpected(self._word)
        return node

    def _expression(self, precedence: int) -> Node:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise ExprError(f"{self._word.at}: more than {MAX_NESTING} expressions inside each other")
        if precedence == 0 and self._is("let"):
            node = self._declaration()
        else:
            node = self._operations(self._primary(), precedence)
            if precedence == 0:
                node = self._conditional(node)
        self._nesting -= 1
        return node

    def _operations(self, node: Node, precedence: int) -> Node:
        former = ""
        length = 0
        while self._word.kind is Kind.OPERATOR:
            negation: At | None = None
            if self._is("not"):
                # Taken even where what follows binds too loosely: then the negation is lost, as in the original.
                self._next()
                negation = self._word.at
            word = self._word
            binds = _BINARY.get(word.value) if word.kind is Kind.OPERATOR else None
            if binds is None or binds < precedence:
                break
            self._next()
            if word.value == "|":
                node = self._piped(node)
            else:
                if former == "??" and word.value != "??":
                    raise ExprError(f"{word.at}: {word.value} and ?? cannot be mixed; put one of them into parentheses")
                right = self._expression(binds + (word.value not in _FROM_THE_RIGHT))
                node = _joined(word, node, right)
                length += 0 if isinstance(node, Logic) else 1
                if length > MAX_NESTING:
                    raise ExprError(f"{word.at}: more than {MAX_NESTING} operators in a row")
                if negation is not None:
                    node = Unary("not", node, at=negation)
            former = word.value
        return node

    def _declaration(self) -> Node:
        self._next()
        name = self._word
        if name.kind is not Kind.NAME:
            raise self._unexpected(name)
        self._next()
        self._expect("=")
        value = self._expression(0)
        self._expect(";")
        return Let(name.value, value, self._expression(0), at=name.at)

    def _conditional(self, node: Node) -> Node:
        while self._is("?"):
            at = self._next().at
            if self._is(":"):
                self._next()
                node = Conditional(node, node, self._expression(0), at=at)
                continue
            yes = self._expression(0)
            self._expect(":")
            node = Conditional(node, yes, self._expression(0), at=at)
        return node

    def _primary(self) -> Node:
        word = self._word
        if word.kind is Kind.OPERATOR and word.value in _UNARY:
            self._next()
            return self._followed(Unary(word.value, self._expression(_UNARY[word.value]), at=word.at))
        if self._is("(", Kind.BRACKET):
            self._next()
            node = self._expression(0)
            self._expect(")", Kind.BRACKET)
            return self._followed(node)
        if word.kind is Kind.OPERATOR and word.value in ("#", "."):
            return self._pointer(word)
        return self._secondary(word)

    def _pointer(self, word: Word) -> Node:
        if not self._closures:
            raise ExprError(f"{word.at}: {word.value} stands for an element only inside a function such as any or filter")
        name = ""
        if word.value == "#":
            self._next()
            if self._word.kind is Kind.NAME:
                name = self._next().value
        return self._followed(Pointer(name, at=word.at))

    def _secondary(self, word: Word) -> Node:
        if word.kind is Kind.NAME:
            self._next()
            if word.value in _CONSTANTS:
                return Literal(_CONSTANTS[word.value], at=word.at)
            return self._followed(self._named(word))
        if word.kind is Kind.NUMBER:
            self._next()
            return Literal(_number(word), at=word.at)
        if word.kind is Kind.TEXT:
            self._next()
            return Literal(word.value, at=word.at)
        if self._is("[", Kind.BRACKET):
            return self._followed(self._list())
        if self._is("{", Kind.BRACKET):
            return self._followed(self._map())
        raise self._unexpected(word)

    def _named(self, word: Word) -> Node:
        if not self._is("(", Kind.BRACKET):
            return Name(word.value, at=word.at)
        if word.value in PREDICATES:
            self._next()
            first = self._expression(0)
            self._expect(",")
            return self._predicate(word, first)
        arguments = self._arguments()
        if word.value in BUILTINS:
            return Builtin(word.value, arguments, at=word.at)
        return Call(Name(word.value, at=word.at), arguments, at=word.at)

    def _piped(self, node: Node) -> Node:
        word = self._word
        if word.kind is not Kind.NAME:
            raise self._unexpected(word)
        self._next()
        if word.value in PREDICATES:
            self._expect("(", Kind.BRACKET)
            return self._predicate(word, node)
        arguments = [node, *self._arguments()]
        if word.value in BUILTINS:
            return Builtin(word.value, arguments, at=word.at)
        return Call(Name(word.value, at=word.at), arguments, at=word.at)

    def _predicate(self, word: Word, first: Node) -> Node:
        arguments = [first, self._closure()]
        if word.value == "reduce" and self._is(","):
            self._next()
            arguments.append(self._expression(0))
        self._expect(")", Kind.BRACKET)
        return Builtin(word.value, arguments, at=word.at)

    def _closure(self) -> Node:
        at = self._word.at
        braced = self._is("{", Kind.BRACKET)
        if braced:
            self._next()
        self._closures += 1
        node = self._expression(0)
        self._closures -= 1
        if braced:
            self._expect("}", Kind.BRACKET)
        return Closure(node, at=at)

    def _arguments(self) -> list[Node]:
        self._expect("(", Kind.BRACKET)
        nodes: list[Node] = []
        while not self._is(")", Kind.BRACKET):
            if nodes:
                self._expect(",")
            nodes.append(self._expression(0))
        self._next()
        return nodes

    def _list(self) -> Node:
        at = self._next().at
        nodes: list[Node] = []
        while not self._is("]", Kind.BRACKET):
            if nodes:
                self._expect(",")
                if self._is("]", Kind.BRACKET):
                    break
            nodes.append(self._expression(0))
        self._next()
        return ListOf(nodes, at=at)

    def _map(self) -> Node:
        at = self._next().at
        pairs: list[tuple[Node, Node]] = []
        while not self._is("}", Kind.BRACKET):
            if pairs:
                self._expect(",")
                if self._is("}", Kind.BRACKET):
                    break
            key = self._key()
            self._expect(":")
            pairs.append((key, self._expression(0)))
        self._next()
        return MapOf(pairs, at=at)

    def _key(self) -> Node:
        word = self._word
        if word.kind in (Kind.NUMBER, Kind.TEXT, Kind.NAME):
            self._next()
            return Literal(word.value, at=word.at)
        if self._is("(", Kind.BRACKET):
            return self._expression(0)
        raise ExprError(f"{word.at}: unexpected {word}; a key is a name, a text, a number, or an expression in parentheses")

    def _followed(self, node: Node) -> Node:
        """`node` with the members, calls and slices behind it."""
        length = 0
        while True:
            length += 1
            if length > MAX_NESTING:
                raise ExprError(f"{self._word.at}: more than {MAX_NESTING} members in a row")
            if self._is(".") or self._is("?."):
                node = self._member(node)
            elif self._is("[", Kind.BRACKET):
                node = self._subscript(node)
            else:
                return node

    def _member(self, node: Node) -> Node:
        optional = self._next().value == "?."
        word = self._next()
        # Operators such as `not` and `matches` may be names of members.
        if word.kind is not Kind.NAME and not (word.kind is Kind.OPERATOR and is_name(word.value)):
            raise ExprError(f"{word.at}: unexpected {word}; expected a name")
        chained = isinstance(node, Chain)
        if isinstance(node, Chain):
            node = node.node
        node = Member(node, Literal(word.value, at=word.at), optional, at=word.at)
        if self._is("(", Kind.BRACKET):
            node = Call(node, self._arguments(), at=word.at)
        return Chain(node, at=word.at) if chained or optional else node

    def _subscript(self, node: Node) -> Node:
        at = self._next().at
        start = None if self._is(":") else self._expression(0)
        if start is not None and not self._is(":"):
            self._expect("]", Kind.BRACKET)
            return Member(node, start, at=at)
        self._expect(":")
        stop = None if self._is("]", Kind.BRACKET) else self._expression(0)
        self._expect("]", Kind.BRACKET)
        return Slice(node, start, stop, at=at)


def _joined(word: Word, left: Node, right: Node) -> Node:
    if word.value not in ("and", "&&", "or", "||"):
        return Binary(word.value, left, right, at=word.at)
    is_and = word.value in ("and", "&&")
    if isinstance(left, Logic) and left.is_and == is_and:
        return Logic(is_and, [*left.parts, right], at=word.at)
    return Logic(is_and, [left, right], at=word.at)


def _number(word: Word) -> int | float:
    text = word.value.replace("_", "")
    whole: int | None = None
    if "x" in text:
        digits = text.partition("x")[2]
        whole = int(digits, 16) if text.startswith("0x") and digits.isalnum() else None
    elif not any(sign in text for sign in ".eE"):
        whole = int(text) if text.isdigit() and len(text) < _MOST_DIGITS else None
    else:
        number = parse_float(text)
        if number is not None and number not in (float("inf"), float("-inf")):
            return number
    if whole is None or whole > _MOST:
        raise ExprError(f"{word.at}: {word.value!r} is no number, or too large")
    return whole
