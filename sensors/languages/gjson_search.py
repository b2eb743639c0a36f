"""GJSON on JSON text: follows a path through a document without parsing it, and keeps the text of what it finds.

Semantics: `Get` of tidwall/gjson 1.19.0, its backtracking over repeated keys and its silence about errors included.
A found value is its text; what does not exist is the empty text.
"""

import threading

from sensors.languages import gjson_modifiers
from sensors.languages.gjson_path import (
    ArrayStep,
    Query,
    Selector,
    array_step,
    last_name,
    object_step,
    selectors,
    split_pipe,
)
from sensors.languages.gjson_queries import compare
from sensors.languages.jsontext import (
    BLANKS,
    ELEMENT_START,
    KEY_OR_END,
    VALUE_START,
    any_value,
    members,
    parse,
    string_end,
    string_of,
    value_end,
)
from sensors.languages.jsonwrite import gjson_string
from sensors.languages.wildcards import matches

MAX_CHARACTERS = 1 << 23
"""Text that a modifier may give, and that `@dig` may search: nested escapes and nested values can double with each step."""
MAX_MODIFIED = 1 << 25
"""Characters that all modifiers of one search may be given."""


class SearchLimitError(ValueError):
    """A modifier asked for more than `MAX_CHARACTERS`, or all of a search for more than `MAX_MODIFIED`."""


class Spent(threading.local):
    """Characters that modifiers of the search under way were given; searches go on in several threads."""

    characters = 0


spent = Spent()


class Found:
    """A value in a text: what it says and where it stands."""

    __slots__ = ("at", "index", "indexes", "raw")

    def __init__(self, raw: str, at: int = -1, index: int = 0, indexes: list[int] | None = None) -> None:
        self.raw = raw
        self.at = at
        """Where `raw` begins in the text that was searched; -1 where it was computed."""
        self.index = index
        """The place that the original reports: 0 where it does not know it."""
        self.indexes = indexes
        """The places of the parts of an array that a `#` gathered."""


NOTHING = Found("")


