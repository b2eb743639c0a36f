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

    def manifests(self, target: str) -> str:
        """What the service has to run, as YAML documents. `target` is the URL that triggers call. Called once, first."""

    async def run(self, world: World) -> None:
        """Send until `world.stopping`, or for as long as the load goes; return when the last delivery is acknowledged."""

    def judge(self, world: World, book: Book) -> None:
        """Compare what was sent with what was kept, decided and done; add to the report what was promised and not kept."""


def timely(world: World, name: str, acknowledged_at: float, done_at: float) -> None:
    """Note how long `name` took from acknowledged to done, and whether it was late."""
    waited_s = world.calm_s(acknowledged_at, done_at)
    world.report.waits_s.append(waited_s)
    if waited_s > LATE_S:
        world.report.add(Kind.LATE, f"{name} was done {waited_s:.1f} undisturbed seconds after it was acknowledged")
