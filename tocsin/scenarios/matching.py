"""Which of the firings that were seen is which of those expected."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from manifests.scenario_fields import ExpectedFiring
from tocsin.scenarios.comparing import Difference, differences
from tocsin.scenarios.seen import Seen


class Missing(NamedTuple):
    """An expected firing that was not seen."""

    number: int
    """In the list of what was expected."""
    nearest: Seen | None
    """The firing that is most like it and that nothing else expects."""
    differences: Sequence[Difference]
    """How that one differs."""


class Matched(NamedTuple):
    """What is left when every expected firing was looked for."""

    missing: Sequence[Missing]
    others: Sequence[Seen]
    """Seen, not expected, and like nothing that is missing."""


def match(expected: Sequence[ExpectedFiring], seen: Sequence[Seen], start_us: int) -> Matched:
    """Pair as many as can be paired: each expected firing with one that was seen, and none of those twice."""
    of = _paired(len(expected), len(seen), lambda e, s: _fits(expected[e], seen[s], start_us))
    free = [s for s in range(len(seen)) if s not in of.values()]
    missing = []
    for index in [index for index in range(len(expected)) if index not in of]:
        nearest, found = _nearest(expected[index], [seen[s] for s in free], start_us)
        free = [s for s in free if seen[s] is not nearest]
        missing.append(Missing(index, nearest, found))
    return Matched(missing, [seen[s] for s in free])


def _fits(expected: ExpectedFiring, seen: Seen, start_us: int) -> bool:
    return expected.trigger == seen.trigger and not differences(expected, seen, start_us)


def _paired(left: int, right: int, fits: Callable[[int, int], bool]) -> dict[int, int]:
    """A largest pairing of numbers below `left` with numbers below `right`, by augmenting paths."""
    choices = [[s for s in range(right) if fits(e, s)] for e in range(left)]
    taken: dict[int, int] = {}

    def find(e: int, tried: set[int]) -> bool:
        for s in choices[e]:  # what is free first: moving others takes a step for each of them
            if s not in taken:
                taken[s] = e
                return True
        for s in choices[e]:
            if s not in tried:
                tried.add(s)
                if find(taken[s], tried):
                    taken[s] = e
                    return True
        return False

    for e in range(left):
        find(e, set())
    return {e: s for s, e in taken.items()}


def _nearest(expected: ExpectedFiring, free: Sequence[Seen], start_us: int) -> tuple[Seen | None, Sequence[Difference]]:
    """The one of `free` with the same trigger that differs least; other events count for more than anything else."""
    found = [(differences(expected, one, start_us), one) for one in free if one.trigger == expected.trigger]
    if not found:
        return None, ()
    most, nearest = min(found, key=lambda pair: (any(d.path == "events" for d in pair[0]), len(pair[0])))
    return nearest, most
