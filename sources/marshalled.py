"""JSON text as Argo Events puts it on its bus: compact, and with escapes for what HTML gives a meaning, as Go writes JSON."""

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
    compact = msgspec.json.format(text, indent=-1)
    if len(compact.translate(None, _ESCAPED)) == len(compact):
        return compact
    for character, escape in _ESCAPES:
        compact = compact.replace(character, escape)
    return compact
