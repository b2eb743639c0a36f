"""JSON Schema for editors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from manifest_toys import ARGO, OURS, toy_kinds

from manifests.ours import MARK
from manifests.schema import json_schema


def refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for value in schema.values():
            yield from refs(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from refs(item)


def resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return found


@pytest.mark.parametrize("kind", [None, "EventSource", "Sensor", "EventBus", "Secret", "ConfigMap"])
@pytest.mark.parametrize("version", [None, ARGO, OURS])
def test_a_schema_is_json_and_refers_only_to_what_it_defines(kind: str | None, version: str | None) -> None:
    schema = json_schema(kind, toy_kinds(), api_version=version)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    defined = {f"#/$defs/{name}" for name in schema["$defs"]}
    assert set(refs(schema)) <= (defined if kind else {*defined, "#"})


def test_all_that_a_file_may_hold_is_in_the_schema_of_all() -> None:
    schema = json_schema(None, toy_kinds())
    kinds = schema["properties"]["kind"]["enum"]
    assert kinds == ["EventSource", "Sensor", "EventBus", "Secret", "ConfigMap", "Scenario", "List"]
    assert [branch["then"]["$ref"] for branch in schema["allOf"]] == [f"#/$defs/{kind}" for kind in kinds]
    assert schema["$defs"]["List"]["properties"]["items"]["items"] == {"$ref": "#"}


@pytest.mark.parametrize(("kind", "fields"), [("secret", {"data", "stringData"}), ("ConfigMap", {"data", "binaryData"})])
def test_values_are_text_by_name(kind: str, fields: set[str]) -> None:
    schema = json_schema(kind, toy_kinds())
    assert list(schema["$defs"]) == ["Metadata"], "what it does not refer to is left out"
    assert schema["properties"]["apiVersion"] == {"const": "v1"}
    assert schema["required"] == ["apiVersion", "kind", "metadata"]
    values = {name for name, field in schema["properties"].items() if field.get("additionalProperties")}
    assert values == fields


def test_a_sensor_lists_every_kind_of_trigger_with_its_fields() -> None:
    schema = json_schema("sensor", toy_kinds())
    assert schema["properties"]["kind"] == {"const": "Sensor"}
    assert schema["properties"]["apiVersion"] == {"enum": [ARGO, OURS]}
    spec = schema["properties"]["spec"]
    assert spec["required"] == ["dependencies", "triggers"]
    trigger = resolve(spec["properties"]["triggers"]["items"], schema)
    assert "orderBy" in trigger["properties"]
    template = resolve(trigger["properties"]["template"], schema)
    call = resolve(template["properties"]["http"], schema)
    assert call["required"] == ["url"]
    assert call["additionalProperties"] is False
    assert "not built" in template["properties"]["kafka"]["description"]
    dependency = resolve(spec["properties"]["dependencies"]["items"], schema)
    assert dependency["required"] == ["name", "eventSourceName", "eventName"]


def test_an_event_source_lists_every_kind_of_source_that_its_dialect_has() -> None:
    ours = json_schema("EventSource", toy_kinds(), api_version=OURS)["properties"]["spec"]["properties"]
    theirs = json_schema("EventSource", toy_kinds(), api_version=ARGO)["properties"]["spec"]["properties"]
    assert ours.keys() - theirs.keys() == {"bell"}
    assert {"webhook", "kafka", "eventBusName"} <= theirs.keys()


def test_the_dialect_of_argo_events_has_no_fields_of_ours() -> None:
    schema = json_schema("Sensor", toy_kinds(), api_version=ARGO)
    trigger = resolve(schema["properties"]["spec"]["properties"]["triggers"]["items"], schema)
    assert "orderBy" not in trigger["properties"]


@pytest.mark.parametrize(("version", "known"), [(ARGO, False), (OURS, True), (None, True)])
def test_fields_of_a_kind_that_only_our_dialect_has_are_offered_there_only(version: str | None, known: bool) -> None:
    schema = json_schema("Sensor", toy_kinds(), api_version=version)
    assert ("echo" in schema["$defs"]["Note"]["properties"]) is known
    assert MARK not in json.dumps(schema)


def test_durations_are_described_as_they_are_written() -> None:
    backoff = json_schema("Sensor", toy_kinds())["$defs"]["Backoff"]["properties"]["duration"]
    assert backoff["default"] == "1s"
    assert {"type": "string"} in backoff["anyOf"]


def test_an_unknown_kind_or_version_is_named_with_the_right_word() -> None:
    with pytest.raises(ValueError, match=r"no kind 'sensr'; expected .* \(did you mean 'Sensor'\?\)"):
        json_schema("sensr", toy_kinds())
    with pytest.raises(ValueError, match="no version 'v1'"):
        json_schema("Sensor", toy_kinds(), api_version="v1")
