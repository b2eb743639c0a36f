"""Who may ask: the host that a request names, and the token that writes need."""

import hmac
import os
import secrets
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web

from eventbus.contract import Bus
from eventbus.errors import BusUnavailable
from tocsin.api.problems import problem

TOKEN_FILE = "api-token"  # noqa: S105 - the file's name
OPEN_PATHS = frozenset({"/livez", "/readyz"})
"""Answered without a token everywhere: probes cannot carry one."""


_WHICH = (
    "send `Authorization: Bearer TOKEN` with what TOCSIN_API_TOKEN was when the service started, or else the data folder's "
    f"{TOKEN_FILE} (the command line sends what TOCSIN_API_TOKEN is where you call it, or else that file)"
)


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine only."""
    if host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The host of a `Host` header, without its port."""
    if header.startswith("["):
        return header[1:].split("]", 1)[0]
    return header.rsplit(":", 1)[0] if header.count(":") == 1 else header


def load_token(folder: Path) -> str:
    """The token that writes need: `$TOCSIN_API_TOKEN`, or the data folder's own, made when there is none (mode 0600)."""
    if given := os.environ.get("TOCSIN_API_TOKEN"):
        return given
    path = folder / TOKEN_FILE
    if (present := read_token(folder)) is not None:
        return present
    token = secrets.token_urlsafe(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(token + "\n")
    return token


def read_token(folder: Path) -> str | None:
    """The data folder's token, or None."""
    try:
        return (folder / TOKEN_FILE).read_text().strip() or None
    except OSError:
        return None


def guard(token: str, *, loopback: bool) -> Callable[..., Any]:
    """A middleware. On loopback: a foreign `Host` is refused, and writes need the token. Elsewhere all but probes need it."""
    expected = token.encode()

    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        if loopback and not is_loopback(host_of(request.headers.get("Host", ""))):
            # A page on a foreign name that resolves to 127.0.0.1 must not read what this service keeps.
            return problem(403, "Forbidden", "the Host header names another machine; use 127.0.0.1 or localhost")
        needs = request.method not in ("GET", "HEAD") or not (loopback or request.path in OPEN_PATHS)
        if needs and not hmac.compare_digest(_bearer(request), expected):
            wrong = "this is another service's token" if "Authorization" in request.headers else "a token is needed"
            return problem(401, "Unauthorized", f"{wrong}; {_WHICH}", WWW_Authenticate="Bearer")
        response: web.StreamResponse = await handler(request)
        return response

    return check


def records(bus: Bus) -> Callable[..., Any]:
    """A middleware. While nothing can be recorded, what would change something is refused at once, and nothing of it is done.

    It would wait for the disk longer than whoever asks, and then be done unseen.
    """

    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD") and not (health := bus.health()).records:
            raise BusUnavailable(f"nothing was done: {health.reason}")
        response: web.StreamResponse = await handler(request)
        return response

    return check


def _bearer(request: web.Request) -> bytes:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "bearer" else b""
