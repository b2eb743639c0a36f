"""JSON strings as Go writes them."""

import re

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
