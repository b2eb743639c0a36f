"""JSON Schema of what can be declared, for editors: built from the registry and the models, so it cannot fall behind them."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from manifests.bodies import ConfigMapBody, EventBusBody, EventSourceBody, Metadata, SecretBody, SensorBody
from manifests.fields import Spec
from manifests.header import EVENT_KINDS, OUR_KINDS, VALUE_KINDS
from manifests.kinds import Kind, Kinds, Role
from manifests.known import with_known
from manifests.objects import Dependency, Dialect, TocsinTriggerHead, TriggerHead
from manifests.ours import MARK
from manifests.scenario_fields import ScenarioSpec
from manifests.trigger_kind import TemplateHead
from manifests.words import did_you_mean, one_of, quoted

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_LIST: Schema = {
    "type": "object",
    "required": ["apiVersion", "kind", "items"],
    "properties": {"apiVersion": {"const": "v1"}, "items": {"type": "array", "items": {"$ref": "#"}}},
}
_NOT_BUILT = "Known, and not built into this version."


def json_schema(kind: str | None, kinds: Kinds, *, api_version: str | None = None) -> Schema:
    """JSON Schema (draft 2020-12) of objects of `kind` (any case) in the dialect `api_version`; of all that a file may hold where
    None, lists and the `Secret`s and `ConfigMap`s that stand beside them included.

    Raises `ValueError` on a kind or version that is not declared in files.
    """
    versions = _chosen(api_version, tuple(Dialect), "version") if api_version is not None else tuple(Dialect)
    known = (*EVENT_KINDS, *VALUE_KINDS, *(OUR_KINDS if Dialect.TOCSIN in versions else ()))
    wanted = _chosen(kind, known, "kind") if kind is not None else known
    build = _Build(with_known(kinds), versions)
    objects = {name: build.object(name) for name in wanted}
    if kind is not None:
        schema = objects[wanted[0]]
        return {"$schema": _DRAFT, "title": wanted[0], **schema, "$defs": _needed(schema, build.definitions)}
    objects["List"] = _LIST
    branches = [{"if": {"properties": {"kind": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}} for name in objects]
    head = {"properties": {"kind": {"enum": list(objects)}}, "required": ["kind"], "type": "object"}
    return {"$schema": _DRAFT, "title": "Manifest", **head, "allOf": branches, "$defs": {**build.definitions, **objects}}


def _needed(schema: Schema, definitions: Schema) -> Schema:
    """Those of `definitions` that `schema` refers to, also by way of others."""
    found: set[str] = set()
    open_ = _names(schema)
    while open_:
        found |= open_
        open_ = {name for one in open_ for name in _names(definitions[one])} - found
    return {name: definition for name, definition in definitions.items() if name in found}


def _names(schema: Any) -> set[str]:
    """The definitions that `schema` itself refers to."""
    if isinstance(schema, list):
        return {name for item in schema for name in _names(item)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].removeprefix("#/$defs/")} if isinstance(schema.get("$ref"), str) else set()
    return own | {name for value in schema.values() for name in _names(value)}


def _chosen(text: str, known: Iterable[str], what: str) -> tuple[str, ...]:
    names = {name.lower(): name for name in known}
    if text.lower() not in names:
        expected = f"expected {one_of(names.values())}{did_you_mean(text, names.values())}"
        raise ValueError(f"no {what} {quoted(text)}; {expected}")
    return (names[text.lower()],)


class _Build:
    """One schema in progress: the models it needs, and what they define."""

    def __init__(self, kinds: Kinds, versions: tuple[str, ...]) -> None:
        self._versions = versions
        self._kinds = {role: list(_usable(kinds, role, versions)) for role in ("source", "trigger")}
        self._head = TocsinTriggerHead if Dialect.TOCSIN in versions else TriggerHead
        models: list[type[Spec]] = [Metadata, EventSourceBody, SensorBody, EventBusBody, SecretBody, ConfigMapBody]
        models += [ScenarioSpec, Dependency, TemplateHead, self._head]
        models += [kind.spec for found in self._kinds.values() for kind in found if kind.spec is not None]
        pairs = [(model, "validation") for model in dict.fromkeys(models)]
        refs, defined = models_json_schema(pairs, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
        self._refs = {model: ref["$ref"] for (model, _), ref in refs.items()}
        self.definitions: Schema = _known(_without_titles(defined["$defs"]), ours=Dialect.TOCSIN in versions)
        self._adapt()

    def object(self, name: str) -> Schema:
        """The schema of a whole object."""
        if name in VALUE_KINDS:
            return self._values(SecretBody if name == "Secret" else ConfigMapBody, name)
        makers = {"EventSource": self._event_source, "Sensor": self._sensor, "EventBus": self._event_bus}
        spec = makers[name]() if name in makers else self._ref(ScenarioSpec)
        versions = (Dialect.TOCSIN,) if name in OUR_KINDS else self._versions
        return {
            "type": "object",
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {
                "apiVersion": {"enum": [str(version) for version in versions]},
                "kind": {"const": name},
                "metadata": self._ref(Metadata),
                "spec": spec,
                "status": {"description": "Written by a cluster; not read."},
            },
            "additionalProperties": False,
        }

    def _values(self, model: type[Spec], name: str) -> Schema:
        body = self._definition(model)
        text = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
        fields = {field: text if one.get("type") == "object" else one for field, one in body["properties"].items()}
        head = {"apiVersion": {"const": "v1"}, "kind": {"const": name}, "metadata": self._ref(Metadata)}
        return {"type": "object", "required": list(head), "properties": {**head, **fields}}

    def _adapt(self) -> None:
        """Say what the models leave to rules, because it needs the better message that a rule gives."""
        self._definition(Metadata)["required"] = ["name"]
        self._definition(Dependency)["required"] = ["name", "eventSourceName", "eventName"]
        template = self._definition(TemplateHead)
        template["required"] = ["name"]
        template["minProperties"] = 2  # the name and a kind
        template["properties"] |= {kind.key: self._of(kind) for kind in self._kinds["trigger"]}
        trigger = self._definition(self._head)
        trigger["required"] = ["template"]
        trigger["properties"] |= {"template": self._ref(TemplateHead), "dlqTrigger": self._ref(self._head)}

    def _event_source(self) -> Schema:
        body = self._definition(EventSourceBody)
        events = {
            kind.key: {
                "type": "object",
                "description": f"Events of kind {kind.key}, by name.",
                "additionalProperties": self._of(kind),
            }
            for kind in self._kinds["source"]
        }
        return {**body, "properties": {**body["properties"], **events}}

    def _sensor(self) -> Schema:
        body = self._definition(SensorBody)
        lists = {
            "dependencies": {"type": "array", "minItems": 1, "items": self._ref(Dependency)},
            "triggers": {"type": "array", "minItems": 1, "items": self._ref(self._head)},
        }
        return {**body, "properties": {**body["properties"], **lists}, "required": list(lists)}

    def _event_bus(self) -> Schema:
        return {**self._ref(EventBusBody), "minProperties": 1}

    def _of(self, kind: Kind) -> Schema:
        return {"type": "object", "description": _NOT_BUILT} if kind.spec is None else self._ref(kind.spec)

    def _ref(self, model: type[Spec]) -> Schema:
        return {"$ref": self._refs[model]}

    def _definition(self, model: type[Spec]) -> Schema:
        found: Schema = self.definitions[self._refs[model].removeprefix("#/$defs/")]
        return found


def _without_titles(schema: Any) -> Any:
    """Without the titles that are made of field names: an editor shows the field itself."""
    if isinstance(schema, dict):
        return {key: _without_titles(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema


def _known(schema: Any, *, ours: bool) -> Any:
    """Without the fields of our dialect, unless they are `ours`, and without their marks."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if ours or not (isinstance(value, dict) and MARK in value)}
        return {key: _known(value, ours=ours) for key, value in kept.items() if key != MARK}
    return [_known(item, ours=ours) for item in schema] if isinstance(schema, list) else schema


def _usable(kinds: Kinds, role: Role, versions: Iterable[str]) -> Iterable[Kind]:
    return (kind for kind in kinds.all(role) if not kind.dialects.isdisjoint(versions))
