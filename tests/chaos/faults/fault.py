"""What a kind of harm is."""

import random
from typing import Protocol

from chaos.world import World


class Fault(Protocol):
    """One kind of harm. Holds no state; all that it chooses comes from `chance`."""

    around: bool
    """Whether it harms what the service lives on, not the service: these strike beside the others, as misfortunes do."""

    def missing(self, world: World) -> str:
        """Why this machine cannot have it; empty where it can."""

    async def strike(self, world: World, chance: random.Random) -> None:
        """Do harm and make it good again: afterwards the service is ready, or will be without anybody's help."""
