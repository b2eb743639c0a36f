"""JSON as Go writes it."""

import math
import re
from typing import Any

from sensors.languages.gonumbers import format_float

_SHORT = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_ESCAPED = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')
_UNSAFE = re.compile('[\x00-\x1f"\\\\\x80-\U0010ffff]')


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if "\ud800" <= character <= "\udfff":
        return "\\ufffd"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def go_json_string(text: str) -> bytes:
    r"""`json.Marshal` of a string: `<`, `>`, `&`, U+2028 and U+2029 are escaped; lone surrogates become `\ufffd`."""
    return gjson_string(text).encode()


def gjson_string(text: str) -> str:
    """The same as text: GJSON's `AppendJSONString` agrees with `json.Marshal`."""
    return f'"{_ESCAPED.sub(_escape, text)}"' if _ESCAPED.search(text) else f'"{text}"'


def sjson_string(text: str) -> str:
    """A string as SJSON sets it: ASCII without quotes, backslashes and controls stands as it is, `<` included.

    Any other text goes through `json.Marshal`, which then escapes `<`, `>` and `&` too.
    """
    return gjson_string(text) if _UNSAFE.search(text) else f'"{text}"'


def go_json(value: Any) -> bytes:
    """`json.Marshal` of a value whose numbers are floats: keys sorted, no blanks. Raises `ValueError` for infinities."""
    return _go_json(value).encode("utf-8", "replace")


def _go_json(value: Any) -> str:
    if isinstance(value, str):
        return gjson_string(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list):
        return f"[{','.join(map(_go_json, value))}]"
    members = sorted(value.items(), key=lambda member: member[0].encode("utf-8", "surrogatepass"))
    return f"{{{','.join([f'{gjson_string(key)}:{_go_json(member)}' for key, member in members])}}}"


def _number(number: float) -> str:
    written = getattr(number, "text", None)
    if written is not None:  # a number that a program took from a text as it was
        return str(written)
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        raise ValueError(f"{format_float(number)} is no JSON number")
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return "-0" if number == 0 and math.copysign(1.0, number) < 0 else format_float(number)
    mantissa, _, exponent = repr(number).partition("e")
    # Go writes e-07 as e-7, and every other exponent with at least two digits.
    short = exponent[0] + exponent[1:].lstrip("0") if exponent[0] == "-" else exponent
    return f"{mantissa.removesuffix('.0')}e{short}"
