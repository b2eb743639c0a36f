"""Kinds of load by name. A new one is a class in a module here and its line in the table."""

from collections.abc import Callable, Mapping

from chaos.workloads.calls import Calls
from chaos.workloads.ordered import Ordered
from chaos.workloads.pairs import Pairs
from chaos.workloads.workload import Workload

WORKLOADS: Mapping[str, Callable[[int], Workload]] = {
    "calls": Calls,
    "ordered": Ordered,
    "pairs": Pairs,
}
"""Each makes the load of a seed."""
