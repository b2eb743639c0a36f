"""What a kind of load is."""

from typing import Protocol

from chaos.verdict import Book, Kind
from chaos.world import World

LATE_S = 20.0
"""What took more undisturbed seconds than this from acknowledged to done is late: four times the longest wait that the campaign's
retries and the target's own faults explain."""


class Workload(Protocol):
    """One kind of load, with the manifests that it is for. Made anew for each campaign, from its seed."""

    name: str
    needs_broker: bool = False
    """Whether `World.broker` has to be there."""
    edits: bool = False
    """Whether it edits its manifests while they run."""

    async def prepare(self, world: World) -> None:
        """Make what has to be there before the service is. Called once, first."""

    def manifests(self, world: World) -> str:
        """What the service has to run, as YAML documents. Called once, before `run`."""

    async def run(self, world: World) -> None:
        """Send until `world.stopping`, or for as long as the load goes; return when the last delivery is acknowledged."""

    async def gather(self, world: World) -> None:
        """Tell `world.target` what was done elsewhere. Called once, when the work is done."""

    def judge(self, world: World, book: Book) -> None:
        """Compare what was sent with what was kept, decided and done; add to the report what was promised and not kept."""


def timely(world: World, name: str, acknowledged_at: float, done_at: float) -> None:
    """Note how long `name` took from acknowledged to done, and whether it was late."""
    waited_s = world.calm_s(acknowledged_at, done_at)
    world.report.waits_s.append(waited_s)
    if waited_s > LATE_S:
        world.report.add(Kind.LATE, f"{name} was done {waited_s:.1f} undisturbed seconds after it was acknowledged")
