"""What a campaign consists of: the service, its disk and clock, the target, the load, and the time when nobody did harm."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from servers.kafka import KafkaBroker

from chaos.disk import Disk
from chaos.service import Service
from chaos.shim import Shim
from chaos.target import Target
from chaos.verdict import Report


@dataclass(slots=True, kw_only=True)
class World:
    """Handed to every fault and workload."""

    folder: Path
    service: Service
    session: aiohttp.ClientSession
    target: Target
    disk: Disk
    shim: Shim
    report: Report
    broker: KafkaBroker | None = None
    """Where a load needs one."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when workloads have to come to an end; the delivery under way is seen through."""
    harmed: list[tuple[float, float]] = field(default_factory=list)
    """Stretches of `time.monotonic` in which a fault was at work, the way back to ready included."""

    @contextmanager
    def harm(self) -> Iterator[None]:
        """Note that the block is no time to measure anything."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.harmed.append((began, time.monotonic()))

    def calm_s(self, begin: float, end: float) -> float:
        """Seconds from `begin` to `end` in which no fault was at work; faults may overlap."""
        calm, reached = 0.0, begin
        for harm_began, harm_ended in sorted(self.harmed):
            calm += max(0.0, min(harm_began, end) - reached)
            reached = max(reached, harm_ended)
        return calm + max(0.0, end - reached)

    async def restart(self) -> None:
        """Start the process that is gone, and return when it is ready."""
        await self.service.start()
        await self.service.ready(self.session)

    async def recovered(self, *, timeout_s: float = 60.0) -> None:
        """Return when the service is ready, also where another fault has its process in hand. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            while not await self.service.is_ready(self.session):
                await asyncio.sleep(0.02)
