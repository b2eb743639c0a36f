"""Telling the outbox what became of firings, until it has taken it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from eventbus.contract import Outbox
from eventbus.errors import BusUnavailable
from eventbus.firing import Firing, FiringId, Outcome
from sensors.attempt import Clock, Ended
from sensors.lanes import GivenBack
from sensors.report import Report, bus_unavailable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
"""Seconds between two tries of a bus that does not answer."""


async def pause(doing: str, exc: BusUnavailable, pause_s: float) -> float:
    """Wait before the next try of a bus that does not answer; return how long to wait after that one, in seconds."""
    bus_unavailable(str(exc), doing=doing, retry_in_s=pause_s)
    await asyncio.sleep(pause_s)
    return min(pause_s * 2, LONGEST_PAUSE_S)


class Recorder:
    """Writes outcomes, due times and what is given back. If cancelled, a record is or is not written: then the firing is open."""

    def __init__(self, outbox: Outbox, report: Report, clock: Clock) -> None:
        self._outbox, self._report, self._clock = outbox, report, clock

    async def record(self, firing: Firing, ended: Ended) -> None:
        """An attempt, and how the firing ended or when it is tried again."""
        attempt, outcome, request = ended.attempt, ended.outcome, ended.request
        if attempt is not None:
            self._report.attempted(firing, attempt, due_in_s=None if outcome is not None else ended.due_in_s)
        if outcome is None:
            if attempt is None:
                raise RuntimeError(f"firing {firing.id} is to be tried again without having been tried")
            due_us = attempt.ended_us + round(ended.due_in_s * 1e6)
            await self._written("again", lambda: self._outbox.again(firing.id, attempt=attempt, due_us=due_us, request=request))
            return
        await self._written("close", lambda: self._outbox.close(firing.id, outcome, attempt=attempt, request=request))
        self._report.closed(firing, outcome)

    async def close(self, firing: Firing, outcome: Outcome) -> None:
        """How a firing ended that was not tried."""
        await self._written("close", lambda: self._outbox.close(firing.id, outcome, attempt=None, request=None))
        self._report.closed(firing, outcome)

    async def put_off(self, given: GivenBack) -> None:
        """Firings for which there is no place for some time."""
        due_us = self._clock() + round(given.due_in_s * 1e6)
        await self._written("give_back", lambda: self._outbox.give_back(given.firings, due_us=due_us))

    async def give_back(self, firings: Sequence[FiringId]) -> None:
        """Firings that were not started."""
        await self._written("give_back", lambda: self._outbox.give_back(firings))

    async def _written(self, doing: str, write: Callable[[], Awaitable[None]]) -> None:
        """Write until the bus has taken it. The effect has happened, so it is never fired again for want of a record."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await write()
            except BusUnavailable as exc:
                pause_s = await pause(doing, exc, pause_s)
            else:
                return
