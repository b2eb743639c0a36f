"""An object that a URL answers with."""

import asyncio
from typing import Any

from multidict import CIMultiDict
from yarl import URL

from clients.tls import TLSMaterial, tls_context
from sensors.artifacts.content import MAX_BYTES
from sensors.artifacts.spec import UrlLocation
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.trigger import TriggerContext
from sensors.web.call import Answer, Call, origin
from sensors.web.client import Web

TIMEOUT_S = 30.0


class UrlPlace:
    """A GET whose answer is 200."""

    def __init__(self, declared: UrlLocation, context: TriggerContext) -> None:
        self._url = absolute(declared.path, "path")
        self._tls = None if declared.verify_cert else tls_context(TLSMaterial(insecure=True))
        self._context = context

    @property
    def what(self) -> str:
        """Names it in errors."""
        return f"the answer of {origin(self._url)}"

    def show(self) -> dict[str, Any]:
        """The URL, without a password in it."""
        return {"path": str(self._url.with_password("***") if self._url.password else self._url)}

    async def read(self) -> bytes:
        """The text."""
        call = Call(method="GET", url=self._url, headers=CIMultiDict(PLAIN), body=None, tls=self._tls, keep=MAX_BYTES)
        answer = await fetched(self._context, call, self.what)
        if answer.status != 200:
            raise unexpected(answer, origin(self._url))
        return answer.body


PLAIN = (("Accept-Encoding", "identity"),)
"""What is read is not unpacked, so that a small answer cannot become a large one."""


def absolute(text: str, field: str) -> URL:
    """The URL that `text` is. Raises `ValueError` where it is none that can be called."""
    try:
        url = URL(text)
    except ValueError:
        raise ValueError(f"{field} is no URL") from None
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise ValueError(f"{field} {text!r}: expected an absolute URL with http or https")
    return url


async def fetched(context: TriggerContext, call: Call, what: str) -> Answer:
    """Make the call with the service's client, or one for this call alone. Raises `TriggerUnavailable`."""
    web = context.web or Web()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await web.send(call)
    except TimeoutError as exc:
        raise TriggerUnavailable(f"{what} did not come within {TIMEOUT_S:g}s") from exc
    finally:
        if context.web is None:
            await web.aclose()


def unexpected(answer: Answer, where: str) -> TriggerUnavailable | TriggerRefused:
    """What an answer that is not the object means: again, later, unless it says that it always will be so."""
    said = f"{where} answered {answer.status} where the object was to be read"
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return TriggerUnavailable(said, status=answer.status)
    return TriggerRefused(said, status=answer.status)
