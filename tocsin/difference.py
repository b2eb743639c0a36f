"""What is declared otherwise than it runs, and what applying that came to. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from manifests.objects import EventSource, ObjectRef, Sensor

MOST_NAMED = 10
"""Objects that are named when manifests are applied."""


class Applied(NamedTuple):
    """What applying came to."""

    added: Sequence[ObjectRef]
    changed: Sequence[ObjectRef]
    removed: Sequence[ObjectRef]
    unchanged: int
    not_in_order: int
    """Objects of which not all runs as it is declared."""

    def said(self) -> dict[str, object]:
        """For a line of the log."""
        named = {"added": self.added, "changed": self.changed, "removed": self.removed}
        found: dict[str, object] = {word: _names(refs) for word, refs in named.items() if refs}
        return found | {"unchanged": self.unchanged, "not_in_order": self.not_in_order}


def _names(refs: Sequence[ObjectRef]) -> str:
    more = f" and {len(refs) - MOST_NAMED} more" if len(refs) > MOST_NAMED else ""
    return ", ".join(map(str, refs[:MOST_NAMED])) + more


class Difference(NamedTuple):
    """What is declared otherwise than it runs."""

    unlike: Sequence[ObjectRef]
    """Objects that are new, or were read anew; some of them are equal to what runs."""
    added: Sequence[ObjectRef]
    removed: Sequence[ObjectRef]


def difference_of(
    former: Mapping[ObjectRef, EventSource | Sensor],
    wanted: Mapping[ObjectRef, EventSource | Sensor],
    near: Iterable[ObjectRef] | None,
) -> Difference:
    """`near` are the objects that may be otherwise; None: any may."""
    looked_at = wanted if near is None else [ref for ref in near if ref in wanted]
    unlike = [ref for ref in looked_at if former.get(ref) is not wanted[ref]]
    added = [ref for ref in unlike if ref not in former]
    gone = len(former) + len(added) - len(wanted)
    return Difference(unlike, added, [ref for ref in former if ref not in wanted] if gone else [])


def summary_of(
    difference: Difference,
    former: Mapping[ObjectRef, EventSource | Sensor],
    wanted: Mapping[ObjectRef, EventSource | Sensor],
    not_in_order: int,
) -> Applied:
    """What applying `difference` came to."""
    changed = [ref for ref in difference.unlike if ref in former and former[ref] != wanted[ref]]
    unchanged = len(wanted) - len(difference.added) - len(changed)
    return Applied(difference.added, changed, difference.removed, unchanged, not_in_order)
