"""The stream of a user's gRPC service. The only module of sources that imports gRPC."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from clients.grpc_library import grpc
from sources.generic_wire import METHOD, EventMessage, EventSourceMessage

_OPTIONS = (
    # Servers refuse to be asked more often than that; less often, and a cut line is noticed late.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.enable_retries", 0),
)


class StreamEnded(Exception):
    """The service cannot be reached, or ended the stream. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What a connection needs beside its address. PEM bytes; it never prints."""

    plaintext: bool
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return "Security(***)"


async def payloads(url: str, name: str, config: bytes, security: Security) -> AsyncGenerator[bytes, None]:
    """The payloads that the service at `url` streams for `name`. Always ends by raising `StreamEnded`, or cancelled."""
    metadata = (("authorization", f"Bearer {security.token}"),) if security.token is not None else ()
    async with _channel(url, security) as channel:
        start = channel.unary_stream(
            METHOD, request_serializer=EventSourceMessage.SerializeToString, response_deserializer=EventMessage.FromString
        )
        try:
            async for message in start(EventSourceMessage(name=name, config=config), metadata=metadata):
                yield message.payload
        except grpc.aio.AioRpcError as exc:
            raise StreamEnded(f"{url}: {exc.code().name}: {exc.details()}") from None
    raise StreamEnded(f"{url}: the service ended the stream")


def _channel(url: str, security: Security) -> grpc.aio.Channel:
    if security.plaintext:
        return grpc.aio.insecure_channel(url, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(security.ca, security.key, security.certificate)
    return grpc.aio.secure_channel(url, credentials, options=_OPTIONS)
