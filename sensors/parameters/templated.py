"""What templates see of a document.

Semantics: gjson's `Value()`: every number is a double, what is beyond one is an infinity, the first of repeated keys counts.
"""

import json
import re
from typing import Any

from sensors.languages.document import Document, DocumentError, paired

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def template_input(document: Document) -> Any:
    """The document as `.Input`. Never change it. Raises `DocumentError` where it is no JSON."""
    # A document that can be walked has no key twice and no number beyond a double: nearly every one.
    if document.walkable is not None or not document.valid:
        return document.floats
    try:
        return _clean(_decoder.decode(paired(document.text)))
    except RecursionError:
        raise DocumentError("nested too deep") from None
    except ValueError as exc:
        raise DocumentError(f"not JSON: {exc}") from None


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        members.setdefault(name, value)
    return members


_decoder = json.JSONDecoder(parse_int=float, object_pairs_hook=_first)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(element) for element in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(member) for name, member in value.items()}
    return value
