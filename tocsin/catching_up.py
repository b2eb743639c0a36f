"""A held sensor on its way back: it decides what it has not decided, in the order of the log, at a rate of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from eventbus.contract import Bus, Decisions
from eventbus.errors import BusUnavailable
from eventbus.event import Recorded
from sensors.beside.asking import AskBeside, nowhere
from sensors.decide import Decider
from sensors.router import Router
from tocsin.gate import GatedBus

logger = structlog.get_logger()

PAGE = 128
"""Events that are read at a time."""
AT_ONCE = 64
"""Firings of one step, at most."""
STEPS_A_S = 4.0
"""Steps that a bounded rate is spread over; its last step, taken while others wait, has no more firings either."""
LOOK_AGAIN_S = 1.0
COMMIT_EVERY = 16
"""Pages without anything to decide, after which the position is stored all the same."""


class PacedBus:
    """The bus as the router of a held sensor sees it: its steps are paced, and count no event that others have counted."""

    def __init__(self, bus: Bus, rate: float, stopping: asyncio.Event) -> None:
        """`rate` is in firings a second; 0 for no bound."""
        self._bus, self._stopping = bus, stopping
        self.rate = rate
        self._free_at = 0.0
        """When the next firing may be opened, by the loop's clock."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def commit(self, decided: Decisions) -> None:
        """As `Bus.commit`; where retention has skipped the group to behind this step, its state is stored all the same."""
        group = decided.group or ""
        decided = msgspec.structs.replace(decided, counts=msgspec.structs.replace(decided.counts, seen={}))
        await self._bus.commit(decided)
        while (at := await self._bus.journal.position(group) or 0) > decided.position:
            decided = msgspec.structs.replace(decided, position=at)
            await self._bus.commit(decided)
        if decided.firings and self.rate > 0:
            await self._pace(len(decided.firings))

    async def _pace(self, firings: int) -> None:
        loop = asyncio.get_running_loop()
        self._free_at = max(self._free_at, loop.time()) + firings / self.rate
        try:
            async with asyncio.timeout_at(self._free_at):
                await self._stopping.wait()
        except TimeoutError:
            return


class CatchUp:
    """Decides for one sensor up to where the others are. Run it once."""

    def __init__(
        self, bus: Bus, gate: GatedBus, group: str, decider: Decider, *, rate: float, ask_beside: AskBeside = nowhere
    ) -> None:
        self._bus, self._gate, self._group, self._decider = bus, gate, group, decider
        self._stopping = asyncio.Event()
        self._paced = PacedBus(bus, rate, self._stopping)
        most = max(1, min(AT_ONCE, int(rate / STEPS_A_S))) if rate > 0 else AT_ONCE
        self._most_at_last = most if rate > 0 else PAGE
        self._router = Router(self._paced, self._decider, group=group, most=most, ask_beside=ask_beside)
        self._decide = self._router.begin
        self._quarantined: frozenset[int] = frozenset()
        self._position = 0
        self._pages = 0

    def stop(self) -> None:
        """End after the step at hand."""
        self._stopping.set()
        self._router.stop()

    async def run(self) -> bool:
        """Decide until nothing is left that others have decided; False where it was stopped before."""
        self._quarantined = frozenset([position for position, _ in await self._bus.journal.quarantined()])
        events: Sequence[Recorded] = ()
        while not self._stopping.is_set():
            try:
                events = events or await self._next()
                if not events:
                    return True
                # Deciding waits for the bus by itself: what fails here is counting the start, before anything is decided.
                await self._decide(events)
            except BusUnavailable as exc:
                logger.warning("catching_up_waits", group=self._group, reason=str(exc), retry_in_s=exc.retry_after_s)
                await self.rest(exc.retry_after_s)
                continue
            events, self._decide = (), self._router.decide
        return False

    async def rest(self, seconds: float) -> None:
        """Wait, but not longer than until `stop`."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def finish(self, until: int) -> bool:
        """Decide what is left up to `until`, where that is little; False where it is not, or where it was stopped."""
        page = await self._bus.journal.scan(await self._stored(), until=until, limit=PAGE)
        rest = self._wanted(page.events)
        if page.position < until or sum(self._decider.matches(one, now_us=one.received_us) for one in rest) > self._most_at_last:
            return False
        rate, self._paced.rate = self._paced.rate, 0.0
        try:
            await self._decide(rest)
        finally:
            self._paced.rate = rate
        return not rest or self._router.position >= rest[-1].position

    async def _next(self) -> Sequence[Recorded]:
        """The next events that the sensor may look at; empty where others have decided no further."""
        self._position = max(self._position, await self._stored())
        until = await self._gate.position()
        while self._position < until and not self._stopping.is_set():
            page = await self._bus.journal.scan(self._position, until=until, limit=PAGE)
            self._position = page.position
            if wanted := self._wanted(page.events):
                self._pages = 0
                return wanted
            self._pages += 1
            if self._pages % COMMIT_EVERY == 0:
                await self._bus.commit(Decisions(group=self._group, position=page.position))
            await asyncio.sleep(0)
        return ()

    def _wanted(self, events: Sequence[Recorded]) -> Sequence[Recorded]:
        concerns, aside = self._decider.concerns, self._quarantined
        return [one for one in events if one.position not in aside and concerns(one.event.road)]

    async def _stored(self) -> int:
        """Up to where it has decided, or retention has skipped."""
        return await self._bus.journal.position(self._group) or 0
