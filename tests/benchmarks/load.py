"""A load generator: HTTP/1.1 POSTs over kept connections, as fast as they are answered or at a fixed rate.

Run as a process of its own (`python -m benchmarks.load`), so that its work is not counted as the server's. Prints one
JSON object: requests, seconds, rate, percentiles in milliseconds, and the answers by status.
"""

import argparse
import asyncio
import json
import math
import time
from array import array
from collections import Counter, deque
from typing import cast

import uvloop

from benchmarks.figures import percentile

BODY_BYTES = 1024


class Requests:
    """Makes the requests: a body of 1 KiB that carries its number and the moment it was made, in nanoseconds."""

    def __init__(self, address: str, path: str, ref: str, *, paths: int = 0, refs: int = 0) -> None:
        """`paths` and `refs`: so many of each in turn, told apart by a number behind them; 0: one, as it is."""
        self._kinds = [
            _parts(address, f"{path}-{n % paths}" if paths else path, f"{ref}-{n % refs}" if refs else ref)
            for n in range(math.lcm(paths or 1, refs or 1))
        ]

    def make(self, number: int) -> bytes:
        """The bytes of request `number`."""
        head, tail = self._kinds[number % len(self._kinds)]
        return b'%s%010d","sent":"%019d%s' % (head, number, time.monotonic_ns(), tail)


def _parts(address: str, path: str, ref: str) -> tuple[bytes, bytes]:
    start = f'{{"ref":"{ref}","repository":{{"full_name":"shop/checkout"}},"seq":"'
    pad = BODY_BYTES - len(start) - len('0000000000","sent":"0000000000000000000","pad":""}')
    head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {BODY_BYTES}\r\n\r\n{start}".encode(), f'","pad":"{"x" * pad}"}}'.encode()


class Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._pending = b""
        self._began = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, began: float) -> None:
        """Send `request`; its latency counts from `began` on the monotonic clock."""
        assert self._transport is not None
        self._began = began
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        data = self._pending + data if self._pending else data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _content_length(data[:end]):
            self._pending = data
            return
        self._pending = b""
        self._run.answered(self, data[9:12], time.monotonic() - self._began)

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost(exc)

    def close(self) -> None:
        """Close without a goodbye."""
        if self._transport is not None:
            self._transport.abort()


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    return int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0


class Run:
    """One measured run. `rate` 0 means as fast as the answers come."""

    def __init__(self, requests: Requests, *, count: int, seconds: float, rate: float) -> None:
        self._requests = requests
        self._count = count or 1 << 62
        self._seconds = seconds
        self._rate = rate
        self._sent = 0
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._began = time.monotonic()
        self._until = self._began + (seconds or 1e9)
        self._done = asyncio.Event()
        self._latencies = array("d")
        self._late = array("d")
        """How long after its time each request was made, in seconds; where it is paced."""
        self._statuses: Counter[bytes] = Counter()

    async def go(self, host: str, port: int, connections: int) -> dict[str, object]:
        """Run to the end and return the figures. Raises `ConnectionError` when the server closes a connection."""
        loop = asyncio.get_running_loop()
        made = [(await loop.create_connection(lambda: Connection(self), host, port))[1] for _ in range(connections)]
        self._began = time.monotonic()
        self._until = self._began + (self._seconds or 1e9)
        if self._rate:
            self._idle.extend(made)
            await self._paced()
        else:
            for connection in made:
                self._next(connection, time.monotonic())
        await self._done.wait()
        took = time.monotonic() - self._began
        for connection in made:
            connection.close()
        return self._figures(took)

    def answered(self, connection: Connection, status: bytes, latency_s: float) -> None:
        """Note an answer and give the connection its next request."""
        self._latencies.append(latency_s)
        self._statuses[status] += 1
        if self._due:
            self._next(connection, self._due.popleft())
        elif self._rate:
            self._idle.append(connection)
            self._end_if_over()
        else:
            self._next(connection, time.monotonic())

    def lost(self, exc: Exception | None) -> None:
        """A connection that ends before the run does ends the run."""
        if not self._done.is_set():
            self._statuses[b"lost"] += 1
            self._done.set()

    def _next(self, connection: Connection, began: float) -> None:
        if self._sent >= self._count or time.monotonic() >= self._until:
            self._end_if_over()
            return
        connection.send(self._requests.make(self._sent), began)
        self._sent += 1

    def _end_if_over(self) -> None:
        over = self._sent >= self._count or time.monotonic() >= self._until
        if over and len(self._latencies) >= self._sent:
            self._done.set()

    async def _paced(self) -> None:
        """Send by the clock. A request that finds no idle connection waits, and its waiting counts as latency.

        What does not count is how late this process itself was, because others had the processor: that is told beside it.
        """
        total = min(self._count, int(self._seconds * self._rate))
        for number in range(total):
            due = self._began + number / self._rate
            wait_s = due - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            now = time.monotonic()
            self._late.append(now - due)
            if self._idle:
                self._next(self._idle.popleft(), now)
            else:
                self._due.append(now)
        self._count = self._sent + len(self._due)
        self._until = 1e18
        self._end_if_over()

    def _figures(self, took_s: float) -> dict[str, object]:
        latencies = sorted(self._latencies)
        return {
            "requests": len(latencies),
            "seconds": took_s,
            "rate": len(latencies) / took_s,
            "p50_ms": 1000 * percentile(latencies, 50),
            "p99_ms": 1000 * percentile(latencies, 99),
            "late_p99_ms": 1000 * percentile(sorted(self._late), 99) if self._late else 0.0,
            "statuses": {status.decode(): count for status, count in self._statuses.items()},
        }


def main() -> None:
    """Run what the command line says and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/push")
    parser.add_argument("--ref", default="refs/heads/main")
    parser.add_argument("--paths", type=int, default=0)
    parser.add_argument("--refs", type=int, default=0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=0.0)
    args = parser.parse_args()
    requests = Requests(f"{args.host}:{args.port}", args.path, args.ref, paths=args.paths, refs=args.refs)

    async def run() -> dict[str, object]:
        return await Run(requests, count=args.count, seconds=args.seconds, rate=args.rate).go(
            args.host, args.port, args.connections
        )

    print(json.dumps(uvloop.run(run())))


if __name__ == "__main__":
    main()
