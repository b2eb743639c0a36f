"""What a kind of harm is."""

import random
from typing import Protocol

from chaos.world import World


class Fault(Protocol):
    """One kind of harm. Holds no state; all that it chooses comes from `chance`."""

    def missing(self, world: World) -> str:
        """Why this machine cannot have it; empty where it can."""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Do harm and make it good again: afterwards the service is ready, or will be without anybody's help."""
