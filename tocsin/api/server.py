"""Serving the API."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tocsin.api.access import guard, is_loopback, records
from tocsin.api.problems import problems
from tocsin.api.routes import Routes
from tocsin.api.service import Service

INSTANCE = "Tocsin-Instance"
_LINGER_S = 0.1
"""How long the rest of a body that nobody reads is taken off the wire, so that its sender sees the answer."""


class ApiUnavailable(Exception):
    """The API cannot listen; the message says where, why, and what to do."""


class _OursOnly(logging.Filter):
    """A client that sends no proper HTTP is answered 400; that is no fault of ours with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is worth a line."""
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_library_log = logging.getLogger("tocsin.api.http")
_library_log.addFilter(_OursOnly())


def build_app(service: Service, token: str, *, loopback: bool) -> web.Application:
    """The application."""
    # Bodies are small here: the only writes carry none.
    middlewares = [problems, guard(token, loopback=loopback), records(service.bus)]
    app = web.Application(middlewares=middlewares, client_max_size=64 * 1024)
    app.add_routes(Routes(service).table())

    async def mark(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers[INSTANCE] = service.instance
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"

    async def end(_app: web.Application) -> None:
        service.changes.end()

    app.on_response_prepare.append(mark)
    app.on_shutdown.append(end)
    return app


@asynccontextmanager
async def serving(service: Service, host: str, port: int, token: str) -> AsyncIterator[str]:
    """Serve on `host` and `port` (0: a free one) inside the block; gives the URL. Raises `ApiUnavailable`."""
    runner = web.AppRunner(
        build_app(service, token, loopback=is_loopback(host)),
        access_log=None,
        logger=_library_log,
        lingering_time=_LINGER_S,
        shutdown_timeout=2.0,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            reason = os.strerror(exc.errno).lower() if exc.errno and exc.errno > 0 else exc.strerror or str(exc)
            raise ApiUnavailable(
                f"the API cannot listen on {host}:{port}: {reason}; choose another address with --api, or --api off"
            ) from exc
        bound = runner.addresses[0]
        yield f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
