"""What event sources that are declared no more left elsewhere, such as hooks at a provider, until it is undone.

It is noted before the declaration is withdrawn, with the declaration itself: whatever ends the process, and also where the
declaration went while no service ran, the next one knows what there is to undo and by whose credentials. Those are references to
Secrets, which may be gone, too: then what is left is named until they are back.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from eventbus.contract import StateStore
from eventbus.errors import BusUnavailable
from eventbus.event import Road
from eventbus.journal import Journal
from manifests.objects import DeclaredEvent, EventSource, ObjectRef
from manifests.problems import ManifestError
from manifests.revision import canonical_json
from sources.source import Source, SourceRefused
from tocsin.declared import object_of
from tocsin.trouble import Trouble

logger = structlog.get_logger()

PREFIX = "left/"
"""Begins the keys of the records."""
UNDO_S = 20.0
"""Seconds for one try."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
"""Between two tries; doubled each time."""
HINT = (
    "it is tried again by itself: let the provider answer, or give back the Secret that the declaration named. Where it cannot "
    "be had: delete it at the provider by hand, declare the event once more without deleteHookOnFinish, and remove it"
)


class _Left(msgspec.Struct, kw_only=True):
    """One named event of a former declaration."""

    content: bytes
    """The event source as JSON."""
    since_us: int
    kind: str = ""
    """Of the event; empty where an earlier version noted it."""
    problem: str = ""
    """Why it could not be undone so far."""


class LeftBehind:
    """Undoes what is left, and tries again what could not be."""

    def __init__(self, state: StateStore, build: Callable[[Road, EventSource, DeclaredEvent], Source[Any] | None]) -> None:
        """`build` makes a source that is not run; None where there is no such kind. It may raise `SourceRefused`."""
        self._state, self._build = state, build
        self._left: dict[Road, _Left] = {}
        self._stirred = asyncio.Event()
        self._changing = asyncio.Lock()

    async def load(self, journal: Journal) -> None:
        """Read what earlier processes left."""
        for key, value in await journal.records(PREFIX):
            try:
                self._left[Road(*key.removeprefix(PREFIX).split("/", 2))] = msgspec.json.decode(value, type=_Left)
            except (msgspec.DecodeError, TypeError):
                logger.error("left_behind_unreadable", record=key, hint="it is passed over")

    async def note(self, road: Road, declared: EventSource, event: DeclaredEvent) -> None:
        """Remember that `event`, which is to be withdrawn, may leave something. Returns once a crash cannot forget it."""
        if road in self._left or not self._leaves(road, declared, event):
            return
        left = _Left(content=canonical_json(declared.content), since_us=time.time_ns() // 1000, kind=event.kind)
        await self._state.put(f"{PREFIX}{road}", msgspec.json.encode(left))
        self._left[road] = left

    def roads(self) -> set[Road]:
        """Whatever left something."""
        return set(self._left)

    def stir(self) -> None:
        """Have `run` undo what is left now: what is wanted runs, so that nothing is undone that it needs."""
        self._stirred.set()

    async def forget(self, road: Road) -> None:
        """It is undone."""
        async with self._changing:
            await self._forget(road)

    async def wanted(self, kinds: Mapping[Road, str]) -> None:
        """Forget what is declared again, of the same kind."""
        for road in kinds.keys() & self.roads():
            if self._left[road].kind in ("", kinds[road]):
                await self.forget(road)

    async def undo(self, road: Road, source: Source[Any], others: Iterable[Source[Any]]) -> None:
        """Let `source`, whose declaration is gone, undo what `others` do not need. What is left is said, no more."""
        async with self._changing:
            try:
                async with asyncio.timeout(UNDO_S):
                    await source.withdrawn(others)
            except Exception as exc:  # whatever a service outside makes of it: what was withdrawn is gone all the same
                self._say(road, str(exc) or f"{type(exc).__name__}, no answer in time")
            else:
                await self._forget(road)

    async def run(self, others: Callable[[], Iterable[Source[Any]]]) -> None:
        """Undo what is left when stirred, and now and then, until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s if self._left else None):
                    await self._stirred.wait()
            pause_s = FIRST_PAUSE_S if self._stirred.is_set() else min(2 * pause_s, LONGEST_PAUSE_S)
            self._stirred.clear()
            for road in list(self._left):
                with suppress(BusUnavailable):  # tried again with the rest
                    await self._undo_former(road, others)

    def troubles(self, now_us: int) -> Iterable[Trouble]:
        """What could not be undone so far."""
        for road, left in self._left.items():
            if left.problem:
                yield Trouble(_ref(road), f"event {road.name}", "left", left.problem, left.since_us, HINT)

    def refs(self) -> list[ObjectRef]:
        """The event sources that left what could not be undone so far."""
        return list(dict.fromkeys(_ref(road) for road, left in self._left.items() if left.problem))

    def _leaves(self, road: Road, declared: EventSource, event: DeclaredEvent) -> bool:
        try:
            source = self._build(road, declared, event)
        except (SourceRefused, ValueError):
            return True  # it may have been otherwise when it ran
        return source is not None and source.leaves_something

    async def _undo_former(self, road: Road, others: Callable[[], Iterable[Source[Any]]]) -> None:
        left = self._left.get(road)
        if left is None:
            return
        try:
            declared = object_of(left.content)
            assert isinstance(declared, EventSource)  # noqa: S101 - nothing else is noted
            event = next(event for event in declared.events if event.name == road.name)
            source = self._build(road, declared, event)
        except (ManifestError, SourceRefused, ValueError, StopIteration) as exc:
            self._say(road, str(exc) or "this version cannot read the declaration")
            return
        if source is None or not source.leaves_something:
            await self.forget(road)
            return
        await self.undo(road, source, others())

    async def _forget(self, road: Road) -> None:
        if road in self._left:
            await self._state.put(f"{PREFIX}{road}", None)
            logger.debug("left_behind_undone", source=str(road))
            del self._left[road]

    def _say(self, road: Road, problem: str) -> None:
        left = self._left.get(road)
        if left is None or left.problem != problem:
            logger.warning("source_left_something", source=str(road), reason=problem, hint=HINT)
        if left is not None:
            left.problem = problem


def _ref(road: Road) -> ObjectRef:
    return ObjectRef("EventSource", road.namespace, road.source)
