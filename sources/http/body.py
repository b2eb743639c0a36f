"""Reading a request's body within its limit, and undoing its content encoding within the same limit."""

import asyncio
import zlib
from collections.abc import Iterator

from aiohttp import hdrs
from aiohttp.web_protocol import RequestPayloadError

from sources.http.answers import Refused
from sources.http.limits import Limits, Part
from sources.http.request import Request

_STEP = 256 * 1024
_CHUNKED = "chunked"
_IDENTITY = ("", "identity")
_SUPPORTED = (("Accept-Encoding", "gzip, deflate"),)


class BodyReader:
    """Reads one request's body and remembers what it took from the budget."""

    __slots__ = ("_budget", "_limit", "_limits", "_request", "taken")

    def __init__(self, request: Request, limit: int, limits: Limits, budget: Part) -> None:
        self._request = request
        self._limit = limit
        self._limits = limits
        self._budget = budget
        self.taken = 0

    def _take(self, size: int) -> None:
        self._budget.take(size)
        self.taken += size

    def give_back(self) -> None:
        """Return what was taken; to be called when the body is no longer held."""
        self._budget.give_back(self.taken)
        self.taken = 0

    async def read(self) -> bytes:
        """The body's bytes as sent.

        Raises `Refused` (400, 408, 413, 417, 501), `Saturated`, or `ConnectionError` where the client left.
        """
        headers = self._request.message.headers
        declared = headers.get(hdrs.CONTENT_LENGTH)
        if declared is not None and int(declared) > self._limit:
            raise too_large(self._limit)
        if declared is None:
            _require_plain(headers.get(hdrs.TRANSFER_ENCODING, _CHUNKED))
        self._take(int(declared) if declared is not None else 0)
        if hdrs.EXPECT in headers:
            self._go_on(headers[hdrs.EXPECT])
        payload = self._request.payload
        if payload.is_eof() and payload.total_bytes <= self._limit:
            if declared is None:
                self._take(payload.total_bytes)
            return payload.read_nowait()
        return await self._read_slowly(declared is None)

    def _go_on(self, expect: str) -> None:
        if expect.lower() != "100-continue":
            raise Refused(417, "only Expect: 100-continue is supported", close=True)
        transport = self._request.connection.transport
        if transport is not None and not self._request.payload.is_eof():
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _read_slowly(self, undeclared: bool) -> bytes:
        pieces: list[bytes] = []
        size = 0
        payload = self._request.payload
        try:
            async with asyncio.timeout(self._limits.body_timeout_s + self._limit / self._limits.body_rate):
                while piece := await payload.readany():
                    size += len(piece)
                    if size > self._limit:
                        raise too_large(self._limit)
                    if undeclared:
                        self._take(len(piece))
                    pieces.append(piece)
        except TimeoutError:
            raise Refused(408, "the body did not arrive in time; send the request again", close=True) from None
        except RequestPayloadError:
            raise Refused(400, "the body is cut off or wrongly chunked", close=True) from None
        return b"".join(pieces)

    async def decoded(self, body: bytes, encoding: str) -> bytes:
        """`body` without its content encoding. Raises `Refused`: 400 where it is damaged, 413 over the limit, 415 unknown."""
        encoding = encoding.strip().lower()
        if encoding in _IDENTITY:
            return body
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise Refused(415, "send the body with Content-Encoding gzip, deflate or none", headers=_SUPPORTED)
        pieces = []
        size = 0
        try:
            for piece in _inflate(body, encoding, min(_STEP, self._limit + 1)):
                self._take(len(piece))
                size += len(piece)
                if size > self._limit:
                    raise too_large(self._limit)
                pieces.append(piece)
                await asyncio.sleep(0)  # others get their turn between two steps of a large body
        except zlib.error:
            raise Refused(400, f"the body is not valid {encoding}") from None
        return b"".join(pieces)


def _inflate(body: bytes, encoding: str, step: int) -> Iterator[bytes]:
    """Yield what `body` holds, at most `step` bytes at a time; raises `zlib.error` where it is cut off or goes on."""
    engine = zlib.decompressobj(_window(body, encoding))
    rest = body
    while not engine.eof:
        piece = engine.decompress(rest, step)
        rest = engine.unconsumed_tail
        if not piece and not rest and not engine.eof:
            raise zlib.error("cut off")
        if piece:
            yield piece
    if engine.unused_data:
        raise zlib.error("something follows the compressed body")


def _window(body: bytes, encoding: str) -> int:
    """zlib's parameter: gzip, zlib, or the bare deflate stream that some senders mean by `deflate`."""
    if encoding != "deflate":
        return 16 + zlib.MAX_WBITS
    zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS


def _require_plain(coding: str) -> None:
    """Only chunks are undone here; the parser would take coded ones for the body. Raises `Refused` (501), as in Argo Events."""
    if coding.strip().lower() != _CHUNKED:
        raise Refused(501, "only Transfer-Encoding: chunked is supported", close=True)


def too_large(limit: int) -> Refused:
    """413 for a body over `limit` bytes."""
    detail = f"the body is larger than {limit} bytes; send less, or raise maxPayloadSize of this source"
    return Refused(413, detail, close=True)
