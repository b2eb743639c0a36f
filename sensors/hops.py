"""Where a chain of firings ends that would go on for ever."""

from collections.abc import Awaitable, Callable, Sequence

from eventbus.firing import Firing, TriggerRef

MAX_HOPS = 16
"""Firings in a row, each caused by the one before, unless the trigger or the service says otherwise."""
_SHOWN = 12
"""Triggers of a chain that a reason names."""

Lineage = Callable[[Firing], Awaitable[Sequence[Firing]]]
"""The firings that led to one, nearest first, as far as they are on record."""


async def unknown_lineage(firing: Firing) -> Sequence[Firing]:
    """For a dispatcher without a journal: nothing is known."""
    return ()


def loop_reason(firing: Firing, before: Sequence[Firing], limit: int) -> str:
    """Why `firing` is not carried out: the loop that it would close once more, or the chain that led to it."""
    path = [*reversed([one.trigger for one in before]), firing.trigger]
    head = f"stopped at hop {firing.hops}, the limit is {limit}: "
    earlier = [number for number, ref in enumerate(path[:-1]) if ref == firing.trigger]
    if earlier:
        return f"{head}the loop {_named(path[earlier[-1] :], firing)}"
    if before:
        return f"{head}the chain {_named(path, firing)}"
    return f"{head}what led to {_name(firing.trigger, firing)} is not on record here"


def _named(path: Sequence[TriggerRef], firing: Firing) -> str:
    shown = [_name(ref, firing) for ref in path[-_SHOWN:]]
    return " → ".join(["…", *shown] if len(path) > _SHOWN else shown)


def _name(ref: TriggerRef, firing: Firing) -> str:
    return str(ref) if ref.namespace != firing.trigger.namespace else f"{ref.sensor}/{ref.trigger}"
