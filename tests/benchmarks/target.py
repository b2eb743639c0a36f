"""What triggers call: answers 200, counts, and notes how old each event is. A raw protocol, so that it costs little.

`GET /stats` answers what was counted since the last `GET /reset`.
"""

import argparse
import asyncio
import json
import time
from array import array
from typing import cast

import uvloop

from benchmarks.figures import percentile

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Tally:
    """What arrived: how many, how many different, how old (milliseconds since the event was sent), and what overtook another."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.count = 0
        self.keys: set[bytes] = set()
        self.ages_ms = array("d")
        self.last: dict[bytes, bytes] = {}
        self.disordered = 0

    def note(self, request: bytes) -> None:
        """Count one request."""
        self.count += 1
        sent = request.find(b'"sent":"')
        if sent >= 0:
            self.ages_ms.append((time.monotonic_ns() - int(request[sent + 8 : sent + 27])) / 1e6)
        self.keys.add(_header(request, b"idempotency-key: "))
        lane = request[: request.find(b" ", 5)]
        if b"/act/" in lane:  # below it each path is a lane, in which the numbers of events must rise
            number = _number(request)
            self.disordered += number < self.last.get(lane, b"")
            self.last[lane] = number

    def stats(self) -> bytes:
        """The figures as JSON."""
        ages = sorted(self.ages_ms)
        figures = {"count": self.count, "keys": len(self.keys), "p50_ms": percentile(ages, 50), "p99_ms": percentile(ages, 99)}
        return json.dumps(figures | {"disordered": self.disordered}).encode()


def _number(request: bytes) -> bytes:
    start = request.find(b'"seq":"')
    return request[start + 7 : start + 17] if start >= 0 else b""


def _header(request: bytes, name: bytes) -> bytes:
    start = request.lower().find(name)
    return b"" if start < 0 else request[start + len(name) :].split(b"\r\n", 1)[0]


class Answer(asyncio.Protocol):
    """One connection of the service."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._pending = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            length = int(_header(self._pending[: end + 2], b"content-length: ") or 0)
            if len(self._pending) < end + 4 + length:
                return
            request, self._pending = self._pending[: end + 4 + length], self._pending[end + 4 + length :]
            self._transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        if request.startswith(b"GET /stats"):
            body = self._tally.stats()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        if request.startswith(b"GET /reset"):
            self._tally.clear()
        else:
            self._tally.note(request)
        return _OK


async def serve(port: int) -> None:
    """Serve until killed."""
    tally = Tally()
    server = await asyncio.get_running_loop().create_server(lambda: Answer(tally), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
