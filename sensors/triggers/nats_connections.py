"""Connections to NATS that triggers share: one for each cluster and user."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.tls import TLSMaterial, tls_context
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.pool import Pool

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_S = 5
_CLOSE_S = 1.0
_REMEMBERED = 100
CONFIRM_S = 10
"""Seconds until the server must have confirmed a message."""


class NatsWay(NamedTuple):
    """A cluster as one user sees it. It never prints a secret."""

    servers: tuple[str, ...]
    where: str
    """The servers, for messages."""
    tls: TLSMaterial | None = None
    user: str = ""
    password: str = ""
    token: str = ""
    seed: str = ""
    credentials: str = ""

    def __repr__(self) -> str:
        return f"NatsWay({self.where})"

    def arguments(self) -> dict[str, Any]:
        """What the client is told about this user. Raises `ValueError` where certificates or keys cannot be used."""
        from nats.aio.client import RawCredentials  # noqa: PLC0415 - heavy: only a process that talks to NATS pays for it

        told: dict[str, Any] = {} if self.tls is None else {"tls": tls_context(self.tls)}
        if self.user or self.password:
            return told | {"user": self.user, "password": self.password}
        if self.token:
            return told | {"token": self.token}
        if self.seed:
            return told | {"nkeys_seed_str": _checked_seed(self.seed)}
        return told | ({"user_credentials": RawCredentials(_checked_credentials(self.credentials))} if self.credentials else {})


class NatsMessage(NamedTuple):
    """What is published."""

    subject: str
    body: bytes
    headers: dict[str, str]
    stream: str | None = None
    """A stream that must take it; empty: any one must; None: nobody has to listen."""


class _Said:
    """Remembers what a client was told by its server between answers."""

    def __init__(self) -> None:
        self._errors: list[Exception] = []

    async def note(self, exc: Exception) -> None:
        """Remember it."""
        self._errors = [*self._errors[-_REMEMBERED:], exc]

    @property
    def last(self) -> Exception | None:
        """The last error."""
        return self._errors[-1] if self._errors else None

    def denied(self, subject: str) -> str:
        """The server's words that denied a message to `subject`, each told once; empty where there are none."""
        denial = f'publish to "{subject}"'.lower()  # the client library tells it in lower case
        for exc in self._errors:
            if denial in str(exc).lower():
                self._errors.remove(exc)
                return _why(exc)
        return ""


class Connected(NamedTuple):
    """A client, and what its server told it."""

    client: "Client"
    said: _Said


class NatsConnections(Pool[NatsWay, Connected]):
    """Publishes messages. A connection that ends is opened again by the next message."""

    async def publish(self, way: NatsWay, message: NatsMessage) -> str:
        """Return what the server said once it has `message`.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, it may or may not be published.
        """
        from nats import errors  # noqa: PLC0415 - see above
        from nats.js import errors as stream_errors  # noqa: PLC0415 - see above

        try:
            async with self.client(way) as connected:
                return await self._confirmed(connected, message, way)
        except errors.MaxPayloadError as exc:
            raise TriggerRefused(f"{way.where}: the message is larger than the server takes") from exc
        except stream_errors.APIError as exc:
            raise _judged_answer(exc, way, message) from exc
        except (errors.NoRespondersError, stream_errors.NoStreamResponseError) as exc:
            raise TriggerUnavailable(
                f"{way.where}: no stream takes the subject {message.subject!r}, or none has a leader"
            ) from exc
        except (errors.Error, TimeoutError) as exc:
            raise TriggerUnavailable(f"{way.where}: {_why(exc)}") from exc
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise TriggerUnavailable(
                f"{way.where}: the server ended the connection; perhaps it does not accept the login"
            ) from exc
        except (OSError, ValueError) as exc:
            raise TriggerUnavailable(f"{way.where}: cannot connect: {_why(exc)}") from exc

    async def _confirmed(self, connected: Connected, message: NatsMessage, way: NatsWay) -> str:
        from nats import errors  # noqa: PLC0415 - see above

        try:
            return await (_send(connected, message, way) if message.stream is None else _store(connected.client, message))
        except (errors.TimeoutError, errors.ConnectionClosedError):
            await self.discard(way, connected)
            raise

    async def open(self, way: NatsWay) -> Connected:
        """Connect. Raises errors of the library, `OSError` and `ValueError`."""
        # What matters comes as an exception and is said once, by whoever handles it.
        logging.getLogger("nats").setLevel(logging.CRITICAL)
        told = way.arguments()
        client, said = _client(secure=way.tls is not None), _Said()
        try:
            await client.connect(
                list(way.servers),
                name="tocsin",
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_S,
                error_cb=said.note,
                **told,
            )
        except BaseException as exc:  # cut off while it connects, it has a connection to give back, too
            await self.close(Connected(client, said))
            if said.last is not None and isinstance(exc, Exception):
                raise said.last from exc
            raise
        return Connected(client, said)

    async def close(self, client: Connected) -> None:
        """Close it, whatever state it is in."""
        # What is gone cannot be closed in order, and the client waits for ever for one whose handshake failed.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_S):
                await client.client.close()

    def usable(self, client: Connected) -> bool:
        """Whether the server is still there."""
        return client.client.is_connected


