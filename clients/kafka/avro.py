"""Avro values, in binary as records carry them and in Avro's JSON encoding as events do: unions as `{"string": "x"}`.

Semantics: Apache Avro 1.11, "Binary Encoding" and "JSON Encoding". Logical types are not looked at: a date is its number.
"""

import struct
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import fastavro
import msgspec
from fastavro.schema import SchemaParseException

_UNREADABLE = (
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    ArithmeticError,
    AttributeError,
    StopIteration,
    MemoryError,
    RecursionError,
    struct.error,
)


_COMPLEX = frozenset({"record", "error", "array", "map", "enum", "fixed"})
_FIT: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
    "enum": (str,),
}
"""What JSON has for the types that need no change."""


class AvroError(Exception):
    """A schema that is none, or a value that does not fit one. The message shows nothing of the value."""


class Codec:
    """One schema. Raises `AvroError` where it is none."""

    def __init__(self, schema: str) -> None:
        try:
            self._named: dict[str, Any] = {}
            self._schema = fastavro.parse_schema(_without_logical_types(msgspec.json.decode(schema)), self._named)
        except (SchemaParseException, *_UNREADABLE) as exc:
            raise AvroError(f"the schema cannot be read ({type(exc).__name__})") from None

    def to_json(self, value: bytes) -> bytes:
        """The JSON of a binary value; what follows it is not looked at. Raises `AvroError`."""
        try:
            read: Any = fastavro.schemaless_reader(
                BytesIO(value), self._schema, None, return_record_name=True, return_named_type=True
            )
            text = StringIO()
            fastavro.json_writer(text, self._schema, [read])
        except _UNREADABLE as exc:
            raise AvroError(f"the value does not fit its Avro schema ({type(exc).__name__})") from None
        return text.getvalue().encode()

    def to_binary(self, value: bytes) -> bytes:
        """The binary value of JSON. Raises `AvroError`."""
        out = BytesIO()
        try:
            native = _native(self._schema, msgspec.json.decode(value), self._named)
            fastavro.schemaless_writer(out, self._schema, native)
        except _Unfit as exc:
            raise AvroError(f"the payload does not fit the Avro schema: {exc}") from None
        except _UNREADABLE as exc:
            raise AvroError(f"the payload does not fit the Avro schema ({type(exc).__name__})") from None
        return out.getvalue()


class _Unfit(Exception):
    """A JSON value that is none of a schema; says where."""


def _native(schema: Any, value: Any, named: Mapping[str, Any], at: str = "") -> Any:  # noqa: PLR0911 - one for each type
    """`value` as the library wants it: branches of unions by name, which its own reader of JSON forgets, and bytes."""
    if isinstance(schema, list):
        return _branch(schema, value, named, at)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind not in _COMPLEX and kind in named:
        return _native(named[kind], value, named, at)
    if kind in ("bytes", "fixed") and isinstance(value, str):
        return value.encode("latin-1")
    if kind in ("record", "error") and isinstance(value, dict):
        return _record(schema["fields"], value, named, at)
    if kind == "array" and isinstance(value, list):
        return [_native(schema["items"], part, named, f"{at}[{n}]") for n, part in enumerate(value)]
    if kind == "map" and isinstance(value, dict):
        return {name: _native(schema["values"], part, named, f"{at}.{name}") for name, part in value.items()}
    if type(value) not in _FIT.get(kind, ()):
        raise _Unfit(f"{at or 'the value'} is no {kind}")
    if kind == "int" and not -(1 << 31) <= value < 1 << 31:
        raise _Unfit(f"{at or 'the value'} is too large for an int")
    return value


def _record(declared: Sequence[Any], value: Mapping[str, Any], named: Mapping[str, Any], at: str) -> Mapping[str, Any]:
    fields = {field["name"]: field for field in declared}
    if unknown := sorted(value.keys() - fields.keys()):
        raise _Unfit(f"{at or 'the value'} has no field {', '.join(unknown)}")
    if missing := sorted(name for name, field in fields.items() if name not in value and "default" not in field):
        raise _Unfit(f"{at or 'the value'} lacks {', '.join(missing)}")
    return {name: _native(fields[name]["type"], part, named, f"{at}.{name}") for name, part in value.items()}


def _branch(union: Sequence[Any], value: Any, named: Mapping[str, Any], at: str) -> Any:
    names = {_name(branch): branch for branch in union}
    if value is None and "null" in names:
        return None
    if isinstance(value, dict) and len(value) == 1:
        ((name, part),) = value.items()
        for whole, branch in names.items():
            if name in (whole, whole.rpartition(".")[2]):
                return (whole, _native(branch, part, named, f"{at}.{name}"))
    choices = ", ".join(f'{{"{name}": …}}' for name in names if name != "null")
    raise _Unfit(f"{at or 'the value'} is a union and has to be written as {choices}{' or null' if 'null' in names else ''}")


def _name(branch: Any) -> str:
    return str(branch) if not isinstance(branch, dict) else str(branch.get("name", branch["type"]))


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_logical_types(part) for key, part in schema.items() if key != "logicalType"}
    return [_without_logical_types(part) for part in schema] if isinstance(schema, list) else schema
