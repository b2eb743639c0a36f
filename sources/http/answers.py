"""Answers as bytes on the wire, and the errors that become one."""

from http import HTTPStatus
from math import ceil
from time import time

import msgspec
from aiohttp.helpers import rfc822_formatted_time

_dumps = msgspec.json.encode
_OK_HEAD = b"HTTP/1.1 200 OK\r\nServer: tocsin\r\nContent-Type: application/json\r\nDate: "


class Refused(Exception):
    """A request that gets an answer other than success. `detail` says what to do, without secrets and without the body."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        retry_after_s: float | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        close: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.close = close
        if retry_after_s is not None:
            self.headers = (*headers, ("Retry-After", str(max(1, ceil(retry_after_s)))))


class Answer:
    """One answer, complete: head and body are joined, so it is one write."""

    __slots__ = ("close", "status", "wire")

    def __init__(self, status: int, wire: bytes, *, close: bool) -> None:
        self.status = status
        self.wire = wire
        self.close = close


class _Clock:
    """The `Date` header of this second."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = 0
        self._text = b""

    def date(self) -> bytes:
        now = int(time())
        if now != self._second:
            self._second = now
            self._text = rfc822_formatted_time().encode()
        return self._text


_clock = _Clock()


def accepted(event_id: str, connection: bytes) -> Answer:
    """200 with the event's id. `connection` is the `Connection` header line, or empty."""
    body = b'{"id":' + _dumps(event_id) + b"}"
    wire = b"%b%b\r\n%bContent-Length: %d\r\n\r\n%b" % (_OK_HEAD, _clock.date(), connection, len(body), body)
    return Answer(200, wire, close=connection == CLOSE)


CLOSE = b"Connection: close\r\n"
KEEP = b"Connection: keep-alive\r\n"


def problem(refused: Refused, *, close: bool = False, bodiless: bool = False) -> Answer:
    """The answer to a refused request: `application/problem+json`, RFC 9457."""
    status = HTTPStatus(refused.status)
    document = {"title": status.phrase, "status": refused.status, "detail": refused.detail}
    return plain(
        refused.status,
        _dumps(document),
        "application/problem+json",
        headers=refused.headers,
        close=close or refused.close,
        bodiless=bodiless,
    )


def plain(
    status: int,
    body: bytes,
    content_type: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    close: bool = False,
    bodiless: bool = False,
) -> Answer:
    """An answer of any status. `bodiless` leaves the body out and keeps its length, as HEAD asks."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Server: tocsin", f"Content-Type: {content_type}"]
    lines += [f"Date: {_clock.date().decode()}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if close:
        lines.append("Connection: close")
    head = "\r\n".join((*lines, "", "")).encode()
    return Answer(status, head if bodiless else head + body, close=close)
