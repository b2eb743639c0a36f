"""A request as the listener sees it: what aiohttp's parser made, and no more."""

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader


class Request:
    """One request of one connection."""

    __slots__ = ("connection", "message", "payload")

    def __init__(self, message: RawRequestMessage, payload: StreamReader, connection: BaseProtocol) -> None:
        self.message = message
        self.payload = payload
        self.connection = connection

    @property
    def last(self) -> bool:
        """Whether its connection carries no request after it.

        What follows a tunnel is not HTTP, and aiohttp's parser loses what comes with a wish for another protocol.
        """
        return self.message.should_close or self.message.upgrade

    def _cancel(self, exc: BaseException) -> None:
        """Called by aiohttp when the client has left, however the network puts it, and at a stop."""
        lost = isinstance(exc, OSError) and not isinstance(exc, ConnectionError)
        self.payload.set_exception(ConnectionResetError(str(exc)) if lost else exc)
