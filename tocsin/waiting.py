"""Partial matches as people see them: what has come for a trigger that joins events, and what it waits for."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from eventbus.event import Recorded
from eventbus.firing import TriggerRef
from eventbus.journal import Journal
from manifests.conditions import ConditionError, parse_conditions
from manifests.objects import DeclaredTrigger, Sensor
from sensors.compile import CompiledSensor, CompiledTrigger
from sensors.decide import Decider
from sensors.joins import JoinedCondition, Member, Pending, Reset, decode, definition_of, key_of, standing
from sensors.resets import compile_resets
from tocsin.views import Json, when

logger = structlog.get_logger()

WAYS = 8
"""Most ways to complete a condition that are shown."""


async def waiting(journal: Journal, sensor: Sensor, now_us: int | None = None) -> list[Json]:
    """The open partial matches of `sensor`, in the order of its triggers, as they count at `now_us` (by default now)."""
    namespace, name = sensor.ref.namespace, sensor.ref.name
    now_us = _now_us() if now_us is None else now_us
    pending = {key: _read(value) for key, value in await journal.records(key_of(TriggerRef(namespace, name, "")))}
    found = []
    for trigger in sensor.triggers:
        one = pending.get(key_of(TriggerRef(namespace, name, trigger.name)))
        counting = None if one is None else _counting(one, sensor, trigger, now_us)
        if counting is not None and counting.members:
            found.append(_view(trigger.name, counting.members, counting.condition))
    return found


class _Counting(NamedTuple):
    """What counts of a partial match, and for which condition."""

    members: Sequence[Member]
    condition: JoinedCondition


def _counting(pending: Pending, sensor: Sensor, trigger: DeclaredTrigger, now_us: int) -> _Counting | None:
    """What of `pending` counts for a trigger as it is declared; None where it joins nothing."""
    definitions = {dependency.name: definition_of(dependency) for dependency in sensor.dependencies}
    condition = _condition(trigger.conditions, definitions)
    if condition is None:
        return None
    return _Counting(standing(pending, condition, definitions, _resets(trigger), now_us), condition)


def _now_us() -> int:
    return time.time_ns() // 1000


def _resets(trigger: DeclaredTrigger) -> Sequence[Reset]:
    try:
        return compile_resets(trigger.conditions_reset)
    except ValueError:  # shown among the problems; the trigger is disabled
        return ()


def _read(value: bytes) -> Pending | None:
    try:
        return decode(value)
    except msgspec.DecodeError:
        return None


def _condition(conditions: str, dependencies: Iterable[str]) -> JoinedCondition | None:
    try:
        condition = parse_conditions(conditions, dependencies)
    except ConditionError:
        return None
    return JoinedCondition(condition) if condition.joins else None


def _view(trigger: str, standing: Sequence[Member], condition: JoinedCondition) -> Json:
    members = sorted(standing, key=lambda member: member.position)
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


Present = Callable[[], Awaitable[Sensor | None]]
"""Asks for the sensor as it is declared now; None where it is no more."""


async def joined(  # noqa: PLR0917
    journal: Journal,
    sensor: CompiledSensor,
    recorded: Recorded,
    matched: Sequence[str],
    present: Present,
    now_us: int | None = None,
) -> list[Json]:
    """What became of an event for each trigger that joins it: it fired, it waits, or it was replaced or forgotten.

    What waits is what counts at `now_us` (by default now) as the sensor is declared now, not as it was at the event.
    """
    triggers = [one for one in sensor.triggers.values() if one.joined is not None and set(one.names) & set(matched)]
    if not triggers:
        return []
    fired = {record.firing.trigger: record.firing.id for record in await journal.firings_of(recorded.position)}
    now_us = _now_us() if now_us is None else now_us
    declared = await present()
    return [await _became(journal, trigger, recorded, fired.get(trigger.ref), declared, now_us) for trigger in triggers]


async def _became(  # noqa: PLR0917
    journal: Journal, trigger: CompiledTrigger, recorded: Recorded, firing: str | None, present: Sensor | None, now_us: int
) -> Json:
    view: Json = {"trigger": trigger.declared.name, "state": "replaced", "firing": firing, "has": [], "waits_for": []}
    if firing is not None:
        return view | {"state": "fired"}
    records = dict(await journal.records(key_of(trigger.ref)))
    value = records.get(key_of(trigger.ref))
    pending = None if value is None else _read(value)
    declared = next((one for one in present.triggers if one.name == trigger.ref.trigger), None) if present is not None else None
    if pending is None or present is None or declared is None:
        return view
    counting = _counting(pending, present, declared, now_us)
    if counting is None or recorded.position not in {one.position for one in counting.members}:
        return view
    return view | {
        "state": "waiting",
        "has": [_member(member) for member in counting.members],
        "waits_for": _missing(counting.condition, counting.members),
    }


def say_forgotten(decider: Decider, fresh: CompiledSensor) -> None:
    """Log what has come for triggers of a sensor and does not count under the revision `fresh`, which is about to be applied."""
    for trigger in fresh.triggers.values():
        pending = decider.joins.pending(trigger.ref)
        if pending is None:
            continue
        kept = () if trigger.joined is None else standing(pending, trigger.joined, trigger.definitions, (), 0)
        gone = [member for member in pending.members if member not in kept]
        if gone:
            names = [member.dependency for member in gone]
            logger.info(
                "partial_match_forgotten",
                sensor=trigger.ref.sensor,
                trigger=trigger.ref.trigger,
                dependencies=names,
                reason="edited",
            )
