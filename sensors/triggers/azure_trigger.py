"""What the triggers of Azure's messaging have in common: one message to one entity, done when the service has it."""

from typing import Protocol, TypeVar

from clients.credentials import Credentials
from eventbus.chain import Chain
from manifests.objects import DeclaredTrigger
from sensors.triggers.available import available
from sensors.triggers.azure_message import AzureMessage, AzureWay, told_message
from sensors.triggers.fitted import Fitted
from sensors.triggers.message import MessageTrigger, Parts
from sensors.triggers.trigger import Delivered, TriggerContext


class AzureParts(Parts, Protocol):
    """One declaration compiled."""

    def way(self, read: Credentials) -> AzureWay:
        """How to connect, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""


class Sending(Protocol):
    """The connections of a service to one of Azure's kinds of entities."""

    async def send(self, way: AzureWay, message: AzureMessage, *, repeatable: bool) -> None:
        """Return when the entity has the message. Raises `TriggerUnavailable` and `TriggerRefused`."""


PartsT = TypeVar("PartsT", bound=AzureParts)


class AzureTrigger(MessageTrigger[PartsT]):
    """Sends; a kind's module says what is shown. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext, fitted: Fitted[PartsT], senders: Sending) -> None:
        super().__init__(fitted)
        self._repeatable = declared.head.at_least_once is not False
        self._credentials = Credentials(context.namespace, context.values)
        self._senders = senders

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Send the message and wait until the service has it."""
        parts, body = self._read(request)
        with available():
            way = parts.way(self._credentials)
        await self._senders.send(way, told_message(body or b"", idempotency_key, chain), repeatable=self._repeatable)
        return Delivered()
