"""Senders of Azure Service Bus."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, ClassVar

from clients.tls import tls_context
from sensors.triggers.azure_message import AzureMessage, AzureWay
from sensors.triggers.azure_sending import Opened, Senders, Verdict, socket_of

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusSender


class ServiceBusSenders(Senders["ServiceBusSender"]):
    """Sends to queues and topics."""

    library: ClassVar[str] = "azure.servicebus.aio"

    async def connect(self, way: AzureWay) -> "Opened[ServiceBusSender]":
        """Connect and log in. Raises errors of the library, and `ValueError` where certificates cannot be used."""
        from azure.servicebus.aio import ServiceBusClient  # noqa: PLC0415 - only a process that talks to Azure pays for it

        client = ServiceBusClient.from_connection_string(
            way.connection.text,
            retry_total=0,  # a firing's attempts are the outbox's
            ssl_context=None if way.connection.plain else tls_context(way.tls),
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(client)
            # Its pings would run on for as long as nobody sends, and closing would wait for them.
            sender = client.get_queue_sender(way.entity, keep_alive=None)  # to a topic it is the same
            await stack.enter_async_context(sender)
            socket = socket_of(sender._handler)  # noqa: SLF001 - see there
            largest: int = sender._max_message_size_on_link or 0  # noqa: SLF001 - there is no other way
            return Opened(sender, stack.pop_all(), socket, largest)

    async def transmit(self, sender: "ServiceBusSender", message: AzureMessage) -> None:
        """Return once the queue or topic has the message."""
        from azure.servicebus import ServiceBusMessage  # noqa: PLC0415 - see above

        told = ServiceBusMessage(message.body, message_id=message.id)
        told.application_properties = message.properties
        await sender.send_messages(told)

    def verdict(self, exc: Exception) -> Verdict:
        """What an error means."""
        from azure.servicebus import exceptions  # noqa: PLC0415 - see above

        match exc:
            case exceptions.ServiceBusAuthenticationError():
                return Verdict.LOGIN
            case exceptions.ServiceBusConnectionError() | exceptions.ServiceBusCommunicationError() | OSError():
                return Verdict.LATER if isinstance(exc, TimeoutError) else Verdict.LOST
            case (
                exceptions.MessagingEntityNotFoundError()
                | exceptions.MessageSizeExceededError()
                | exceptions.ServiceBusAuthorizationError()
            ):
                return Verdict.NEVER
        return Verdict.LATER
