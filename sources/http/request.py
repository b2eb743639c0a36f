"""A request as the listener sees it: what aiohttp's parser made, and no more."""

from aiohttp import hdrs
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
        """Whether its connection can carry no request after it: what follows a tunnel is not HTTP."""
        message = self.message
        if message.should_close or not message.upgrade:
            return message.should_close
        return message.method == "CONNECT" or message.headers.get(hdrs.UPGRADE, "").lower() == "websocket"

    def _cancel(self, exc: BaseException) -> None:
        """Called by aiohttp when the client has left."""
        self.payload.set_exception(exc)
