"""Text of an object as JSON: YAML or JSON, the first document, within limits.

Semantics: `pkg/sensors/artifacts` of Argo Events, and numbers as Kubernetes' own decoder reads them.
"""

from decimal import Decimal
from typing import Any

import msgspec

from sensors.languages.document import Document
from sensors.parameters.yamldata import NotYaml, yaml_to_json

MAX_BYTES = 3 << 20
"""More than an API server takes."""
MAX_DEPTH = 200
_INT64 = 1 << 63
_EXPONENTS_FROM = 1e21
"""Go writes whole floats below this in digits, as few as make the float and then zeros."""


class NotAnObject(ValueError):
    """The text is no object that could be sent; the message says why."""


def to_json(text: bytes) -> bytes:
    """`text` as JSON. Raises `NotAnObject`."""
    if len(text) > MAX_BYTES:
        raise NotAnObject(f"larger than {MAX_BYTES >> 20} MiB")
    if text.lstrip()[:1] == b"{":
        try:
            msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            pass  # YAML's own short form of a mapping begins so, too
        else:
            return text
    try:
        return yaml_to_json(text)
    except (NotYaml, RecursionError) as exc:
        raise NotAnObject(str(exc)) from exc


def to_object(text: bytes) -> dict[str, Any]:
    """The object that JSON `text` holds, with a `kind` and an `apiVersion`. Raises `NotAnObject`."""
    document = Document(text)
    decoded = document.tree
    if not document.valid:
        raise NotAnObject(f"not JSON: {document.problem}")
    if not isinstance(decoded, dict):
        raise NotAnObject("a Kubernetes object is a mapping with apiVersion, kind and metadata")
    for field in ("apiVersion", "kind"):
        if not isinstance(decoded.get(field), str) or not decoded[field]:
            raise NotAnObject(f"{field} is missing")
    if decoded["apiVersion"].count("/") > 1:
        raise NotAnObject(f"{decoded['apiVersion'][:80]!r} is no apiVersion; expected such as v1 or apps/v1")
    if not isinstance(decoded.get("metadata", {}), dict):
        raise NotAnObject("metadata is no mapping")
    normal: dict[str, Any] = _numbers(decoded, 0)
    return normal


def _numbers(value: Any, depth: int) -> Any:
    """`value` with numbers as Kubernetes keeps them: those beyond 64 bits are floats, and whole floats are written in digits."""
    if depth > MAX_DEPTH:
        raise NotAnObject(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        return {key: _numbers(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item, depth + 1) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        value = float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXPONENTS_FROM:
        return int(Decimal(repr(value)))
    return value
