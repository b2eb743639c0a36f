"""A registry of Avro schemas, as Confluent's and those that speak its protocol: schemas by id, asked for once.

Semantics: Confluent Schema Registry API, `GET /schemas/ids/{id}`; the wire format is a zero byte, the id in four
bytes, and the value.
"""

from base64 import b64encode
from collections.abc import Mapping
from time import monotonic
from typing import NamedTuple

import aiohttp
import msgspec

from clients.credentials import Credentials
from clients.kafka.avro import AvroError, Codec
from clients.kafka.connection import RegistryUnavailable
from clients.kafka.declared import SchemaRegistry
from manifests.secrets import SecretMissing, Values

TIMEOUT_S = 5.0
REMEMBER_REFUSAL_S = 30.0
"""Seconds until a schema that the registry does not have is asked for again."""
MOST_BYTES = 4 * 1024 * 1024
MOST_REFUSALS = 4096
"""Schemas that are remembered not to be there; more than the records that are asked for together, and anybody can name many."""
_NO_SCHEMA = 40403
_HEADER_BYTES = 5


class NoSuchSchema(AvroError):
    """The registry answers, and has no such Avro schema."""


class _Answer(msgspec.Struct):
    schema: str = ""
    schema_type: str = msgspec.field(name="schemaType", default="AVRO")
    references: list[object] = []
    error_code: int = 0


class _Refused(NamedTuple):
    reason: str
    until: float


class Schemas:
    """The schemas of one declared registry."""

    def __init__(self, registry: SchemaRegistry, *, namespace: str, values: Values) -> None:
        self._registry, self._namespace, self._values = registry, namespace, values
        self._url = registry.url.rstrip("/")
        self._codecs: dict[int, Codec] = {}
        self._refused: dict[int, _Refused] = {}

    def known(self, id: int) -> Codec:
        """The schema `id`, which was `ask`ed for. Raises `NoSuchSchema`."""
        if id in self._refused:
            raise NoSuchSchema(self._refused[id].reason)
        return self._codecs[id]

    async def ask(self, id: int) -> None:
        """Have the registry's word about the schema `id`. Raises `RegistryUnavailable`."""
        refused = self._refused.get(id)
        if id in self._codecs or (refused is not None and monotonic() < refused.until):
            return
        try:
            self._codecs[id] = Codec(await self._fetch(id))
            self._refused.pop(id, None)
        except AvroError as exc:
            self._refused.pop(id, None)  # so that the oldest comes first
            self._refused[id] = _Refused(f"schemaRegistry: schema {id}: {exc}", monotonic() + REMEMBER_REFUSAL_S)
            if len(self._refused) > MOST_REFUSALS:
                del self._refused[next(iter(self._refused))]

    async def _fetch(self, id: int) -> str:
        try:
            status, body = await self._get(f"{self._url}/schemas/ids/{id}")
            answer = msgspec.json.decode(body, type=_Answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise RegistryUnavailable(f"schemaRegistry {self._url}: {str(exc) or type(exc).__name__}") from exc
        except (SecretMissing, ValueError) as exc:
            raise RegistryUnavailable(f"schemaRegistry {self._url}: {exc}") from exc
        if answer.error_code == _NO_SCHEMA:
            raise NoSuchSchema("the registry does not have it")
        if status != 200 or not answer.schema:
            hint = "; check schemaRegistry.auth" if status in (401, 403) else "; is it the address of a registry?"
            raise RegistryUnavailable(f"schemaRegistry {self._url}: answered {status} to schema {id}{hint}")
        if answer.schema_type != "AVRO" or answer.references:
            raise NoSuchSchema("it refers to other schemas, which is not supported" if answer.references else "it is not Avro")
        return answer.schema

    async def _get(self, url: str) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json", **self._login()}
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            body = await _whole(answer.content)
            return answer.status, body if body.startswith(b"{") else b"{}"

    def _login(self) -> Mapping[str, str]:
        """Read anew each time; both parts have to be there."""
        auth = self._registry.auth
        if auth is None or auth.username is None or auth.password is None:
            return {}
        read = Credentials(self._namespace, self._values)
        user, password = read.text(auth.username), read.text(auth.password)
        return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """A body, which may come in pieces. Raises `ValueError` where it is too large."""
    read = bytearray()
    while piece := await content.read(MOST_BYTES):
        read += piece
        if len(read) > MOST_BYTES:
            raise ValueError(f"the answer is larger than {MOST_BYTES >> 20} MiB")
    return bytes(read)


def schema_of(value: bytes) -> int:
    """The id of the schema that a record's value names. Raises `AvroError`."""
    if len(value) < _HEADER_BYTES or value[0]:
        raise AvroError("the value does not begin with a zero byte and the id of its schema")
    return int.from_bytes(value[1:_HEADER_BYTES], "big")


def avro_part(value: bytes) -> bytes:
    """What follows the schema's id."""
    return value[_HEADER_BYTES:]


def framed(id: int, value: bytes) -> bytes:
    """A record's value: the schema's id, and what is encoded by it."""
    return b"\0" + id.to_bytes(4, "big") + value
