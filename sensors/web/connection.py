"""Connections that know when a request went into one that its server had just closed.

A server may close a kept connection at any moment, also while a request is on its way into it. Such a request was not processed,
and where that can be told it is no failed attempt: the client sends it again at once, under the same key, on a new connection.

What the kernel of Linux says is the evidence. A request on a used connection, of whose answer not a byte came, was not processed

- where not all of it was written, or the end of the connection came and acknowledged less than what was sent: the server had
  closed before it had the request;
- where writing, or reading after that end, fails with EPIPE: the server's system rejected what came after the end;
- where the connection was reset: a server that closes with unread bytes before it resets. A program can also reset on purpose
  after it acted, so this is taken as evidence only where a repeat is harmless.

An orderly end that acknowledged the whole request proves nothing: the server has read it, and may have acted. Nor does anything
that happens to the first request of a connection, which no server closes for being idle.

Semantics: RFC 9110, 9.2.2, and RFC 9112, 9.3.1; `shouldRetryRequest` in Go's `net/http`, for which any request with an
`Idempotency-Key` is one that may be repeated, is less strict.
"""

import asyncio
import errno
import fcntl
import select
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpResponseParser
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.tracing import Trace

_fresh: ContextVar[bool] = ContextVar("fresh", default=False)
_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
MOST_INTERIM = 100
"""Answers of 1xx before the one that counts. A server that sends one after the other for ever is not listened to: reading them
would keep the loop from everything else."""


_LIMITS: dict[str, Any] = {"max_line_size": 64 * 1024, "max_field_size": 256 * 1024, "max_headers": 1024}
"""Of an answer. Go's client takes 10 MiB of headers; aiohttp fails at 8 KiB in one, by which the target has acted."""
_BUFFER_BYTES = 64 * 1024


class NotProcessed(aiohttp.ServerDisconnectedError):
    """The server closed the connection and did not look at the request."""

    def __init__(self, *, certain: bool) -> None:
        super().__init__("the server closed the connection before it read the request")
        self.certain = certain
        """False where a server that resets connections after it acted would look the same."""


class TooManyInterim(aiohttp.ClientError):
    """The server sent one interim answer after the other."""


class KeptConnection(ResponseHandler):
    """aiohttp's handler of one connection, with an eye on how it ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._requests = 0
        self._answering = False
        self._interim = 0
        self._beginning = b""
        self._undelivered = False

    def is_connected(self) -> bool:
        """Whether it can take a request. An end that the loop has not been told of yet counts, too."""
        return super().is_connected() and not _has_ended(self.transport)

    def set_response_params(self, **params: Any) -> None:
        """A request is about to be sent."""
        self._requests += 1
        self._answering = False
        self._interim = 0
        super().set_response_params(**{**params, **_LIMITS})

    def data_received(self, data: bytes) -> None:
        """Some of an answer came."""
        if not self._answering:
            self._answering, self._beginning = True, data
        super().data_received(data)
        self._beginning = b""

    def feed_data(self, data: "tuple[RawResponseMessage, aiohttp.StreamReader]", size: int = 0) -> None:
        """One answer was read; those of 1xx are followed by another."""
        self._interim += 100 <= data[0].code < 200
        if self._interim <= MOST_INTERIM:
            super().feed_data(data, size)
        elif self._interim == MOST_INTERIM + 1 and self.transport is not None:
            self.transport.close()
            self.set_exception(TooManyInterim())

    def eof_received(self) -> None:
        """The server sends no more."""
        self._undelivered = _undelivered(self.transport)
        super().eof_received()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail the request under way."""
        if self._beginning and isinstance(exc, HttpProcessingError):
            self._hand_on_the_head()
        if self._requests > 1 and not self._answering:
            exc = self._judged(exc)
        super().set_exception(exc, *cause)

    def _hand_on_the_head(self) -> None:
        """Whether the status that stands before what is no HTTP is seen must not depend on how an answer is cut into packets.

        A status says what happened, also before a body that cannot be read, or more of one than was announced.
        """
        parser = HttpResponseParser(self, self._loop, _BUFFER_BYTES, payload_exception=aiohttp.ClientPayloadError, **_LIMITS)
        rest = self._beginning
        for _ in range(MOST_INTERIM + 1):
            head, blank, rest = rest.partition(b"\r\n\r\n")
            try:
                messages, _, _ = parser.feed_data(head + blank)
            except HttpProcessingError:
                return
            for message, payload in messages:
                payload.set_exception(aiohttp.ClientPayloadError("the body is not HTTP"))
                self.feed_data((message, payload))
                if message.code >= 200:
                    return

    def _judged(self, exc: BaseException) -> BaseException:
        """`exc`, or that the request was not processed."""
        if isinstance(exc, aiohttp.ServerDisconnectedError) and self._undelivered:
            return NotProcessed(certain=True)
        # aiohttp gives no errno to what it could not write.
        if isinstance(exc, aiohttp.ClientOSError) and exc.errno in (None, errno.EPIPE, errno.ECONNRESET):
            return NotProcessed(certain=exc.errno != errno.ECONNRESET)
        return exc


class Connector(aiohttp.TCPConnector):
    """Makes connections of our kind, and a new one where asked for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory: Any = lambda: KeptConnection(self._loop)

    async def kept(self, key: "ConnectionKey") -> "Connection | None":
        """A connection of this kind that waits for a request; None where there is none."""
        return await self._get(key, [])

    async def _get(self, key: "ConnectionKey", traces: "list[Trace]") -> "Connection | None":
        return None if _fresh.get() else await super()._get(key, traces)


@contextmanager
def fresh_connection() -> Iterator[None]:
    """Calls of the block use no kept connection: where one of a server's was closed, others probably were."""
    token = _fresh.set(True)
    try:
        yield
    finally:
        _fresh.reset(token)


def _has_ended(transport: asyncio.Transport | None) -> bool:
    """Whether the server has closed or reset the connection, as the system knows before the loop does."""
    if transport is None:
        return True
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), _GONE)
    return bool(poll.poll(0))


def _undelivered(transport: asyncio.Transport | None) -> bool:
    """Whether some of what was sent has not reached the server's system."""
    if transport is None:
        return False
    if transport.get_write_buffer_size():
        return True
    try:
        answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:  # a system that cannot say
        return False
    return bool(struct.unpack("=i", answer)[0])
