"""Triggers that can never fire, and parts of conditions that make no difference."""

from collections.abc import Collection, Iterator

from manifests.conditions import Condition, ConditionError, parse_conditions
from manifests.objects import DeclaredTrigger, Sensor
from manifests.words import quoted
from tocsin.checks.finding import Finding


def condition_findings(sensor: Sensor, dead: Collection[str]) -> Iterator[Finding]:
    """What is odd about the conditions of `sensor`, where no event can match the dependencies in `dead`."""
    names = [one.name for one in sensor.dependencies]
    for trigger in sensor.triggers:
        path = f"{trigger.path}.template.conditions" if trigger.conditions.strip() else f"{trigger.path}.template"
        try:
            condition = parse_conditions(trigger.conditions, names)
            message = _message(condition, trigger, dead)
        except ConditionError:
            continue  # said elsewhere
        if message:
            yield Finding(sensor.ref, path, message)
        if trigger.conditions_reset and not condition.joins:
            message = "does nothing: one event alone completes the condition, so there is never a part of it to forget"
            yield Finding(sensor.ref, f"{trigger.path}.template.conditionsReset", message)


def _message(condition: Condition, trigger: DeclaredTrigger, dead: Collection[str]) -> str:
    ways = condition.alternatives
    lost = [way for way in ways if not way.isdisjoint(dead)]
    if len(lost) == len(ways):
        blocking = [name for name in condition.names if name in dead]
        return f"the trigger {quoted(trigger.name)} never fires: no event can match {', '.join(map(quoted, blocking))}"
    needless = [name for name in condition.names if not any(name in way for way in ways)]
    if needless:
        return f"{', '.join(map(quoted, needless))} makes no difference: the condition is true without it"
    return ""
