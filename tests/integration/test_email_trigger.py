"""The email trigger on a real mail server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import pytest
from aiosmtpd.handlers import Message as _Keeping
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from servers.certificates import make_certificates
from servers.process import free_ports
from trigger_rig import RigValues, TriggerRig, ref, rig_of

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.email import EmailKind


class Inbox(_Keeping):
    """Takes mails, but for addresses that begin with `no` (never) and `later` (not yet)."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []
        self.later = True

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("no"):
            return "550 no such mailbox"
        if address.startswith("later") and self.later:
            return "450 mailbox is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)

    @property
    def to(self) -> list[str]:
        return [str(mail["To"]) for mail in self.mails]


def known(server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me@example.com", b"hush")
    return AuthResult(success=right, handled=right)  # what is not handled is answered with 535


class MailServer:
    """A server on a port of its own."""

    def __init__(self, port: int, **options: Any) -> None:
        self.inbox, self.port, self._options = Inbox(), port, options
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self.inbox, loop=loop, hostname="mail", **self._options), "127.0.0.1", self.port
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer(free_ports(1)[0]) as made:
        yield made


@pytest.fixture
async def rig() -> AsyncIterator[TriggerRig]:
    async with rig_of(EmailKind, RigValues({"password": "hush", "wrong": "wrong"})) as made:
        yield made


def mail(server: MailServer, **fields: Any) -> dict[str, Any]:
    here = {"host": "127.0.0.1", "port": server.port, "from": "tocsin@example.com", "to": ["a@example.com", "b@example.com"]}
    return {**here, "subject": "Es läuft", "body": "Grüße\n.\nend", **fields}


async def test_each_address_gets_one_plain_text_mail(rig: TriggerRig, server: MailServer) -> None:
    assert (await rig.fire(rig.trigger(mail(server)))).detail == "2 sent"
    first, second = server.inbox.mails
    assert server.inbox.to == ["a@example.com", "b@example.com"]
    assert first.get_content_type() == "text/plain"
    assert first.get_payload(decode=True).decode().split() == ["Grüße", ".", "end"]
    assert first["X-Idempotency-Key"] == "f-1"
    assert first["Message-ID"] != second["Message-ID"]


async def test_a_repeat_has_the_same_message_id(rig: TriggerRig, server: MailServer) -> None:
    trigger = rig.trigger(mail(server, to=["a@example.com"]))
    for _ in range(2):
        await rig.fire(trigger)
    assert len({message["Message-ID"] for message in server.inbox.mails}) == 1


async def test_another_try_reaches_only_those_who_have_got_none(rig: TriggerRig, server: MailServer) -> None:
    trigger = rig.trigger(mail(server, to=["later@example.com", "a@example.com"]))
    with pytest.raises(TriggerUnavailable, match=r"did not take the mail to later@example\.com: 450 mailbox is busy"):
        await rig.fire(trigger)
    server.inbox.later = False
    assert (await rig.fire(trigger)).detail == "1 sent"
    assert server.inbox.to == ["a@example.com", "later@example.com"]


async def test_an_address_that_nobody_has_is_refused_and_the_others_get_theirs(rig: TriggerRig, server: MailServer) -> None:
    with pytest.raises(TriggerRefused, match=r"nobody@example\.com: 550 no such mailbox"):
        await rig.fire(rig.trigger(mail(server, to=["nobody@example.com", "a@example.com"])))
    assert server.inbox.to == ["a@example.com"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_user_logs_in_here_without_tls(rig: TriggerRig) -> None:
    options = {"authenticator": known, "auth_required": True, "auth_require_tls": False}
    async with MailServer(free_ports(1)[0], **options) as server:
        login = {"username": "me@example.com", "smtpPassword": ref("password")}
        await rig.fire(rig.trigger(mail(server, **login)))
        with pytest.raises(TriggerUnavailable, match="535"):
            await rig.fire(rig.trigger(mail(server, **login | {"smtpPassword": ref("wrong")})))
        with pytest.raises(TriggerUnavailable, match="'gone' is missing"):
            await rig.fire(rig.trigger(mail(server, **login | {"smtpPassword": ref("gone")})))


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(rig: TriggerRig, tmp_path: Path) -> None:
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "leaf.pem", tmp_path / "leaf.key")
    async with MailServer(free_ports(1)[0], tls_context=context) as server:
        with pytest.raises(TriggerUnavailable, match="certificate"):
            await rig.fire(rig.trigger(mail(server)))
    assert server.inbox.mails == []


async def test_a_server_that_is_not_there_is_worth_another_try(rig: TriggerRig, server: MailServer) -> None:
    with pytest.raises(TriggerUnavailable, match=r"mail server 127\.0\.0\.1:1: "):
        await rig.fire(rig.trigger(mail(server, port=1)))
