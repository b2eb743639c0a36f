"""The HTTP client of all outgoing calls: one session, connections kept, redirects by our own rules."""

import asyncio
import contextlib
import io
import socket
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.web.egress import Egress, EgressDenied

if TYPE_CHECKING:
    import aiohttp

CONNECT_TIMEOUT_S = 10.0
# Below the five seconds after which common servers close idle connections; what still goes into a closing one, see `connection`.
_KEEP_IDLE_S = 4.0
_EXCERPT_BYTES = 1024
_BODY_BYTES = 64 * 1024
"""More of an answer's body is not worth reading only to keep the connection."""
_BODY_TIMEOUT_S = 1.0
_WHOLE_BYTES = 1 << 20
_MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = ("Authorization", "Cookie", "Proxy-Authorization")

_NO_CONTENT_TYPE = ("Content-Type",)
_ENDED = "the connection ended before an answer; it may or may not have acted"


@dataclass(slots=True, kw_only=True, eq=False)  # not frozen: that costs two microseconds a call
class Call:
    """One request. Not changed once made."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | None
    tls: ssl.SSLContext | None = None
    """None: certificates are verified with the machine's authorities."""
    secret_headers: frozenset[str] = frozenset()
    """Lower-case names of headers that no other origin may see."""
    repeatable: bool = True
    """Whether a repeat does no harm if the server has acted after all; else it is sent again only where it cannot have."""


class Answer(NamedTuple):
    """What the target said."""

    status: int
    headers: CIMultiDictProxy[str]
    excerpt: bytes
    """The start of the body, where the status is not a success."""


