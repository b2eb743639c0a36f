"""YAML event data as JSON, by YAML 1.1 as the original's converter reads it.

Semantics: `sigs.k8s.io/yaml` over `go-yaml` v2: `yes` is true, keys included; `1e3` is 1000; `0x1f` and `037` are 31; a date
and `1:30` stay text; members come out sorted. Built from the parser's events, because composing recurses without a bound.
"""

import base64
import binascii
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import orjson
import yaml

from manifests.yaml_scalars import KUBERNETES, NotJson
from sensors.languages.jsonwrite import gjson_string as quote

MAX_DEPTH = 200
MAX_BYTES = 16 * 1024 * 1024
"""Of the JSON text, which aliases can make exponentially larger than the YAML."""

_STR = "tag:yaml.org,2002:str"
_BINARY = "tag:yaml.org,2002:binary"


class NotYaml(ValueError):
    """The text is not YAML that can be written as JSON; the message says why."""


@dataclass(frozen=True, slots=True)
class _Node:
    text: str
    members: dict[str, "_Node"] | None = None
    items: tuple["_Node", ...] = ()
    scalar: bool = False


def yaml_to_json(data: bytes) -> bytes:
    """The first document of `data` as JSON. Raises `NotYaml`."""
    try:
        return _Reader(data.decode("utf-8-sig")).read().encode()
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise NotYaml(f"not YAML: {str(exc).splitlines()[0]}") from exc


class _Reader:
    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._anchors: dict[str, _Node] = {}

    def read(self) -> str:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self._node(next(self._events), 0).text
        return "null"

    def _node(self, event: yaml.Event, depth: int) -> _Node:
        if depth > MAX_DEPTH:
            raise NotYaml(f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            node = _Node(_scalar(event), scalar=True)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(depth)
        else:
            node = self._mapping(depth)
        if len(node.text) > MAX_BYTES:
            raise NotYaml(f"larger than {MAX_BYTES} bytes once its aliases are written out")
        if event.anchor:  # type: ignore[attr-defined]
            self._anchors[event.anchor] = node  # type: ignore[attr-defined]
        return node

    def _alias(self, event: yaml.AliasEvent) -> _Node:
        try:
            return self._anchors[event.anchor or ""]
        except KeyError:
            raise NotYaml(f"unknown or recursive anchor {event.anchor!r}") from None

    def _sequence(self, depth: int) -> _Node:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return _Node("[" + ",".join([item.text for item in items]) + "]", items=tuple(items))

    def _mapping(self, depth: int) -> _Node:
        members: dict[str, _Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            merge = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<"
            key = "" if merge else _key(event, self._node(event, depth + 1))
            value = self._node(next(self._events), depth + 1)
            if merge:
                _merge(members, value)
            else:
                members[key] = value
        text = ",".join([f"{quote(key)}:{members[key].text}" for key in sorted(members)])
        return _Node("{" + text + "}", members=members)


def _merge(members: dict[str, _Node], value: _Node) -> None:
    for node in reversed(value.items) if value.items else (value,):
        if node.members is None:
            raise NotYaml("'<<' takes a mapping or a list of mappings")
        members.update(node.members)


def _key(event: yaml.Event, node: _Node) -> str:
    if not node.scalar or node.text == "null":
        raise NotYaml("a key has to be text, a number or a truth value")
    if node.text.startswith('"'):
        return str(event.value) if isinstance(event, yaml.ScalarEvent) else _unquote(node.text)
    return node.text


def _unquote(text: str) -> str:
    return str(orjson.loads(text))


def _scalar(event: yaml.ScalarEvent) -> str:
    value: str = event.value
    if event.tag == _BINARY:
        try:
            return quote(base64.b64decode(value, validate=False).decode("utf-8", "replace"))
        except binascii.Error as exc:
            raise NotYaml("!!binary is not base64") from exc
    if event.tag == _STR or (event.tag is None and not event.implicit[0]):
        return quote(value)
    try:
        return _json(KUBERNETES.value(value))
    except NotJson as exc:
        raise NotYaml(str(exc)) from exc


def _json(value: bool | float | str | None) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float):
        return number(value)
    return "null" if value is None else str(value).lower()


def number(value: float) -> str:
    """`value` as a JSON number: no exponent from 1e-6 up to 1e21. Raises `ValueError` on infinities and NaN."""
    if not math.isfinite(value):
        raise ValueError("JSON has no infinities and no NaN")
    text = repr(value)
    if value != 0 and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].lstrip('0')}"
    return (format(Decimal(text), "f") if "e" in text else text).removesuffix(".0")
