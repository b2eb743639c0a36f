"""What pydantic found, in the words of a manifest's author."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from manifests.words import did_you_mean, one_of, type_of, value_of
from manifests.yaml_values import Path

_EXPECTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "time_delta_type": "a duration such as 30s, 5m or 1h30m",
}
_STRUCTURES = ("a list", "a mapping")
_QUOTED_WORD = re.compile(r"'((?:[^'\\]|\\.)*)'")
_PRIVATE = re.compile(r"secret|token|passw|credential|private|authorization|key$", re.IGNORECASE)


def complaint(error: ErrorDetails, path: Path) -> str:
    """One mistake as a sentence: what is wrong, what was expected, the nearest right word. Never shows a credential."""
    kind, given = error["type"], error["input"]
    if kind == "missing":
        return "missing, and required"
    if expected := _EXPECTED.get(kind):
        return f"expected {expected}, got {_given(given, expected, path)}"
    if kind in ("literal_error", "enum"):
        words = [word.replace("\\'", "'") for word in _QUOTED_WORD.findall(str(error.get("ctx", {}).get("expected", "")))]
        hint = did_you_mean(given, words) if isinstance(given, str) else ""
        return f"expected {one_of(filter(None, words))}, got {_given(given, '', path)}{hint}"
    if kind in ("too_short", "string_too_short"):
        return _too_short(kind, error.get("ctx", {}))
    if kind in ("value_error", "assertion_error"):
        return error["msg"].split(", ", 1)[1] if ", " in error["msg"] else error["msg"]
    message = error["msg"].replace("Input should", "the value should")
    shown = "" if isinstance(given, dict | list) else f", got {_given(given, '', path)}"
    return message[:1].lower() + message[1:] + shown


def _too_short(kind: str, limits: Mapping[str, Any]) -> str:
    least = int(limits["min_length"])
    what = "character" if kind == "string_too_short" else "item"
    wanted = f"expected at least {'one' if least == 1 else least} {what}{'' if least == 1 else 's'}"
    return f"empty; {wanted}" if least == 1 else wanted


def _given(value: Any, expected: str, path: Path) -> str:
    """A value's words; only its type where it is, or may be, something private put in the wrong place."""
    private = expected in _STRUCTURES or any(isinstance(part, str) and _PRIVATE.search(part) for part in path)
    shown = type_of(value) if private else value_of(value)
    if expected == "a whole number" and isinstance(value, str) and re.fullmatch(r"[-+]?\d+", value):
        shown += "; write it without quotes"
    return shown if isinstance(value, str | int | float) or value is None else type_of(value)
