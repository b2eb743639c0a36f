"""What is sent by Azure's messaging, and where to."""

from typing import Any, NamedTuple

from clients.tls import TLSMaterial
from eventbus.chain import Chain
from sensors.triggers.azure_connection import Connection

KEY = "Idempotency-Key"


class AzureWay(NamedTuple):
    """An entity as one identity sees it. It never prints a secret."""

    connection: Connection
    entity: str
    tls: TLSMaterial = TLSMaterial()
    lane: int = 0
    """Which of several connections."""

    def __repr__(self) -> str:
        return f"AzureWay({self.where})"

    @property
    def where(self) -> str:
        """The entity, for messages."""
        return f"{self.entity} at {self.connection.host}"


class AzureMessage(NamedTuple):
    """What is sent."""

    body: bytes
    id: str
    properties: dict[str | bytes, Any]


def told_message(body: bytes, key: str, chain: Chain | None) -> AzureMessage:
    """A message with the firing's id, by which a repeat is recognised, and its place in a chain."""
    properties: dict[str | bytes, Any] = {KEY: key}
    properties.update(chain.headers() if chain is not None else ())
    return AzureMessage(body, key, properties)


class TooLarge(Exception):
    """The service has said that it takes no message of this size."""

    def __init__(self, size_bytes: int, largest_bytes: int) -> None:
        super().__init__(f"the message has {size_bytes} bytes, and no more than {largest_bytes} are taken")


def check_size(message: AzureMessage, largest_bytes: int) -> None:
    """Raise `TooLarge` where the service takes no message of this size; 0: it did not say."""
    if 0 < largest_bytes < len(message.body):
        raise TooLarge(len(message.body), largest_bytes)
