"""Keeps the sources that run equal to those that are declared."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from eventbus.contract import Bus
from eventbus.event import Road
from manifests.objects import DeclaredEvent, EventSource
from manifests.secrets import Values
from sources.clock import Clock, SystemClock
from sources.http.listener import HttpListener
from sources.http.source import HttpSource
from sources.source import Source, SourceContext, SourceKinds, SourceRefused
from sources.state import SourceState
from tocsin.changes import Changes
from tocsin.emitting import Emitter
from tocsin.kept_running import Fares, KeptRunning
from tocsin.left_behind import LeftBehind
from tocsin.metrics import Metrics
from tocsin.objects import EventState
from tocsin.outcome_readers import OutcomeReaders
from tocsin.pauses import Pauses
from tocsin.sharing import Sharing

if TYPE_CHECKING:
    from tocsin.source_filter import SourceFilter

logger = structlog.get_logger()

TRY_AGAIN_S = 5.0
"""Between two tries to start what was refused: its secret may be there by now, or its port free."""
STOP_GRACE_S = 20.0
"""Seconds in which a source that goes may finish what is in flight."""


@dataclass(slots=True)
class _Running:
    declared: DeclaredEvent
    annotations: Mapping[str, str]
    source: Source[Any]
    kept: KeptRunning | None
    """None where it has no loop of its own."""
    state: EventState


class _Refused(NamedTuple):
    declared: EventSource
    event: DeclaredEvent
    state: EventState


class RunningSources:
    """Starts, replaces and stops the named events of event sources. Only what changed is touched."""

    name = "sources"

    def __init__(
        self,
        bus: Bus,
        metrics: Metrics,
        changes: Changes,
        pauses: Pauses,
        *,
        kinds: SourceKinds,
        values: Values,
        listener: HttpListener,
        sharing: Sharing | None = None,
        readers: OutcomeReaders | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`clock` is the time of day as sources see it; the machine's unless given."""
        self._clock = clock or SystemClock()
        self._pauses, self._sharing = pauses, sharing or Sharing()
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
        self._refused: dict[Road, _Refused] = {}
        self._some_refused = asyncio.Event()
        self._changing = asyncio.Lock()
        self.left = LeftBehind(bus.state, self._built)
        self._loaded = False
        self._readers = readers or OutcomeReaders(bus.outcomes, ["sources"])
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self.changed: Callable[[Road], None] = lambda road: None
        """Called when a named event fares otherwise than before."""

    async def run(self) -> None:
        """Own the tasks of the sources until `stop`; then end intake and let what is in flight be answered."""
        async with asyncio.TaskGroup() as self._group:
            undoing = self._group.create_task(self.left.run(self._sources), name="left-behind")
            trying = self._group.create_task(self._try_refused(), name="refused-sources")
            self.ready.set()
            await self._stopping.wait()
            undoing.cancel()
            trying.cancel()
            kept = [running.kept for running in self._running.values() if running.kept is not None]
            for one in kept:
                one.stop()
            await self._listener.stop()
            await _ended(kept)

    def stop(self) -> None:
        """End intake."""
        self._stopping.set()

    def _fares_otherwise(self, road: Road) -> None:
        self.changed(road)

    def _sources(self) -> list[Source[Any]]:
        return [running.source for running in self._running.values()]

    async def part(self, former: Iterable[EventSource], wanted: Iterable[EventSource]) -> None:
        """Remember which events of `former` are not in `wanted`, or of another kind there: what they leave elsewhere has to be
        undone, whatever happens.

        Called before `apply`, and before the declarations are forgotten. Raises `BusUnavailable`.
        """
        if not self._loaded:
            await self.left.load(self._bus.journal)
            self._loaded = True
        stays = {Road(one.ref.namespace, one.ref.name, event.name): event.kind for one in wanted for event in one.events}
        for declared in former:
            for event in declared.events:
                road = Road(declared.ref.namespace, declared.ref.name, event.name)
                if stays.get(road) != event.kind:
                    await self.left.note(road, declared, event)
        await self.left.wanted(stays)

    async def apply(self, declared: Iterable[EventSource]) -> dict[Road, EventState]:
        """Make what runs equal `declared`; return the state of each named event. What is refused is tried again by itself."""
        async with self._changing:
            self._refused.clear()
            return await self._apply(declared)

    async def _try_refused(self) -> None:
        while True:
            await self._some_refused.wait()
            await asyncio.sleep(TRY_AGAIN_S)
            async with self._changing:
                for road, (declared, event, state) in list(self._refused.items()):
                    before = state.message
                    await self._try(road, declared, event, state)
                    if state.message != before:
                        self.changed(road)
                if not self._refused:
                    self._some_refused.clear()

    async def _apply(self, declared: Iterable[EventSource]) -> dict[Road, EventState]:
        wanted = {
            Road(source.ref.namespace, source.ref.name, event.name): (source, event)
            for source in declared
            for event in source.events
        }
        gone: dict[Road, Source[Any]] = {}
        for road in [road for road, running in self._running.items() if not self._stays(road, running, wanted.get(road))]:
            kind, source = self._running[road].declared.kind, await self._end(road)
            if road not in wanted or wanted[road][1].kind != kind:
                gone[road] = source
        await self._keep_outcomes({road: event.kind for road, (_, event) in wanted.items()})
        self._sharing.keep((road.namespace, road.source) for road in wanted)
        states: dict[Road, EventState] = {}
        for road, (declaration, event) in wanted.items():
            if road not in self._running:
                states[road] = await self._start(road, declaration, event)
            else:
                states[road] = self._running[road].state
        # Last, because what starts now may need what would be undone: a hook of an event that was renamed.
        for road, former in gone.items():
            await self.left.undo(road, former, self._sources())
        self.left.stir()
        return states

    async def _keep_outcomes(self, wanted: Mapping[Road, str]) -> None:
        """Have outcomes kept for the sources that read them: not before they are wanted, and no longer."""
        kinds = {road: self._kinds.get(kind) for road, kind in wanted.items()}
        await self._readers.want(
            "sources", [str(road) for road, kind in kinds.items() if kind is not None and kind.reads_outcomes]
        )

    def _stays(self, road: Road, running: _Running, wanted: tuple[EventSource, DeclaredEvent] | None) -> bool:
        """Whether it is left as it runs: where nothing changed, and where its filter became one that cannot work.

        A slip in an edit must turn no sender away.
        """
        if wanted is None or wanted[1].kind != running.declared.kind:
            return False
        if running.declared == wanted[1] and running.annotations == wanted[0].annotations:
            return True
        try:
            _filter_of(wanted[1], road, self._clock)
        except SourceRefused as exc:
            logger.error("source_runs_as_before", source=str(road), reason=str(exc))
            return True
        return False

    async def _start(self, road: Road, declared: EventSource, event: DeclaredEvent) -> EventState:
        state = EventState(kind=event.kind)
        await self._try(road, declared, event, state)
        return state

    async def _try(self, road: Road, declared: EventSource, event: DeclaredEvent, state: EventState) -> None:
        """Start it, or note in `state` why it does not run."""
        kind = self._kinds.get(event.kind)
        if kind is None:
            state.message = f"the kind {event.kind!r} is not supported by this version"
            return
        fares = Fares(road, state, self._fares_otherwise, served=issubclass(kind, HttpSource))
        context = dataclasses.replace(self._context(road, declared), tell=fares.tell, degraded=fares.degraded)
        try:
            state.filter = _filter_of(event, road, self._clock)
            source: Source[Any] = kind(event.spec, context)
            kept = await self._begin(road, source, state, fares)
        except (SourceRefused, ValueError) as exc:
            if state.message != str(exc):
                logger.error("source_not_started", source=str(road), reason=str(exc))
            state.message, state.refused = str(exc), True
            self._refused[road] = _Refused(declared, event, state)
            self._some_refused.set()
            return
        if self._refused.pop(road, None) is not None:
            state.message, state.refused = "", False
            logger.info("source_started", source=str(road), endpoint=state.endpoint or None)
        for warning in source.warnings():
            logger.warning("source_differs", source=str(road), detail=warning)
        state.running = True
        self._running[road] = _Running(event, declared.annotations, source, kept, state)
        logger.debug("source_runs", source=str(road), kind=event.kind, endpoint=state.endpoint or None)

    def _context(self, road: Road, declared: EventSource) -> SourceContext:
        return SourceContext(
            road=road,
            dialect=declared.dialect,
            values=self._values,
            annotations=declared.annotations,
            state=SourceState.of(road, self._bus.state),
            outcomes=self._bus.outcomes,
            clock=self._clock,
        )

    def _built(self, road: Road, declared: EventSource, event: DeclaredEvent) -> Source[Any] | None:
        """A source that is not run; None where there is no such kind. Raises `SourceRefused`."""
        kind = self._kinds.get(event.kind)
        return None if kind is None else kind(event.spec, self._context(road, declared))

    async def _begin(self, road: Road, source: Source[Any], state: EventState, fares: Fares) -> KeptRunning | None:
        passes = None if state.filter is None else state.filter.passes
        emit = Emitter(self._bus, self._metrics, self._changes, self._pauses, sharing=self._sharing, road=road, passes=passes)
        if isinstance(source, HttpSource):
            port = await self._listener.add(source, emit)
            host = self._listener.host
            scheme = "https" if source.endpoint.server_cert_secret else "http"
            state.endpoint = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{source.endpoint.endpoint}"
            if not source.keeps_hooks:
                return None
        if self._group is None:
            raise SourceRefused("the service is not running")
        kept = KeptRunning(road, source, emit, fares)
        kept.task = self._group.create_task(kept.run(), name=f"source-{road}")
        return kept

    async def _end(self, road: Road) -> Source[Any]:
        running = self._running.pop(road)
        if isinstance(running.source, HttpSource):
            await self._listener.remove(road)
        if running.kept is not None:
            running.kept.stop()
            await _ended([running.kept])
        logger.info("source_stopped", source=str(road))
        return running.source


def _filter_of(event: DeclaredEvent, road: Road, clock: Clock) -> "SourceFilter | None":
    """What events must pass. Raises `SourceRefused`."""
    if not getattr(event.spec, "filter", None):
        return None
    from tocsin.source_filter import BadFilter, SourceFilter, expression_of  # noqa: PLC0415 - seldom needed, and heavy

    try:
        return SourceFilter(expression, road, now=clock.now) if (expression := expression_of(event)) else None
    except BadFilter as exc:
        raise SourceRefused(f"filter.expression: {exc}") from None


async def _ended(kept: Iterable[KeptRunning]) -> None:
    """Return when all have ended; those that take too long are cancelled."""
    tasks = [one.task for one in kept if one.task is not None]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=STOP_GRACE_S)
    for task in late:
        logger.warning("source_cut_off", source=task.get_name().removeprefix("source-"), grace_s=STOP_GRACE_S)
        task.cancel()
    if late:
        await asyncio.wait(late)
