"""The routes that pause and resume event sources and sensors. The body says who asks and why; it may be missing."""

from math import isfinite

from aiohttp import web

from manifests.objects import ObjectRef
from tocsin import queries
from tocsin.api.problems import answer
from tocsin.api.service import Service
from tocsin.api.writes import Why, read
from tocsin.holding import RATE
from tocsin.objects import pick
from tocsin.pauses import Mode
from tocsin.views import Json


class PauseRoutes:
    """Handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> list[web.RouteDef]:
        """Every route."""
        return [
            web.post("/api/v1/sources/{name:.+}/pause", self.pause_source),
            web.post("/api/v1/sources/{name:.+}/resume", self.resume_source),
            web.post("/api/v1/sensors/{name:.+}/pause", self.pause_sensor),
            web.post("/api/v1/sensors/{name:.+}/resume", self.resume_sensor),
        ]

    async def pause_source(self, request: web.Request) -> web.Response:
        """Pause an event source: `mode=hold` (the default) or `mode=drop`."""
        mode, said = _mode(request), (await read(request, Why)).said()
        ref = pick(self._service.source_refs(), request.match_info["name"], "event source")
        return answer(_named(ref) | {"paused": await self._service.pause_source(ref, mode, said)})

    async def resume_source(self, request: web.Request) -> web.Response:
        """Let an event source go on."""
        said = (await read(request, Why)).said()
        ref = pick(self._service.source_refs(), request.match_info["name"], "event source")
        former = await self._service.resume_source(ref, said)
        if former is None:
            raise queries.Conflict(f"the event source {ref.name} is not paused")
        return answer(_named(ref) | {"was": former})

    async def pause_sensor(self, request: web.Request) -> web.Response:
        """Pause a sensor: `mode=hold` (the default) keeps what comes for later, `mode=drop` skips it."""
        mode, said = _mode(request), (await read(request, Why)).said()
        ref, view = self._sensor(request)
        return answer(view | {"paused": await self._service.pause_sensor(ref, mode, said)})

    async def resume_sensor(self, request: web.Request) -> web.Response:
        """Let a sensor go on; one that was held catches up at `rate` firings a second, 0 for no bound."""
        rate, said = _rate(request), (await read(request, Why)).said()
        ref, view = self._sensor(request)
        return answer(view | {"was": await self._service.resume_sensor(ref, rate, said), "rate": rate})

    def _sensor(self, request: web.Request) -> tuple[ObjectRef, Json]:
        ref = pick(self._service.sensor_refs(), request.match_info["name"], "sensor")
        return ref, _named(ref)


def _mode(request: web.Request) -> Mode:
    mode = request.query.get("mode", "hold")
    if mode not in ("hold", "drop"):
        raise queries.QueryError(f"mode: expected hold or drop, got {mode[:20]!r}")
    return "drop" if mode == "drop" else "hold"


def _rate(request: web.Request) -> float:
    text = request.query.get("rate", str(RATE))
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not isfinite(rate) or rate < 0:
        raise queries.QueryError(f"rate: expected firings a second, 0 for no bound, got {text[:20]!r}")
    return rate


def _named(ref: ObjectRef) -> Json:
    return {"namespace": ref.namespace, "name": ref.name}
