"""Lists as they grow: server-sent events, one for each new item.

Semantics: WHATWG HTML, "Server-sent events". Events carry their position as `id`; a client that comes back with `Last-Event-ID`
misses none that are kept.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from eventbus.journal import Journal
from tocsin.changes import Changes
from tocsin.encoding import dumps
from tocsin.queries import Busy, QueryError, event_filter, firing_wanted
from tocsin.views import Json, event_view, firing_view

QUIET_S = 15.0
"""A comment is sent after so many seconds without an item, so that whoever left is noticed."""
MOST = 32
"""Streams at a time."""
BATCH = 32
"""Events that are read for one client before others have their turn."""


def wants_stream(request: web.Request) -> bool:
    """Whether the client asks to follow."""
    return "text/event-stream" in request.headers.get("Accept", "")


class Follow:
    """The streams of one service."""

    def __init__(self, journal: Journal, changes: Changes) -> None:
        self._journal, self._changes = journal, changes
        self._streams = 0

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Every event appended from now on, or after `Last-Event-ID`. Raises `QueryError` where that is no position."""
        params = dict(request.query)
        event_filter(params)  # refuses before the stream begins
        last = request.headers.get("Last-Event-ID", "")
        if last and not (last.isascii() and last.isdigit() and len(last) < 19):
            raise QueryError(f"Last-Event-ID: {last!r} is no position")
        position = int(last) if last else (await self._journal.tallies()).last_position
        return await self._stream(request, self._events(params, position))

    async def firings(self, request: web.Request) -> web.StreamResponse:
        """Every firing that is closed from now on."""
        params = dict(request.query)
        firing_wanted(params)
        return await self._stream(request, self._firings(params, self._changes.count))

    async def _events(self, params: Mapping[str, str], position: int) -> AsyncIterator[tuple[str, str, Json] | None]:
        """Reads on in the order of the log: each event once, and for a client that is far behind a part at a time."""
        wanted = event_filter(params)
        while not self._changes.over:
            part = await self._journal.scan(position, until=sys.maxsize, limit=BATCH)
            behind = part.position > position
            # What is written of an event is small; its data is not held while the client takes its time.
            views = [(item.position, event_view(item, data=False)) for item in part.events if wanted.takes(item)]
            position = part.position
            del part
            for at, view in views:
                yield str(at), "event", view
            if behind:
                await asyncio.sleep(0)
            elif not await self._changes.wait(QUIET_S):
                yield None

    async def _firings(self, params: Mapping[str, str], count: int) -> AsyncIterator[tuple[str, str, Json] | None]:
        while not self._changes.over:
            names = self._changes.since(count)
            missed = self._changes.count - count - len(names)
            count = self._changes.count
            if missed:
                yield "", "missed", {"firings": missed}
            for name in names:
                record = await self._journal.firing(name)
                view = None if record is None else firing_view(record)
                if view is not None and all(str(view.get(key)) == value for key, value in params.items()):
                    yield "", "firing", view
            if not names and not await self._changes.wait(QUIET_S):
                yield None

    async def _stream(self, request: web.Request, items: AsyncIterator[tuple[str, str, Json] | None]) -> web.StreamResponse:
        if self._streams >= MOST:
            raise Busy(f"{MOST} clients follow already; try again later")
        self._streams += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        try:
            await response.prepare(request)
            await response.write(b": following\n\n")
            async for item in items:
                await response.write(b": quiet\n\n" if item is None else _wire(*item))
        except ConnectionError:
            return response  # the client left, which ends the stream
        finally:
            self._streams -= 1
        return response


def _wire(id_: str, kind: str, view: Json) -> bytes:
    head = f"id: {id_}\n" if id_ else ""
    return f"{head}event: {kind}\ndata: ".encode() + dumps(view) + b"\n\n"
