"""What the triggers call: acts once for each idempotency key, and misbehaves now and then by a seeded plan."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

FAULTS = ("drop after acting", "500 before acting", "429 before acting", "slow")


class Target:
    """Counts calls and effects by key. `faults` is the share of calls that go wrong in one of four ways."""

    def __init__(self, *, seed: int, faults: float) -> None:
        self._random = random.Random(f"target-{seed}")
        self._faults = faults
        self.calls: Counter[str] = Counter()
        self.effects: dict[str, str] = {}
        """What the first call of each key said in `number`."""
        self.disagreements: list[str] = []
        """Keys whose repeats said something else than the first call."""
        self.unkeyed = 0
        self.port = 0

    async def _answer(self, request: web.Request) -> web.Response:
        key, body = request.headers.get("Idempotency-Key", ""), await request.json()
        fault = self._random.choice(FAULTS) if self._random.random() < self._faults else ""
        if fault == "500 before acting":
            return web.Response(status=500)
        if fault == "429 before acting":
            return web.Response(status=429, headers={"Retry-After": "0"})
        self._act(key, str(body["number"]))
        if fault == "drop after acting" and request.transport is not None:
            request.transport.abort()
        if fault == "slow":
            await asyncio.sleep(self._random.uniform(0.0, 0.3))
        return web.Response()

    def _act(self, key: str, said: str) -> None:
        self.unkeyed += not key
        self.calls[key] += 1
        if self.effects.setdefault(key, said) != said:
            self.disagreements.append(key)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Target"]:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.router.add_post("/act", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            await runner.cleanup()
