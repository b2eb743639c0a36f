"""The grammar of GJSON paths, one component at a time, as tidwall/gjson 1.19.0 reads it.

A component is read differently for objects and for arrays, so it is parsed when it meets a document, once: results are cached.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sensors.languages.jsontext import BLANKS, string_end, unescape

MODIFIERS = frozenset(
    ("pretty", "ugly", "reverse", "this", "flatten", "join", "valid", "keys", "values", "tostr", "fromstr", "group", "dig")
)
_CACHED = 8192
_OPERATORS = ("!=", "!%", "<=", ">=", "==", "<", ">", "=", "%")


class ObjectStep(NamedTuple):
    """One component as an object reads it."""

    key: str
    rest: str = ""
    more: bool = False
    pipe: str | None = None
    wild: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What stands in `#(...)`."""

    path: str = ""
    operator: str = ""
    value: str = ""
    every: bool = False
    """`#(...)#`: all that match, not the first."""


class ArrayStep(NamedTuple):
    """One component as an array reads it."""

    part: str
    rest: str = ""
    more: bool = False
    pipe: str | None = None
    counts: bool = False
    """A `#` stands in it, so it is no index."""
    each: str | None = None
    """The path taken of each element: `#.each`."""
    query: Query | None = None
    place: int = -1
    """The index that it is; negative where it is none."""


@lru_cache(maxsize=_CACHED)
def object_step(path: str) -> ObjectStep:
    """Read the first component of `path` as a key, wildcards and escapes included."""
    key: list[str] = []
    wild = False
    position = 0
    while position < len(path):
        character = path[position]
        if character == "|":
            return ObjectStep("".join(key), pipe=path[position + 1 :], wild=wild)
        if character == ".":
            rest = path[position + 1 :]
            if rest and _pipes_after_dot(rest):
                return ObjectStep("".join(key), pipe=rest, wild=wild)
            return ObjectStep("".join(key), rest, more=True, wild=wild)
        if character == "\\":
            position += 1
            key.append(path[position : position + 1])
        else:
            wild = wild or character in "*?"
            key.append(character)
        position += 1
    return ObjectStep("".join(key), wild=wild)


def _pipes_after_dot(rest: str) -> bool:
    """Whether what follows a dot is a multipath or a known modifier, so that the dot acts as a pipe."""
    if rest[0] != "@":
        return rest[0] in "[{"
    end = next((at for at, character in enumerate(rest) if character in ".|:"), len(rest))
    return rest[1:end] in MODIFIERS


@lru_cache(maxsize=_CACHED)
def array_step(path: str) -> ArrayStep:
    """Read the first component of `path` as an index, a `#` or a query."""
    counts = False
    each: str | None = None
    query: Query | None = None
    position = 0
    while position < len(path):
        character = path[position]
        if character == "|":
            return _array_step(path[:position], counts, each, query, pipe=path[position + 1 :])
        if character == ".":
            rest = path[position + 1 :]
            if not counts and rest and _pipes_after_dot(rest):
                return _array_step(path[:position], counts, each, query, pipe=rest)
            return _array_step(path[:position], counts, each, query, rest=rest, more=True)
        if character == "#":
            counts = True
            if position == 0 and path[1:2] == ".":
                each = path[2:]
            elif position == 0 and path[1:2] in ("(", "["):
                parsed = parse_query(path)
                if parsed is None:
                    query = Query()
                    break
                query, end = parsed
                if path[end : end + 1] == "#":
                    query = Query(query.path, query.operator, query.value, every=True)
                position = end - 1
        position += 1
    return _array_step(path, counts, each, query)


def _array_step(
    part: str,
    counts: bool,
    each: str | None,
    query: Query | None,
    *,
    rest: str = "",
    more: bool = False,
    pipe: str | None = None,
) -> ArrayStep:
    place = -1 if counts or not (part.isascii() and part.isdigit()) else _signed(int(part[-40:]))
    return ArrayStep(part, rest, more, pipe, counts, each, query, place)


