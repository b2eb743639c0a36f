"""The log as the router reads it: measured, and held back while declarations change."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from eventbus.contract import Bus, Decisions, Group
from eventbus.event import Recorded
from tocsin.metrics import Metrics


class GatedBus:
    """A bus whose `read` gives nothing before the first change is made, and while one is under way.

    A revision decides what is appended after it was declared. Between declaring it and handing it to the decider, what was
    appended after it must not be decided; what was read before it was appended before it.
    """

    def __init__(self, bus: Bus, metrics: Metrics) -> None:
        self._bus, self._metrics = bus, metrics
        self._open = asyncio.Event()
        self._received_us: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Hold back new events inside the block."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    async def read(self, group: Group, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        """As `Bus.read`, once no change is under way."""
        events = await self._bus.read(group, limit=limit, timeout_s=timeout_s)
        await self._open.wait()
        self._received_us = {recorded.position: recorded.received_us for recorded in events}
        return events

    async def commit(self, decided: Decisions) -> None:
        """As `Bus.commit`; observes how long the last event of the step waited."""
        await self._bus.commit(decided)
        received_us = self._received_us.get(decided.position)
        if received_us is not None:
            self._metrics.decide_s.observe(max(0.0, time.time() - received_us / 1e6))
