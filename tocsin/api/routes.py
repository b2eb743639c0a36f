"""The routes of the API."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from eventbus.firing import OutcomeKind
from tocsin import __version__, queries, story
from tocsin.api.follow import Follow, wants_stream
from tocsin.api.pauses import PauseRoutes
from tocsin.api.problems import answer
from tocsin.api.replays import Replays
from tocsin.api.service import Service
from tocsin.api.writes import Writes
from tocsin.objects import pick
from tocsin.scenarios.recorded import recording
from tocsin.views import page_view

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """Handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._follow = Follow(service.bus.journal, service.changes)

    def table(self) -> list[web.RouteDef]:
        """Every route."""
        get = {
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/metrics": self.metrics,
            "/api/v1/version": self.version,
            "/api/v1/events": self.events,
            "/api/v1/events/{id:.+}/explain": self.explain,
            "/api/v1/events/{id:.+}/trace": self.trace,
            "/api/v1/events/{id:.+}/recording": self.recording,
            "/api/v1/events/{id:.+}": self.event,
            "/api/v1/firings": self.firings,
            "/api/v1/firings/{id}/why": self.why,
            "/api/v1/firings/{id}": self.firing,
            "/api/v1/dead-letters": self.dead_letters,
            "/api/v1/dead-letters/{id}": self.firing,
            "/api/v1/explain": self.explain,
            "/api/v1/trace": self.trace,
            "/api/v1/recording": self.recording,
            "/api/v1/why": self.why,
            "/api/v1/sources": self.sources,
            "/api/v1/sources/{name:.+}": self.source,
            "/api/v1/sensors": self.sensors,
            "/api/v1/sensors/{name:.+}": self.sensor,
        }
        routes = [web.get(path, handler, allow_head=True) for path, handler in get.items()]
        writes = (Replays, Writes, PauseRoutes)
        return [*(route for one in writes for route in one(self._service).table()), *routes]

    async def livez(self, _request: web.Request) -> web.Response:
        """The loop turns."""
        return answer({"live": True})

    async def readyz(self, _request: web.Request) -> web.Response:
        """The log answers and what was declared runs; names what does not."""
        state = self._service.readiness()
        return answer(state, 200 if state["ready"] else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        from tocsin.exposition import CONTENT_TYPE, exposition  # noqa: PLC0415 - 10 MB that only scraped services pay

        bus = self._service.bus
        journal = bus.journal
        await self._service.count_pauses()
        # Thousands of sensors make a page that takes a second: senders are answered meanwhile.
        copied = self._service.metrics.copied()
        page = await asyncio.to_thread(exposition, copied, await journal.tallies(), bus.health(), await journal.kept())
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE})

    async def version(self, _request: web.Request) -> web.Response:
        """Version of the service."""
        python = ".".join(map(str, sys.version_info[:3]))
        return answer({"version": __version__, "python": python, "instance": self._service.instance})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """A page of events, or every new one as it comes."""
        if wants_stream(request):
            return await self._follow.events(request)
        return answer(await queries.list_events(self._service.bus.journal, _params(request)))

    async def event(self, request: web.Request) -> web.Response:
        """One event."""
        return answer(await queries.show_event(self._service.bus.journal, _named(request, "id")))

    async def firings(self, request: web.Request) -> web.StreamResponse:
        """A page of firings, or every one that is closed from now on."""
        if wants_stream(request):
            return await self._follow.firings(request)
        return answer(await queries.list_firings(self._service.bus.journal, _params(request)))

    async def firing(self, request: web.Request) -> web.Response:
        """One firing with what was sent."""
        return answer(await story.show_firing(self._service.bus.journal, _named(request, "id")))

    async def dead_letters(self, request: web.Request) -> web.Response:
        """A page of what was given up."""
        found = await queries.list_firings(self._service.bus.journal, _params(request), outcome=OutcomeKind.DEAD_LETTERED)
        return answer(found)

    async def why(self, request: web.Request) -> web.Response:
        """What caused a firing."""
        return answer(await story.why(self._service.bus.journal, _named(request, "id")))

    async def explain(self, request: web.Request) -> web.Response:
        """What each sensor made of an event."""
        sensor = request.query.get("sensor")
        return answer(await story.explain(self._service.bus.journal, _named(request, "id"), sensor))

    async def trace(self, request: web.Request) -> web.Response:
        """What followed from an event."""
        return answer(await story.trace(self._service.bus.journal, _named(request, "id")))

    async def recording(self, request: web.Request) -> web.Response:
        """What an event needs to happen again, and what came of it."""
        return answer(await recording(self._service.bus.journal, _named(request, "id")))

    async def sources(self, _request: web.Request) -> web.Response:
        """Every event source."""
        return answer(page_view(await self._service.sources(), None))

    async def source(self, request: web.Request) -> web.Response:
        """One event source."""
        return answer(await self._service.source(pick(self._service.source_refs(), _named(request, "name"), "event source")))

    async def sensors(self, _request: web.Request) -> web.Response:
        """Every sensor."""
        return answer(page_view(await self._service.sensors(), None))

    async def sensor(self, request: web.Request) -> web.Response:
        """One sensor."""
        return answer(await self._service.sensor(pick(self._service.sensor_refs(), _named(request, "name"), "sensor")))


def _named(request: web.Request, name: str) -> str:
    """A path part or, on routes without one, the query parameter of that name."""
    value: Any = request.match_info.get(name) or request.query.get(name)
    if not value:
        raise queries.QueryError(f"the parameter {name!r} is missing")
    return str(value)


def _params(request: web.Request) -> Mapping[str, str]:
    return dict(request.query)
