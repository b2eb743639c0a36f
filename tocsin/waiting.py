"""Partial matches as people see them: what has come for a trigger that joins events, and what it waits for."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from eventbus.event import Recorded
from eventbus.firing import TriggerRef
from eventbus.journal import Journal
from manifests.conditions import ConditionError, parse_conditions
from sensors.compile import CompiledSensor, CompiledTrigger
from sensors.joins import JoinedCondition, Member, Pending, decode, key_of
from tocsin.views import Json, when

WAYS = 8
"""Most ways to complete a condition that are shown."""


class Waits(NamedTuple):
    """A trigger's condition and the dependencies of its sensor."""

    conditions: str
    dependencies: Sequence[str]


async def waiting(journal: Journal, namespace: str, sensor: str, triggers: Mapping[str, Waits]) -> list[Json]:
    """The open partial matches of a sensor's `triggers`, by trigger name."""
    prefix = key_of(TriggerRef(namespace, sensor, ""))
    pending = {key: _read(value) for key, value in await journal.records(prefix)}
    found = []
    for name, waits in triggers.items():
        one = pending.get(key_of(TriggerRef(namespace, sensor, name)))
        condition = _condition(waits)
        # What came under another condition counts no more.
        if one is not None and condition is not None and one.conditions == condition.key:
            found.append(_view(name, one, condition))
    return found


def _read(value: bytes) -> Pending | None:
    try:
        return decode(value)
    except msgspec.DecodeError:
        return None


def _condition(waits: Waits) -> JoinedCondition | None:
    try:
        condition = parse_conditions(waits.conditions, waits.dependencies)
    except ConditionError:
        return None
    return JoinedCondition(condition) if condition.joins else None


def _view(trigger: str, pending: Pending, condition: JoinedCondition) -> Json:
    members = sorted(pending.members, key=lambda member: member.position)
    return {
        "trigger": trigger,
        "since": when(members[0].received_us),
        "has": [_member(member) for member in members],
        "waits_for": _missing(condition, members),
    }


def _member(member: Member) -> Json:
    return {
        "dependency": member.dependency,
        "source": member.source,
        "name": member.name,
        "id": member.id,
        "received": when(member.received_us),
    }


def _missing(condition: JoinedCondition, members: Sequence[Member]) -> list[list[str]]:
    present = {member.dependency for member in members}
    return [list(names) for names in condition.missing(present)[:WAYS]]


async def joined(journal: Journal, sensor: CompiledSensor, recorded: Recorded, matched: Sequence[str]) -> list[Json]:
    """What became of an event for each trigger that joins it: it fired, it waits, or it was replaced or forgotten."""
    triggers = [one for one in sensor.triggers.values() if one.joined is not None and set(one.names) & set(matched)]
    if not triggers:
        return []
    fired = {record.firing.trigger: record.firing.id for record in await journal.firings_of(recorded.position)}
    return [await _became(journal, trigger, recorded, fired.get(trigger.ref)) for trigger in triggers]


async def _became(journal: Journal, trigger: CompiledTrigger, recorded: Recorded, firing: str | None) -> Json:
    view: Json = {"trigger": trigger.declared.name, "state": "replaced", "firing": firing, "has": [], "waits_for": []}
    if firing is not None:
        return view | {"state": "fired"}
    records = dict(await journal.records(key_of(trigger.ref)))
    value = records.get(key_of(trigger.ref))
    pending = None if value is None else _read(value)
    if pending is None or trigger.joined is None or recorded.position not in {one.position for one in pending.members}:
        return view
    return view | {
        "state": "waiting",
        "has": [_member(member) for member in pending.members],
        "waits_for": _missing(trigger.joined, pending.members),
    }
