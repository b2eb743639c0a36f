"""Tokens of installations of GitHub Apps, for triggers that read from GitHub."""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import msgspec
from multidict import CIMultiDict
from yarl import URL

from clients.github_app import RENEW_BEFORE, assertion, tokens_path
from sensors.errors import TriggerUnavailable
from sensors.triggers.available import available
from sensors.triggers.http_answer import retry_after_s
from sensors.triggers.trigger import TriggerContext
from sensors.web.call import Answer, Call
from sensors.web.client import Web

TIMEOUT_S = 10.0
REMEMBERED = 256
_LONGEST_ANSWER = 256 * 1024


class Installation(NamedTuple):
    """One installation of one app, as its API is called. It never prints the key."""

    api: str
    app_id: int
    installation_id: int
    key: str
    """The app's private key, PEM."""

    def __repr__(self) -> str:
        return f"Installation({self.what})"

    @property
    def what(self) -> str:
        """Names it in errors."""
        return f"githubApp {self.app_id}, installation {self.installation_id} at {URL(self.api).host}"


class _Token(msgspec.Struct, frozen=True, gc=False):
    token: str
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]


_decode = msgspec.json.Decoder(_Token).decode


class Installations:
    """Asks for tokens, and keeps each until shortly before it ends."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Installation, _Token] = OrderedDict()

    async def token(self, installation: Installation, context: TriggerContext) -> str:
        """A token that holds for some minutes more.

        Raises `TriggerUnavailable` where none is given, and `TriggerRefused` where the API may not be called. If cancelled, one
        may have been given that nobody uses.
        """
        kept = self._kept.get(installation)
        if kept is None or datetime.now(UTC) > kept.expires_at - RENEW_BEFORE:
            kept = self._kept[installation] = await _asked(installation, context)
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return kept.token

    def forget(self, token: str) -> None:
        """Ask for another one instead of `token` the next time."""
        for installation in [one for one, kept in self._kept.items() if kept.token == token]:
            del self._kept[installation]

    async def aclose(self) -> None:
        """Forget them all."""
        self._kept.clear()


async def _asked(installation: Installation, context: TriggerContext) -> _Token:
    with available():
        signed = assertion(installation.app_id, installation.key, datetime.now(UTC))
    url = URL(installation.api + tokens_path(installation.installation_id))
    headers = CIMultiDict({"Authorization": f"Bearer {signed}", "Accept": "application/vnd.github+json"})
    call = Call(method="POST", url=url, headers=headers, body=b"", keep=_LONGEST_ANSWER)
    web = context.web or Web()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await web.send(call)
    except TimeoutError as exc:
        raise TriggerUnavailable(f"{installation.what}: no answer within {TIMEOUT_S:g}s") from exc
    finally:
        if context.web is None:
            await web.aclose()
    return _read(answer, installation)


def _read(answer: Answer, installation: Installation) -> _Token:
    if answer.status != 201:
        hints = {401: "; check appID, privateKey and this machine's clock", 404: "; check installationID"}
        said = f"{installation.what} got no token: answered {answer.status}{hints.get(answer.status, '')}"
        asked_s = retry_after_s(answer.headers.get("Retry-After", ""))
        raise TriggerUnavailable(said, retry_after_s=asked_s, status=answer.status)
    try:
        return _decode(answer.body)
    except msgspec.DecodeError as exc:
        raise TriggerUnavailable(f"{installation.what} got an answer without a token") from exc
