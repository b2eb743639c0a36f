"""Keeps the sources that run equal to those that are declared."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from eventbus.contract import Bus
from eventbus.event import Road
from manifests.objects import DeclaredEvent, EventSource
from manifests.secrets import Values
from sources.http.listener import HttpListener
from sources.http.source import HttpSource
from sources.source import Source, SourceContext, SourceKinds, SourceRefused
from sources.state import SourceState
from tocsin.changes import Changes
from tocsin.emitting import metered
from tocsin.metrics import Metrics
from tocsin.objects import EventState

logger = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two starts of a source that fails; doubled each time."""


@dataclass(slots=True)
class _Running:
    declared: DeclaredEvent
    annotations: Mapping[str, str]
    task: asyncio.Task[None] | None
    """None where the shared listener serves it."""
    state: EventState


class RunningSources:
    """Starts, replaces and stops the named events of event sources. Only what changed is touched."""

    name = "sources"

    def __init__(
        self, bus: Bus, metrics: Metrics, changes: Changes, *, kinds: SourceKinds, values: Values, listener: HttpListener
    ) -> None:
        self.ready = asyncio.Event()
        self._bus, self._metrics, self._changes, self._kinds, self._values, self._listener = (
            bus,
            metrics,
            changes,
            kinds,
            values,
            listener,
        )
        self._running: dict[Road, _Running] = {}
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Own the tasks of the sources until `stop`; then end intake and let what is in flight be answered."""
        async with asyncio.TaskGroup() as self._group:
            self.ready.set()
            await self._stopping.wait()
            await self._listener.stop()
            for running in self._running.values():
                if running.task is not None:
                    running.task.cancel()

    def stop(self) -> None:
        """End intake."""
        self._stopping.set()

    async def apply(self, declared: Iterable[EventSource]) -> dict[Road, EventState]:
        """Make what runs equal `declared`; return the state of each named event."""
        wanted = {
            Road(source.ref.namespace, source.ref.name, event.name): (source, event)
            for source in declared
            for event in source.events
        }
        for road in [road for road, running in self._running.items() if not self._unchanged(running, wanted.get(road))]:
            await self._end(road)
        states: dict[Road, EventState] = {}
        for road, (source, event) in wanted.items():
            if road not in self._running:
                states[road] = await self._start(road, source, event)
            else:
                states[road] = self._running[road].state
        return states

    def _unchanged(self, running: _Running, wanted: tuple[EventSource, DeclaredEvent] | None) -> bool:
        return wanted is not None and running.declared == wanted[1] and running.annotations == wanted[0].annotations

    async def _start(self, road: Road, declared: EventSource, event: DeclaredEvent) -> EventState:
        state = EventState(kind=event.kind)
        kind = self._kinds.get(event.kind)
        if kind is None:
            state.message = f"the kind {event.kind!r} is not supported by this version"
            return state
        context = SourceContext(
            road=road,
            dialect=declared.dialect,
            values=self._values,
            annotations=declared.annotations,
            state=SourceState.of(road, self._bus.state),
        )
        try:
            source: Source[Any] = kind(event.spec, context)
            task = await self._begin(road, source, state)
        except (SourceRefused, ValueError) as exc:
            state.message = str(exc)
            logger.error("source_not_started", source=str(road), reason=str(exc))
            return state
        for warning in source.warnings():
            logger.warning("source_differs", source=str(road), detail=warning)
        state.running = True
        self._running[road] = _Running(event, declared.annotations, task, state)
        logger.debug("source_started", source=str(road), kind=event.kind, endpoint=state.endpoint or None)
        return state

    async def _begin(self, road: Road, source: Source[Any], state: EventState) -> asyncio.Task[None] | None:
        emit = metered(self._bus, self._metrics, self._changes, road)
        if isinstance(source, HttpSource):
            port = await self._listener.add(source, emit)
            host = self._listener.host
            scheme = "https" if source.endpoint.server_cert_secret else "http"
            state.endpoint = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{source.endpoint.endpoint}"
            return None
        if self._group is None:
            raise SourceRefused("the service is not running")
        return self._group.create_task(self._kept_running(road, source, state), name=f"source-{road}")

    async def _kept_running(self, road: Road, source: Source[Any], state: EventState) -> None:
        """Run a source again and again: what it waits for may come back. Each failure waits longer, up to a minute."""
        emit, pause_s, loop = metered(self._bus, self._metrics, self._changes, road), FIRST_PAUSE_S, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await source.run(emit)
                reason = "it ended by itself"
            except Exception as exc:
                reason = f"{type(exc).__name__}: {exc}"
            if loop.time() - began > 2 * LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            state.running, state.message = False, f"{reason}; started again in {pause_s:g}s"
            logger.warning("source_failed", source=str(road), reason=reason, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            state.running, state.message = True, ""

    async def _end(self, road: Road) -> None:
        running = self._running.pop(road)
        if running.task is None:
            await self._listener.remove(road)
        else:
            running.task.cancel()
            await asyncio.wait([running.task])
        logger.info("source_stopped", source=str(road))
