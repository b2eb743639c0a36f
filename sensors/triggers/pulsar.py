"""The `pulsar` trigger: one message, done when the broker has stored it.

Semantics: Argo Events' `pkg/sensors/triggers/pulsar`; what differs is in `docs/triggers/pulsar.md`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from clients.credentials import Credentials
from clients.kept_tls import KeptTLS
from clients.pulsar_connection import NOT_INSTALLED, PulsarWay, is_installed
from clients.tls import TLSMaterial
from eventbus.chain import Chain
from eventbus.firing import TriggerRef
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.parameters import compile_payload
from sensors.retry import RetryPolicy
from sensors.triggers.available import available
from sensors.triggers.certificates import Certificates
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.message import MessageTrigger
from sensors.triggers.pulsar_producers import PulsarMessage, PulsarProducers
from sensors.triggers.pulsar_spec import PulsarSpec
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

KEY_PROPERTY = "Idempotency-Key"


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: PulsarSpec, dialect: Dialect, kept: KeptTLS) -> None:
        self.spec = spec
        self.payload = compile_payload(spec.payload)
        self._kept = kept
        self._check_name = dialect is Dialect.TOCSIN if spec.tls_validate_hostname is None else spec.tls_validate_hostname

    def way(self, read: Credentials) -> PulsarWay:
        """How to connect, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""
        spec = self.spec
        tls = TLSMaterial(insecure=spec.tls_allow_insecure_connection)
        if spec.tls is not None or spec.tls_trust_certs_secret is not None:
            tls = self._kept.usable(lambda: self._material(read))
        token = "" if spec.tls is not None else read.text(spec.auth_token_secret).strip()
        return PulsarWay(spec.url, tls, self._check_name, token)

    def message(self, body: bytes, key: str, chain: Chain | None) -> PulsarMessage:
        """What is sent. The key and the place in a chain give way to properties that are declared."""
        told = {} if chain is None else dict(chain.headers())
        properties = {KEY_PROPERTY: key, **told, **self.spec.properties}
        return PulsarMessage(self.spec.topic, body, key, properties, self.spec.deduplicate)

    def pauses(self, key: str) -> Iterator[float]:
        """Seconds between the tries of connecting within one attempt."""
        if self.spec.connection_backoff is None:
            return
        policy = RetryPolicy.of(self.spec.connection_backoff)
        for number in range(1, policy.attempts):
            yield policy.delay_s(key, number) or 0.0

    def _material(self, read: Credentials) -> TLSMaterial:
        spec = self.spec
        login = TLSMaterial() if spec.tls is None else read.tls(spec.tls)
        return login._replace(ca=read.bytes(spec.tls_trust_certs_secret), insecure=spec.tls_allow_insecure_connection)


class PulsarTrigger(MessageTrigger[_Parts]):
    """One compiled pulsar trigger. Its producers are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        dialect = context.dialect
        kept = context.shared.get(Certificates).kept(TriggerRef(context.namespace, context.sensor, declared.name))
        super().__init__(Fitted(declared, PulsarSpec, lambda spec: _Parts(spec, dialect, kept), dialect=dialect))
        self._credentials = Credentials(context.namespace, context.values)
        self._producers = context.shared.get(PulsarProducers)

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Where it goes, properties and body; the body as JSON where it is JSON, else as text."""
        parts, body = self._read(request)
        shown = {"url": parts.spec.url, "topic": parts.spec.topic, "body": readable(body)}
        return {**shown, "properties": parts.spec.properties} if parts.spec.properties else shown

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Send the message and wait until the broker has stored it."""
        parts, body = self._read(request)
        with available():
            way = parts.way(self._credentials)
        message = parts.message(body or b"", idempotency_key, chain)
        return Delivered(detail=await self._producers.send(way, message, parts.pauses(idempotency_key)))


@triggers.register
class PulsarKind:
    """The kind `pulsar`."""

    key: ClassVar[str] = "pulsar"
    spec: ClassVar[type[Spec]] = PulsarSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and not is_installed():
            raise ValueError(NOT_INSTALLED)
        return PulsarTrigger(declared, context)