def _signed(number: int) -> int:
    """As a 64-bit machine integer, which is what the original counts with."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >= 1 << 63 else number


def parse_query(text: str) -> tuple[Query, int] | None:
    """Read `#(...)` at the start of `text`: the query and the position after it; None where it is not closed."""
    position, depth, split, escaped = 2, 1, 0, False
    while position < len(text):
        character = text[position]
        if depth == 1 and split == 0 and character in "!=<>%":
            split = position
        elif character == "\\":
            position += 1
        elif character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
            if depth == 0:
                break
        elif character == '"':
            end, found = _quoted_end(text, position)
            escaped = escaped or found
            position = end
        position += 1
    if depth > 0:
        return None
    if not split:
        return Query(text[2:position].strip(BLANKS)), position + 1
    operator, value = _operator(text[split:position].strip(BLANKS))
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = unescape(value[1:-1]) if escaped else value[1:-1]
    return Query(text[2:split].strip(BLANKS), operator, value), position + 1


def _quoted_end(text: str, start: int) -> tuple[int, bool]:
    """The position of the quote that closes the one at `start`, and whether an escape stands between."""
    position, escaped = start + 1, False
    while position < len(text) and text[position] != '"':
        if text[position] == "\\":
            escaped = True
            position += 1
        position += 1
    return position, escaped


def _operator(text: str) -> tuple[str, str]:
    """Split `==value` into the operator, `=` for both spellings of equality, and its operand."""
    if len(text) == 1:
        return text, ""
    operator = next((known for known in _OPERATORS if text.startswith(known)), "")
    return ("=" if operator == "==" else operator), text[len(operator) :].strip(BLANKS)


class Selector(NamedTuple):
    """One member of a multipath: its name, empty where it has none, and its path."""

    name: str
    path: str


@lru_cache(maxsize=_CACHED)
def selectors(path: str) -> tuple[tuple[Selector, ...], str] | None:
    """Read the multipath that `path` begins with: its members and what follows; None where it is not closed."""
    found: list[Selector] = []
    depth, colon, start, modifier, position = 1, 0, 1, False, 1
    while position < len(path):
        character = path[position]
        if character == "\\":
            position += 1
        elif character == "@":
            modifier = modifier or path[position - 1] in ".|"
        elif character == ":":
            if not modifier and not colon and depth == 1:
                colon = position
        elif character == '"':
            position, _ = _quoted_end(path, position)
        elif character in "[({":
            depth += 1
        elif character in "])}":
            depth -= 1
        if (character == "," and depth == 1) or (character in "])}" and depth == 0):
            found.append(Selector(path[start:colon], path[colon + 1 : position]) if colon else Selector("", path[start:position]))
            colon, modifier, start = 0, False, position + 1
            if depth == 0:
                return tuple(found), path[position + 1 :]
        position += 1
    return None


def last_name(path: str) -> str:
    """The name that a member of an object multipath gets without one of its own."""
    for at in range(len(path) - 1, -1, -1):
        if path[at] in "|." and not (at > 0 and path[at - 1] == "\\"):
            name = path[at + 1 :]
            break
    else:
        name = path
    return "_" if any(character < " " or character in "[]{}()#|!" for character in name) else name


@lru_cache(maxsize=_CACHED)
def split_pipe(path: str) -> tuple[str, str | None]:
    """Split what follows a `#` or a query at its first pipe, leaving queries inside it whole."""
    if "|" not in path:
        return path, None
    if path[0] == "{":
        end = string_end(path, 1) if path[1:2] == '"' else _first_close(path)
        if 0 <= end < len(path) and path[end] == "|":
            return path[:end], path[end + 1 :]
        return path, None
    position = 0
    while position < len(path):
        character = path[position]
        if character == "\\":
            position += 1
        elif character == "|":
            return path[:position], path[position + 1 :]
        elif character == "." and path[position + 1 : position + 2] == "#":
            position += 2
            if path[position : position + 1] in ("[", "("):
                position = _balanced(path, position)
        elif character == "." and position == len(path) - 1:
            return path, None
        position += 1
    return path, None


def _first_close(path: str) -> int:
    """Where the object multipath ends, as the original finds it: it takes the character after `{` for the opening one."""
    depth, position = 1, 2
    while position < len(path):
        character = path[position]
        if character == '"':
            end = string_end(path, position)
            position = len(path) if end < 0 else end
            continue
        if character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    return len(path)


def _balanced(path: str, start: int) -> int:
    """The position of the bracket that closes the selector opening at `start`."""
    opening, closing = path[start], {"[": "]", "(": ")"}[path[start]]
    depth, position = 1, start + 1
    while position < len(path):
        character = path[position]
        if character == "\\":
            position += 1
        elif character == '"':
            position, _ = _quoted_end(path, position)
        elif character == opening:
            depth += 1
        elif character == closing:
            depth -= 1
            if depth == 0:
                break
        position += 1
    return position
