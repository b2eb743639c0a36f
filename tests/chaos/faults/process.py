"""Harm to the process itself."""

import asyncio
import random

from chaos.verdict import Kind
from chaos.world import World

EARLY = 0.2
"""Share of kills that are followed by one more before the service is ready."""


class Kill:
    """It ends at once, as in a crash; sometimes again while it starts."""

    around = False

    def missing(self, world: World) -> str:
        """Possible everywhere."""
        return ""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Kill it and start it again."""
        early = chance.random() < EARLY
        delay_s = chance.uniform(0.0, 0.8)
        await self._kill(world)
        if early:
            await world.service.start()
            await asyncio.sleep(delay_s)
            world.report.killed_before_ready += not await world.service.is_ready(world.session)
            await self._kill(world)
        await world.restart()

    async def _kill(self, world: World) -> None:
        await world.service.kill()
        world.report.kills += 1


class Pause:
    """It stands still for longer than its calls may take, as on a machine that was suspended."""

    around = False

    def missing(self, world: World) -> str:
        """Possible everywhere."""
        return ""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Pause it and let it go on."""
        world.service.pause()
        await asyncio.sleep(chance.uniform(0.5, 3.0))
        world.service.resume()
        await world.service.ready(world.session)


class Terminate:
    """It is asked to end in the middle of its work."""

    around = False

    def missing(self, world: World) -> str:
        """Possible everywhere."""
        return ""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Stop it in order and start it again."""
        if (code := await world.service.stop()) != 0:
            world.report.add(Kind.OTHER, f"SIGTERM ended it with exit code {code}: {world.service.last_words()}")
        await world.restart()
