"""Functions of templates that the engine has otherwise than Go, made anew.

Semantics: text/template's builtins and Sprig 3.3.0 with the libraries that it calls; a text is bytes to most of them, and what is
no UTF-8 after a cut shows as one U+FFFD a byte.
"""

import base64
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gotpl.funcs.sprig import defaults, lists, numeric, strings, url
from gotpl.funcs.sprig._values import NilSlice
from gotpl.runtime.sync_vm import _index
from gotpl.runtime.values import INVALID

from sensors.languages.expr.values import IntList, TextList, TextMap, Uint8
from sensors.languages.gotemplate_patterns import PATTERNS
from sensors.languages.gotemplate_times import atoi
from sensors.languages.gotemplate_types import Chunks
from sensors.languages.gotemplate_versions import semver_compare

Function = Callable[..., object]


class TemplateFunctionError(ValueError):
    """A function of a template was given what it cannot take."""


def as_text(data: bytes) -> str:
    """The text of bytes, with U+FFFD for each byte that is no part of UTF-8, as Go ranges over it."""
    return data.decode("utf-8", "surrogateescape").translate(_NO_UTF8)


_NO_UTF8 = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")


def trunc(count: int, value: str) -> str:
    """The first bytes, or the last ones where `count` is negative."""
    data = value.encode()
    if count < 0:
        return as_text(data[count:]) if len(data) + count > 0 else value
    return as_text(data[:count])


def substr(start: int, end: int, value: str) -> str:
    """The bytes from `start` to `end`; a negative one is the text's own. Raises where there are none."""
    data = value.encode()
    if start < 0:
        start = 0
    elif end < 0 or end > len(data):
        end = len(data)
    if not 0 <= start <= end <= len(data):
        raise TemplateFunctionError(f"slice bounds out of range [{start}:{end}] with length {len(data)}")
    return as_text(data[start:end])


def abbrev(width: int, value: str) -> str:
    """The text, shortened to `width` bytes with dots."""
    data = value.encode()
    return value if width < 4 or len(data) <= width else as_text(data[: width - 3]) + "..."


def nospace(value: str) -> str:
    """Without blanks. Where there are any, the library takes bytes for characters."""
    cleaned: str = strings.nospace(value)
    return value if len(cleaned) == len(value.encode()) else cleaned


def b64dec(value: str) -> str:
    """What base64 holds, or words about what is wrong with it."""
    said: str = strings.b64dec(value)
    if said.isascii():
        return said
    return as_text(base64.b64decode(value.replace("\r", "").replace("\n", "")))


def b32dec(value: str) -> str:
    """What base32 holds, or words about what is wrong with it."""
    said: str = strings.b32dec(value)
    if said.isascii():
        return said
    text = value.replace("\r", "").replace("\n", "").rstrip("=")
    return as_text(base64.b32decode(text + "=" * (-len(text) % 8)))


def chunk(size: int, values: object) -> Chunks:
    """Lists of `size` elements. The number of lists is counted in floats, as Sprig does."""
    elements = lists._sequence(values, "chunk")  # noqa: SLF001 - its words for what is no list
    if size > 0:
        return Chunks(elements[at : at + size] for at in range(0, len(elements), size))
    if size == 0 or math.floor((len(elements) - 1) / size) + 1 != 0:
        raise TemplateFunctionError("makeslice: len out of range")
    return Chunks()


def slice_(values: object, *indices: object) -> object:
    """Some of the elements; nothing of an empty list."""
    found: list[Any] = lists.slice_list(values, *indices[:2])
    if isinstance(found, NilSlice):
        return None
    return type(values)(found) if isinstance(values, TextList | IntList) else found


def merge(destination: dict[str, object], *sources: dict[str, object]) -> dict[str, object]:
    """Add what is not there, or is empty there; nil is nothing to add."""
    for source in sources:
        for key, value in source.items():
            held = destination.get(key)
            if type(held) is dict and type(value) is dict:
                merge(held, value)
            elif value is not None and (key not in destination or defaults.empty(held)):
                destination[key] = value
    return destination


def set_(holder: dict[str, object] | None, key: str, value: object) -> dict[str, object]:
    """The dictionary with one member more."""
    if holder is None:
        raise TemplateFunctionError("assignment to entry in nil map")
    holder[key] = value
    return holder


def url_parse(value: str) -> dict[str, object]:
    """The parts of an address. Raises where Go's `net/url` cannot read it."""
    if fault := _address_fault(value):
        raise TemplateFunctionError(f"unable to parse url: parse {value!r}: {fault}")
    parts: dict[str, object] = url.url_parse(value)
    _, bracket, port = str(parts["host"]).rpartition(":")
    if bracket and "]" not in port and port and not (port.isascii() and port.isdigit()):
        raise TemplateFunctionError(f"unable to parse url: parse {value!r}: invalid port after host")
    return parts


def _address_fault(value: str) -> str:
    head, colon, _ = value.partition(":")
    if not colon or _SCHEME.fullmatch(head):
        return ""
    if not head:
        return "missing protocol scheme"
    return "" if "/" in head or "?" in head or "#" in head else "first path segment in URL cannot contain colon"


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


