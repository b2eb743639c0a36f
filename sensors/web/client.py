"""The HTTP client of all outgoing calls: one session, connections kept, redirects by our own rules."""

from dataclasses import replace
from typing import TYPE_CHECKING

from multidict import CIMultiDict
from yarl import URL

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.web.call import Answer, Call, origin
from sensors.web.egress import Egress

if TYPE_CHECKING:
    from sensors.web.session import Session

_MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = ("Authorization", "Cookie", "Proxy-Authorization")


class Web:
    """Makes calls; one object serves all triggers of a service. Close it with `aclose`."""

    def __init__(self, egress: Egress | None = None) -> None:
        self.egress = egress or Egress()
        self._session: Session | None = None
        self._closed = False

    async def send(self, call: Call) -> Answer:
        """Make the call and follow up to ten redirects, as Go's client does.

        Raises `TriggerUnavailable` where no answer came, `TriggerRefused` where none can come. No deadline of its own
        but for connecting: the caller has one. If cancelled, the target may or may not have seen the request.
        """
        session = self._session or self._open()
        answer = await session.once(call)
        for _ in range(_MAX_REDIRECTS):
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                return answer
            call = _redirected(call, answer.status, answer.headers["Location"])
            answer = await session.once(call)
        if answer.status in _REDIRECTS:
            raise TriggerRefused(f"{origin(call.url)} redirected more than {_MAX_REDIRECTS} times", status=answer.status)
        return answer

    async def aclose(self) -> None:
        """Close all connections. Calls after it raise `TriggerUnavailable`."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    def _open(self) -> "Session":
        from sensors.web.session import Session  # noqa: PLC0415 heavy: only a process that calls something pays for it

        if self._closed:
            raise TriggerUnavailable("the service is stopping")
        self._session = Session(self.egress)
        return self._session


def _redirected(call: Call, status: int, location: str) -> Call:
    try:
        url = call.url.join(URL(location))
        # Before its origin is asked for: what is not HTTP may have none, such as a file.
        if url.scheme not in ("http", "https"):
            raise TriggerRefused(f"{origin(call.url)} redirected to {url.scheme!r}, which is not HTTP", status=status)
        target = url.origin()
    except ValueError:
        raise TriggerRefused(f"{origin(call.url)} redirected to something that is no URL", status=status) from None
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
