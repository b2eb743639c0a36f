"""Harm to the clock on the wall."""

import asyncio
import random

from chaos.world import World

JUMPS_S = (-3600.0, -60.0, -2.0, 2.0, 60.0, 3600.0)


class ClockJump:
    """The wall clock is set to another time, and after a while to the right one."""

    around = True

    def missing(self, world: World) -> str:
        """It needs the shim."""
        return world.shim.missing

    async def strike(self, world: World, chance: random.Random) -> None:
        """Set the clock and set it back."""
        world.shim.clock_s = chance.choice(JUMPS_S)
        world.shim.apply()
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        world.shim.clock_s = 0.0
        world.shim.apply()
        await world.recovered()
