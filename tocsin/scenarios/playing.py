"""Playing one scenario in one order of its events."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from eventbus.event import Road
from eventbus.memory import Stored
from manifests.objects import Planned, Scenario
from manifests.scenario_fields import GivenEvent
from tocsin.declared import Declarations
from tocsin.scenarios.events import Makes
from tocsin.scenarios.house import House, living
from tocsin.scenarios.judging import Failure, Judge
from tocsin.scenarios.seen import Seen, firings
from tocsin.scenarios.targets import Script
from tocsin.scenarios.virtual_time import VirtualClock, run

if TYPE_CHECKING:
    from tocsin.source_filter import SourceFilter

LEFT_OUT = "was left out by the filter of its event source"
_US = timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class Played:
    """What one play came to."""

    order: tuple[str, ...]
    """Ids of the events whose order is tried, as they came; empty where there are none."""
    failures: list[Failure] = field(default_factory=list)
    firings: Sequence[Seen] = ()
    events: int = 0
    """Events that were given."""
    lasted_us: int = 0
    """On the scenario's clock."""


Order = Mapping[int, tuple[int, ...]]
"""By step with events in any order: in which order they come."""


def orders(scenario: Scenario) -> Iterator[Order]:
    """Every order to play the scenario in; one where nothing has to be tried."""
    free = {number: len(step.any_order) for number, (step, _) in enumerate(scenario.steps) if step.any_order is not None}
    for chosen in itertools.product(*(itertools.permutations(range(count)) for count in free.values())):
        yield dict(zip(free, chosen, strict=True))


Declared = Callable[[Sequence[str]], Declarations]
"""What the manifests of these names declare, read already."""


def play(scenario: Scenario, declared: Declared, order: Order) -> Played:
    """Play it. Raises `NeverRests` where it comes to no end, and `Unreadable` where an event's data is gone meanwhile."""
    return run(_Play(scenario, declared, order).run())


class _Play:
    def __init__(self, scenario: Scenario, declared: Declared, order: Order) -> None:
        self._scenario, self._read, self._order = scenario, declared, order
        self._declare(scenario.spec.manifests)
        self._scripts = {name: Script(answers) for name, answers in scenario.spec.targets.items()}
        self._first = first_numbers(scenario)
        self._stored = Stored()
        self._left_out: dict[str, str] = {}
        self._played = Played(order=self._names())

    def _declare(self, manifests: Sequence[str]) -> None:
        self._declared = self._read(manifests)
        self._makes = Makes(self._scenario, self._declared.sources)
        self._filters: dict[Road, SourceFilter | None] = {}

    def _names(self) -> tuple[str, ...]:
        steps = self._scenario.steps
        chosen = [(number, index) for number, way in self._order.items() for index in way]
        events = [((steps[number].step.any_order or ())[index], self._first[number] + index) for number, index in chosen]
        return tuple(event.id or str(number) for event, number in events)

    async def run(self) -> Played:
        clock = VirtualClock(self._scenario.spec.start)
        steps = iter(enumerate(self._scenario.steps))
        while True:
            async with living(clock, self._stored, self._scripts) as house:
                await house.begin()
                await self._apply(house)
                away = await self._live(house, steps)
                if away is None:
                    self._played.lasted_us = clock.now_us() - clock.start_us
                    return self._played
            await clock.sleep(away.total_seconds())

    async def _apply(self, house: House) -> None:
        kinds = ("outcomes", "calendar") if self._scenario.spec.calendars else ("outcomes",)
        await house.apply({sensor.ref: sensor for sensor in self._declared.sensors}, self._declared.sources, kinds)

    async def _live(self, house: House, steps: Iterator[tuple[int, Planned]]) -> timedelta | None:
        """Take steps until the service is killed, and say how long it is away; None at the end."""
        for number, (step, at) in steps:
            await house.clock.until(at // _US)
            if step.restart is not None:
                return step.restart
            if step.manifests is not None:
                self._declare(step.manifests)
                await self._apply(house)
            if step.event is not None:
                await self._come(house, number, step.event, [at + step.every * time for time in range(step.repeat)])
            for index in self._order.get(number, ()):
                await self._hand_over(house, (step.any_order or ())[index], self._first[number] + index)
            if step.expect is not None:
                await house.clock.settle()
                self._played.failures += await self._judge(house).judge(step.expect, f"spec.given[{number}].expect")
        await self._end(house)
        return None

    async def _end(self, house: House) -> None:
        if self._scenario.until is None:
            await house.rest()
        else:
            await house.clock.until(self._scenario.until // _US)
            await house.clock.settle()
        if self._scenario.spec.expect is not None:
            self._played.failures += await self._judge(house).judge(self._scenario.spec.expect, "spec.expect")
        self._played.firings = await firings(house, self._scenario.ref.namespace)

    def _judge(self, house: House) -> Judge:
        return Judge(house, self._scenario.ref.namespace, self._left_out)

    async def _come(self, house: House, number: int, given: GivenEvent, times: Sequence[timedelta]) -> None:
        first = self._first[number]
        for index, at in enumerate(times):
            await house.clock.until(at // _US)
            await self._hand_over(house, given, first + index)

    async def _hand_over(self, house: House, given: GivenEvent, number: int) -> None:
        event = self._makes.event(given, number, house.clock.now_us())
        self._played.events += 1
        passes = self._filter(event.road, house)
        if passes is not None and not passes.passes(event):
            self._left_out[event.id] = f"{LEFT_OUT}{': ' + passes.reason if passes.failed else ''}"
            return
        await house.bus.append([event])
        await house.clock.settle()

    def _filter(self, road: Road, house: House) -> "SourceFilter | None":
        """The filter of the event source, where it declares one."""
        if road not in self._filters:
            from tocsin.source_filter import SourceFilter, expression_of  # noqa: PLC0415 - heavy, and seldom declared

            declared = self._makes.declared.get(road)
            expression = "" if declared is None else expression_of(declared)
            self._filters[road] = SourceFilter(expression, road, now=house.clock.now) if expression else None
        return self._filters[road]


def first_numbers(scenario: Scenario) -> list[int]:
    """The number of the first event of each step: what is its id where it has none."""
    counts = [step.repeat if step.event is not None else len(step.any_order or ()) for step, _ in scenario.steps]
    return list(itertools.accumulate(counts, initial=1))
