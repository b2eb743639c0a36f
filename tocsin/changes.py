"""Tells those who follow that something happened. Costs the hot path one comparison while nobody follows."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

KEPT = 1000
"""Closed firings that a slow follower can still catch up on."""


class Changes:
    """What changed lately."""

    def __init__(self) -> None:
        self._waiting: asyncio.Event | None = None
        self._closed: deque[str] = deque(maxlen=KEPT)
        self.count = 0
        """Firings closed so far."""
        self.over = False
        """True once the service stops."""

    def appended(self) -> None:
        """An event was appended."""
        if self._waiting is not None:
            self._wake()

    def closed(self, firing: str) -> None:
        """A firing was closed."""
        self.count += 1
        self._closed.append(firing)
        if self._waiting is not None:
            self._wake()

    def end(self) -> None:
        """Nothing more will happen."""
        self.over = True
        if self._waiting is not None:
            self._wake()

    def since(self, count: int) -> Sequence[str]:
        """The firings closed after the first `count`, as far as they are still remembered, oldest first."""
        missed = min(self.count - count, len(self._closed))
        return list(self._closed)[len(self._closed) - missed :]

    async def wait(self, timeout_s: float) -> bool:
        """Return when something happened; False after `timeout_s` seconds in which nothing did."""
        if self._waiting is None:
            self._waiting = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._waiting.wait()
                return True
        return False

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.set()
            self._waiting = None
