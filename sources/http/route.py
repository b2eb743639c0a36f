"""One endpoint being served: the checks that come before its kind sees a request, and what comes after."""

import asyncio
from collections import Counter
from hmac import compare_digest
from types import CoroutineType

import msgspec
import structlog
from aiohttp import hdrs
from multidict import CIMultiDictProxy

from eventbus.chain import CAUSATION, CORRELATION, HOPS, continued, unquoted
from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event
from manifests.fields import SecretRef, Spec
from sources.http.answers import CLOSE, KEEP, Answer, Refused, accepted, plain
from sources.http.body import BodyReader
from sources.http.limits import Budget, Limits, Part, Saturated
from sources.http.paths import template
from sources.http.request import Request
from sources.http.source import HttpSource, Received, Reply, SecretUnreadable
from sources.source import Emit
from sources.throttle import Throttle

logger = structlog.get_logger(__name__)

_LEFT_OUT = b'{"id":null,"reason":"the filter of this source leaves the event out"}'
_CHALLENGE = (("WWW-Authenticate", "Bearer"),)


class Route:
    """One source at its endpoint. Counts its answers by status."""

    def __init__(self, source: HttpSource[Spec], emit: Emit, *, limits: Limits, budget: Budget) -> None:
        endpoint = source.endpoint
        self.source = source
        self.road = source.context.road
        self.template = template(endpoint.endpoint)
        self.answered: Counter[int] = Counter()
        self._emit = emit
        self._receive = source.receive
        self._methods = source.methods
        self._auth: SecretRef | None = endpoint.auth_secret
        self._limit = endpoint.max_payload_size
        self._limits = limits
        self._budget = Part(budget)
        self._said = Throttle(every_s=60.0)

    async def answer(self, request: Request, query: str) -> Answer:
        """The answer to `request`; success only once the event is durable. Raises `ConnectionError` where the client left."""
        reader = BodyReader(request, self._limit, self._limits, self._budget)
        try:
            result = await self._accept(request, query, reader)
        except Refused as refused:
            self._log(refused)
            raise
        except Saturated:
            raise Refused(503, "too much is being received at once; try again", retry_after_s=1, close=True) from None
        except BusUnavailable as exc:
            self._log(exc)
            raise Refused(503, exc.told, retry_after_s=exc.retry_after_s) from exc
        except EventRejected as exc:
            raise Refused(413, f"the log does not take this event: {exc}") from exc
        finally:
            reader.give_back()
        return result

    async def _accept(self, request: Request, query: str, reader: BodyReader) -> Answer:
        message = request.message
        headers = message.headers
        if self._methods and message.method not in self._methods:
            allowed = ", ".join(sorted(self._methods))
            raise Refused(405, f"send {allowed}", headers=(("Allow", allowed),), close=True)
        if self._auth is not None:
            self._check_bearer(headers.get(hdrs.AUTHORIZATION, ""), self._auth)
        encoding = headers.get(hdrs.CONTENT_ENCODING)
        if encoding is not None and not self.source.accepts_compressed and encoding.lower() != "identity":
            raise Refused(415, "send the body without Content-Encoding", headers=(("Accept-Encoding", "identity"),), close=True)
        body = await reader.read()
        if encoding is not None:
            body = await reader.decoded(body, ",".join(headers.getall(hdrs.CONTENT_ENCODING)))
        result = self._receive(Received(message.method, query, headers, message.raw_headers, body))
        if type(result) is CoroutineType:
            result = await result
        if HOPS in headers:
            result = _further(result, headers)  # type: ignore[arg-type]  # as below
        connection = _connection(request)
        if type(result) is Reply:
            said = b'{"id":null,"reason":"%b"}' % result.reason.encode()
            return plain(200, said, "application/json", headers=result.headers, close=connection == CLOSE)
        if type(result) is list:
            return await self._accept_all(result, connection)
        appended = await self._emit(result)  # type: ignore[arg-type]  # `type(x) is` costs a third of isinstance here
        if not appended.id:
            return plain(200, _LEFT_OUT, "application/json", close=connection == CLOSE)
        return accepted(appended.id, connection)

    async def _accept_all(self, events: list[Event], connection: bytes) -> Answer:
        """Append all; where one cannot be, the sender sends all again, and those that were stored are recognised."""
        try:
            async with asyncio.TaskGroup() as appends:
                tasks = [appends.create_task(self._append(event), name="append") for event in events]
        except* (BusUnavailable, EventRejected) as group:
            raise group.exceptions[0] from None
        ids = msgspec.json.encode({"ids": [task.result() or None for task in tasks]})
        return plain(200, ids, "application/json", close=connection == CLOSE)

    async def _append(self, event: Event) -> str:
        return (await self._emit(event)).id

    def _check_bearer(self, said: str, ref: SecretRef) -> None:
        if not said.startswith("Bearer "):
            raise Refused(401, "send the header Authorization: Bearer TOKEN", headers=_CHALLENGE, close=True)
        if not compare_digest(said[7:].encode("utf-8", "surrogateescape"), self.source.secret(ref)):
            raise Refused(401, "the bearer token is not the one of this endpoint", headers=_CHALLENGE, close=True)

    def _log(self, error: Refused | BusUnavailable) -> None:
        """Say what the operator should know, at most once a minute for each kind of answer."""
        if isinstance(error, SecretUnreadable):
            if (more := self._said.admits("secret")) is not None:
                logger.error("source_secret_unreadable", source=str(self.road), reason=error.reason, more=more)
        elif isinstance(error, BusUnavailable):
            if (more := self._said.admits("bus")) is not None:
                logger.warning("source_turns_away", source=str(self.road), reason=str(error), more=more)
        elif error.status in (401, 403) and (more := self._said.admits("auth")) is not None:
            logger.warning("source_refused_caller", source=str(self.road), reason=error.detail, more=more)


def _further(result: Event | list[Event] | Reply, headers: CIMultiDictProxy[str]) -> Event | list[Event] | Reply:
    """What was received, as further links of the chain that the headers tell of."""
    told = unquoted(headers.get(CORRELATION)), headers.get(CAUSATION), headers.get(HOPS)
    if isinstance(result, Event):
        return continued(result, *told)
    return [continued(event, *told) for event in result] if isinstance(result, list) else result


def _connection(request: Request) -> bytes:
    if request.last:
        return CLOSE
    return KEEP if request.message.version.minor == 0 else b""
