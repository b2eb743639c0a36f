"""Senders of Azure Event Hubs."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, ClassVar

from clients.tls import tls_context
from sensors.triggers.azure_message import AzureMessage, AzureWay
from sensors.triggers.azure_sending import Opened, Senders, Verdict, socket_of

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubProducerClient
    from azure.eventhub.aio._producer_async import EventHubProducer

_NEVER = frozenset({"not-found", "unauthorized-access", "link:message-size-exceeded"})
_LOST = frozenset({None, "socket-error", "unknown-error", "connection:forced", "connection:framing-error", "link:detach-forced"})
"""Conditions of AMQP errors, without `amqp:`; None: the library names none."""


class EventHubsSenders(Senders["EventHubProducer"]):
    """Sends to hubs, which choose a partition for each event."""

    library: ClassVar[str] = "azure.eventhub.aio"

    async def connect(self, way: AzureWay) -> "Opened[EventHubProducer]":
        """Connect and log in. Raises errors of the library."""
        from azure.eventhub.aio import EventHubProducerClient  # noqa: PLC0415 - only a process that talks to Azure pays for it

        client = EventHubProducerClient.from_connection_string(
            way.connection.text,
            eventhub_name=way.entity,
            retry_total=0,  # a firing's attempts are the outbox's
            ssl_context=None if way.connection.plain else tls_context(way.tls),
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(client)
            producer = _producer(client)
            stack.push_async_callback(producer.close)
            await producer._open_with_retry()  # noqa: SLF001 - to know that it works before anything is sent
            largest: int = producer._max_message_size_on_link or 0  # noqa: SLF001 - what is larger ends the link
            return Opened(producer, stack.pop_all(), socket_of(producer._handler), largest)  # noqa: SLF001 - see there

    async def transmit(self, sender: "EventHubProducer", message: AzureMessage) -> None:
        """Return once the hub has the event."""
        from azure.eventhub import EventData  # noqa: PLC0415 - see above

        event = EventData(message.body)
        event.message_id = message.id
        event.properties = message.properties
        await sender.send(event)

    def verdict(self, exc: Exception) -> Verdict:
        """What an error means."""
        from azure.eventhub import exceptions  # noqa: PLC0415 - see above

        if isinstance(exc, exceptions.AuthenticationError):
            return Verdict.LOGIN
        if not isinstance(exc, exceptions.EventHubError):
            return Verdict.LOST if isinstance(exc, OSError) and not isinstance(exc, TimeoutError) else Verdict.LATER
        if exc.error in _NEVER:
            return Verdict.NEVER
        ended = isinstance(exc, (exceptions.ConnectError, exceptions.ConnectionLostError)) and exc.error in _LOST
        return Verdict.LOST if ended else Verdict.LATER


def _producer(client: "EventHubProducerClient") -> "EventHubProducer":
    """What the client sends by. Asked to send itself, it would send again by itself after an error."""
    return client._create_producer()  # noqa: SLF001 - see above
