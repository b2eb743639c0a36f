"""What one dependency makes of one event, and why: for whoever asks afterwards."""

from typing import NamedTuple

from sensors.bound import EventView
from sensors.erring import broke
from sensors.filters.held import Held
from sensors.filters.tally import tally
from sensors.live import Entry
from sensors.transforms import Transformed, TransformFailed


class Verdict(NamedTuple):
    """What one dependency made of one event."""

    namespace: str
    sensor: str
    dependency: str
    source: str
    event_id: str
    matched: bool
    reason: str
    """Why it did not match; empty where it did."""
    held: int = 0
    """The clauses that held, of `clauses`; clauses of which one is enough count as one. Both 0 where it matched."""
    clauses: int = 0


def verdict(entry: Entry, view: EventView, possible: bool) -> Verdict:
    """What `entry` makes of the event; not `possible` is what the index rules out, of which only the reason is asked."""
    event = view.event
    try:
        matched = possible and entry.clause.holds(view) is Held.YES
        reason = "" if matched else entry.clause.why(view)
    except Exception as exc:  # shown as what it is, where someone asked why
        matched, reason = False, broke(exc)
    held, clauses = (0, 0) if matched else _tally(entry, view)
    return Verdict(*entry.dependency.ref, event.source, event.id, matched, reason, held, clauses)


def _tally(entry: Entry, view: EventView) -> tuple[int, int]:
    """Of the filters on what the transform made; nothing where it failed."""
    clause = entry.clause
    try:
        return tally(clause.filters if isinstance(clause, Transformed) else clause, entry.dependency.seen(view))
    except TransformFailed:
        return 0, 1