def url_join(parts: dict[str, object]) -> str:
    """The address of these parts. A colon in the password is escaped, which the engine does not do."""
    user, colon, password = str(parts.get("userinfo", "")).partition(":")
    if ":" not in password:
        return str(url.url_join(parts))
    joined: str = url.url_join({**parts, "userinfo": user + colon + password.replace(":", _STAND_IN)})
    return joined.replace(quote(_STAND_IN), "%3A")


_STAND_IN = "\ue000"
"""A character that no script has, in the place of a colon."""


def dig(*path: Any) -> object:
    """What is found under the keys, or the value before the dictionary."""
    *keys, missing, found = path
    if len(path) < 3:
        raise TemplateFunctionError("dig needs at least three arguments")
    if any(type(key) is not str for key in keys):
        raise TemplateFunctionError("dig: a key is a text")
    for key in keys:
        if type(found) is not dict:
            raise TemplateFunctionError(f"dig: {key} is looked for in what is no dictionary")
        if key not in found:
            return missing
        found = found[key]
    return found


def mulf(first: object, *others: object) -> float:
    """The product; there is no minus zero in decimals."""
    return numeric.mulf(first, *others) + 0.0


def divf(first: object, *others: object) -> float:
    """The quotient; there is no minus zero in decimals."""
    return numeric.divf(first, *others) + 0.0


def round_(value: object, places: int, up_from: float = 0.5) -> float:
    """Rounded in floats, as they multiply: what is below the last place goes up from a half."""
    number = numeric.to_float64(value)
    try:
        power = math.pow(10, places)
    except OverflowError:
        power = math.inf
    moved = power * number
    if not math.isfinite(moved) or not moved:
        return moved / power if power else math.nan
    below = math.modf(moved)[0]
    return float(math.ceil(moved) if below >= up_from else math.floor(moved)) / power if power else math.nan


def from_json(value: str) -> object:
    """What JSON says; nothing where it is none."""
    try:
        return must_from_json(value)
    except TemplateFunctionError:
        return None


def must_from_json(value: str) -> object:
    """What JSON says. Raises where it is none, or has a number beyond a double."""
    result = defaults.must_from_json(value)
    if result.error is not None or _beyond(result.value):
        raise TemplateFunctionError(f"cannot be read as JSON: {result.error or 'a number is beyond a double'}")
    return result.value


def _beyond(value: object) -> bool:
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(map(_beyond, value.values()))
    return isinstance(value, list) and any(map(_beyond, value))


def index(value: object, *keys: object) -> object:
    """The element or member at the keys, one inside the other."""
    for key in keys:
        if value is None:
            raise TemplateFunctionError("index of untyped nil")
        if isinstance(value, Mapping) and not isinstance(key, str):
            raise TemplateFunctionError(f"index: value has type {type(key).__name__}; should be string")
        found = _index(value, key)
        value = None if found is INVALID else Uint8(str(found)) if isinstance(value, str) else found
    if value is None and not keys:
        raise TemplateFunctionError("index of untyped nil")
    return value


def wrap_with(width: int, separator: str, text: str) -> str:
    """Lines of at most `width` bytes; a word that is longer is cut."""
    data, between, width = text.encode(), (separator or "\n").encode(), max(width, 1)
    made, at = bytearray(), 0
    while len(data) - at > width:
        if data[at] == ord(" "):
            at += 1
            continue
        space = data.rfind(b" ", at, at + width + 1)
        end = space if space >= at else at + width
        made += data[at:end] + between
        at = end + (space >= at)
    return as_text(bytes(made + data[at:]))


def split(separator: str, value: str) -> TextMap:
    """The parts, by `_0`, `_1`, …"""
    return TextMap(strings.split(separator, value))


def splitn(separator: str, count: int, value: str) -> TextMap:
    """At most `count` parts, by `_0`, `_1`, …"""
    return TextMap(strings.splitn(separator, count, value))


def has(needle: object, values: object) -> bool:
    """Whether it is an element; there is none in nil."""
    return values is not None and bool(lists.has(needle, values))


ANEW: Mapping[str, Function] = {
    "trunc": trunc,
    "substr": substr,
    "abbrev": abbrev,
    "nospace": nospace,
    "b64dec": b64dec,
    "b32dec": b32dec,
    **PATTERNS,
    "semverCompare": semver_compare,
    "chunk": chunk,
    "mustChunk": chunk,
    "slice": slice_,
    "mustSlice": slice_,
    "merge": merge,
    "mustMerge": merge,
    "urlParse": url_parse,
    "urlJoin": url_join,
    "dig": dig,
    "round": round_,
    "mulf": mulf,
    "divf": divf,
    "fromJson": from_json,
    "mustFromJson": must_from_json,
    "index": index,
    "wrapWith": wrap_with,
    "set": set_,
    "split": split,
    "splitn": splitn,
    "has": has,
    "mustHas": has,
    "atoi": atoi,
}
"""By name; the rest is the engine's."""


def shown_values(arguments: Sequence[object]) -> tuple[object, ...]:
    """What `html`, `js` and `urlquery` print of nothing: words, and words need no blank beside them."""
    return tuple("<no value>" if argument is None else argument for argument in arguments)
