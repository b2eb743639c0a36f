"""What the triggers call: acts once for each idempotency key, misbehaves now and then by its seed, and all the time when told."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

NOW_AND_THEN = ("drop after acting", "500 before acting", "429 before acting", "slow")
HOURS_S = 3600.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What the first call of a key did."""

    said: Mapping[str, Any]
    at: float
    """`time.monotonic`."""


class Target:
    """Counts calls and effects by key. `faults` is the share of calls that go wrong in one of four ways."""

    def __init__(self, *, seed: int, faults: float) -> None:
        self._random = random.Random(f"target-{seed}")
        self._faults = faults
        self.calls: Counter[str] = Counter()
        self.effects: dict[str, Effect] = {}
        """In the order in which they happened."""
        self.disagreements: list[str] = []
        """Keys whose repeats said something else than the first call."""
        self.unkeyed = 0
        self.port = 0
        self._bad = ""
        self._site: web.TCPSite | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where triggers send to."""
        return f"http://127.0.0.1:{self.port}/act"

    @contextmanager
    def behaving(self, bad: str) -> Iterator[None]:
        """Answer every call of the block in one way: one of those that happen now and then, or by going
        away or hanging before or after it acted.
        """
        self._bad = bad
        try:
            yield
        finally:
            self._bad = ""

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Take no connections during the block, and end those there are."""
        if self._site is not None:
            await self._site.stop()
        try:
            with self.behaving("drop before acting"):
                yield
        finally:
            await self._listen()

    async def _answer(self, request: web.Request) -> web.Response:
        key, body = request.headers.get("Idempotency-Key", ""), await request.json()
        bad = self._bad or (self._random.choice(NOW_AND_THEN) if self._random.random() < self._faults else "")
        if bad == "500 before acting":
            return web.Response(status=500)
        if bad == "429 before acting":
            return web.Response(status=429, headers={"Retry-After": "1" if self._bad else "0"})
        if bad == "503 before acting":
            return web.Response(status=503, headers={"Retry-After": "1"})
        if bad == "drop before acting" and request.transport is not None:
            request.transport.abort()
            return web.Response()
        if bad == "hang before acting":
            await asyncio.sleep(HOURS_S)
        self.act(key, body)
        if bad == "drop after acting" and request.transport is not None:
            request.transport.abort()
        if bad == "hang after acting":
            await asyncio.sleep(HOURS_S)
        if bad == "slow":
            await asyncio.sleep(self._random.uniform(0.0, 0.3))
        return web.Response()

    def act(self, key: str, said: Mapping[str, Any], at: float | None = None) -> None:
        """Do what a call asks for, unless its key has been seen; `at` (`time.monotonic`) where that was not now."""
        self.unkeyed += not key
        self.calls[key] += 1
        if self.effects.setdefault(key, Effect(said, time.monotonic() if at is None else at)).said != said:
            self.disagreements.append(key)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Target"]:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.router.add_post("/act", self._answer)
        # A caller that gives up ends its call here, too: what hangs is not left behind.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        try:
            await self._listen()
            self.port = self._runner.addresses[0][1]
            yield self
        finally:
            await self._runner.cleanup()

    async def _listen(self) -> None:
        if self._runner is not None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
            await self._site.start()
