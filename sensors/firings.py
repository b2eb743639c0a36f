"""Firings out of what matched. Pure: an id follows from the trigger, the dependencies and the events, and from nothing else."""

from collections.abc import Sequence

from eventbus.event import Event, Recorded
from eventbus.firing import Cause, Firing, firing_id
from sensors.bound import EventView
from sensors.compile import CompiledTrigger
from sensors.joins import Member
from sensors.live import Entry, Live

Placed = tuple[tuple[int, int], Firing]
"""A firing with the places of its sensor and of its trigger."""


def place(placed: Placed) -> tuple[int, int]:
    """The places of its sensor and its trigger."""
    return placed[0]


def firings_of(matched: Sequence[Entry], recorded: Recorded, view: EventView, decided_us: int) -> list[Placed]:
    """One firing for each trigger that the matches are enough for, however many of its alternatives they fill."""
    if len(matched) == 1:
        only = matched[0]
        order = only.live.order
        return [
            ((order, trigger.index), _firing(trigger, (only,), recorded, view, decided_us))
            for trigger in only.dependency.triggers
        ]
    found: dict[CompiledTrigger, list[Entry]] = {}
    for entry in matched:
        for trigger in entry.dependency.triggers:
            found.setdefault(trigger, []).append(entry)
    ordered = sorted(found.items(), key=lambda item: (item[1][0].live.order, item[0].index))
    return [
        ((entries[0].live.order, trigger.index), _firing(trigger, entries, recorded, view, decided_us))
        for trigger, entries in ordered
    ]


def member_of(trigger: CompiledTrigger, entry: Entry, recorded: Recorded, view: EventView) -> Member:
    """The event as what has come for a trigger that joins."""
    name, event = entry.dependency.ref.dependency, recorded.event
    return Member(
        dependency=name,
        definition=trigger.definitions[name],
        position=recorded.position,
        received_us=recorded.received_us,
        source=event.source,
        name=event.name,
        id=event.id,
        correlation=_correlation_of(event),
        hops=event.hops,
        order=None if trigger.order_by is None else _order_key(trigger, entry.dependency.seen(view)),
    )


def joined_firing(trigger: CompiledTrigger, live: Live, members: Sequence[Member], decided_us: int) -> Firing:
    """The firing that `members` complete."""
    causes = tuple([member.cause(trigger.ref.namespace) for member in members])
    first = min(members, key=lambda member: member.position)
    return Firing(
        id=firing_id(trigger.ref, [(cause.dependency, cause.identity) for cause in causes]),
        trigger=trigger.ref,
        revision=live.sensor.revision,
        causes=causes,
        decided_us=decided_us,
        order_key=trigger.order_key
        if trigger.order_by is None
        else next((m.order for m in members if m.order is not None), None),
        record_start=trigger.record_start,
        correlation=first.correlation,
        hops=max(member.hops for member in members) + 1,
    )


def _firing(trigger: CompiledTrigger, entries: Sequence[Entry], recorded: Recorded, view: EventView, decided_us: int) -> Firing:
    event = recorded.event
    identity = event.identity
    names = sorted([entry.dependency.ref.dependency for entry in entries])
    return Firing(
        id=firing_id(trigger.ref, [(name, identity) for name in names]),
        trigger=trigger.ref,
        revision=entries[0].live.sensor.revision,
        causes=tuple([Cause(name, recorded.position, identity) for name in names]),
        decided_us=decided_us,
        order_key=trigger.order_key if trigger.order_by is None else _order_key(trigger, entries[0].dependency.seen(view)),
        record_start=trigger.record_start,
        correlation=_correlation_of(event),
        hops=event.hops + 1,
    )


def _correlation_of(event: Event) -> str:
    """The id of the chain that `event` belongs to; one that starts a chain gives it its own id."""
    return event.correlation or event.id


def _order_key(trigger: CompiledTrigger, view: EventView) -> str | None:
    """The value that `orderBy` names; None, and so no order, where the event has none."""
    if view.document is None or trigger.order_by is None:
        return None
    found = view.look(trigger.order_by)
    return found.text if found.exists else None
