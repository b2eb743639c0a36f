"""Avro on the wire and as JSON, and the registry that has the schemas."""

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_double import Registry

from clients.kafka import registry as registry_module
from clients.kafka.avro import AvroError, Codec
from clients.kafka.connection import RegistryUnavailable
from clients.kafka.declared import SchemaRegistry
from clients.kafka.registry import NoSuchSchema, Schemas, avro_part, framed, schema_of
from manifests.secrets import SecretMissing, SecretValue

EXAMPLE = '{"type":"record","name":"test","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"}]}'
"""Of the Avro specification, "Binary Encoding", where `{"a": 27, "b": "foo"}` is 36 06 66 6f 6f."""

SHAPE = msgspec.json.encode(
    {
        "type": "record",
        "name": "Shape",
        "namespace": "geo",
        "fields": [
            {"name": "name", "type": ["null", "string"]},
            {"name": "raw", "type": "bytes"},
            {"name": "mark", "type": {"type": "fixed", "name": "Mark", "size": 2}},
            {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "color", "type": {"type": "enum", "name": "Color", "symbols": ["RED", "BLUE"]}},
            {
                "name": "part",
                "type": [
                    "int",
                    {"type": "record", "name": "Dot", "fields": [{"name": "x", "type": "int"}]},
                    {
                        "type": "record",
                        "name": "Line",
                        "fields": [{"name": "x", "type": "int"}, {"name": "next", "type": ["null", "Line"], "default": None}],
                    },
                ],
            },
            {"name": "tags", "type": {"type": "map", "values": "double"}},
            {"name": "rows", "type": {"type": "array", "items": "boolean"}},
            {"name": "size", "type": "int", "default": 9},
        ],
    }
).decode()
VALUE = {
    "name": {"string": "é"},
    "raw": "\x00\xff",
    "mark": "\x01\x02",
    "price": "\x30",
    "at": 1714557600123,
    "color": "BLUE",
    "part": {"geo.Line": {"x": 3, "next": {"geo.Line": {"x": 4, "next": None}}}},
    "tags": {"a": 1.5},
    "rows": [True, False],
    "size": 1,
}


def test_the_example_of_the_specification() -> None:
    codec = Codec(EXAMPLE)
    assert codec.to_binary(b'{"a": 27, "b": "foo"}') == bytes.fromhex("36 06 66 6f 6f")
    assert msgspec.json.decode(codec.to_json(bytes.fromhex("36 06 66 6f 6f"))) == {"a": 27, "b": "foo"}


def test_every_type_goes_there_and_back_in_the_json_encoding_of_avro() -> None:
    codec = Codec(SHAPE)
    assert msgspec.json.decode(codec.to_json(codec.to_binary(msgspec.json.encode(VALUE)))) == VALUE


def test_a_default_fills_what_is_left_out() -> None:
    codec = Codec(SHAPE)
    short = {name: part for name, part in VALUE.items() if name != "size"}
    assert msgspec.json.decode(codec.to_json(codec.to_binary(msgspec.json.encode(short))))["size"] == 9


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "é"}, '.name is a union and has to be written as {"string": …} or null'),
        ({"part": {"geo.Circle": {}}}, ".part is a union and has to be written as"),
        ({"part": {"geo.Line": {"x": "3"}}}, ".part.geo.Line.x is no int"),
        ({"part": {"int": 1 << 31}}, ".part.int is too large for an int"),
        ({"rows": [1]}, ".rows[0] is no boolean"),
        ({"sise": 1}, "the value has no field sise"),
        ({"color": "GREEN"}, "does not fit"),
        ({"mark": "\x01"}, "does not fit"),
        ({"raw": "\u0100"}, "does not fit"),
    ],
)
def test_a_payload_that_does_not_fit_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(AvroError) as caught:
        Codec(SHAPE).to_binary(msgspec.json.encode(VALUE | changed))
    assert said in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(AvroError, match="the value lacks a, b"):
        Codec(EXAMPLE).to_binary(b"{}")


@pytest.mark.parametrize("schema", ["", "[", '"nope"', '{"type": "record"}', '{"type": "array"}', "7"])
def test_what_is_no_schema_is_said(schema: str) -> None:
    with pytest.raises(AvroError, match="the schema cannot be read"):
        Codec(schema)


@given(st.binary(max_size=60))
def test_no_bytes_are_worse_than_unreadable(value: bytes) -> None:
    with contextlib.suppress(AvroError):
        msgspec.json.decode(Codec(SHAPE).to_json(value))


