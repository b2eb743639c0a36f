"""The `azureEventHubs` trigger: one event to a hub, done when the hub has it.

Semantics: Argo Events' `pkg/sensors/triggers/azure-event-hubs`; what differs is in `docs/triggers/azure-event-hubs.md`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from clients.credentials import Credentials
from clients.extras import needs_extra
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.parameters import compile_payload
from sensors.triggers.azure_connection import key_connection
from sensors.triggers.azure_event_hubs_sending import EventHubsSenders
from sensors.triggers.azure_event_hubs_spec import AzureEventHubsSpec, complete
from sensors.triggers.azure_message import AzureWay
from sensors.triggers.azure_sending import is_installed
from sensors.triggers.azure_trigger import AzureTrigger
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.rewriting import honoured, keeping
from sensors.triggers.trigger import Trigger, TriggerContext, triggers

NOT_INSTALLED = needs_extra("Azure Event Hubs", "azure")


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: AzureEventHubsSpec) -> None:
        self.spec = spec
        self._login = complete(spec)
        self.payload = compile_payload(spec.payload)

    def way(self, read: Credentials) -> AzureWay:
        """How to connect, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""
        name, key = read.text(self._login.name).strip(), read.text(self._login.key).strip()
        return AzureWay(key_connection(self.spec.fqdn, name, key), self.spec.hub_name)


class AzureEventHubsTrigger(AzureTrigger[_Parts]):
    """One compiled azureEventHubs trigger. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        fixed = ("fqdn", "hubName", "sharedAccessKeyName", "sharedAccessKey")
        settle = keeping(*fixed) if context.dialect is Dialect.ARGO else honoured
        make = Fitted(declared, AzureEventHubsSpec, _Parts, dialect=context.dialect, settle=settle)
        super().__init__(declared, context, make, context.shared.get(EventHubsSenders))

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Where it goes, and the body: as JSON where it is JSON, else as text."""
        parts, body = self._read(request)
        return {"fqdn": parts.spec.fqdn, "hubName": parts.spec.hub_name, "body": readable(body)}


@triggers.register
class AzureEventHubsKind:
    """The kind `azureEventHubs`."""

    key: ClassVar[str] = "azureEventHubs"
    spec: ClassVar[type[Spec]] = AzureEventHubsSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and not is_installed("azure.eventhub"):
            raise ValueError(NOT_INSTALLED)
        return AzureEventHubsTrigger(declared, context)
