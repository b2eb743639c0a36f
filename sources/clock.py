"""The time of day as sources see it; tests pass a virtual one."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time, and waits."""

    look_again_s: float
    """The longest wait, in seconds, without a look at the time: it may have been set, or stood still with the machine."""

    def now(self) -> datetime:
        """The present, in UTC. It may be set, so it may go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait about that long: the machine may be suspended in between, and the timer may be early."""


class SystemClock:
    """The clock of the machine."""

    look_again_s = 15.0

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait by the loop's timer."""
        await asyncio.sleep(seconds)
