"""One exchange with a server, or what it means that there was none. Imported when something is called: aiohttp is heavy."""

import io
import socket

import aiohttp
from yarl import URL

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.web.call import Answer, Call, origin
from sensors.web.connection import MOST_INTERIM, Connector, NotProcessed, TooManyInterim, fresh_connection
from sensors.web.egress import Egress, EgressDenied
from sensors.web.exchange import excerpt_of, exchange, is_plain, key_of, whole_of

CONNECT_TIMEOUT_S = 10.0
# Below the five seconds after which common servers close idle connections; what still goes into a closing one, see `connection`.
_KEEP_IDLE_S = 4.0
_WHOLE_BYTES = 1 << 20
_NO_CONTENT_TYPE = ("Content-Type",)
_ENDED = "the connection ended before an answer; it may or may not have acted"
_NOT_HTTP = "the answer is not HTTP"


class Session:
    """aiohttp's session, and a shorter way past it for calls over kept connections."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        # No limit on connections: whoever calls bounds how much it does at a time.
        self._connector = Connector(limit=0, keepalive_timeout=_KEEP_IDLE_S, socket_factory=self._socket)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
        )

    async def once(self, call: Call) -> Answer:
        """One exchange; a second one only in place of one that went into a connection which the server had closed.

        Raises as `Web.send` does.
        """
        try:
            self._egress.check_host(call.url.raw_host or "")
            try:
                return await self._exchange(call)
            except NotProcessed as exc:
                if not (exc.certain or call.repeatable):
                    raise
            with fresh_connection():
                return await self._exchange(call)
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise _translated(exc, call.url) from exc

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _exchange(self, call: Call) -> Answer:
        if is_plain(call):
            kept = await self._connector.kept(key_of(call))
            if kept is not None:
                return await exchange(kept, call)
        response = await self._session.request(
            call.method,
            call.url,
            data=None if call.body is None else _payload(call.body),
            headers=call.headers,
            allow_redirects=False,
            ssl=call.tls or True,
            # Only where needed: it costs a third of the call.
            skip_auto_headers=None if call.body is None or "Content-Type" in call.headers else _NO_CONTENT_TYPE,
        )
        try:
            if call.keep and 200 <= response.status < 300:
                return Answer(response.status, response.headers, b"", await whole_of(response.content, call))
            excerpt = await excerpt_of(response.content)
        finally:
            if response.connection is not None:
                response.close()
        return Answer(response.status, response.headers, excerpt)

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Judge the address that is connected to in the next step; nothing is resolved again in between."""
        family, kind, protocol, _, address = info
        self._egress.check_address(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)


def _payload(body: bytes) -> aiohttp.Payload:
    # A large body is written in pieces, so that it does not hold up the event loop.
    return aiohttp.BytesPayload(body) if len(body) <= _WHOLE_BYTES else aiohttp.BytesIOPayload(io.BytesIO(body))


def _translated(exc: Exception, url: URL) -> TriggerUnavailable | TriggerRefused:
    """What a failed call means: refused where no later one can do better."""
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
    lines: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ClientConnectorDNSError, "the name cannot be resolved"),
        (aiohttp.ClientConnectorCertificateError, f"the server's certificate is not accepted: {_certificate_fault(exc)}"),
        (aiohttp.ClientConnectorSSLError, "TLS failed; does the port speak HTTPS?"),
        (aiohttp.ClientConnectorError, f"cannot connect: {_system_fault(exc)}"),
        (aiohttp.ConnectionTimeoutError, f"no connection within {CONNECT_TIMEOUT_S:g}s"),
        (TooManyInterim, f"sent more than {MOST_INTERIM} interim answers (1xx) and no answer"),
        (aiohttp.ServerDisconnectedError, _ENDED),
        (aiohttp.ClientOSError, _ENDED),
        (aiohttp.ClientResponseError, _NOT_HTTP),
        (aiohttp.ClientPayloadError, _NOT_HTTP),
    )
    return next((line for kind, line in lines if isinstance(exc, kind)), type(exc).__name__)


def _certificate_fault(exc: Exception) -> str:
    return str(getattr(getattr(exc, "certificate_error", None), "verify_message", "") or "it cannot be verified")


def _system_fault(exc: Exception) -> str:
    return str(getattr(exc, "strerror", None) or "no reason given")
