"""One TCP port with its routes."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

import structlog
from aiohttp.http import RawRequestMessage

from sources.http.answers import Answer, Refused, plain, problem
from sources.http.connection import ConnectionServer
from sources.http.limits import Limits
from sources.http.paths import decoded
from sources.http.request import Request
from sources.http.route import Route
from sources.throttle import Throttle

logger = structlog.get_logger(__name__)

_HEALTH = "/health"
"""Answered where no source has exactly this endpoint."""
_FULL = problem(Refused(503, "there are too many connections; try again", retry_after_s=5, close=True)).wire


class _TurnedAway(asyncio.Protocol):
    """A connection over the limit: answered and closed without reading."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
        transport.close()


class Port:
    """Serves the routes of one port. Routes come and go while connections stay."""

    def __init__(self, *, limits: Limits, full: Callable[["Port"], bool], tls: ssl.SSLContext | None) -> None:
        self.routes: dict[str, Route] = {}
        """By the key of its template."""
        self.answered: Counter[int] = Counter()
        """Answers that no route gave."""
        self.number = 0
        self._exact: dict[str, Route] = {}
        self._patterns: list[Route] = []
        self._limits = limits
        self._full = full
        self._tls = tls
        self._draining = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._said = Throttle(every_s=60.0)
        self._server = ConnectionServer(self.handle, limits=limits, note=self._note)
        self._listening: asyncio.Server | None = None

    async def open(self, host: str, number: int) -> None:
        """Listen on `host` and `number`, 0 for a free one. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            self._connect, host or None, number, ssl=self._tls, backlog=1024, reuse_address=True
        )
        self.number = self._listening.sockets[0].getsockname()[1]

    def _connect(self) -> asyncio.Protocol:
        if self._full(self):
            self._note(503)
            return _TurnedAway()
        return self._server()

    def __len__(self) -> int:
        """Open connections."""
        return len(self._server)

    def put(self, route: Route) -> None:
        """Serve `route` from now on."""
        self.routes[route.template.key] = route
        self._sort()

    def drop(self, key: str) -> None:
        """Serve the route with the template `key` no more; requests it already took get their answers."""
        self.routes.pop(key, None)
        self._sort()

    def _sort(self) -> None:
        """The order in which routes came does not matter: a restart would change it."""
        self._exact = {key: route for key, route in self.routes.items() if route.template.pattern is None}
        patterns = [route for route in self.routes.values() if route.template.pattern is not None]
        self._patterns = sorted(patterns, key=lambda route: route.template.rank)

    async def close(self, grace_s: float) -> None:
        """Take no new connection or request, let what is in flight be answered for up to `grace_s` seconds, then close."""
        self._draining = True
        if self._listening is not None:
            self._listening.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("http_drain_timed_out", port=self.number, in_flight=self._in_flight, grace_s=grace_s)
        finally:
            # Answers are written by now, or never will be: connections need no second wait.
            await self._server.shutdown(1.0)
        if self._listening is not None:
            await self._listening.wait_closed()

    def _note(self, status: int) -> None:
        self.answered[status] += 1

    async def handle(self, request: Request) -> Answer:
        """Answer one request. Only a client that left, or a cancellation, ends in an exception."""
        message = request.message
        path, query = message.path, ""
        route = self._exact.get(path)
        if route is None:
            path, query = _split(message)
            route = self._find(path)
        self._in_flight += 1
        self._idle.clear()
        try:
            if self._draining:
                raise Refused(503, "the service is stopping; try again", retry_after_s=2, close=True)
            answer = await route.answer(request, query) if route is not None else self._unrouted(path, request)
        except Exception as exc:  # a fault that one request meets is its answer, and said: the connection's others go on
            answer = self._unsuccessful(exc, request)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
        counted = self.answered if route is None else route.answered
        counted[answer.status] += 1
        return answer

    def _unsuccessful(self, exc: Exception, request: Request) -> Answer:
        """The answer that `exc` stands for; none where the client left."""
        message = request.message
        if isinstance(exc, Refused):
            # What is left of a body would have to be read before the next request: end the connection instead.
            close = exc.close or request.last or not request.payload.is_eof()
            return problem(exc, close=close, bodiless=message.method == "HEAD")
        if isinstance(exc, ConnectionError):
            return Answer(0, b"", close=True)
        if (more := self._said.admits(message.path[:200])) is not None:
            logger.error("http_request_failed", port=self.number, more=more, exc_info=exc)
        return problem(Refused(500, "an error of this service; see its log", close=True))

    def _find(self, path: str) -> Route | None:
        found = self._exact.get(path)
        if found is not None or not self._patterns or path == _HEALTH:
            return found
        plain_path = decoded(path)
        return next((route for route in self._patterns if route.template.takes(plain_path)), None)

    def _unrouted(self, path: str, request: Request) -> Answer:
        if path == _HEALTH:
            close = request.last or not request.payload.is_eof()
            return plain(200, b"OK", "text/plain", close=close, bodiless=request.message.method == "HEAD")
        raise Refused(404, "no source listens at this path")


def _split(message: RawRequestMessage) -> tuple[str, str]:
    """The path and the query as sent. A proxy's absolute form counts by its path."""
    target = message.path if message.path.startswith("/") else message.url.raw_path_qs
    path, _, query = target.partition("?")
    return path, query
