"""GJSON paths, compiled once: `compile_path("body.commits.#(id==\\"1\\").author").get(document)`.

A path never fails: what it does not find does not exist. Semantics: tidwall/gjson 1.19.0.

A path of plain keys and indexes walks the parsed tree; every other one is followed through the text (`gjson_search`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from sensors.languages.document import Document, DocumentError, JsonValue, NumberText, first_of_repeated, lenient_decode
from sensors.languages.gjson_modifiers import text_of, truth_of
from sensors.languages.gjson_search import SearchLimitError, get, spent
from sensors.languages.gonumbers import float_or_zero, format_float, lower, parse_bool
from sensors.languages.jsontext import Kind, kind_of, string_of
from sensors.languages.time_limit import TimeUp, within

MAX_PATH_CHARACTERS = 16_384
_SECONDS = 0.05
_SECONDS_PER_CHARACTER = 2e-7
"""Processor time of one search, and more for each character of the text: some six times what a query over all of it takes."""
_EXACT = 1 << 53
"""Whole numbers below are doubles."""
MISSING: Final[Any] = object()
"""What `walk` gives where a path leads nowhere."""

# Only what means the same at the start of a path may follow: there `!` begins a literal, and `..` lines.
_PLAIN_PREFIX = re.compile(r"(?:[A-Za-z_][\w-]*\.|[0-9]{1,9}\.)+(?=[^.!])", re.ASCII)
_PLAIN = re.compile(r"(?!\.\.)[^|*?\\#@!\[\]{}]+")


class PathError(ValueError):
    """The text is no path: it is longer than any path can be."""


class Result:
    """What a path found. All that it says is computed when asked for."""

    __slots__ = ("_origin", "_raw", "_value")

    def __init__(self, value: Any, raw: str | None = None, origin: tuple[Document, str] | None = None) -> None:
        self._value = value
        self._raw = raw
        self._origin = origin

    @property
    def exists(self) -> bool:
        """Whether the path led to a value; null is one."""
        return self._value is not MISSING or bool(self._raw)

    @property
    def kind(self) -> Kind:
        """What the value is; NULL where it does not exist."""
        value = self._value
        if value is MISSING:
            return kind_of(self._raw) if self._raw else Kind.NULL
        kind = _KINDS.get(type(value))
        return kind if kind is not None else (Kind.TRUE if value else Kind.FALSE)

    @property
    def text(self) -> str:
        """GJSON's `String()`: strings as they are, numbers in decimal, objects and arrays as their raw text, null empty."""
        value = self._value
        if value is MISSING:
            return text_of(self._raw or "")
        if type(value) is str:
            return value
        if type(value) is int:
            return str(value)
        if type(value) is float:
            return format_float(value)
        return text_of(self.raw)

    @property
    def number(self) -> float:
        """GJSON's `Float()`: the number, that of a text that spells one, 1 for true, else 0."""
        value = self._value
        if value is MISSING:
            return _number_of(self._raw or "")
        if type(value) is str:
            return float_or_zero(value)
        if isinstance(value, int | NumberText):
            return float_or_zero(str(int(value) if value is True else value))
        return value if type(value) is float else 0.0

    @property
    def truth(self) -> bool:
        """GJSON's `Bool()`: true, a number that is not 0, or a text that Go reads as true in any case."""
        value = self._value
        if type(value) is str:
            return bool(parse_bool(lower(value)))
        return truth_of(self.raw)

    @property
    def raw(self) -> str:
        """The JSON text of the value as it stands in the document; empty where it does not exist."""
        if self._raw is None:
            if self._value is MISSING:
                return ""
            if self._origin is not None:
                document, path = self._origin
                self._raw = get(document.text, path).raw
            else:
                self._raw = orjson.dumps(self._value).decode()
        return self._raw

    @property
    def value(self) -> JsonValue:
        """The value as Python has it; None for null, for what does not exist and for text that is no JSON."""
        value = self._value
        if value is MISSING or type(value) is NumberText:
            try:
                return lenient_decode(self.raw) if self.raw else None
            except DocumentError:
                return None
        return value  # type: ignore[no-any-return]

    @property
    def floats(self) -> JsonValue:
        """GJSON's `Value()`: every number a float, of repeated keys the first; None for null and for what does not exist."""
        value = self._value
        if (plain := type(value)) is str or plain is float or plain is bool:  # nearly every value that is compared
            return value  # type: ignore[no-any-return]
        if plain is int and -_EXACT < value < _EXACT:
            return float(value)
        kind = self.kind
        if kind is Kind.STRING:
            return self.text
        if kind is Kind.NUMBER:
            return self.number
        if kind is Kind.JSON:
            return first_of_repeated(self.raw)
        return None if kind is Kind.NULL else kind is Kind.TRUE

    def __repr__(self) -> str:
        return f"Result({self.raw!r})" if self.exists else "Result()"


