"""The `generic` source: events that a user's own gRPC service streams."""

from base64 import b64encode
from contextlib import aclosing
from importlib.util import find_spec
from typing import Annotated, Self

import structlog
from pydantic import AfterValidator, Field, model_validator
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from clients.extras import needs_extra
from eventbus.event import Event
from manifests.fields import SecretRef, Spec, TLSConfig
from sources.handing_over import hand_over
from sources.http.endpoint import SourceFilter
from sources.http.payload import metadata_tail, now, random_id
from sources.json_text import NotJson, decoded
from sources.source import Emit, Source, SourceContext, SourceRefused, sources

logger = structlog.get_logger()

QUICK_ATTEMPTS = 3
"""Connections in quick succession before the reason is shown and the pauses grow, up to a minute."""


def _check_target(url: str) -> str:
    if url.startswith("unix:") and url.removeprefix("unix:").strip("/"):
        return url
    host, colon, port = url.removeprefix("dns:///").rpartition(":")
    if "/" in host or not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise ValueError(
            "expected host:port of a gRPC service, as events.shop.svc:8443, dns:///events.shop.svc:8443, or unix:/path"
        )
    return url


class GenericSpec(Spec):
    """Which service, and what it is told."""

    url: Annotated[str, AfterValidator(_check_target)]
    """`host:port` of the gRPC service, or `unix:/path`."""
    config: str = Field(min_length=1)
    """Text that is sent to the service; its meaning is the service's."""
    insecure: bool = False
    """Without TLS."""
    tls: TLSConfig | None = None
    """Certificates; without it, the service's certificate must be known to the system."""
    auth_secret: SecretRef | None = None
    """Token that is sent as `authorization: Bearer …`; read anew for each connection."""
    json_body: bool = False
    """The payload is JSON and becomes part of the data; otherwise it is base64 text."""
    metadata: dict[str, str] = {}
    """Copied into `data.metadata`."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _has_usable_tls(self) -> Self:
        if self.tls is None:
            return self
        if self.insecure:
            raise ValueError("insecure means without TLS; leave out either it or tls")
        if self.tls.insecure_skip_verify:
            raise ValueError("tls.insecureSkipVerify: gRPC cannot do that; name the certificate in tls.caCertSecret")
        if (self.tls.client_cert_secret is None) != (self.tls.client_key_secret is None):
            raise ValueError("tls.clientCertSecret and tls.clientKeySecret go together")
        return self


@sources.register("generic", spec=GenericSpec, active_passive=True)
class Generic(Source[GenericSpec]):
    """Emits `{"body": …, "metadata": …}` for each message of the stream.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/generic`; what differs is in `docs/sources/generic.md`.
    """

    members = frozenset(("body", "metadata"))

    def __init__(self, spec: GenericSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        if find_spec("grpc") is None:
            raise SourceRefused(needs_extra("gRPC", "grpc"))

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. Raises with the reason after some vain connections; the service then starts it again."""
        from sources.generic_stream import StreamEnded  # noqa: PLC0415 - an extra

        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(StreamEnded),
            stop=stop_after_attempt(QUICK_ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=0.2, max=5.0),
            before_sleep=lambda state: logger.info("stream_ended", source=str(self.context.road), attempt=state.attempt_number),
            sleep=self.context.clock.sleep,
            reraise=True,
        ):
            with attempt:
                await self._stream(emit)

    async def _stream(self, emit: Emit) -> None:
        from sources.generic_stream import Security, payloads  # noqa: PLC0415 - an extra

        tls = self.spec.tls or TLSConfig()
        token = self._read(self.spec.auth_secret)
        security = Security(
            plaintext=self.spec.insecure,
            ca=self._read(tls.ca_cert_secret),
            certificate=self._read(tls.client_cert_secret),
            key=self._read(tls.client_key_secret),
            token=None if token is None else _token(token),
        )
        stream = payloads(self.spec.url, self.context.road.name, self.spec.config.encode(), security)
        async with aclosing(stream) as received:
            async for payload in received:
                event = self._event(payload)
                if event is None:
                    emit.unusable()
                else:
                    await hand_over(emit, event, self.context)

    def _read(self, ref: SecretRef | None) -> bytes | None:
        return None if ref is None else self.context.values.secret(self.context.road.namespace, ref.name, ref.key).reveal()

    def _event(self, payload: bytes) -> Event | None:
        """The event of one message; None where it should be JSON and is not."""
        body = self._body(payload)
        if body is None:
            return None
        data = b'{"body":%b%b' % (body, metadata_tail(self.spec.metadata))
        return self.event(id=random_id(), time=now(), data=data)

    def _body(self, payload: bytes) -> bytes | None:
        """The body as JSON text. On the wire there is no payload and an empty one are the same."""
        if not payload:
            return b"null"
        if not self.spec.json_body:
            return b'"%b"' % b64encode(payload)
        try:
            decoded(payload)
        except NotJson:
            logger.error("payload_is_not_json", source=str(self.context.road), bytes=len(payload))
            return None
        return payload


def _token(value: bytes) -> str:
    """Raises `SourceRefused` where it can be no header's value."""
    text = value.decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        raise SourceRefused("authSecret: expected printable ASCII characters in one line")
    return text
