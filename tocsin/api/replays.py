"""The routes of replays."""

import math
from typing import Any

import msgspec
from aiohttp import web

from tocsin import queries
from tocsin.api.problems import answer
from tocsin.api.service import Service
from tocsin.api.writes import Why, read
from tocsin.replaying.asking import asked_of, list_replays, show_replay
from tocsin.replaying.record import replay_view
from tocsin.replaying.replayer import RATE

_LONGEST_NAME = 200


class Wanted(Why, forbid_unknown_fields=True):
    """A replay that is asked for."""

    event: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    sensor: str | None = None
    as_decided: bool = False
    limit: int | None = None
    rate: float = RATE
    name: str = ""


class Replays:
    """Handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> list[web.RouteDef]:
        """Every route."""
        return [
            web.get("/api/v1/replays", self.list, allow_head=True),
            web.get("/api/v1/replays/preview", self.preview, allow_head=True),
            web.get("/api/v1/replays/{number}", self.show, allow_head=True),
            web.post("/api/v1/replays", self.begin),
            web.post("/api/v1/replays/{number}/cancel", self.cancel),
        ]

    async def list(self, _request: web.Request) -> web.Response:
        """Every replay, newest first."""
        return answer(await list_replays(self._service.bus.journal))

    async def show(self, request: web.Request) -> web.Response:
        """One replay and how far it has got."""
        return answer(await show_replay(self._service.bus.journal, request.match_info["number"]))

    async def preview(self, request: web.Request) -> web.Response:
        """What a replay would do."""
        from tocsin.replaying.preview import preview  # noqa: PLC0415 - compiling is heavy, and few ask

        return answer(await preview(self._service.bus.journal, asked_of(dict(request.query))))

    async def begin(self, request: web.Request) -> web.Response:
        """Begin a replay, or name the one that the same request began."""
        wanted = await read(request, Wanted)
        asked = asked_of(_params(wanted))
        if not (wanted.rate >= 0 and math.isfinite(wanted.rate)):
            raise queries.QueryError(f"rate: expected firings a second, or 0 for no bound; got {wanted.rate:g}")
        if len(wanted.name) > _LONGEST_NAME:
            raise queries.QueryError(f"name: expected at most {_LONGEST_NAME} characters")
        said = wanted.said()
        replay, present = await self._service.replayer.ask(
            asked, rate=wanted.rate, name=wanted.name, by=said.by, reason=said.reason
        )
        return answer(replay_view(replay) | {"present": present}, 200 if present else 202)

    async def cancel(self, request: web.Request) -> web.Response:
        """End a replay where it is."""
        body = await read(request, Why)
        replay = (await show_replay(self._service.bus.journal, request.match_info["number"]))["number"]
        return answer(replay_view(await self._service.replayer.cancel(replay, f"cancelled{body.said()}")))


def _params(wanted: Wanted) -> dict[str, Any]:
    given = {"event": wanted.event, "from": wanted.from_, "to": wanted.to, "sensor": wanted.sensor}
    params = {name: value for name, value in given.items() if value}
    if wanted.limit is not None:
        params["limit"] = str(wanted.limit)
    return params | {"as_decided": "true" if wanted.as_decided else "false"}
