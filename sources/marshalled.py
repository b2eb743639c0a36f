"""JSON text as Argo Events puts it on its bus: compact, and with escapes for what HTML gives a meaning, as Go writes JSON."""

import codecs
import re

import msgspec

_WHITE_SPACE = b" \n\t\r"
_SEPARATORS = "\u2028\u2029".encode()
_ESCAPED = b"<>&" + _SEPARATORS[:1]
_LOOSE = _WHITE_SPACE + _ESCAPED
_ESCAPES = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    (_SEPARATORS[:3], rb"\u2028"),
    (_SEPARATORS[3:], rb"\u2029"),
)


def marshalled(text: bytes) -> bytes:
    """`text`, which is JSON, without white space between values; order, repeated keys and how numbers are written stay.

    A parameter that takes an object or a list as text gets it so. 3 us for 1 KiB with white space, 0.5 us for one without.
    """
    if len(text.translate(None, _LOOSE)) == len(text):
        return text
    compact = _compact(text)
    if len(compact.translate(None, _ESCAPED)) == len(compact):
        return compact
    for character, escape in _ESCAPES:
        compact = compact.replace(character, escape)
    return compact


_LOOSE_PARTS = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \n\t\r]++', re.DOTALL)
"""Text values, and what is white between values."""


def _compact(text: bytes) -> bytes:
    try:
        return msgspec.json.format(text, indent=-1)
    except msgspec.DecodeError:  # half a surrogate pair
        return _LOOSE_PARTS.sub(lambda part: part[1] or b"", text)


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


EACH_BYTE = "tocsin-each-byte"
"""How errors are handled where text is decoded so."""
codecs.register_error(EACH_BYTE, _each_byte)


def readable(raw: bytes) -> str:
    """`raw` as text, with U+FFFD for each byte that is not UTF-8, as Go writes it; Python has one for several."""
    return raw.decode("utf-8", EACH_BYTE)
