"""Where gojq reads a program otherwise than the engine: `?` covers the last step before it, not the whole path."""

from typing import Any

from purejq.parser import Parser

_STEPS = frozenset(("field", "index", "slice", "iterate"))
_HERE = ("identity",)


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


def install() -> None:
    """Once for the process: the engine's parser reads so from here on."""
    Parser.parse_postfix = _postfix
