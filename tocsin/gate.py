"""The log as the router reads it: measured, and held back while declarations change."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from eventbus.contract import Bus, Decisions, Group
from eventbus.event import Recorded
from sensors.router import GROUP
from tocsin.metrics import Metrics

QUIET_S = 10.0
"""Seconds that a step of deciding may take before whoever waits for its end gives up."""


class GatedBus:
    """A bus whose `read` gives nothing before the first change is made, and while one is under way.

    A revision decides what is appended after it was declared. Between declaring it and handing it to the decider, what was
    appended after it must not be decided; what was read before it was appended before it.
    """

    def __init__(self, bus: Bus, metrics: Metrics) -> None:
        self._bus, self._metrics = bus, metrics
        self._open = asyncio.Event()
        self._changing = asyncio.Lock()
        self._idle = asyncio.Event()
        """Set while the router has committed all that it was given."""
        self._waiters: list[asyncio.Event] = []
        self._received_us: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Hold back new events inside the block; one block after the other."""
        async with self._changing:
            self._open.clear()
            try:
                yield
            finally:
                self._open.set()

    async def quiet(self) -> int:
        """Inside `closed`: wait until all that was given is committed; the position up to which everything is decided then.

        Raises `TimeoutError`.
        """
        async with asyncio.timeout(QUIET_S):
            await self._idle.wait()
        return await self.position()

    async def position(self) -> int:
        """Up to where everything is decided and committed."""
        journal = self._bus.journal
        stored = await journal.position(GROUP)
        return (await journal.tallies()).last_position if stored is None else stored

    async def moved(self, timeout_s: float) -> None:
        """Wait for the next commit, but not longer than `timeout_s`."""
        waiter = asyncio.Event()
        self._waiters.append(waiter)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await waiter.wait()
        finally:
            if not waiter.is_set():
                self._waiters.remove(waiter)

    async def read(self, group: Group, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        """As `Bus.read`, once no change is under way."""
        self._idle.set()
        events = await self._bus.read(group, limit=limit, timeout_s=timeout_s)
        # Again and again: between the opening and this turn the next change may have begun.
        while not self._open.is_set():
            await self._open.wait()
        if events:
            self._idle.clear()
        self._received_us = {recorded.position: recorded.received_us for recorded in events}
        return events

    async def commit(self, decided: Decisions) -> None:
        """As `Bus.commit`; observes how long the last event of the step waited."""
        await self._bus.commit(decided)
        received_us = self._received_us.get(decided.position)
        if received_us is not None:
            self._metrics.decide_s.observe(max(0.0, time.time() - received_us / 1e6))
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.set()
