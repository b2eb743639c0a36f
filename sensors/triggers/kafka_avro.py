"""A payload as Avro, by a schema of a registry."""

from typing import TYPE_CHECKING

from clients.kafka.connection import RegistryUnavailable
from sensors.errors import TriggerRefused, TriggerUnavailable

if TYPE_CHECKING:
    from clients.kafka.registry import Schemas


async def avro_value(schemas: "Schemas", schema: int, payload: bytes) -> bytes:
    """The value of a record. Raises `TriggerUnavailable` where the registry is away, `TriggerRefused` where they do not fit."""
    from clients.kafka.avro import AvroError  # noqa: PLC0415 - see `Schemas`
    from clients.kafka.registry import framed  # noqa: PLC0415

    try:
        await schemas.ask(schema)
        return framed(schema, schemas.known(schema).to_binary(payload))
    except RegistryUnavailable as exc:
        raise TriggerUnavailable(str(exc)) from exc
    except AvroError as exc:
        raise TriggerRefused(str(exc)) from exc
