"""Asking: the running service where one answers, else the data folder."""

import http.client
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import click

from tocsin.cli.output import message
from tocsin.cli.settings import Settings
from tocsin.datafolder import announced

if TYPE_CHECKING:
    from eventbus.journal import Journal

Json = dict[str, Any]
TIMEOUT_S = 30.0


class Unreachable(Exception):
    """No service answers at the address."""


class NotAnswered(Unreachable):
    """A service is there, and has not answered in time. What it was asked to do may still be done."""


class Failed(click.ClickException):
    """It could not be done; exit code 1."""

    exit_code = 1


class NoService(Failed):
    """It needs a running service, and there is none."""


class AskedWrongly(Failed):
    """The service or the journal does not understand what was asked; exit code 2."""

    exit_code = 2


def path(*parts: str) -> str:
    """An API path; ids may hold any character."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def ask(settings: Settings, path: str, params: Mapping[str, str | None], local: Callable[["Journal"], Awaitable[Json]]) -> Json:
    """Answer a question from the service, or by `local` from the data folder; says on stderr which it was."""
    wanted = {name: value for name, value in params.items() if value is not None}
    try:
        url = service_url(settings)
        found = call(settings, url, "GET", path + ("?" + urlencode(wanted) if wanted else ""))
    except Unreachable as exc:
        folder = Path(settings.data)
        if not folder.is_dir():
            raise Failed(f"{exc}, and there is no data folder {folder}; --data or --server name another") from None
        message(f"read from the data folder {folder} ({exc})")
        return _locally(folder, local)
    message(f"read from the service at {url}")
    return found


def change(settings: Settings, path: str, body: Json | None = None) -> Json:
    """Change something through the running service."""
    try:
        return call(settings, service_url(settings), "POST", path, body)
    except NotAnswered as exc:
        raise Failed(f"{exc}, and may still do what was asked: see what /readyz says, and look before you ask again") from None
    except Unreachable as exc:
        raise _needs_service(exc) from None


def get(settings: Settings, path: str, params: Mapping[str, str]) -> Json:
    """Ask the running service, and nobody else: for what leads to a change."""
    try:
        return call(settings, service_url(settings), "GET", f"{path}?{urlencode(params)}")
    except Unreachable as exc:
        raise _needs_service(exc) from None


def _needs_service(exc: Unreachable) -> NoService:
    return NoService(f"this needs a running service: {exc}; start one with `tocsin run`")


def service_url(settings: Settings) -> str:
    """Where the service is. Raises `Unreachable` where none is known."""
    if settings.server:
        return settings.server.rstrip("/")
    running = announced(Path(settings.data))
    if running is None:
        raise Unreachable("no service runs on it")
    return running.url


def call(settings: Settings, url: str, method: str, target: str, body: Json | None = None) -> Json:
    """One request to the API. Raises `Unreachable`, or `Failed` with the service's own words."""
    connection, base = _connection(url)
    try:
        sent = None if body is None else json.dumps(body)
        connection.connect()
        connection.request(method, base + target, sent, headers=_headers(settings, connection.host))
        response = connection.getresponse()
        received = response.read()
    except TimeoutError as exc:
        if connection.sock is None:
            raise Unreachable(f"no service answers at {url}") from exc
        raise NotAnswered(f"the service at {url} has not answered within {TIMEOUT_S:g}s") from exc
    except (OSError, http.client.HTTPException) as exc:
        raise Unreachable(f"no service answers at {url}") from exc
    finally:
        connection.close()
    _same_instance(settings, url, response.getheader("Tocsin-Instance"))
    return _decoded(url, response.status, received)


def _connection(url: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection to a server that is not made yet, and the path that all of its paths begin with."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise click.UsageError(f"--server {url!r} is no address such as http://127.0.0.1:7070")
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return connect(host, port, timeout=TIMEOUT_S), parts.path.rstrip("/")


def _headers(settings: Settings, host: str) -> dict[str, str]:
    # The folder's own token is for this machine: a service that others can reach wants the other one.
    token = os.environ.get("TOCSIN_API_TOKEN") or (_token(Path(settings.data)) if _is_this_machine(host) else None)
    return {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _token(folder: Path) -> str | None:
    try:
        return (folder / "api-token").read_text().strip()
    except OSError:
        return None


def _same_instance(settings: Settings, url: str, instance: str | None) -> None:
    """A service that died leaves its address behind; another may have taken it."""
    running = announced(Path(settings.data))
    if not settings.server and (running is None or running.instance != instance):
        raise Unreachable(f"another service answers at {url}")


def _decoded(url: str, status: int, body: bytes) -> Json:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unreachable(f"what answers at {url} is no tocsin service")
    if status >= 400:
        lines = [str(document.get("detail") or document.get("title") or f"the service answered {status}")]
        lines += ["/".join((c["namespace"], c["source"], c["name"], c["id"])) for c in document.get("candidates", ())]
        raise (AskedWrongly if status == 400 else Failed)("\n  ".join(lines))
    found: Json = document
    return found


def _locally(folder: Path, local: Callable[["Journal"], Awaitable[Json]]) -> Json:
    import asyncio

    from eventbus.errors import BusError
    from eventbus.sqlite import open_reader
    from tocsin.queries import QueryError, candidates_of

    async def run() -> Json:
        async with open_reader(folder) as journal:
            return await local(journal)

    try:
        return asyncio.run(run())
    except QueryError as exc:
        raise (AskedWrongly if exc.status == 400 else Failed)("\n  ".join([str(exc), *candidates_of(exc)])) from exc
    except BusError as exc:
        raise Failed(str(exc)) from exc
