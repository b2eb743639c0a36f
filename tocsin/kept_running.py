"""One source with a loop of its own, kept running: started again when it fails, ended in order when it goes."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from eventbus.event import Road
from sources.source import Emit, Source
from tocsin.objects import EventState

logger = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two starts of a source that fails; doubled each time."""


class Fares:
    """How one named event fares. Every change is noted once, and said once."""

    def __init__(self, road: Road, state: EventState, changed: Callable[[Road], None], *, served: bool = False) -> None:
        """`served`: the shared listener takes its events in, whatever becomes of a loop of its own."""
        self._road, self._state, self._changed, self._served = road, state, changed, served
        self._told = self._degraded = ""
        self._noted = ("", True)

    def degraded(self, reason: str) -> None:
        """See `SourceContext.degraded`."""
        self._degraded = reason
        self._note()

    def tell(self, reason: str) -> None:
        """See `SourceContext.tell`."""
        self._told = reason
        self._note()

    def _note(self) -> None:
        reason, runs = now = (self._told or self._degraded, self._served or not self._told)
        if now == self._noted:
            return
        self._noted = now
        if reason:
            logger.warning("source_unwell", source=str(self._road), reason=reason)
        else:
            logger.info("source_well", source=str(self._road))
        if not (reason and self._state.message):
            self._state.since_us = time.time_ns() // 1000 if reason else 0
        self._state.running, self._state.message = runs, reason
        self._changed(self._road)


class KeptRunning:
    """Runs a source again and again: what it waits for may come back. Each failure waits longer, up to a minute."""

    def __init__(self, road: Road, source: Source[Any], emit: Emit, fares: Fares) -> None:
        self._road, self._source, self._emit, self._fares = road, source, emit, fares
        self._ending = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        """Its task, once somebody has started it."""

    async def run(self) -> None:
        """Run until `stop`, or until cancelled."""
        pause_s, loop = FIRST_PAUSE_S, asyncio.get_running_loop()
        while not self._ending.is_set():
            began = loop.time()
            try:
                await self._source.run(self._emit)
                reason = "it ended by itself"
            except Exception as exc:  # a source may fail in any way; it is said and tried again, and others go on
                reason = f"{type(exc).__name__}: {exc}"
            if self._ending.is_set():
                return
            if loop.time() - began > 2 * LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            self._fares.tell(f"{reason}; started again in {pause_s:g}s")
            try:
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()
            except TimeoutError:
                self._fares.tell("")
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def stop(self) -> None:
        """End intake; what is in flight is finished where the source can, and cancelled where it cannot."""
        self._ending.set()
        if not self._source.stop() and self.task is not None:
            self.task.cancel()
