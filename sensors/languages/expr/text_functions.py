"""The functions of texts."""

import base64
import binascii
from typing import Any

from sensors.languages.expr.values import MAX_TEXT, TextList, as_text, shown, text, to_int
from sensors.languages.expr.words import ExprError

_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_MOST_REPEATS = 1_000_000


def trim(value: Any, characters: Any = _SPACES) -> str:
    """`trim`."""
    return text(value).strip(text(characters)) if characters != "" else text(value)


def upper(value: Any) -> str:
    """`upper`."""
    # One character becomes one, as in Go: ß stays.
    return "".join([big if len(big := one.upper()) == 1 else one for one in text(value)])


def lower(value: Any) -> str:
    """`lower`."""
    return "".join([one.lower()[:1] for one in text(value)])


def split(keep: bool, value: Any, separator: Any, most: Any = -1) -> list[Any]:
    """`split`, and `splitAfter`, which keeps the separators."""
    said, by, count = text(value), text(separator), to_int(most)
    if count == 0:
        return TextList()
    if by == "":
        parts = list(said) if count < 0 or count >= len(said) else [*said[: count - 1], said[count - 1 :]]
    else:
        parts = said.split(by, count - 1 if count > 0 else -1)
    if keep:
        parts = [part + by for part in parts[:-1]] + parts[-1:]
    return TextList(parts)


def replace(value: Any, old: Any, new: Any, most: Any = -1) -> str:
    """`replace`."""
    said, out, into, count = text(value), text(old), text(new), to_int(most)
    places = said.count(out) if out else len(said) + 1
    places = min(places, count) if count >= 0 else places
    if len(said) + places * len(into) > MAX_TEXT:
        raise ExprError(f"replace: the text grows past {MAX_TEXT} characters")
    return said.replace(out, into, count)


def repeat(value: Any, count: Any) -> str:
    """`repeat`."""
    said, times = text(value), to_int(count)
    if not 0 <= times <= _MOST_REPEATS or times * len(said) > MAX_TEXT:
        raise ExprError(f"repeat: {times} times is too often")
    return said * times


def join(value: Any, glue: Any = "") -> str:
    """`join`."""
    if type(value) is not list and type(value) is not TextList:
        raise ExprError(f"join: {shown(value)} is no list of texts")
    by, parts = text(glue), [text(part) for part in value]
    if sum(map(len, parts)) + len(by) * len(parts) > MAX_TEXT:
        raise ExprError(f"join: the text grows past {MAX_TEXT} characters")
    return by.join(parts)


def from_base64(value: Any) -> str:
    """`fromBase64`."""
    said = text(value).replace("\n", "").replace("\r", "")
    try:
        return as_text(base64.b64decode(said, validate=True))
    except (binascii.Error, ValueError):
        raise ExprError(f"fromBase64: {shown(value)} is no Base64") from None
