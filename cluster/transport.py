"""Requests to one API server: credentials that rotate, deadlines, throttling, and answers as JSON or as faults.

Semantics: client-go's `rest.Request`: a 429, or a 5xx with `Retry-After`, was not carried out and is sent again after the time
the server asks for; a 401 is sent again once with credentials read anew. Nothing else is repeated but reading.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from cluster.access import Access, open_client
from cluster.faults import ClusterFault, ClusterRefused, ClusterUnavailable, fault_of

if TYPE_CHECKING:
    import aiohttp
    from kubernetes.aio.client import ApiClient

REQUEST_TIMEOUT_S = 15.0
"""Seconds for one answer."""
CONNECT_TIMEOUT_S = 5.0
TRIES = 4
WORTH_WAITING_S = 3.0
"""A server that asks for a longer pause is not waited for here: whoever called comes back later."""
MAX_ANSWER_BYTES = 32 << 20
_FIRST_PAUSE_S = 0.1
_STALE_S = 600.0
"""Credentials are read anew after this time, even where they are still accepted."""

Json = Mapping[str, Any]
JSON = "application/json"


class Request(NamedTuple):
    """One request. `what` names it in errors, such as `create Deployment apps/web`."""

    method: str
    path: str
    what: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    content_type: str = JSON
    timeout_s: float = REQUEST_TIMEOUT_S


class Transport:
    """Sends requests. Close it with `aclose`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: ApiClient | None = None
        self._opened_at = 0.0
        self._opening = asyncio.Lock()
        self._retired: set[ApiClient] = set()
        self._in_use: dict[ApiClient, int] = {}
        self._closed = False

    async def send(self, request: Request) -> Json:
        """The answer of a success. Raises `ClusterUnavailable` or `ClusterRefused`.

        Unavailable or cancelled, it may or may not have been carried out.
        """
        reading = request.method == "GET"
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            retry=retry_if_exception(lambda exc: _worth_repeating(exc, reading)),
            wait=_pause_s,
            reraise=True,
        ):
            with attempt:
                return await self._authorised(request)
        raise AssertionError("unreachable: the last attempt returns or raises")

    @contextlib.asynccontextmanager
    async def lines(self, request: Request) -> AsyncIterator[AsyncIterator[Json]]:
        """The JSON documents that the server sends one after another, until it ends the answer or the deadline is over."""
        async with self._borrowed(await self._open()) as client:
            try:
                async with asyncio.timeout(request.timeout_s):
                    response = await self._respond(client, request)
                    try:
                        if response.status != 200:
                            raise await _fault(request, response)
                        yield _documents(response)
                    finally:
                        response.close()
            except TimeoutError:
                return
            except _transport_errors() as exc:
                raise _unreachable(request, exc) from exc

    async def aclose(self) -> None:
        """Close all connections. Requests after it raise `ClusterUnavailable`."""
        self._closed = True
        client, self._client = self._client, None
        for one in [*self._retired, *([client] if client is not None else [])]:
            await one.close()
        self._retired.clear()

    async def _authorised(self, request: Request) -> Json:
        client = await self._open()
        try:
            return await self._exchange(client, request)
        except ClusterRefused as exc:
            if exc.status != 401:
                raise
        return await self._exchange(await self._renewed(client), request)

    async def _exchange(self, used: "ApiClient", request: Request) -> Json:
        async with self._borrowed(used) as client:
            try:
                async with asyncio.timeout(request.timeout_s):
                    response = await self._respond(client, request)
                    try:
                        if not 200 <= response.status < 300:
                            raise await _fault(request, response)
                        return _object(request, await _body(response))
                    finally:
                        response.release()
            except TimeoutError as exc:
                raise ClusterUnavailable(f"{request.what}: no answer within {request.timeout_s:g}s") from exc
            except _transport_errors() as exc:
                raise _unreachable(request, exc) from exc

    async def _respond(self, client: "ApiClient", request: Request) -> "aiohttp.ClientResponse":
        import aiohttp  # noqa: PLC0415 - the client library has imported it

        headers = {"Accept": JSON}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        method, url, headers, *_ = await client.param_serialize(
            request.method, request.path, query_params=list(request.query), header_params=headers, auth_settings=["BearerToken"]
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
        answer = await client.rest_client.request(method, url, headers=headers, body=request.body, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answer.response
        return response

    # Credentials

    @contextlib.asynccontextmanager
    async def _borrowed(self, client: "ApiClient") -> AsyncIterator["ApiClient"]:
        """Keep `client` open for the block, also where newer credentials replace it meanwhile."""
        self._in_use[client] = self._in_use.get(client, 0) + 1
        try:
            yield client
        finally:
            self._in_use[client] -= 1
            if not self._in_use[client]:
                del self._in_use[client]
                if client in self._retired:
                    self._retired.discard(client)
                    await client.close()

    async def _open(self) -> "ApiClient":
        if self._closed:
            raise ClusterUnavailable("the service is stopping")
        client = self._client
        if client is not None and time.monotonic() - self._opened_at < _STALE_S:
            return client
        return await self._renewed(client)

    async def _renewed(self, former: "ApiClient | None") -> "ApiClient":
        """A client with credentials read anew, once for all who ask for another than `former`."""
        async with self._opening:
            if self._client is not former and self._client is not None:
                return self._client
            fresh = await open_client(self._access)
            self._client, self._opened_at = fresh, time.monotonic()
            if former is not None and former in self._in_use:
                self._retired.add(former)
            elif former is not None:
                await former.close()
            return fresh


def _worth_repeating(exc: BaseException, reading: bool) -> bool:
    if not isinstance(exc, ClusterUnavailable):
        return False
    if exc.retry_after_s is not None:
        return exc.retry_after_s <= WORTH_WAITING_S
    return exc.status == 429 or (reading and exc.status != 0)


def _pause_s(state: RetryCallState) -> float:
    exc = state.outcome.exception() if state.outcome is not None else None
    asked = exc.retry_after_s if isinstance(exc, ClusterUnavailable) else None
    grown: float = _FIRST_PAUSE_S * 2 ** (state.attempt_number - 1)
    return max(asked or 0.0, grown)


def _transport_errors() -> tuple[type[Exception], ...]:
    import aiohttp  # noqa: PLC0415 - the client library has imported it

    return (aiohttp.ClientError, OSError)


def _unreachable(request: Request, exc: Exception) -> ClusterUnavailable:
    why = str(getattr(exc, "os_error", None) or exc) or type(exc).__name__
    return ClusterUnavailable(f"{request.what}: the API server cannot be reached: {why}")


async def _body(response: "aiohttp.ClientResponse") -> bytes:
    read = bytearray()
    while chunk := await response.content.read(1 << 16):
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            response.close()
            raise ClusterRefused(f"the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
    return bytes(read)


def _object(request: Request, body: bytes) -> Json:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise ClusterUnavailable(f"{request.what}: the answer is not JSON; is this an API server?") from exc
    if not isinstance(decoded, dict):
        raise ClusterUnavailable(f"{request.what}: the answer is no object; is this an API server?")
    return decoded


async def _fault(request: Request, response: "aiohttp.ClientResponse") -> ClusterFault:
    try:
        said = msgspec.json.decode(await _body(response))
    except msgspec.DecodeError:
        said = {}
    status = said if isinstance(said, dict) else {}
    return fault_of(request.what, response.status, status, response.headers.get("Retry-After"))


async def _documents(response: "aiohttp.ClientResponse") -> AsyncIterator[Json]:
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield msgspec.json.decode(line)
        if len(rest) > MAX_ANSWER_BYTES:
            raise ClusterRefused(f"a line of the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
