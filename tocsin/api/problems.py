"""Errors as RFC 9457 problem documents."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from eventbus.errors import BusError, BusUnavailable
from tocsin.encoding import dumps
from tocsin.queries import QueryError

logger = structlog.get_logger()


def problem(status: int, title: str, detail: str, *, more: Mapping[str, Any] | None = None, **headers: str) -> web.Response:
    """An error answer of the one shape that all errors have."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **(more or {})}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, body=dumps(document), content_type="application/problem+json", headers=named)


def answer(value: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(status=status, body=dumps(value), content_type="application/json", charset="utf-8")


@web.middleware
async def problems(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem document."""
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as exc:
        return _of_http(request, exc)
    except QueryError as exc:
        return problem(exc.status, HTTPStatus(exc.status).phrase, str(exc), more=exc.more)
    except BusUnavailable as exc:
        retry = str(max(1, round(exc.retry_after_s + 0.499)))
        return problem(503, "Service Unavailable", str(exc), Retry_After=retry)
    except BusError as exc:
        return problem(503, "Service Unavailable", str(exc))
    except Exception:  # the last handler: whoever asked gets an answer, and the log the traceback
        logger.exception("api_failed", method=request.method, path=request.path)
        return problem(500, "Internal Server Error", "the service failed to answer; its log says more")
    return response


def _of_http(request: web.Request, exc: web.HTTPException) -> web.Response:
    """aiohttp's own 404, 405, 413 and the like."""
    phrase = HTTPStatus(exc.status).phrase
    if isinstance(exc, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(exc.allowed_methods))
        return problem(exc.status, phrase, f"{request.method} is not allowed here; use {allowed}", Allow=allowed)
    detail = f"nothing is at {request.path}" if exc.status == 404 else phrase.lower()
    return problem(exc.status, phrase, detail)
