"""Calling the gRPC services of `custom` triggers over connections that triggers share."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from clients.grpc_library import grpc
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.custom_wire import EXECUTE, FETCH, JUDGE, Rpc
from sensors.triggers.pool import Pool

LARGEST_BYTES = 4 * 1024 * 1024
"""The largest answer that is read; what a service reads is its own business."""
REMEMBERED = 256
"""Executions whose judgement is open; of each, up to `REMEMBERED_BYTES` of the answer."""
REMEMBERED_BYTES = 64 * 1024
_SAID_CHARACTERS = 300

_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_BYTES),
    # Retrying is the outbox's business, and a service that is back is called at the next attempt, not some minutes later.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.min_reconnect_backoff_ms", 5000),
    # A rotated certificate gets a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
)
_LASTING = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)


class CustomWay(NamedTuple):
    """A service as one trigger reaches it."""

    target: str
    where: str
    """The service, for messages."""
    ca: bytes | None = None
    """PEM; None: without TLS."""
    server_name: str = ""


class Action(NamedTuple):
    """What the service is to do."""

    resource: bytes
    change: Callable[[bytes], bytes]
    """Makes of the resource that the service fetched the one to execute."""
    payload: bytes
    key: str
    metadata: tuple[tuple[str, str], ...]
    timeout_s: float


class CustomServices(Pool[CustomWay, grpc.aio.Channel]):
    """Has services act. What was executed and not yet judged is not executed again, for as long as this process lives."""

    def __init__(self) -> None:
        super().__init__()
        self._executed: OrderedDict[str, bytes] = OrderedDict()

    async def act(self, way: CustomWay, action: Action) -> str:
        """Fetch the resource, execute it, have the outcome judged. Returns what the service said about it.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, the service may or may not have acted.
        """
        until = asyncio.get_running_loop().time() + action.timeout_s
        async with self.client(way) as channel:
            call = _Calls(channel, way.where, action.metadata, until)
            response = self._executed.get(action.key)
            if response is None:
                fetched = await call(FETCH, resource=action.resource)
                done = await call(EXECUTE, resource=action.change(fetched.resource), payload=action.payload)
                response = done.response
                self._remember(action.key, response)
            judged = await call(JUDGE, request=response)
        self._executed.pop(action.key, None)
        if not judged.success:
            raise TriggerUnavailable(f"{way.where}: ApplyPolicy: not a success{_tail(judged.message)}")
        return _plain(judged.message)

    async def open(self, way: CustomWay) -> grpc.aio.Channel:
        """A channel, which connects when it is used."""
        if way.ca is None:
            return grpc.aio.insecure_channel(way.target, options=_OPTIONS)
        named = (("grpc.ssl_target_name_override", way.server_name),) if way.server_name else ()
        return grpc.aio.secure_channel(way.target, grpc.ssl_channel_credentials(way.ca), options=(*_OPTIONS, *named))

    async def close(self, client: grpc.aio.Channel) -> None:
        """Close it."""
        await client.close()

    def _remember(self, key: str, response: bytes) -> None:
        if len(response) <= REMEMBERED_BYTES:
            self._executed[key] = response
            if len(self._executed) > REMEMBERED:
                self._executed.popitem(last=False)


class _Calls:
    """Calls of one attempt, each with what is left of its time."""

    def __init__(self, channel: grpc.aio.Channel, where: str, metadata: tuple[tuple[str, str], ...], until: float) -> None:
        self._channel, self._where, self._metadata, self._until = channel, where, metadata, until

    async def __call__(self, rpc: Rpc, **fields: Any) -> Any:
        call = self._channel.unary_unary(
            rpc.path, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.answer.FromString
        )
        left_s = max(0.0, self._until - asyncio.get_running_loop().time())
        try:
            return await call(rpc.request(**fields), timeout=left_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as exc:
            raise _judged(exc, f"{self._where}: {rpc.name}") from None


def _judged(exc: grpc.aio.AioRpcError, where: str) -> TriggerRefused | TriggerUnavailable:
    code, details = exc.code(), exc.details() or ""
    # Both libraries say `RESOURCE_EXHAUSTED` here, too, and it does not get smaller.
    too_large = "message larger than max" in details.lower()
    lasting = code in _LASTING or too_large
    return (TriggerRefused if lasting else TriggerUnavailable)(f"{where}: {code.name}{_tail(details)}")


def _tail(text: str) -> str:
    plain = _plain(text)
    return f": {plain}" if plain else ""


def _plain(text: str) -> str:
    """What a service said, on one line."""
    printable = "".join(char if char.isprintable() else " " for char in text[: 10 * _SAID_CHARACTERS])
    return " ".join(printable.split())[:_SAID_CHARACTERS]
