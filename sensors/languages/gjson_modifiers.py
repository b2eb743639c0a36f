"""GJSON's modifiers (`@name:argument`) and literals (`!value`): text in, text out.

Semantics: tidwall/gjson 1.19.0. What a modifier gives need not be JSON, and is not checked.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from sensors.languages.document import DocumentError, lenient_decode
from sensors.languages.gjson_path import MODIFIERS
from sensors.languages.gjson_pretty import Style, pretty, ugly
from sensors.languages.gonumbers import float_or_zero, format_float, lower, parse_bool
from sensors.languages.jsontext import BLANKS, Kind, kind_of, members, parse, squash_end, string_end, string_of
from sensors.languages.jsonwrite import gjson_string

_STATIC_STARTS = frozenset('{["+-0123456789')
_WORDS = frozenset(("true", "false", "null", "nan", "inf"))


def is_valid(text: str) -> bool:
    """Whether `text` is JSON."""
    try:
        msgspec.json.decode(text.encode("utf-8", "replace"))
    except msgspec.DecodeError:
        return _is_lenient_json(text)
    except RecursionError:
        return False
    return True


def _is_lenient_json(text: str) -> bool:
    """JSON that only the strict decoder refuses: lone surrogates, numbers beyond a double."""
    try:
        lenient_decode(text)
    except DocumentError:
        return False
    return True


def text_of(raw: str) -> str:
    """The text of a value, GJSON's `String()`: empty for null and what does not exist."""
    if not raw:
        return ""
    kind = kind_of(raw)
    if kind is Kind.STRING:
        return string_of(raw)
    if kind is Kind.NUMBER:
        digits = raw.removeprefix("-")
        return raw if digits.isdigit() and digits.isascii() else format_float(float_or_zero(raw))
    return _FIXED.get(kind, raw)


_FIXED = {Kind.NULL: "", Kind.FALSE: "false", Kind.TRUE: "true"}


def truth_of(raw: str) -> bool:
    """GJSON's `Bool()`."""
    if not raw:
        return False
    kind = kind_of(raw)
    if kind is Kind.STRING:
        return bool(parse_bool(lower(string_of(raw))))
    return kind is Kind.TRUE or (kind is Kind.NUMBER and float_or_zero(raw) != 0)


def literal(path: str) -> tuple[str, str] | None:
    """Read `!value` at the start of `path`: the value and what follows; None where it is no literal."""
    if path[1] in _STATIC_STARTS:
        end = _string_or_bracket_end(path[1:])
        return path[1 : 1 + end], path[1 + end :]
    end = next((at for at in range(1, len(path)) if path[at] in "|."), len(path))
    word = path[1:end]
    return (word, path[end:]) if word.lower() in _WORDS else None


def _string_or_bracket_end(text: str) -> int:
    """Where the value ends that the first character, whatever it is, opens."""
    if text[0] in "{[(":
        return squash_end(text, 0)
    # The original takes any other first character for an opening bracket as well.
    return squash_end("(" + text[1:], 0)


@lru_cache(maxsize=4096)
def split(path: str) -> tuple[str, str, str] | None:
    """Split `@name:argument` from what follows: (name, argument, rest); None where there is no such modifier."""
    end = next((at for at in range(1, len(path)) if path[at] in ":|."), len(path))
    name = path[1:end]
    if name not in MODIFIERS:
        return None
    if path[end : end + 1] != ":":
        return name, "", path[end:]
    rest = path[end + 1 :]
    if rest and rest[0] in '{["':
        stop = _argument_end(rest, 0)
        return name, rest[:stop], rest[stop:]
    stop = 0
    while stop < len(rest) and rest[stop] != "|":
        stop = _argument_end(rest, stop) if rest[stop] in '{["(' else stop + 1
    return name, rest[:stop], rest[stop:]


def _argument_end(text: str, start: int) -> int:
    end = string_end(text, start) if text[start] == '"' else squash_end(text, start)
    return len(text) if end < 0 else end