class Web:
    """Makes calls; one object serves all triggers of a service. Close it with `aclose`."""

    def __init__(self, egress: Egress | None = None) -> None:
        self.egress = egress or Egress()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, call: Call) -> Answer:
        """Make the call and follow up to ten redirects, as Go's client does.

        Raises `TriggerUnavailable` where no answer came, `TriggerRefused` where none can come. No deadline of its own
        but for connecting: the caller has one. If cancelled, the target may or may not have seen the request.
        """
        answer = await self._once(call)
        for _ in range(_MAX_REDIRECTS):
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                return answer
            call = _redirected(call, answer.status, answer.headers["Location"])
            answer = await self._once(call)
        if answer.status in _REDIRECTS:
            raise TriggerRefused(f"{origin(call.url)} redirected more than {_MAX_REDIRECTS} times", status=answer.status)
        return answer

    async def aclose(self) -> None:
        """Close all connections. Calls after it raise `TriggerUnavailable`."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _once(self, call: Call) -> Answer:
        """One exchange; a second one only in place of one that went into a connection which the server had closed."""
        import aiohttp  # noqa: PLC0415 heavy: only a process that calls something pays for it

        from sensors.web.connection import NotProcessed, fresh_connection  # noqa: PLC0415 see above

        try:
            self.egress.check_host(call.url.raw_host or "")
            try:
                return await self._exchange(call)
            except NotProcessed as exc:
                if not (exc.certain or call.repeatable):
                    raise
            with fresh_connection():
                return await self._exchange(call)
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise _translated(exc, call.url) from exc

    async def _exchange(self, call: Call) -> Answer:
        session = self._session or self._open()
        response = await session.request(
            call.method,
            call.url,
            data=None if call.body is None else _payload(call.body),
            headers=call.headers,
            allow_redirects=False,
            ssl=call.tls or True,
            # Only where needed: it costs a third of the call.
            skip_auto_headers=None if call.body is None or "Content-Type" in call.headers else _NO_CONTENT_TYPE,
        )
        if 200 <= response.status < 300 and response.connection is None:
            return Answer(response.status, response.headers, b"")
        return Answer(response.status, response.headers, await _excerpt(response))

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp  # noqa: PLC0415 see above

        from sensors.web.connection import Connector  # noqa: PLC0415 see above

        if self._closed:
            raise TriggerUnavailable("the service is stopping")
        # No limit on connections: whoever calls bounds how much it does at a time.
        connector = Connector(limit=0, keepalive_timeout=_KEEP_IDLE_S, socket_factory=self._socket)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
        )
        return self._session

    def _socket(self, info: "aiohttp.AddrInfoType") -> socket.socket:
        """Judge the address that is connected to in the next step; nothing is resolved again in between."""
        family, kind, protocol, _, address = info
        self.egress.check_address(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)


def origin(url: URL) -> str:
    """Scheme, host and port, for messages: no path, no query, no user."""
    return str(url.origin()) if url.raw_host else "the target"


def _payload(body: bytes) -> "aiohttp.Payload":
    import aiohttp  # noqa: PLC0415 see above

    # A large body is written in pieces, so that it does not hold up the event loop.
    return aiohttp.BytesPayload(body) if len(body) <= _WHOLE_BYTES else aiohttp.BytesIOPayload(io.BytesIO(body))


async def _excerpt(response: "aiohttp.ClientResponse") -> bytes:
    """Read a small body to its end, so that the connection is used again, and return its start."""
    import aiohttp  # noqa: PLC0415 see above

    read = bytearray()
    try:
        # The status has said what happened; a body that does not come changes nothing.
        with contextlib.suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                while len(read) < _BODY_BYTES and (chunk := await response.content.read(_BODY_BYTES)):
                    read += chunk
    finally:
        if response.connection is not None:
            response.close()
    return bytes(read[:_EXCERPT_BYTES])


def _redirected(call: Call, status: int, location: str) -> Call:
    try:
        url = call.url.join(URL(location))
        target = url.origin()
    except ValueError:
        raise TriggerRefused(f"{origin(call.url)} redirected to something that is no URL", status=status) from None
    if url.scheme not in ("http", "https"):
        raise TriggerRefused(f"{origin(call.url)} redirected to {url.scheme!r}, which is not HTTP", status=status)
    headers, secret = call.headers, call.secret_headers
    if target != call.url.origin():
        headers = CIMultiDict((name, text) for name, text in headers.items() if name.lower() not in secret)
        for name in (*_CREDENTIALS, "Host"):
            headers.popall(name, None)
        url = url.with_user(None)
    if status in (307, 308) or call.method in ("GET", "HEAD"):
        return replace(call, url=url, headers=headers)
    headers = headers.copy()
    headers.popall("Content-Type", None)
    return replace(call, method="GET", url=url, headers=headers, body=None)


def _translated(exc: Exception, url: URL) -> TriggerUnavailable | TriggerRefused:
    """What a failed call means: refused where no later one can do better."""
    import aiohttp  # noqa: PLC0415 see above

    where = origin(url)
    cause = exc.os_error if isinstance(exc, aiohttp.ClientConnectorError) else exc
    if isinstance(cause, EgressDenied):
        return TriggerRefused(f"{where}: {cause}")
    if isinstance(exc, ValueError) and not isinstance(exc, aiohttp.ClientConnectionError):
        # The type alone: the text could quote a header.
        return TriggerRefused(f"{where}: the request cannot be sent ({type(exc).__name__})")
    return TriggerUnavailable(f"{where}: {_plainly(exc)}")


def _plainly(exc: Exception) -> str:
    """What went wrong, for people; the first line that fits."""
    import aiohttp  # noqa: PLC0415 see above

    lines: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ClientConnectorDNSError, "the name cannot be resolved"),
        (aiohttp.ClientConnectorCertificateError, f"the server's certificate is not accepted: {_certificate_fault(exc)}"),
        (aiohttp.ClientConnectorSSLError, "TLS failed; does the port speak HTTPS?"),
        (aiohttp.ClientConnectorError, f"cannot connect: {_system_fault(exc)}"),
        (aiohttp.ConnectionTimeoutError, f"no connection within {CONNECT_TIMEOUT_S:g}s"),
        (aiohttp.ServerDisconnectedError, _ENDED),
        (aiohttp.ClientOSError, _ENDED),
        (aiohttp.ClientResponseError, "the answer is not HTTP"),
    )
    return next((line for kind, line in lines if isinstance(exc, kind)), type(exc).__name__)


def _certificate_fault(exc: Exception) -> str:
    return str(getattr(getattr(exc, "certificate_error", None), "verify_message", "") or "it cannot be verified")


def _system_fault(exc: Exception) -> str:
    return str(getattr(exc, "strerror", None) or "no reason given")
