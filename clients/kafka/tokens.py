"""Bearer tokens for brokers: given, fetched from an endpoint, or signed for Amazon MSK. Never shows one.

Semantics: SASL OAUTHBEARER, RFC 7628; the client credentials grant, RFC 6749, 4.4, with the login of 2.3.1.
"""

import asyncio
import ssl
from base64 import b64encode
from time import monotonic
from urllib.parse import quote_plus

import aiohttp
import msgspec
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import SaslAuthenticationFailed

from clients.kafka.bearer import Tokens, TokenUnavailable, usable
from clients.kafka.token_endpoint import TokenEndpoint
from clients.tls import TLSMaterial, tls_context

TIMEOUT_S = 10.0
"""Seconds for one answer of an endpoint."""
MOST_BYTES = 256 * 1024
RENEW_AT = 0.8
"""Share of a token's life after which the next connection gets another one."""
UNSAID_LIFE_S = 60.0
"""Life of a token whose endpoint does not say; others last as long as it says, up to `LONGEST_LIFE_S`."""
LONGEST_LIFE_S = 86_400.0
REFUSED_AFTER_S = 10.0
"""Age in seconds from which on a token that a broker refuses is replaced."""


class _Refusable(OAuthAuthenticator):  # type: ignore[misc]  # see above
    """Sees it where a token is refused. The library overlooks that answer, and takes every later one of the broker for what it
    asked for.
    """

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if payload:  # after the token only a refusal has something to say: RFC 7628, 3.2.2
            self._sasl_oauth_token_provider.refused()
            raise SaslAuthenticationFailed("the token is refused")
        found: tuple[bytes, bool] | None = await super().step(payload)
        return found


def _authenticator(connection: AIOKafkaConnection) -> _Refusable:
    return _Refusable(sasl_oauth_token_provider=connection._sasl_oauth_token_provider)  # noqa: SLF001 - nowhere else


def provider_for(region: str, endpoint: TokenEndpoint | None, user: str, password: str) -> Tokens:
    """What gives tokens: AWS for MSK in `region` where that is given, else `endpoint`, else `password` is the one token."""
    AIOKafkaConnection.authenticator_oauth = _authenticator  # there is no other way to have another authenticator
    if region:
        from clients.kafka.msk import MskTokens  # noqa: PLC0415 - heavy: only who logs in to MSK pays for it

        return MskTokens(region)
    return Given(password) if endpoint is None else Fetched(endpoint, user, password)


class Given(Tokens):
    """One token, as it was when the connection was resolved."""

    def __init__(self, token: str) -> None:
        self._token = token.strip()

    async def token(self) -> str:
        """The token. Raises `TokenUnavailable` where it is none."""
        return usable(self._token, "sasl.passwordSecret")


class _Answer(msgspec.Struct):
    access_token: str = ""
    expires_in: float = UNSAID_LIFE_S
    error: str = ""


class Fetched(Tokens):
    """Tokens of an endpoint, each used by all connections that are made during most of its life."""

    def __init__(self, endpoint: TokenEndpoint, client: str, secret: str) -> None:
        self._endpoint, self._client, self._secret = endpoint, client, secret
        self._token, self._since, self._until = "", 0.0, 0.0
        self._one_at_a_time = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for some time. Raises `TokenUnavailable`."""
        async with self._one_at_a_time:
            if monotonic() >= self._until:
                answer = await self._fetched()
                self._token = usable(answer.access_token, f"the answer of sasl.oauth.tokenUrl {self._endpoint.url}")
                self._since = monotonic()
                self._until = self._since + RENEW_AT * min(max(0.0, answer.expires_in), LONGEST_LIFE_S)
            return self._token

    def refused(self) -> None:
        """Fetch another one for the next connection: it may have been revoked. One that is new is not asked for again at once."""
        if monotonic() - self._since >= REFUSED_AFTER_S:
            self._until = 0.0

    async def _fetched(self) -> _Answer:
        where = f"sasl.oauth.tokenUrl {self._endpoint.url}"
        try:
            status, body = await self._post()
        except ssl.SSLError as exc:
            raise TokenUnavailable(f"{where}: TLS failed ({_tls(exc)}); set sasl.oauth.caCertSecret to its authority") from exc
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
            raise TokenUnavailable(f"{where}: {str(exc) or 'no answer in time'}") from exc
        try:
            answer = msgspec.json.decode(body, type=_Answer, strict=False)  # some write numbers as text
        except (msgspec.DecodeError, UnicodeDecodeError):
            answer = _Answer()
        if status != 200 or not answer.access_token:
            # An error of the grammar of RFC 6749, 5.2; nothing else of the answer is shown, because it may hold anything.
            said = f" ({answer.error[:80]!r})" if answer.error else ""
            hint = (
                "check sasl.userSecret, sasl.passwordSecret and scope" if status in (400, 401, 403) else "is it a token endpoint?"
            )
            raise TokenUnavailable(f"{where}: answered {status} without a token{said}; {hint}")
        return answer

    async def _post(self) -> tuple[int, bytes]:
        # Both parts are form-encoded before they become Basic: RFC 6749, 2.3.1.
        login = b64encode(f"{quote_plus(self._client)}:{quote_plus(self._secret)}".encode()).decode()
        form = {"grant_type": "client_credentials"} | ({"scope": self._endpoint.scope} if self._endpoint.scope else {})
        context = tls_context(TLSMaterial(ca=self._endpoint.ca))
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
            session.post(
                self._endpoint.url,
                data=form,
                headers={"Authorization": f"Basic {login}", "Accept": "application/json"},
                allow_redirects=False,
                ssl=context,
            ) as answer,
        ):
            read = bytearray()
            while piece := await answer.content.read(MOST_BYTES):
                read += piece
                if len(read) > MOST_BYTES:
                    raise ValueError(f"the answer is larger than {MOST_BYTES >> 10} KiB")
            return answer.status, bytes(read)


def _tls(exc: ssl.SSLError) -> str:
    """Why TLS failed; the HTTP library wraps what OpenSSL says."""
    inner = getattr(exc, "certificate_error", exc)
    return getattr(inner, "verify_message", None) or getattr(inner, "reason", None) or type(inner).__name__