def _options(argument: str) -> dict[str, str]:
    return {string_of(key): value for key, value in members(parse(argument)) if key}


def _is(raw: str, opening: str) -> bool:
    return raw[:1] == opening


def _pretty(text: str, argument: str) -> str:
    options = _options(argument)
    style = Style(
        width=_integer(options["width"]) if "width" in options else 80,
        prefix=_blanks(text_of(options.get("prefix", ""))),
        indent=_blanks(text_of(options["indent"])) if "indent" in options else "  ",
        sort_keys=truth_of(options.get("sortKeys", "")),
    )
    return pretty(text, style)


def _integer(raw: str) -> int:
    text = text_of(raw)
    if raw[:1] == '"':
        return int(text) if text.removeprefix("-").isdigit() else 0
    number = 1.0 if raw[:1] == "t" else float_or_zero(text)
    return int(number) if abs(number) < 1 << 53 else 0


def _blanks(text: str) -> str:
    return "".join(character for character in text if character in " \t\r\n")


def _reverse(text: str, _argument: str) -> str:
    raw = parse(text)
    if _is(raw, "["):
        return f"[{','.join([value for _, value in members(raw)][::-1])}]"
    if _is(raw, "{"):
        return f"{{{','.join([f'{key}:{value}' for key, value in members(raw)][::-1])}}}"
    return text


def _flatten(text: str, argument: str) -> str:
    raw = parse(text)
    if not _is(raw, "["):
        return text
    deep = truth_of(_options(argument).get("deep", ""))
    parts = []
    for _, value in members(raw):
        part = value
        if _is(value, "["):
            part = _unwrap(_flatten(value, argument) if deep else value)
        part = part.strip()
        if part:
            parts.append(part)
    return f"[{','.join(parts)}]"


def _unwrap(raw: str) -> str:
    raw = raw.strip(BLANKS)
    return raw[1:-1] if len(raw) >= 2 and raw[0] in "[{" else raw


def _keys(text: str, _argument: str) -> str:
    raw = parse(text)
    named = _is(raw, "{")
    return f"[{','.join([key if named else 'null' for key, _ in members(raw)])}]"


def _values(text: str, _argument: str) -> str:
    raw = parse(text)
    if _is(raw, "["):
        return text
    return f"[{','.join([value for _, value in members(raw)])}]"


def _join(text: str, argument: str) -> str:
    raw = parse(text)
    if not _is(raw, "["):
        return text
    objects = [value for _, value in members(raw) if _is(value, "{")]
    if truth_of(_options(argument).get("preserve", "")):
        return f"{{{','.join([_unwrap(value) for value in objects])}}}"
    joined: dict[str, tuple[str, str]] = {}
    for value in objects:
        for key, member in members(value):
            name = string_of(key)
            joined[name] = (joined[name][0] if name in joined else key, member)
    return f"{{{','.join([f'{key}:{member}' for key, member in joined.values()])}}}"


def _from_text(text: str, _argument: str) -> str:
    return text_of(parse(text)) if is_valid(text) else ""


def _group(text: str, _argument: str) -> str:
    raw = parse(text)
    if not _is(raw, "{"):
        return ""
    rows: list[list[str]] = []
    for key, value in members(raw):
        if not _is(value, "["):
            continue
        for at, (_, element) in enumerate(members(value)):
            if at == len(rows):
                rows.append([])
            rows[at].append(f"{key}:{element}")
    return "[" + ",".join(["{" + ",".join(row) + "}" for row in rows]) + "]"


RUN: dict[str, Callable[[str, str], str]] = {
    "pretty": _pretty,
    "ugly": lambda text, _: ugly(text),
    "reverse": _reverse,
    "this": lambda text, _: text,
    "flatten": _flatten,
    "join": _join,
    "valid": lambda text, _: text if is_valid(text) else "",
    "keys": _keys,
    "values": _values,
    "tostr": lambda text, _: gjson_string(text),
    "fromstr": _from_text,
    "group": _group,
}
"""By name, called with text and argument: every modifier but `dig`, which needs paths."""
