"""JSON written as YAML for people: block style, quotes only where they are needed. A YAML 1.2 reader gives the same JSON back."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"(?:\.\.?/)*[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x85\u2028\u2029\ufeff]")


def yaml_text(value: Mapping[str, Any]) -> str:
    """`value` as one YAML document."""
    return "\n".join(_mapping(value)) + "\n"


def _mapping(value: Mapping[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(f"{_text(key)}:", item)


def _entry(head: str, item: Any) -> Iterator[str]:
    if isinstance(item, Mapping) and item:
        yield head
        yield from (f"  {line}" for line in _mapping(item))
    elif isinstance(item, list) and item:
        yield head
        yield from (f"  {line}" for line in _list(item))
    else:
        yield f"{head} {_scalar(item)}"


def _list(items: list[Any]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping | list) and item:
            lines = list(_mapping(item) if isinstance(item, Mapping) else _list(item))
            yield f"- {lines[0]}"
            yield from (f"  {line}" for line in lines[1:])
        else:
            yield f"- {_scalar(item)}"


def _scalar(value: Any) -> str:
    """A value without parts; an empty mapping or list is one."""
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
