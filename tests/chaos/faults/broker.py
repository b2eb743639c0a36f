"""Harm to the Kafka broker that sources read and triggers write to."""

import asyncio
import random

from servers.kafka import KafkaBroker

from chaos.world import World


class _OfBroker:
    around = True

    def missing(self, world: World) -> str:
        """It needs a broker."""
        return "" if world.broker is not None else "no load of this run has a broker"

    def _broker(self, world: World) -> KafkaBroker:
        assert world.broker is not None
        return world.broker


class BrokerKilled(_OfBroker):
    """It ends at once, and comes back with its data."""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Kill it and start it again."""
        broker = self._broker(world)
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        await asyncio.to_thread(broker.start)


class BrokerRestarted(_OfBroker):
    """It is stopped in order and started again, as in an upgrade."""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Stop it and start it again."""
        broker = self._broker(world)
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start)


class BrokerPaused(_OfBroker):
    """It keeps its connections and answers nobody for a while, long enough to be taken for dead by its own cluster."""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Pause it and let it go on."""
        broker = self._broker(world)
        broker.pause()
        try:
            await asyncio.sleep(chance.uniform(0.5, 4.0))
        finally:
            broker.resume()