class _Search:
    """One walk over one text."""

    __slots__ = ("calculated", "found", "pipe", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = NOTHING
        self.pipe: str | None = None
        self.calculated = False


def get(text: str, path: str) -> Found:
    """The value at `path` in `text`; its raw text is empty where it does not exist."""
    if len(path) > 1:
        if path[0] in "@!":
            rewritten = _modify(text, path) if path[0] == "@" else gjson_modifiers.literal(path)
            if rewritten is not None:
                return _continue(text, *rewritten)
        elif path[0] in "[{":
            selected = selectors(path)
            if selected is None:
                path = ""
            else:
                wanted, rest = selected
                if not rest or rest[0] in "|.":
                    return _multipath(text, path[0], wanted, rest)
                path = rest
    return _walk(text, path)


def get_within(parent: Found, path: str) -> Found:
    """The value at `path` in the value `parent`, with places that count from the start of the parent's text."""
    found = get(parent.raw, path)
    if found is NOTHING:
        return found
    at = found.at + parent.at if found.at >= 0 and parent.at >= 0 else -1
    if found.indexes is not None:
        return Found(found.raw, at, found.index, [place + parent.index for place in found.indexes])
    return Found(found.raw, at, found.index + parent.index)


def _modify(text: str, path: str) -> tuple[str, str] | None:
    """Run the modifier that `path` begins with: what it gave and what follows; None where it is no modifier."""
    parts = gjson_modifiers.split(path)
    if parts is None:
        return None
    name, argument, rest = parts
    spent.characters += len(text)
    if spent.characters > MAX_MODIFIED:
        raise SearchLimitError(f"its modifiers read more than {MAX_MODIFIED} characters")
    result = _dig(text, argument) if name == "dig" else gjson_modifiers.RUN[name](text, argument)
    if len(result) > MAX_CHARACTERS and result is not text:
        raise SearchLimitError(f"@{name} gives more than {MAX_CHARACTERS} characters")
    return result, rest


def _dig(text: str, path: str) -> str:
    """`@dig:path`: what stands at `path` in the value and in everything inside it."""
    found: list[str] = []
    _descend(parse(text), path, found, MAX_CHARACTERS)
    return f"[{','.join(found)}]"


def _descend(raw: str, path: str, found: list[str], budget: int) -> int:
    """Search `raw` and everything in it; what is left of the budget of characters to search."""
    budget -= len(raw)
    if budget < 0:
        raise SearchLimitError(f"@dig searches more than {MAX_CHARACTERS} characters")
    value = get(raw, path).raw
    if value:
        found.append(value)
    if raw[:1] in ("{", "["):
        for _, member in members(raw):
            budget = _descend(member, path, found, budget)
    return budget


def _continue(text: str, result: str, rest: str) -> Found:
    """Go on behind a modifier or a literal with what it gave."""
    shared = result is text
    if rest and rest[0] in "|.":
        found = get(result, rest[1:])
        return Found(found.raw, found.at if shared else -1)
    raw = parse(result)
    at = len(result) - len(result.lstrip(BLANKS))
    return Found(raw, at if shared else -1, at)


def _multipath(text: str, opening: str, selected: tuple[Selector, ...], rest: str) -> Found:
    parts: list[str] = []
    for name, path in selected:
        raw = get(text, path).raw
        if raw:
            parts.append(raw if opening == "[" else f"{_member_name(name, path)}:{raw}")
    built = f"{opening}{','.join(parts)}{']' if opening == '[' else '}'}"
    if not rest:
        return Found(built)
    found = get(built, rest[1:])
    return Found(found.raw, indexes=found.indexes)


def _member_name(name: str, path: str) -> str:
    if not name:
        return gjson_string(last_name(path))
    return name if name[0] == '"' and gjson_modifiers.is_valid(name) else gjson_string(name)


def _walk(text: str, path: str) -> Found:
    search = _Search(text)
    if path.startswith(".."):
        _in_array(search, 0, path[2:])
    else:
        start = next((at for at, character in enumerate(text) if character in "{["), -1)
        if start >= 0:
            (_in_object if text[start] == "{" else _in_array)(search, start + 1, path)
    found = search.found
    if search.pipe is not None:
        piped = get_within(found, search.pipe)
        return Found(piped.raw, piped.at, indexes=piped.indexes and _astray(piped.indexes, found.raw, text))
    if found.raw and not search.calculated:
        return Found(found.raw, found.at, max(found.at, 0), found.indexes)
    return found


def _astray(indexes: list[int], piped: str, text: str) -> list[int]:
    """The places in `text` that are as many bytes from its start as `indexes` are from the start of `piped`.

    The original takes them for each other. Its end stands for a place inside of a character.
    """
    if text.isascii():
        return indexes
    encoded = text.encode("utf-8", "replace")
    places: list[int] = []
    for index in indexes:
        head = encoded[: len(piped[:index].encode("utf-8", "replace"))].decode("utf-8", "replace")
        places.append(len(head) if text.startswith(head) else len(text))
    return places


def _in_object(search: _Search, position: int, path: str) -> tuple[int, bool]:  # noqa: PLR0911  one way out for each way a text can end
    """Look for `path` among the members from `position` on: where the object ended, and whether the walk is over."""
    step = object_step(path)
    if step.pipe is not None:
        search.pipe = step.pipe
    text, wanted, more = search.text, step.key, step.more
    while True:
        key = KEY_OR_END.search(text, position)
        if key is None:
            return len(text), False
        start = key.start()
        if text[start] == "}":
            return start + 1, False
        position = string_end(text, start)
        if position < 0:
            return len(text), False
        name = text[start + 1 : position - 1]
        if "\\" in name:
            name = string_of(text[start:position])
        fits = matches(name, wanted) if step.wild else name == wanted
        value = VALUE_START.search(text, position)
        if value is None:
            return len(text), False
        start = value.start()
        if fits and more and text[start] in "{[":
            position, over = (_in_object if text[start] == "{" else _in_array)(search, start + 1, step.rest)
            if over:
                return position, True
            continue
        position = value_end(text, start)
        if position < 0:
            return len(text), False
        if fits and not more:
            search.found = Found(text[start:position], start)
            return position, True


def _in_array(search: _Search, position: int, path: str) -> tuple[int, bool]:
    """Look for `path` among the elements from `position` on: where the array ended, and whether the walk is over."""
    step = array_step(path)
    if not step.more and step.pipe is not None:
        search.pipe = step.pipe
    if step.query is not None:
        return _query(search, position, step, step.query)
    if step.counts:
        return _gather(search, position, step) if step.part == "#" else _skip(search, position)
    return _index(search, position, step)


def _elements_end(text: str, position: int) -> tuple[int, int]:
    """Where the next element begins and ends; it begins nowhere (-1) at the end of the array, whose end it then is."""
    found = ELEMENT_START.search(text, position)
    if found is None:
        return -1, len(text) + 1
    start = found.start()
    if text[start] == "]":
        return -1, start + 1
    end = value_end(text, start)
    return (start, end) if end >= 0 else (-2, len(text))


def _skip(search: _Search, position: int) -> tuple[int, bool]:
    start = 0
    while start >= 0:
        start, position = _elements_end(search.text, position)
    return position, False


def _index(search: _Search, position: int, step: ArrayStep) -> tuple[int, bool]:
    text = search.text
    at = 0
    while True:
        wanted = at == step.place
        at += 1
        found = ELEMENT_START.search(text, position) if wanted and step.more else None
        if found is not None and text[found.start()] in "{[":
            start = found.start()
            position, over = (_in_object if text[start] == "{" else _in_array)(search, start + 1, step.rest)
            if over:
                return position, True
            continue
        start, position = _elements_end(text, position)
        if start < 0:
            return position, False
        if wanted and not step.more:
            search.found = Found(text[start:position], start)
            return position, True


def _gather(search: _Search, position: int, step: ArrayStep) -> tuple[int, bool]:
    """`#`: how many elements there are; `#.path`: what stands at `path` in each."""
    places, position = _places(search.text, position)
    if places is None:
        return position, False
    if step.each is None:
        search.found = Found(str(len(places) - 1))
        search.calculated = True
        return position, True
    each, pipe = split_pipe(step.each)
    if pipe is not None:
        search.pipe = pipe
    search.found = _in_each(search.text, places, each)
    return position, True


def _places(text: str, position: int) -> tuple[list[int] | None, int]:
    """Where each element begins, and where the array ends, with the blanks before them; None where the text breaks off."""
    places: list[int] = []
    while True:
        begin = position
        start, position = _elements_end(text, position)
        if start == -2:
            return None, position
        places.append(begin)
        if start < 0:
            return places, position


def _in_each(text: str, places: list[int], path: str) -> Found:
    parts: list[str] = []
    indexes: list[int] = []
    for place in places:
        begin = len(text) - len(text[place:].lstrip(" \t\r\n")) if place < len(text) and text[place] in " \t\r\n" else place
        if text[begin : begin + 1] in ("", "]"):
            continue
        start, end = any_value(text, begin)
        if start < 0:
            continue
        index = start if text[start] in "{[" else 0
        found = get_within(Found(text[start:end], start, index), path)
        if found.raw:
            parts.append(found.raw)
            indexes.append(found.index)
    return Found(f"[{','.join(parts)}]", indexes=indexes)


def _query(search: _Search, position: int, step: ArrayStep, query: Query) -> tuple[int, bool]:
    """`#(...)` and `#(...)#`."""
    text = search.text
    rest, pipe = split_pipe(step.rest) if step.more else ("", None)
    parts: list[str] = []
    indexes: list[int] = []
    while True:
        start, position = _elements_end(text, position)
        if start < 0:
            break
        element = Found(text[start:position], start)
        if not _satisfies(element, query):
            continue
        if pipe is not None:
            search.pipe = pipe
        result = get_within(element, rest) if step.more else element
        if not query.every:
            search.found = result
            return position, True
        if result.raw:
            parts.append(result.raw)
            indexes.append(result.index + start)
    if start == -1 and query.every and not search.found.raw:
        search.found = Found(f"[{','.join(parts)}]", indexes=indexes or None)
    return position, False


def _satisfies(element: Found, query: Query) -> bool:
    if element.raw[0] in "{[":
        return compare(get(element.raw, query.path).raw, query)
    return not query.path and compare(element.raw, query)
