"""One client connection: aiohttp's parser and connection, without its request and response objects, and with a loop of our own.

Four things are added to aiohttp's handler. The bytes and the time of a request's headers are bounded as a whole. A
request that ends in a parse error is told so at once instead of waiting for the rest of its body. A client that has closed its
side is answered all the same. And errors of clients are answered and counted, not logged with a traceback each.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from sources.http.answers import Answer, Refused, problem
from sources.http.limits import Limits
from sources.http.request import Request

Handle = Callable[[Request], Awaitable[Answer]]


class Connection(web.RequestHandler):
    """One connection of one client."""

    __slots__ = ("_all_said", "_handle", "_head_bytes", "_head_timer", "_limits", "_note")

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
        self._handle = server.handle
        self._all_said = False
        """Whether the client has closed its side."""
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Answer the requests of this connection one after another.

        In place of aiohttp's loop, which makes a task, a writer and a response for each: 3 of 23 µs of CPU for a webhook.
        """
        try:
            while not self._force_close:
                message, payload = await self._next()
                if not await self._answered(message, payload) or (self._all_said and not self._messages):
                    break
                self._stay_open()
        except BaseException:  # cancelled, too: nobody reads this connection any more
            self.force_close()
            raise
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _next(self) -> tuple[Any, StreamReader]:
        """The next request, or what was wrong with it."""
        if not self._messages:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message, payload = cast("tuple[Any, StreamReader]", self._messages.popleft())
        self._give_room()
        return message, payload

    def _give_room(self) -> None:
        """Tell the parser that a request was taken: it reads no more than a few ahead."""
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()

    async def _answered(self, message: Any, payload: StreamReader) -> bool:
        """Answer one request; whether the connection may take another."""
        request = Request(message, payload, self)
        self._request_in_progress = True
        self._current_request = cast("Any", request)
        try:
            if type(message) is _ErrInfo:
                answer = self._malformed(message)
            else:
                answer = await self._handle(request)
            self._current_request = None
            await self._write(answer, payload)
        except ConnectionError:
            return False
        finally:
            self._current_request = None
            self._request_in_progress = False
            if self._handler_waiter is not None:
                self._handler_waiter.set_result(None)
        self._keepalive = not (answer.close or self._close or self._force_close or self._upgraded) and payload.is_eof()
        return self._keepalive

    async def _write(self, answer: Answer, payload: StreamReader) -> None:
        """Write the answer, in one piece; before closing, let the client finish what it is sending."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(answer.wire)
        if self._paused:
            await self.until_written()
        if answer.close and not payload.is_eof():
            await self.linger(payload)

    def _stay_open(self) -> None:
        """Begin to count how long the connection is idle."""
        self._next_keepalive_close_time = at = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(at, self._process_keepalive)

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

    def eof_received(self) -> bool | None:  # type: ignore[override]  # aiohttp's always closes
        """Note that the client sends nothing more; true keeps the connection until what it sent as a whole is answered.

        Over TLS the end of one side is the end of both.
        """
        request = cast("Request | None", self._current_request)
        owed = [payload for _, payload in self._messages] + ([request.payload] if request is not None else [])
        self._all_said = bool(owed) and all(payload.is_eof() for payload in owed) and self.ssl_context is None
        return self._all_said

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

    def _malformed(self, error: _ErrInfo) -> Answer:
        """Answer what aiohttp's parser could not read; always closes."""
        refused = _parse_refusal(error.exc)
        self._note(refused.status)
        return problem(refused)

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
        super().__init__(cast("Any", handle))
        self._limits = limits
        self.handle = handle
        self.note = note

    def __call__(self) -> Connection:
        """A protocol for one connection."""
        return Connection(self, self._loop, self._limits)

    def __len__(self) -> int:
        return len(self._connections)