def _client(*, secure: bool) -> "Client":
    from nats import errors  # noqa: PLC0415 - see above
    from nats.aio.client import Client  # noqa: PLC0415 - see above

    class SecureClient(Client):
        """Ends before it says who it is where the server offers no TLS; the library itself would go on without."""

        async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
            if not info.get("tls_required"):
                raise errors.SecureConnWantedError
            await super()._process_info(info, initial_connection)

    return SecureClient() if secure else Client()


def _checked_seed(seed: str) -> str:
    import nkeys  # noqa: PLC0415 - see above

    try:
        nkeys.from_seed(bytearray(seed.encode())).wipe()
    except (nkeys.NkeysError, ValueError):
        raise ValueError("auth.nkey is no seed of a user (SU…)") from None
    return seed


def _checked_credentials(text: str) -> str:
    if "BEGIN NATS USER JWT" not in text or "BEGIN USER NKEY SEED" not in text:
        raise ValueError("auth.credential is no credentials file: a user's JWT and seed between their BEGIN and END lines")
    return text


async def _send(connected: Connected, message: NatsMessage, way: NatsWay) -> str:
    """Publish, and wait until the server answers what follows it: it has the message then, or has refused it."""
    await connected.client.publish(message.subject, message.body, headers=message.headers)
    # The client writes a ping before what waits to be written: only the second one follows the message.
    await connected.client.flush(CONFIRM_S)
    await connected.client.flush(CONFIRM_S)
    if denied := connected.said.denied(message.subject):
        raise TriggerRefused(f"{way.where}: {denied}")
    return ""


async def _store(client: "Client", message: NatsMessage) -> str:
    stored = await client.jetstream(timeout=CONFIRM_S).publish(
        message.subject, message.body, stream=message.stream or None, headers=message.headers
    )
    repeat = ", which had it already" if stored.duplicate else ""
    return f"stream {stored.stream}, sequence {stored.seq}{repeat}"


def _judged_answer(exc: Any, way: NatsWay, message: NatsMessage) -> TriggerRefused | TriggerUnavailable:
    said = f"{way.where}: {exc.description or exc}"
    wrong_stream = exc.err_code == 10060
    if wrong_stream:
        return TriggerRefused(f"{said}: {message.subject!r} is not a subject of the stream {message.stream!r}")
    return TriggerUnavailable(said) if (exc.code or 500) >= 500 else TriggerRefused(said)


def _why(exc: Exception) -> str:
    import ssl  # noqa: PLC0415 - see above

    if isinstance(exc, TimeoutError) and not str(exc):
        return "no answer in time"
    if type(exc).__name__ == "SecureConnWantedError":
        return "TLS is declared, and the server does not offer it"
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"the server's certificate is not accepted: {exc.verify_message}"
    return str(exc).removeprefix("nats: ") or type(exc).__name__
