"""Whether the names in a scenario are those of the manifests: a wrong name would only look like something that is missing."""

from collections.abc import Iterable, Iterator, Sequence

from eventbus.event import Road
from manifests.objects import Scenario
from manifests.problems import Severity
from manifests.scenario_fields import Expectations
from manifests.words import did_you_mean, quoted
from tocsin.declared import Declarations
from tocsin.scenarios.events import Makes, given_events, unreadable_data
from tocsin.scenarios.playing import first_numbers

Mistake = tuple[str, str, Severity]
"""Path, message, severity."""


def mistakes(scenario: Scenario, declared: Sequence[Declarations]) -> Iterator[Mistake]:
    """What is wrong with `scenario`, seen beside what is `declared`, at first and after each edit."""
    makes = Makes(scenario, [source for one in declared for source in one.sources])
    for path, message in unreadable_data(scenario, makes):
        yield path, message, Severity.ERROR
    names = _Names(scenario, declared, makes)
    for trigger in scenario.spec.targets:
        yield from names.trigger(trigger, f"spec.targets['{trigger}']")
    yield from names.unheard(scenario, makes)
    for index, (step, _) in enumerate(scenario.steps):
        if step.expect is not None:
            yield from names.expected(step.expect, f"spec.given[{index}].expect")
    if scenario.spec.expect is not None:
        yield from names.expected(scenario.spec.expect, "spec.expect")


class _Names:
    def __init__(self, scenario: Scenario, declared: Sequence[Declarations], makes: Makes) -> None:
        namespace = scenario.ref.namespace
        sensors = [sensor for some in declared for sensor in some.sensors if sensor.ref.namespace == namespace]
        self._dependencies: dict[str, list[str]] = {}
        for sensor in sensors:
            self._dependencies.setdefault(sensor.ref.name, []).extend(one.name for one in sensor.dependencies)
        self._triggers = [f"{sensor.ref.name}/{one.name}" for sensor in sensors for one in sensor.triggers]
        dead = [f"{sensor.ref.name}/{one.name}/dlqTrigger" for sensor in sensors for one in sensor.triggers if one.dlq]
        self._triggers += dead
        self._heard = {
            Road(namespace, one.event_source_name, one.event_name) for sensor in sensors for one in sensor.dependencies
        } | set(makes.declared)
        kinds = {event.kind for event in makes.declared.values()}
        self._events = None if kinds & ({"outcomes", "calendar"} if scenario.spec.calendars else {"outcomes"}) else _ids(scenario)
        """The ids that events can have; None where event sources make events of their own."""

    def trigger(self, name: str, path: str) -> Iterator[Mistake]:
        yield from _unknown("trigger", name, self._triggers, path)

    def unheard(self, scenario: Scenario, makes: Makes) -> Iterator[Mistake]:
        """Events that nothing in the manifests knows: most likely a slip of the pen."""
        for path, event in given_events(scenario):
            road = Road(scenario.ref.namespace, event.source, event.name)
            if road not in self._heard:
                known = [f"{one.source}/{one.name}" for one in self._heard]
                name = f"{event.source}/{event.name}"
                message = f"no event source declares {name}, and no sensor depends on it{did_you_mean(name, known)}"
                yield path, message, Severity.WARNING

    def expected(self, expect: Expectations, path: str) -> Iterator[Mistake]:
        for field, firings in (("firings", expect.firings), ("deadLetters", expect.dead_letters)):
            for index, firing in enumerate(firings or ()):
                yield from self.trigger(firing.trigger, f"{path}.{field}[{index}].trigger")
                for number, id in enumerate(firing.events or ()):
                    yield from self._event(id, f"{path}.{field}[{index}].events[{number}]")
        for index, silent in enumerate(expect.not_fired):
            at = f"{path}.notFired[{index}]"
            yield from self._event(silent.event, f"{at}.event")
            if silent.trigger:
                yield from self.trigger(silent.trigger, f"{at}.trigger")
            if silent.sensor:
                yield from _unknown("sensor", silent.sensor, self._dependencies, f"{at}.sensor")
        for index, verdict in enumerate(expect.verdicts):
            at = f"{path}.verdicts[{index}]"
            yield from self._event(verdict.event, f"{at}.event")
            wrong = list(_unknown("sensor", verdict.sensor, self._dependencies, f"{at}.sensor"))
            known = self._dependencies.get(verdict.sensor, ())
            yield from wrong or _unknown("dependency", verdict.dependency, known, f"{at}.dependency")

    def _event(self, id: str, path: str) -> Iterator[Mistake]:
        if self._events is not None:
            yield from _unknown("event", id, self._events, path)


def _unknown(what: str, name: str, known: Iterable[str], path: str) -> Iterator[Mistake]:
    if name not in known:
        some = list(known)
        shown = did_you_mean(name, some) or (f"; there is {', '.join(some[:6])}{' …' if len(some) > 6 else ''}" if some else "")
        yield path, f"no {what} {quoted(name)}{shown}", Severity.ERROR


def _ids(scenario: Scenario) -> list[str]:
    """The ids of all events that are given."""
    found: dict[str, None] = {}
    for (step, _), first in zip(scenario.steps, first_numbers(scenario), strict=False):
        events = [step.event] * step.repeat if step.event is not None else step.any_order or []
        found |= {event.id or str(first + index): None for index, event in enumerate(events) if event is not None}
    return list(found)
