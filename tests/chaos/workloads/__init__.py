"""Kinds of load by name. A new one is a class in a module here and its line in the table."""

from collections.abc import Callable, Mapping

from chaos.workloads.calls import Calls
from chaos.workloads.chains import Chains
from chaos.workloads.edits import Edits
from chaos.workloads.ordered import Ordered
from chaos.workloads.pairs import Pairs
from chaos.workloads.replays import Replays
from chaos.workloads.topics import Published, Records
from chaos.workloads.workload import Workload

WORKLOADS: Mapping[str, Callable[[int], Workload]] = {
    "calls": Calls,
    "ordered": Ordered,
    "pairs": Pairs,
    "edits": Edits,
    "chains": Chains,
    "replays": Replays,
    "records": Records,
    "published": Published,
}
"""Each makes the load of a seed."""
WITH_BROKER = frozenset({"records", "published"})
"""Those that need a broker."""
