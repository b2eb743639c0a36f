"""The `azureServiceBus` trigger: one message to a queue or topic, done when it has the message.

Semantics: Argo Events' `pkg/sensors/triggers/azure-service-bus`; what differs is in `docs/triggers/azure-service-bus.md`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from clients.credentials import Credentials
from clients.extras import needs_extra
from clients.kept_tls import KeptTLS
from clients.tls import TLSMaterial
from eventbus.firing import TriggerRef
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.parameters import compile_payload
from sensors.triggers.azure_connection import check_fits, read_connection
from sensors.triggers.azure_message import AzureWay
from sensors.triggers.azure_sending import is_installed
from sensors.triggers.azure_service_bus_sending import ServiceBusSenders
from sensors.triggers.azure_service_bus_spec import AzureServiceBusSpec, complete
from sensors.triggers.azure_trigger import AzureTrigger
from sensors.triggers.certificates import Certificates
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.rewriting import honoured, keeping
from sensors.triggers.trigger import Trigger, TriggerContext, triggers

NOT_INSTALLED = needs_extra("Azure Service Bus", "azure")


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: AzureServiceBusSpec, kept: KeptTLS) -> None:
        self.spec = spec
        self._secret = complete(spec)
        self.payload = compile_payload(spec.payload)
        self._kept = kept

    def way(self, read: Credentials) -> AzureWay:
        """How to connect, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""
        spec, tls = self.spec, self.spec.tls
        try:
            connection = read_connection(read.text(self._secret))
            check_fits(connection, spec.entity, encrypted=tls is not None)
        except ValueError as exc:
            raise ValueError(f"Secret {self._secret.name}, key {self._secret.key}: {exc}") from None
        return AzureWay(connection, spec.entity, TLSMaterial() if tls is None else self._kept.usable(lambda: read.tls(tls)))


class AzureServiceBusTrigger(AzureTrigger[_Parts]):
    """One compiled azureServiceBus trigger. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        fixed = ("connectionString", "queueName", "topicName", "tls")
        settle = keeping(*fixed) if context.dialect is Dialect.ARGO else honoured
        kept = context.shared.get(Certificates).kept(TriggerRef(context.namespace, context.sensor, declared.name))
        make = Fitted(declared, AzureServiceBusSpec, lambda spec: _Parts(spec, kept), dialect=context.dialect, settle=settle)
        super().__init__(declared, context, make, context.shared.get(ServiceBusSenders))

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Where it goes, and the body: as JSON where it is JSON, else as text."""
        parts, body = self._read(request)
        spec = parts.spec
        where = {"queueName": spec.queue_name} if spec.queue_name else {"topicName": spec.topic_name}
        return {**where, "body": readable(body)}


@triggers.register
class AzureServiceBusKind:
    """The kind `azureServiceBus`."""

    key: ClassVar[str] = "azureServiceBus"
    spec: ClassVar[type[Spec]] = AzureServiceBusSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and not is_installed("azure.servicebus"):
            raise ValueError(NOT_INSTALLED)
        return AzureServiceBusTrigger(declared, context)
