"""The objects that a document holds: one, or the items of a list."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from manifests.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, YamlError
from manifests.yaml_reader import Document
from manifests.yaml_scalars import CORE
from manifests.yaml_values import Path, build, peek, schema_of

_LISTS = frozenset({"List", "EventSourceList", "SensorList", "EventBusList", "SecretList", "ConfigMapList"})


@dataclass(frozen=True, slots=True)
class Raw:
    """One object as JSON, before any check. `faults` are mistakes of the text inside it."""

    file: str
    node: Node
    value: Any
    faults: tuple[YamlError, ...]
    prefix: Path = ()


def raw_objects(document: Document) -> Iterator[Raw]:
    """Give the objects of `document`, each read by the scalar rules that its own `apiVersion` asks for.

    An empty document gives none; a list gives its items.
    """
    if peek(document.root, "kind") in _LISTS:
        yield from _items(document)
        return
    raw = _raw(document.file, document.root, ())
    if raw.value is not None or raw.faults:
        yield raw


def _items(document: Document) -> Iterator[Raw]:
    root = document.root
    version, kind = peek(root, "apiVersion"), peek(root, "kind")
    # The items of a typed list may leave out what the list's own head says.
    implied = {} if kind == "List" else {"apiVersion": version, "kind": kind.removesuffix("List")}
    for key, items in root.pairs if isinstance(root, MappingNode) else ():
        if not isinstance(key, ScalarNode) or key.text != "items":
            continue
        if not isinstance(items, SequenceNode):
            fault = YamlError("expected a list of objects", items.line, items.column)
            yield Raw(document.file, root, {"apiVersion": version, "kind": kind}, (fault,))
            continue
        for index, item in enumerate(items.items):
            raw = _raw(document.file, item, ("items", index), default=version)
            yield replace(raw, value={**implied, **raw.value}) if isinstance(raw.value, dict) else raw


def _raw(file: str, node: Node, prefix: Path, *, default: str = "") -> Raw:
    faults: list[YamlError] = []
    value = build(node, schema_of(peek(node, "apiVersion") or default, CORE), faults)
    unique = {(fault.line, fault.column, fault.message): fault for fault in faults}
    return Raw(file, node, value, tuple(unique.values()), prefix)