_KINDS = {
    str: Kind.STRING,
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    NumberText: Kind.NUMBER,
    type(None): Kind.NULL,
    dict: Kind.JSON,
    list: Kind.JSON,
}
ABSENT: Final = Result(MISSING)
EXHAUSTED: Final = Result(MISSING)
"""Nothing, because looking for it would take too long: an error, also to whoever could do without the value."""


def _number_of(raw: str) -> float:
    if not raw:
        return 0.0
    kind = kind_of(raw)
    if kind is Kind.STRING:
        return float_or_zero(string_of(raw))
    if kind is Kind.NUMBER:
        return float_or_zero(raw)
    return 1.0 if kind is Kind.TRUE else 0.0


class Path:
    """A compiled path."""

    __slots__ = ("_prefix", "_rest", "plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._prefix, self._rest = _split_plain(text)
        self.plain = tuple(text.split(".")) if _is_plain(text) else None
        """The keys of a path without special characters, digits included; None for any other path."""

    def get(self, document: Document) -> Result:
        """The value at this path in `document`; it does not exist in a document that is no JSON."""
        if self.plain is not None:
            root = document.walkable
            if type(root) is dict or type(root) is list:
                value = walk(root, self.plain)
                if value is MISSING:
                    return ABSENT
                if document.exact:
                    return Result(value)
                if type(value) is dict or type(value) is list:
                    return _search(document, self.text)
                return Result(value, None, (document, self.text))
        elif self._prefix and document.exact:
            return self._get_below(document)
        return _search(document, self.text)

    def _get_below(self, document: Document) -> Result:
        """Walk the plain beginning of the path, and search only the text below it."""
        value = walk(document.tree, self._prefix)
        if type(value) is dict or type(value) is list:
            return _search_text(orjson.dumps(value).decode(), self._rest)
        # What is computed from nothing may exist: `missing.@keys` is `[]`.
        return _search(document, self.text) if self._rest[0] in "@[{" or type(document.tree) not in (dict, list) else ABSENT

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text):
        return False
    return all(len(part) <= 18 or not part.isdigit() for part in text.split("."))


def _split_plain(text: str) -> tuple[tuple[str, ...], str]:
    """The plain keys that a path begins with, and the path that follows them."""
    found = _PLAIN_PREFIX.match(text)
    return (tuple(found.group()[:-1].split(".")), text[found.end() :]) if found else ((), text)


def _search(document: Document, path: str) -> Result:
    return _search_text(document.text, path) if document.valid else ABSENT


def _search_text(text: str, path: str) -> Result:
    spent.characters = 0
    try:
        raw = within(_SECONDS + len(text) * _SECONDS_PER_CHARACTER, lambda: get(text, path).raw, _nothing)
    except RecursionError:  # a path of hundreds of steps
        return ABSENT
    except (SearchLimitError, TimeUp):
        return EXHAUSTED
    return Result(MISSING, raw) if raw else ABSENT


def _nothing() -> None:
    """There is no asking a search to stop: it is cut off."""


def walk(value: Any, keys: Sequence[str]) -> Any:
    """Follow plain `keys` through a parsed tree, digits being indexes in lists; `MISSING` where they lead nowhere."""
    for key in keys:
        if type(value) is dict:
            value = value.get(key, MISSING)
        elif type(value) is list and key.isdigit() and key.isascii() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


@lru_cache(maxsize=65_536)
def compile_path(text: str) -> Path:
    """Compile a path; the same text gives the same object. Raises `PathError` for one longer than any path can be."""
    if len(text) > MAX_PATH_CHARACTERS:
        raise PathError(f"a path of {len(text)} characters; at most {MAX_PATH_CHARACTERS} are allowed")
    return Path(text)