def test_the_frame_of_a_record() -> None:
    assert framed(258, b"x") == b"\0\0\0\1\2x"
    assert schema_of(b"\0\0\0\1\2x") == 258
    assert avro_part(b"\0\0\0\1\2x") == b"x"
    for value in (b"", b"\0\0\0\1", b"\1\0\0\1\2x", b'{"a": 1}'):
        with pytest.raises(AvroError, match="does not begin with a zero byte and the id of its schema"):
            schema_of(value)


class Values:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        if name != "registry":
            raise SecretMissing(f"Secret {namespace}/{name} key {key!r} is missing")
        return SecretValue({"user": b"me", "password": b"pass"}[key])

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


def schemas(url: str, secret: str = "registry") -> Schemas:
    auth = {part: {"name": secret, "key": key} for part, key in (("username", "user"), ("password", "password"))}
    declared = SchemaRegistry.model_validate({"url": url + "/", "auth": auth})
    return Schemas(declared, namespace="default", values=Values())


async def test_a_schema_is_asked_for_once_with_the_login() -> None:
    async with Registry({3: EXAMPLE}, "me", "pass").serving() as registry:
        found = schemas(registry.url)
        await found.ask(3)
        await found.ask(3)
        assert found.known(3).to_binary(b'{"a": 27, "b": "foo"}') == b"\x36\x06foo"
        assert registry.asked == ["3"]


async def test_a_schema_that_comes_in_pieces_is_read_whole() -> None:
    long = msgspec.json.encode({**msgspec.json.decode(EXAMPLE), "doc": "x" * (1 << 20)}).decode()
    async with Registry({3: long}).serving() as registry:
        found = schemas(registry.url)
        await found.ask(3)
        assert found.known(3).to_binary(b'{"a": 27, "b": "foo"}') == b"\x36\x06foo"


async def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MOST_BYTES", 1 << 20)
    async with Registry({3: "x" * (1 << 20)}).serving() as registry:
        with pytest.raises(RegistryUnavailable, match="the answer is larger than 1 MiB"):
            await schemas(registry.url).ask(3)


async def test_of_schemas_that_are_not_there_so_many_are_remembered_and_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MOST_REFUSALS", 2)
    async with Registry({}).serving() as registry:
        found = schemas(registry.url)
        for id in (1, 2, 3, 3, 2, 1):
            await found.ask(id)
        assert registry.asked == ["1", "2", "3", "1"]


async def test_a_schema_that_is_not_there_is_refused_and_after_a_while_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(registry_module, "monotonic", lambda: now)
    async with Registry({}).serving() as registry:
        found = schemas(registry.url)
        await found.ask(3)
        with pytest.raises(NoSuchSchema, match="schemaRegistry: schema 3: the registry does not have it"):
            found.known(3)
        registry.schemas[3] = EXAMPLE
        await found.ask(3)
        assert registry.asked == ["3"]
        now += registry_module.REMEMBER_REFUSAL_S
        await found.ask(3)
        found.known(3)


@pytest.mark.parametrize(
    ("extra", "said"),
    [({"schemaType": "JSON"}, "it is not Avro"), ({"references": [{"name": "o"}]}, "it refers to other schemas")],
)
async def test_what_is_not_one_avro_schema_is_refused(extra: dict[str, object], said: str) -> None:
    async with Registry({3: EXAMPLE}).serving() as registry:
        registry.extra[3] = extra
        found = schemas(registry.url)
        await found.ask(3)
        with pytest.raises(NoSuchSchema, match=said):
            found.known(3)


async def test_a_registry_that_is_away_broken_or_wants_another_login_is_worth_another_try() -> None:
    async with Registry({3: EXAMPLE}, "me", "other").serving() as registry:
        found = schemas(registry.url)
        with pytest.raises(RegistryUnavailable, match=r"answered 401 to schema 3; check schemaRegistry\.auth"):
            await found.ask(3)
        registry.broken = True
        with pytest.raises(RegistryUnavailable, match="answered 502 to schema 3; is it the address of a registry"):
            await found.ask(3)
        with pytest.raises(RegistryUnavailable, match="answered 404"):
            await schemas(registry.url + "/elsewhere").ask(3)
        with pytest.raises(RegistryUnavailable, match="Secret default/nobody key 'user' is missing"):
            await schemas(registry.url, "nobody").ask(3)
        gone = registry.url
    with pytest.raises(RegistryUnavailable, match=f"schemaRegistry {gone}: "):
        await schemas(gone).ask(3)


async def test_a_registry_that_does_not_answer_in_time_is_said_to_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "TIMEOUT_S", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(RegistryUnavailable, match=f"schemaRegistry {url}: TimeoutError"):
            await schemas(url).ask(3)
