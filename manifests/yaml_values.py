"""Turning nodes into JSON values, and finding the place of a path again."""

from collections.abc import Sequence
from typing import Any

from manifests.words import quoted
from manifests.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, YamlError
from manifests.yaml_scalars import KUBERNETES, NotJson, Scalar, Schema

Path = tuple[str | int, ...]
"""Keys and list indexes from an object's root."""

_PREFIX = "tag:yaml.org,2002:"
_TYPED: dict[str, type | tuple[type, ...]] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}


def build(node: Node, schema: Schema, faults: list[YamlError]) -> Any:
    """Return the JSON value of `node`; what is wrong inside is added to `faults` and left out of the value."""
    if isinstance(node, ScalarNode):
        return _scalar(node, schema, faults)
    if node.tag is not None and node.tag not in ("!", _PREFIX + ("map" if isinstance(node, MappingNode) else "seq")):
        faults.append(_bad_tag(node))
        return None
    if isinstance(node, SequenceNode):
        return [build(item, schema, faults) for item in node.items]
    assert isinstance(node, MappingNode)  # noqa: S101 - the three node kinds are closed
    _fill_fields(node, schema, faults)
    return {key: build(value, schema, faults) for key, (_, value) in node.fields.items()}


def place(node: Node | None, path: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
    """Return line and column of the value at `path`, or of its key; of the nearest parent where it is not there.

    (0, 0) where there is no text.
    """
    if node is None:
        return 0, 0
    found: Node = node
    for position, part in enumerate(path):
        if isinstance(found, MappingNode) and part in found.fields:
            at_key, value = found.fields[str(part)]
            found = at_key if key and position == len(path) - 1 else value
        elif isinstance(found, SequenceNode) and isinstance(part, int) and part < len(found.items):
            found = found.items[part]
        else:
            break
    return found.line, found.column


def peek(node: Node | None, key: str) -> str:
    """Return the text written under `key` of a mapping, before any schema is chosen; empty where there is none."""
    if isinstance(node, MappingNode):
        for at_key, value in node.pairs:
            if isinstance(at_key, ScalarNode) and at_key.text == key and isinstance(value, ScalarNode):
                return value.text
    return ""


def _fill_fields(node: MappingNode, schema: Schema, faults: list[YamlError]) -> None:
    """Own keys first, then those of `<<`, which never override."""
    fields: dict[str, tuple[Node, Node]] = {}
    merges: list[Node] = []
    for key_node, value in node.pairs:
        if isinstance(key_node, ScalarNode) and key_node.plain and key_node.text == "<<":
            merges.append(value)
            continue
        key = _key(key_node, schema, faults)
        if key is None:
            continue
        if key in fields:
            first = fields[key][0]
            faults.append(YamlError(f"the key {quoted(key)} is written twice (first at line {first.line})", *_at(key_node)))
            continue
        fields[key] = (key_node, value)
    node.fields = fields
    for merged in merges:
        _merge(merged, fields, schema, faults)


def _merge(value: Node, fields: dict[str, tuple[Node, Node]], schema: Schema, faults: list[YamlError]) -> None:
    for source in value.items if isinstance(value, SequenceNode) else [value]:
        if not isinstance(source, MappingNode):
            faults.append(YamlError("'<<' merges mappings only", *_at(source)))
            continue
        if not source.fields:
            _fill_fields(source, schema, faults)
        for key, pair in source.fields.items():
            fields.setdefault(key, pair)


def _key(node: Node, schema: Schema, faults: list[YamlError]) -> str | None:
    if not isinstance(node, ScalarNode):
        faults.append(YamlError("a key must be text, got a list or a mapping", *_at(node)))
        return None
    if not node.plain:
        return node.text
    try:
        key = schema.key(node.text)
    except NotJson as exc:
        faults.append(YamlError(str(exc), *_at(node)))
        return None
    if key is None:
        faults.append(YamlError("a key must be text, got nothing; put it in quotes", *_at(node)))
    return key


def _scalar(node: ScalarNode, schema: Schema, faults: list[YamlError]) -> Scalar:
    tag = node.tag
    try:
        if tag is None:
            return schema.value(node.text) if node.plain else node.text
        if tag in ("!", _PREFIX + "str", _PREFIX + "timestamp"):
            return node.text
        wanted = _TYPED.get(tag.removeprefix(_PREFIX)) if tag.startswith(_PREFIX) else None
        if wanted is None:
            faults.append(_bad_tag(node))
            return None
        value = schema.value(node.text)
    except NotJson as exc:
        faults.append(YamlError(str(exc), *_at(node)))
        return None
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        faults.append(YamlError(f"the text does not read as {_short(tag)}", *_at(node)))
        return None
    return value


def _at(node: Node) -> tuple[int, int]:
    return node.line, node.column


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_PREFIX) if tag.startswith(_PREFIX) else tag


def _bad_tag(node: Node) -> YamlError:
    return YamlError(f"the tag {quoted(_short(node.tag or ''))} is not accepted; manifests are plain data", *_at(node))


def schema_of(api_version: str, ours: Schema) -> Schema:
    """The schema that `api_version` asks for: `ours` for our own group, Kubernetes' for all others."""
    return ours if api_version.startswith("tocsin.dev/") else KUBERNETES
