"""One client connection: aiohttp's parser and request loop, without its request and response objects.

Three things are added to aiohttp's handler. The bytes and the time of a request's headers are bounded as a whole. A
request that ends in a parse error is told so at once instead of waiting for the rest of its body. And errors of clients
are answered and counted, not logged with a traceback each.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from sources.http.answers import Answer, Refused, problem
from sources.http.limits import Limits


class Request:
    """A request as aiohttp's handler needs it, and no more."""

    __slots__ = ("_task", "connection", "message", "payload")

    def __init__(self, message: RawRequestMessage, payload: StreamReader, connection: "Connection") -> None:
        self.message = message
        self.payload = payload
        self.connection = connection
        self._task: object = None

    def _finish(self) -> None:
        """Nothing to release."""

    def _cancel(self, exc: BaseException) -> None:
        self.payload.set_exception(exc)


class Response:
    """Writes an `Answer` when aiohttp's handler asks for it."""

    __slots__ = ("_answer", "_request")

    def __init__(self, request: Request, answer: Answer) -> None:
        self._request = request
        self._answer = answer

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may take another request."""
        return not self._answer.close

    async def prepare(self, request: Request) -> None:
        """Nothing goes out before the answer is whole."""

    async def write_eof(self) -> None:
        """Write the answer, in one piece; before closing, let the client finish what it is sending."""
        connection = self._request.connection
        transport = connection.transport
        if transport is None or transport.is_closing():
            return
        transport.write(self._answer.wire)
        if connection.writing_paused:
            await connection.until_written()
        if self._answer.close and not self._request.payload.is_eof():
            await connection.linger(self._request.payload)


Handle = Callable[[Request], Awaitable[Response]]


class Connection(web.RequestHandler):
    """One connection of one client."""

    __slots__ = ("_head_bytes", "_head_timer", "_limits", "_note")

    def __init__(self, server: "ConnectionServer", loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=cast("Any", None),  # a log line for every request costs more than the request
            keepalive_timeout=limits.idle_timeout_s,
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            max_headers=limits.headers,
            lingering_time=0,  # ours is bounded in bytes, too
            read_bufsize=64 * 1024,
            auto_decompress=False,  # the limit counts raw bytes first
        )
        self._limits = limits
        self._note = server.note
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Parse `data`."""
        super().data_received(data)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            self._count_head(len(data))
        elif self._head_bytes:
            self._head_ended()
        if self._messages and type(self._messages[-1][0]) is _ErrInfo:
            self._tell_readers()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what runs for this connection."""
        self._head_ended()
        super().connection_lost(exc)

    def _count_head(self, size: int) -> None:
        """Note that `size` bytes came and no request is complete: all of it is headers."""
        self._head_bytes += size
        if self._head_bytes > self._limits.head_bytes:
            self._refuse_head(Refused(431, "the headers are too large; send fewer or shorter ones", close=True))
        elif self._head_timer is None and size:
            self._head_timer = self._loop.call_later(self._limits.head_timeout_s, self._head_is_late)

    def _head_ended(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self._refuse_head(Refused(408, "the headers did not arrive in time; send the request again", close=True))

    def _refuse_head(self, refused: Refused) -> None:
        self._note(refused.status)
        if self.transport is not None:
            self.transport.write(problem(refused).wire)
        self._head_ended()
        self.force_close()

    def _tell_readers(self) -> None:
        """Wake whoever reads a body that a parse error cut off: the parser only reports the error as one more request."""
        request = cast("Request | None", self._current_request)
        bodies = [payload for _, payload in self._messages]
        for payload in [*bodies, request.payload] if request is not None else bodies:
            if not payload.is_eof() and payload.exception() is None:
                payload.set_exception(RequestPayloadError("the request is malformed"))

    def handle_error(self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None) -> Any:
        """Answer what aiohttp's parser, or nobody, could handle; always closes."""
        refused = _parse_refusal(exc) if status == 400 else Refused(500, "an error of this service; see its log", close=True)
        self._note(refused.status)
        return Response(request, problem(refused))

    async def until_written(self) -> None:
        """Wait until the client took its answers; a client that does not is cut off."""
        try:
            async with asyncio.timeout(self._limits.write_timeout_s):
                await self._drain_helper()
        except (TimeoutError, asyncio.CancelledError) as exc:
            if self.transport is not None:
                self.transport.abort()  # closing would go on waiting for the client
            if isinstance(exc, asyncio.CancelledError):
                raise

    async def linger(self, payload: StreamReader) -> None:
        """Discard a little of what a refused client still sends: closing at once could reset away its answer."""
        left = self._limits.linger_bytes
        try:
            async with asyncio.timeout(self._limits.linger_s):
                while left > 0 and not payload.is_eof():
                    left -= len(await payload.readany())
        except (TimeoutError, ConnectionError, RequestPayloadError, RuntimeError):
            return


def _parse_refusal(exc: BaseException | None) -> Refused:
    """What a client is told whose request aiohttp's parser refused; the parser's own text would echo the request."""
    if isinstance(exc, LineTooLong):
        return Refused(431, "a header or the request line is too long; shorten it", close=True)
    if exc is not None and "Too many headers" in str(exc):
        return Refused(431, "there are too many headers; send fewer", close=True)
    return Refused(400, "this is not a well-formed HTTP/1.1 request", close=True)


class ConnectionServer(web.Server):
    """aiohttp's low-level server, making connections of our kind."""

    def __init__(self, handle: Handle, *, limits: Limits, note: Callable[[int], None]) -> None:
        super().__init__(cast("Any", handle), request_factory=cast("Any", _request))
        self._limits = limits
        self.note = note

    def __call__(self) -> Connection:
        """A protocol for one connection."""
        return Connection(self, self._loop, self._limits)

    def __len__(self) -> int:
        return len(self._connections)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: BaseProtocol,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> Request:
    return Request(message, payload, cast("Connection", protocol))
