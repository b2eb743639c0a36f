"""What a campaign consists of: the service, its disk and clock, the target, the load, and the time when nobody did harm."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

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
        """Seconds from `begin` to `end` in which no fault was at work."""
        return max(0.0, end - begin - sum(max(0.0, min(end, b) - max(begin, a)) for a, b in self.harmed))

    async def restart(self) -> None:
        """Start the process that is gone, and return when it is ready."""
        await self.service.start()
        await self.service.ready(self.session)
