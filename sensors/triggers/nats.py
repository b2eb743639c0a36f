"""The `nats` trigger: one message, done when the server, or a stream, has it.

Semantics: Argo Events' `pkg/sensors/triggers/nats`; what differs is in `docs/triggers/nats.md`.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from clients.credentials import Credentials
from clients.extras import needs_extra
from clients.kept_tls import KeptTLS
from eventbus.chain import Chain
from eventbus.firing import TriggerRef
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.parameters import compile_payload
from sensors.triggers.available import available
from sensors.triggers.certificates import Certificates
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.message import MessageTrigger
from sensors.triggers.nats_connections import NatsConnections, NatsMessage, NatsWay
from sensors.triggers.nats_spec import NatsAuth, NatsSpec, servers, shown_url
from sensors.triggers.rewriting import honoured, keeping
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

KEY_HEADER = "Idempotency-Key"
STREAM_KEY_HEADER = "Nats-Msg-Id"
"""By this a stream recognises a repeat, for as long as its window of duplicates lasts."""
NOT_INSTALLED = needs_extra("NATS", "nats")


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: NatsSpec, kept: KeptTLS) -> None:
        self._kept = kept
        self.spec = spec
        self.payload = compile_payload(spec.payload)
        self._servers, self._where = servers(spec.url), f"NATS at {shown_url(spec.url)}"

    def way(self, read: Credentials) -> NatsWay:
        """How to connect, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""
        tls = self.spec.tls
        way = NatsWay(self._servers, self._where, None if tls is None else self._kept.usable(lambda: read.tls(tls)))
        auth = self.spec.auth or NatsAuth()
        if auth.basic is not None:
            return way._replace(user=read.text(auth.basic.username), password=read.text(auth.basic.password))
        if auth.token is not None:
            return way._replace(token=read.text(auth.token))
        if auth.nkey is not None:
            return way._replace(seed=read.text(auth.nkey).strip())
        return way._replace(credentials=read.text(auth.credential))

    def message(self, body: bytes, key: str, chain: Chain | None) -> NatsMessage:
        """What is published. The keys and the place in a chain give way to headers that are declared."""
        told = {} if chain is None else dict(chain.headers())
        headers = {STREAM_KEY_HEADER: key, KEY_HEADER: key, **told, **self.spec.headers}
        stream = None if self.spec.jetstream is None else self.spec.jetstream.stream
        return NatsMessage(self.spec.subject, body, headers, stream)


class NatsTrigger(MessageTrigger[_Parts]):
    """One compiled nats trigger. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        dialect = context.dialect
        # The original takes the subject from the template.
        settle = keeping("subject") if dialect is Dialect.ARGO else honoured
        kept = context.shared.get(Certificates).kept(TriggerRef(context.namespace, context.sensor, declared.name))
        super().__init__(Fitted(declared, NatsSpec, lambda spec: _Parts(spec, kept), dialect=dialect, settle=settle))
        self._credentials = Credentials(context.namespace, context.values)
        self._connections = context.shared.get(NatsConnections)

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Where it goes, headers and body; the body as JSON where it is JSON, else as text."""
        parts, body = self._read(request)
        shown = {"url": shown_url(parts.spec.url), "subject": parts.spec.subject, "body": readable(body)}
        return {**shown, "headers": parts.spec.headers} if parts.spec.headers else shown

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Publish the message and wait until the server, or a stream, has it."""
        parts, body = self._read(request)
        with available():
            way = parts.way(self._credentials)
        message = parts.message(body or b"", idempotency_key, chain)
        return Delivered(detail=await self._connections.publish(way, message))


@triggers.register
class NatsKind:
    """The kind `nats`."""

    key: ClassVar[str] = "nats"
    spec: ClassVar[type[Spec]] = NatsSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and find_spec("nats") is None:
            raise ValueError(NOT_INSTALLED)
        return NatsTrigger(declared, context)
