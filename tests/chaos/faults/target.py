"""Harm to what the triggers call."""

import asyncio
import random

from chaos.world import World


class TargetAway:
    """Nobody listens there for a while."""

    around = True

    def missing(self, world: World) -> str:
        """Possible everywhere."""
        return ""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Take the target away and bring it back."""
        async with world.target.away():
            await asyncio.sleep(chance.uniform(0.5, 2.0))


class TargetBehaves:
    """Every call is answered badly, in one way, for a while."""

    around = True

    def __init__(self, bad: str, shortest_s: float, longest_s: float) -> None:
        self._bad = bad
        self._between_s = shortest_s, longest_s

    def missing(self, world: World) -> str:
        """Possible everywhere."""
        return ""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Have it behave badly, then well."""
        with world.target.behaving(self._bad):
            await asyncio.sleep(chance.uniform(*self._between_s))
