"""Harm to the disk that the data folder is on."""

import asyncio
import errno
import random

from chaos.world import World


class FullDisk:
    """There is no room at all for a while."""

    around = False

    def missing(self, world: World) -> str:
        """It needs a small disk of its own, or the shim."""
        return "" if world.disk.own else world.shim.missing

    async def strike(self, world: World, chance: random.Random) -> None:
        """Fill the disk, wait, make room."""
        self._fill(world)
        try:
            await asyncio.sleep(chance.uniform(0.3, 2.0))
        finally:
            self._empty(world)
        await world.service.ready(world.session)

    def _fill(self, world: World) -> None:
        if world.disk.own:
            world.disk.fill()
        else:
            world.shim.write_error = errno.ENOSPC
            world.shim.apply()

    def _empty(self, world: World) -> None:
        world.disk.empty() if world.disk.own else None
        world.shim.write_error = 0
        world.shim.apply()


class KillOnFullDisk(FullDisk):
    """It crashes while there is no room, and cannot start before there is some."""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Fill the disk, kill the service, let a start fail or not, make room, start it."""
        self._fill(world)
        try:
            await asyncio.sleep(chance.uniform(0.1, 1.0))
            await world.service.kill()
            world.report.kills += 1
            await world.service.start()
            await world.service.exited(timeout_s=chance.uniform(0.5, 1.5))
        finally:
            self._empty(world)
        await world.service.end()
        await world.restart()


class SlowDisk:
    """Every sync takes long."""

    around = True

    def missing(self, world: World) -> str:
        """It needs the shim."""
        return world.shim.missing

    async def strike(self, world: World, chance: random.Random) -> None:
        """Slow the disk down for a while."""
        world.shim.sync_s = chance.choice([0.02, 0.2, 0.7])
        world.shim.apply()
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        world.shim.sync_s = 0.0
        world.shim.apply()
        await world.recovered()


class FailingSync:
    """Syncs fail, so nobody knows what reached the disk."""

    around = False

    def missing(self, world: World) -> str:
        """It needs the shim."""
        return world.shim.missing

    async def strike(self, world: World, chance: random.Random) -> None:
        """Have syncs fail for a while."""
        world.shim.sync_error = chance.choice([errno.EIO, errno.ENOSPC, errno.EDQUOT])
        world.shim.apply()
        await asyncio.sleep(chance.uniform(0.1, 1.5))
        world.shim.sync_error = 0
        world.shim.apply()
        await world.service.ready(world.session)
