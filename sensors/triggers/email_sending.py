"""Sending mails, one to each address, and remembering who has got one."""

import ssl
from collections import OrderedDict
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import formatdate
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from sensors.errors import TriggerRefused, TriggerUnavailable

if TYPE_CHECKING:
    import aiosmtplib

TIMEOUT_S = 20.0
"""Seconds for connecting and for each answer of the server."""
IMPLICIT_TLS_PORT = 465
_REMEMBERED = 4096


class Server(NamedTuple):
    """A mail server and who we are there. It never prints its password."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Server({self.where})"

    @property
    def where(self) -> str:
        """The server, for messages."""
        return f"mail server {self.host}:{self.port}"


class Mail(NamedTuple):
    """What everybody gets."""

    sender: str
    subject: str
    body: str

    def to(self, address: str, key: str) -> EmailMessage:
        """The mail to `address`. The same `key` and address give the same Message-ID, by which a repeat can be recognised."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, address, self.subject
        message["Date"] = formatdate(usegmt=True)
        local = address.encode().hex()[:_ID_CHARACTERS]
        message["Message-ID"] = f"<{key}.{local}@tocsin>"
        message["X-Idempotency-Key"] = key
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.body)
        return message


_ID_CHARACTERS = 64


class Mailer:
    """Sends mails. A firing that is tried again reaches only those who have not got theirs, for as long as this process lives."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, set[str]] = OrderedDict()

    async def send(self, server: Server, mail: Mail, addresses: Iterable[str], key: str) -> int:
        """Return how many mails went out now. All addresses are tried.

        Raises `TriggerUnavailable` where one may work later, `TriggerRefused` where only hopeless ones are left. If cancelled,
        the mail under way may or may not have been sent.
        """
        import aiosmtplib  # noqa: PLC0415 - only a process that sends mail pays for it

        done = self._done.setdefault(key, set())
        self._done.move_to_end(key)
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        open_ = [address for address in dict.fromkeys(addresses) if address not in done]
        try:
            client = _client(server)
            async with client:
                await _login(client, server)
                faults = [await _one(client, mail.to(address, key), address, done) for address in open_]
        except (aiosmtplib.SMTPException, OSError, ValueError) as exc:
            raise TriggerUnavailable(f"{server.where}: {_why(exc)}") from exc
        _judge([fault for fault in faults if fault is not None], server)
        del self._done[key]
        return len(open_)

    async def aclose(self) -> None:
        """Do nothing: each attempt has a connection of its own."""


class _Fault(NamedTuple):
    what: str
    lasting: bool


def _client(server: Server) -> "aiosmtplib.SMTP":
    import aiosmtplib  # noqa: PLC0415 - see above

    implicit = server.port == IMPLICIT_TLS_PORT
    return aiosmtplib.SMTP(
        hostname=server.host, port=server.port, timeout=TIMEOUT_S, use_tls=implicit, start_tls=False if implicit else None
    )


async def _login(client: "aiosmtplib.SMTP", server: Server) -> None:
    if not server.user and not server.password:
        return
    if client.transport is not None and client.transport.get_extra_info("sslcontext") is None and not _is_here(server.host):
        raise ValueError("it offers no TLS, and a password is not sent without")
    await client.login(server.user, server.password)


async def _one(client: "aiosmtplib.SMTP", message: EmailMessage, address: str, done: set[str]) -> _Fault | None:
    import aiosmtplib  # noqa: PLC0415 - see above

    try:
        await client.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as exc:
        code, said = exc.recipients[0].code, exc.recipients[0].message
    except aiosmtplib.SMTPResponseException as exc:
        code, said = exc.code, exc.message
    else:
        done.add(address)
        return None
    return _Fault(f"{address}: {code} {' '.join(said.split())}", 500 <= code < 600)


def _judge(faults: list[_Fault], server: Server) -> None:
    if not faults:
        return
    said = f"{server.where} did not take the mail to {'; to '.join(fault.what for fault in faults)}"
    raise TriggerRefused(said) if all(fault.lasting for fault in faults) else TriggerUnavailable(said)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError) or isinstance(exc.__cause__, ssl.SSLCertVerificationError):
        return "the server's certificate is not accepted"
    code = getattr(exc, "code", None)
    said = " ".join(str(getattr(exc, "message", None) or exc).split()) or type(exc).__name__
    return f"{code} {said}" if code else said
