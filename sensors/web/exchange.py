"""One exchange over a connection that is kept already: aiohttp's connection and parser, without its request and response objects.

Most calls of a busy service are of this sort, and what a session makes anew for each of them (a request, a response, a writer, a
task that writes, timers) costs more than the exchange. On the wire the two are the same, byte by byte.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict

from sensors.errors import TriggerRefused
from sensors.web.call import Answer, Call, origin

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage

MOST_BYTES = 64 * 1024
"""More of an answer's body is not worth reading only to keep the connection; a larger request is written piece by piece."""
_EXCERPT_BYTES = 1024
_BODY_TIMEOUT_S = 1.0
_FRAMING = ("Connection", "Content-Encoding", "Content-Length", "Expect", "Transfer-Encoding")
"""What a session gives a meaning of its own."""


def is_plain(call: Call) -> bool:
    """Whether `call` needs nothing that only a session does."""
    body, headers = call.body, call.headers
    return body is not None and not call.keep and len(body) <= MOST_BYTES and not any(map(headers.__contains__, _FRAMING))


def key_of(call: Call) -> ConnectionKey:
    """What a connector keeps connections by that a session made for such a call."""
    url = call.url
    return ConnectionKey(url.raw_host or "", url.port, url.scheme == "https", call.tls or True, None, None, None)


async def exchange(connection: "Connection", call: Call) -> Answer:
    """Send `call`, which is plain, and read the answer. Leaves the connection kept, or closed where it cannot be.

    Raises errors of aiohttp, `OSError`, and `ValueError` for what cannot be in a header.
    """
    try:
        message, payload = await _answered(connection, call)
        # An answer that came whole needs no reading where nobody wants to see it.
        excerpt = b"" if 200 <= message.code < 300 and payload.is_eof() else await excerpt_of(payload)
    except BaseException:  # cancelled, too: what is half read can carry no other call
        connection.close()
        raise
    connection.release()
    return Answer(message.code, message.headers, excerpt)


async def _answered(connection: "Connection", call: Call) -> "tuple[RawResponseMessage, aiohttp.StreamReader]":
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    wire = _wire(call)
    protocol.set_response_params(skip_payload=call.method == "HEAD", read_until_eof=True, auto_decompress=False)
    transport.write(wire)
    while True:
        try:
            message, payload = await protocol.read()
        except HttpProcessingError as exc:
            raise aiohttp.ClientPayloadError("the answer is not HTTP") from exc
        if not 100 <= message.code < 200 or message.code == 101:
            return message, payload


def _wire(call: Call) -> bytes:
    url, body = call.url, call.body or b""
    headers: CIMultiDict[str] = CIMultiDict(Host=url.host_port_subcomponent or "")
    headers.update(call.headers)
    headers["Content-Length"] = str(len(body))
    return _serialize_headers(f"{call.method} {url.raw_path_qs} HTTP/1.1", headers) + body


async def whole_of(payload: aiohttp.StreamReader, call: Call) -> bytes:
    """Read a body that the call keeps. Raises `TriggerRefused` where it is larger."""
    read = bytearray()
    while chunk := await payload.read(MOST_BYTES):
        read += chunk
        if len(read) > call.keep:
            raise TriggerRefused(f"{origin(call.url)}: the answer is larger than {call.keep >> 20} MiB")
    return bytes(read)


async def excerpt_of(payload: aiohttp.StreamReader) -> bytes:
    """Read a small body to its end, so that its connection is used again, and return its start."""
    read = bytearray()
    # The status has said what happened; a body that does not come changes nothing.
    with contextlib.suppress(TimeoutError, OSError, aiohttp.ClientError):
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            while len(read) < MOST_BYTES and (chunk := await payload.read(MOST_BYTES)):
                read += chunk
    return bytes(read[:_EXCERPT_BYTES])
