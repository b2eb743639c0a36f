"""How near an event came: how many of the clauses that must all hold did. Clauses of which one is enough count as one."""

from typing import Protocol, runtime_checkable

from sensors.bound import EventView
from sensors.filters.held import Clause, Held


@runtime_checkable
class Joined(Protocol):
    """Clauses that must all hold."""

    @property
    def parts(self) -> tuple[Clause, ...]:
        """They; empty where one of them is enough."""


def tally(clause: Clause, view: EventView) -> tuple[int, int]:
    """The clauses of `clause` that hold for the event, and all of them. Asks each, so it costs more than `holds`."""
    parts = clause.parts if isinstance(clause, Joined) else ()
    if not parts:
        return int(_holds(clause, view)), 1
    counted = [tally(part, view) for part in parts]
    held, count = sum(one[0] for one in counted), sum(one[1] for one in counted)
    return (count, count) if _holds(clause, view) else (held, count)


def _holds(clause: Clause, view: EventView) -> bool:
    try:
        return clause.holds(view) is Held.YES
    except Exception:  # a rule that breaks does not hold; why it broke is told elsewhere
        return False
