"""Where gojq reads a program otherwise than the engine.

`?` covers the last step before it, not the whole path; `+` may stand before a term; an object may end with a comma.
"""

from collections.abc import Callable
from typing import Any

from purejq.parser import Parser

_STEPS = frozenset(("field", "index", "slice", "iterate"))
_HERE = ("identity",)
_COMMA, _OPENING, _CLOSING = ("OP", ","), ("OP", "{"), ("OP", "}")


def _optional(node: tuple[Any, ...]) -> tuple[Any, ...]:
    """`.a.b?` is `.a | .b?`: that `.a` is no object is an error."""
    if node[0] in _STEPS and node[1] != _HERE:
        return ("pipe", node[1], ("opt", (node[0], _HERE, *node[2:])))
    return ("opt", node)


def _postfix(parser: Any, allow_as: bool = True) -> tuple[Any, ...]:
    """What follows a term, step by step; as the engine's own, but for `?`."""
    del allow_as
    node: tuple[Any, ...] = parser.parse_primary()
    while True:
        if parser.at("FIELD"):
            node = ("field", node, parser.next()[1])
        elif parser.at("OP", ".") and parser.toks[parser.pos + 1][0] == "STR":
            parser.next()
            node = ("index", node, parser._str_node(parser.next()[1], None))  # noqa: SLF001
        elif parser.at("OP", ".") and parser.toks[parser.pos + 1][:2] == ("OP", "["):
            parser.next()
        elif parser.at("OP", "["):
            parser.next()
            node = parser._parse_bracket(node)  # noqa: SLF001
        elif parser.at("OP", "?"):
            parser.next()
            node = _optional(node)
        else:
            return node


def _unary(parser: Any, allow_as: bool = True) -> tuple[Any, ...]:
    """A term with its signs. `+` leaves a number as it is, and is an error of anything else."""
    if parser.accept("OP", "-"):
        return ("neg", parser.parse_unary(allow_as=False))
    if parser.accept("OP", "+"):
        return ("neg", ("neg", parser.parse_unary(allow_as=False)))
    node: tuple[Any, ...] = parser.parse_postfix(allow_as=allow_as)
    return node


def _without_last_commas(plain: Callable[..., None]) -> Callable[..., None]:
    def begin(parser: Any, *arguments: Any, **named: Any) -> None:
        plain(parser, *arguments, **named)
        tokens = parser.toks
        last = {at for at in range(1, len(tokens) - 1) if tokens[at][:2] == _COMMA and tokens[at + 1][:2] == _CLOSING}
        parser.toks = [one for at, one in enumerate(tokens) if at not in last or tokens[at - 1][:2] == _OPENING]

    return begin


def install() -> None:
    """Once for the process: the engine's parser reads so from here on."""
    Parser.parse_postfix, Parser.parse_unary = _postfix, _unary
    Parser.__init__ = _without_last_commas(Parser.__init__)
