"""Scanning JSON text: where tokens end, what strings say. Every function tolerates text that is not JSON.

Semantics: the scanner of tidwall/gjson 1.19.0, which never validates and looks only for the characters it needs.
"""

import json
import re
from collections.abc import Iterator
from enum import IntEnum

from sensors.languages.gonumbers import float_or_zero


class Kind(IntEnum):
    """What a value is; the order is the one that GJSON sorts by."""

    NULL = 0
    FALSE = 1
    NUMBER = 2
    STRING = 3
    TRUE = 4
    JSON = 5
    """An object or an array."""


STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
VALUE_START = re.compile(r'["{\[ntf+\-0-9iIN]')
ELEMENT_START = re.compile(r'["{\[ntf+\-0-9iIN\]]')
KEY_OR_END = re.compile(r'["}]')
_NUMBER_END = re.compile(r"[\x00-\x20,\]}]")
_WORD = re.compile(r"[a-z]*")
_TO_BRACKET = re.compile(r'[^"\[{(\]})]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[{(\]})]*+)*+', re.DOTALL)
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})(?:\\u([0-9a-fA-F]{4}))?|(["\\/bfnrt]))')
_PLAIN_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BLANK_OR_MARK = re.compile(r"[\x00-\x20,:]*")
_LARGE = 2048
_decoder = json.JSONDecoder(parse_int=str, parse_float=str)
BLANKS = "".join(map(chr, range(0x21)))


def string_end(text: str, start: int) -> int:
    """The position after the string that opens at `start`; -1 where it is not closed."""
    found = STRING.match(text, start)
    return found.end() if found else -1


def squash_end(text: str, start: int) -> int:
    """The position after the bracketed value that opens at `start`; the end of the text where it is not closed."""
    end = len(text)
    if end - start > _LARGE and text[start] in "{[":
        parsed_end = _parsed_end(text, start)
        if parsed_end > 0:
            return parsed_end
    depth = 0
    position = start
    while position < end:
        found = _TO_BRACKET.match(text, position)
        position = found.end() if found else position
        if position >= end or text[position] == '"':
            return end
        depth += 1 if text[position] in "[{(" else -1
        position += 1
        if depth == 0:
            return position
    return end


def _parsed_end(text: str, start: int) -> int:
    """The same by parsing, which is several times faster than counting brackets here; 0 where it is not JSON."""
    try:
        return _decoder.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return 0


def number_end(text: str, start: int) -> int:
    """The position after the number, or what stands in its place, that begins at `start`."""
    found = _NUMBER_END.search(text, start + 1)
    return found.start() if found else len(text)


def word_end(text: str, start: int) -> int:
    """The position after the lower-case word that begins at `start`."""
    found = _WORD.match(text, start + 1)
    return found.end() if found else start + 1


def value_end(text: str, start: int) -> int:
    """The position after the value whose first character is at `start`; -1 for a string that is not closed."""
    first = text[start]
    if first == '"':
        return string_end(text, start)
    if first in "{[":
        return squash_end(text, start)
    if first in "tf" or (first == "n" and text[start + 1 : start + 2] in ("u", "")):
        return word_end(text, start)
    return number_end(text, start)


def kind_of(raw: str) -> Kind:
    """The kind of a value by its text, which is not empty."""
    first = raw[0]
    if first == "n":
        return Kind.NULL if raw[1:2] in ("u", "") else Kind.NUMBER
    return _KINDS.get(first, Kind.NUMBER)


_KINDS = {'"': Kind.STRING, "{": Kind.JSON, "[": Kind.JSON, "t": Kind.TRUE, "f": Kind.FALSE}


def string_of(raw: str) -> str:
    """What the JSON string `raw` says. One that is not closed says all that follows its first quote."""
    inner = raw[1:-1] if len(raw) > 1 and raw[-1] == '"' else raw[1:]
    return unescape(inner) if "\\" in inner else inner


def unescape(text: str) -> str:
    r"""Resolve JSON escapes. Stops where an escape is broken; a lone surrogate becomes U+FFFD.

    A surrogate followed by any other `\u` escape takes that one with it: both become one U+FFFD.
    """
    pieces: list[str] = []
    position = 0
    while True:
        stop = text.find("\\", position)
        plain = text[position:] if stop < 0 else text[position:stop]
        pieces.append(plain)
        if stop < 0:
            break
        found = _ESCAPE.match(text, stop)
        if found is None:
            break
        first, second, mark = found.groups()
        position = found.end()
        if mark is not None:
            pieces.append(_PLAIN_ESCAPES[mark])
            continue
        code = int(first, 16)
        if second is not None and not 0xD800 <= code < 0xE000:
            position -= 6
        pieces.append(_character(code, second))
    return "".join(pieces)


def _character(code: int, second: str | None) -> str:
    if not 0xD800 <= code < 0xE000:
        return chr(code)
    low = int(second, 16) if second is not None else 0
    if code < 0xDC00 and 0xDC00 <= low < 0xE000:
        return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
    return "\ufffd"


def parse(text: str) -> str:
    """The first value of `text`; an object or array takes all that follows it along. Empty where there is none."""
    stripped = text.lstrip(BLANKS)
    if not stripped:
        return ""
    first = stripped[0]
    if first in "{[":
        return stripped
    if first == '"':
        end = string_end(stripped, 0)
        return stripped if end < 0 else stripped[:end]
    if VALUE_START.match(first):
        return stripped[: value_end(stripped, 0)]
    return ""


def any_value(text: str, start: int) -> tuple[int, int]:
    """Where the next value at or after `start` begins and ends; (-1, -1) where there is none."""
    found = VALUE_START.search(text, start)
    if found is None:
        return -1, -1
    begin = found.start()
    end = value_end(text, begin)
    return (begin, end) if end >= 0 else (-1, -1)


def members(raw: str) -> Iterator[tuple[str, str]]:
    """The members of an object as (key, value) texts, of an array as ("", value); a scalar yields itself."""
    if not raw:
        return
    if raw[0] not in "{[":
        yield "", raw
        return
    position = 1
    is_object = raw[0] == "{"
    while position < len(raw):
        key = ""
        if is_object:
            position = raw.find('"', position)
            end = string_end(raw, position) if position >= 0 else -1
            if end < 0:
                return
            key, position = raw[position:end], end
        found = _BLANK_OR_MARK.match(raw, position)
        begin, position = any_value(raw, found.end() if found else position)
        if begin < 0:
            return
        yield key, raw[begin:position]


def number_of(raw: str) -> float:
    """The number that the text `raw` stands for, 0 where it is none."""
    return float_or_zero(raw)
