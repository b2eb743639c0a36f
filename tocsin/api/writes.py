"""The routes that change something. What they are told is a small JSON object."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from aiohttp import web

from tocsin import queries
from tocsin.acts import MOST, Done
from tocsin.api.problems import answer
from tocsin.api.service import Service
from tocsin.said import Said

Act = Callable[[Sequence[str], Said], Awaitable[list[Done]]]
_T = TypeVar("_T", bound=msgspec.Struct)


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """Who asks, and why: kept with what is recorded."""

    by: str = ""
    reason: str = ""

    def said(self) -> Said:
        """On one line, of bounded length."""
        return Said(_line(self.by, 100), _line(self.reason, 500))


class Named(Why, forbid_unknown_fields=True):
    """Some firings, each by its id or at least 8 digits of it."""

    ids: list[str] = []


class Writes:
    """Handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> list[web.RouteDef]:
        """Every route."""
        acts = self._service.acts
        return [
            *self._act("/api/v1/dead-letters", "redrive", acts.redrive),
            *self._act("/api/v1/dead-letters", "drop", acts.drop),
            *self._act("/api/v1/firings", "cancel", acts.cancel),
        ]

    def _act(self, under: str, verb: str, act: Act) -> list[web.RouteDef]:
        async def many(request: web.Request) -> web.Response:
            body = await read(request, Named)
            if not 1 <= len(body.ids) <= MOST:
                raise queries.QueryError(f"ids: expected 1 to {MOST} of them, got {len(body.ids)}")
            return answer({"items": [done.view() for done in await act(body.ids, body.said())]})

        async def single(request: web.Request) -> web.Response:
            body = await read(request, Why)
            record = await queries.find_firing(self._service.bus.journal, request.match_info["id"])
            (done,) = await act([record.firing.id], body.said())
            if not done.done:
                raise queries.Conflict(f"firing {done.id}: {done.detail}")
            return answer(done.view(), 202)

        return [web.post(f"{under}/{verb}", many), web.post(f"{under}/{{id}}/{verb}", single)]


async def read(request: web.Request, kind: type[_T]) -> _T:
    """The body as `kind`; no body is an empty object. Raises `QueryError` naming the field that is wrong."""
    body = await request.read()
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise queries.QueryError(f"the body: {exc}") from None


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]
