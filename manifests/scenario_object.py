"""Reading a `Scenario`: a test of manifests. It is known to `tocsin test`; the service does not run it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from manifests.checked import check
from manifests.header import Header
from manifests.objects import Planned, Scenario
from manifests.report import Fault, Report
from manifests.scenario_fields import ScenarioSpec, Step
from manifests.scenario_times import Moment
from manifests.yaml_values import Path

MAX_EVENTS = 2_000
"""Events of one scenario: it is a test, and no load."""
MAX_PLAYS = 120
"""Orders that one scenario is played in."""
LONGEST = timedelta(days=3660)
_TOO_LATE = f"more than {LONGEST.days} days after the start"
_WHAT = ("event", "anyOrder", "restart", "manifests", "expect")


def read_scenario(spec: Any, header: Header, report: Report) -> Scenario | None:
    """Return the scenario, or None where the report refused it."""
    body = check(ScenarioSpec, spec, ("spec",), report)
    if report.take(body.faults) or body.value is None or report.refused:
        return None  # what is missing may only be misspelt
    clock = _Clock(body.value.start)
    faults, steps = [*_faults(body.value)], []
    for index, step in enumerate(body.value.given):
        faults += clock.move(step, ("spec", "given", index, "at"))
        steps.append(Planned(step, clock.last))
    end = None if body.value.until is None else clock.resolve(body.value.until)
    if end is not None and not clock.free <= end <= LONGEST:
        why = "before the last step is over" if end < clock.free else _TOO_LATE
        faults.append(Fault(("spec", "until"), f"this is {why}"))
    if report.take(faults):
        return None
    return Scenario(ref=header.ref, spec=body.value, steps=tuple(steps), until=end, file=report.file)


class _Clock:
    """Where the steps stand, as time after the start."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self.last = timedelta(0)
        self.free = timedelta(0)
        """When the last step is over: nothing comes before."""

    def resolve(self, moment: Moment) -> timedelta:
        if moment.time is not None:
            return moment.time - self._start
        after = moment.after or timedelta(0)
        return self.free + after if moment.follows else after

    def move(self, step: Step, path: Path) -> Iterator[Fault]:
        at = self.resolve(step.at)
        if at < self.free:
            yield Fault(path, f"this is {self.free - at} before the step above it ends; steps stand in the order of time")
            return
        free = at + step.every * (step.repeat - 1) + (step.restart or timedelta(0))
        if free > LONGEST:
            yield Fault(path, f"this is over {_TOO_LATE}")
            return
        self.last, self.free = at, free


def _faults(spec: ScenarioSpec) -> Iterator[Fault]:
    events, plays = 0, 1
    for index, step in enumerate(spec.given):
        yield from _step_faults(step, ("spec", "given", index))
        events += step.repeat if step.event is not None else len(step.any_order or ())
        for count in range(2, len(step.any_order or ()) + 1):
            plays *= count
    if events > MAX_EVENTS:
        yield Fault(("spec", "given"), f"{events:,} events; a scenario has at most {MAX_EVENTS:,}")
    if plays > MAX_PLAYS:
        yield Fault(("spec", "given"), f"there are {plays:,} orders of the events in anyOrder; at most {MAX_PLAYS} are tried")
    looks = spec.expect is not None or any(step.expect is not None for step in spec.given)
    if not looks:
        yield Fault(("spec",), "nothing is expected: missing expect, here or in a step")


def _step_faults(step: Step, path: Path) -> Iterator[Fault]:
    written = (step.event, step.any_order, step.restart, step.manifests, step.expect)
    given = [name for name, value in zip(_WHAT, written, strict=True) if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        yield Fault(path, f"expected one of {', '.join(_WHAT[:-1])} and {_WHAT[-1]}, got {found}")
    if step.event is None and step.repeat != 1:
        yield Fault((*path, "repeat"), "only an event can come again")
    if step.repeat == 1 and step.every:
        yield Fault((*path, "every"), "this needs repeat: how often the event comes")
    if step.restart is not None and step.restart < timedelta(0):
        yield Fault((*path, "restart"), "time does not go back")
