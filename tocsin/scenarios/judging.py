"""Whether what was expected has happened, and if not, what happened instead and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventbus.event import Recorded
from manifests.scenario_fields import Expectations, ExpectedFiring, ExpectedVerdict, NotFired
from tocsin.scenarios.comparing import Difference
from tocsin.scenarios.house import House
from tocsin.scenarios.matching import Missing, match
from tocsin.scenarios.seen import Seen, firings, span
from tocsin.views import Json

MOST_EXPLAINED = 5
"""Events, the last to come, that are explained where a firing is missing of which no events are named."""
MOST_OTHERS = 20
"""Unexpected firings that are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that is not as expected."""

    path: str
    """The expectation, such as `spec.expect.firings[0]`."""
    message: str
    differences: Sequence[Difference] = ()
    reasons: Sequence[str] = ()
    """What `tocsin explain` says about it."""
    view: Json = field(default_factory=dict)


class Judge:
    """Judges one play, at one moment of it."""

    def __init__(self, house: House, namespace: str, left_out: Mapping[str, str]) -> None:
        """`left_out` are the ids of events that never reached the log, each with the reason."""
        self._house, self._namespace, self._left_out = house, namespace, left_out
        self._start_us = house.clock.start_us

    async def judge(self, expect: Expectations, path: str) -> list[Failure]:
        """What is not as `expect`, which stands at `path`, has it."""
        seen = await firings(self._house, self._namespace)
        failures = await self._firings(expect.firings, seen, f"{path}.firings", others=expect.others == "allowed")
        if expect.dead_letters is not None:
            dead = [one for one in seen if one.outcome == "dead-lettered"]
            failures += await self._firings(expect.dead_letters, dead, f"{path}.deadLetters", others=False)
        for index, wanted in enumerate(expect.not_fired):
            failures += await self._not_fired(wanted, seen, f"{path}.notFired[{index}]")
        for index, verdict in enumerate(expect.verdicts):
            failures += await self._verdict(verdict, f"{path}.verdicts[{index}]")
        repeats = self._house.bus.stored.repeats
        if expect.repeats is not None and expect.repeats != repeats:
            failures.append(_differs(f"{path}.repeats", "repeats", Difference("repeats", expect.repeats, repeats)))
        return failures

    async def _firings(
        self, expected: Sequence[ExpectedFiring] | None, seen: Sequence[Seen], path: str, *, others: bool
    ) -> list[Failure]:
        if expected is None:
            return []
        found = match(expected, seen, self._start_us)
        failures = [await self._missing(expected[one.number], one, f"{path}[{one.number}]") for one in found.missing]
        if not others:
            failures += _unexpected(found.others, path)
        return failures

    async def _missing(self, expected: ExpectedFiring, missing: Missing, path: str) -> Failure:
        on = f" of {', '.join(expected.events)}" if expected.events else ""
        nearest, found = missing.nearest, missing.differences
        if nearest is not None and all(one.path != "events" for one in found):
            reasons = [nearest.reason] if nearest.reason else []
            return Failure(path=path, message=f"{nearest.name()} is not as expected", differences=found, reasons=reasons)
        reasons = await self._why_not(expected)
        if nearest is None:
            return Failure(path=path, message=f"{expected.trigger}{on} did not fire", reasons=reasons)
        message = f"{expected.trigger}{on} did not fire; the nearest is {nearest.name()} at {span(nearest.at_us)}"
        return Failure(path=path, message=message, differences=found, reasons=reasons)

    async def _why_not(self, expected: ExpectedFiring) -> list[str]:
        """Why the events of an expected firing did not lead to it."""
        sensor = expected.trigger.partition("/")[0]
        events = expected.events if expected.events is not None else [one.event.id for one in self._recorded()][-MOST_EXPLAINED:]
        reasons = [line for id in dict.fromkeys(events) for line in await self._explain(id, sensor)]
        return list(dict.fromkeys(reasons))[:MOST_OTHERS]

    def _recorded(self) -> Iterable[Recorded]:
        return self._house.bus.stored.events.values()

    async def _not_fired(self, wanted: NotFired, seen: Sequence[Seen], path: str) -> list[Failure]:
        sensor = wanted.sensor or wanted.trigger.partition("/")[0]
        fired = [one for one in seen if wanted.event in one.events and _is_of(one, wanted)]
        if fired:
            return [Failure(path=path, message=f"{one.name()} fired at {span(one.at_us)}") for one in fired]
        reasons = await self._explain(wanted.event, sensor or None)
        if wanted.reason and not any(wanted.reason in line for line in reasons):
            return [Failure(path=path, message=f"{wanted.event} fired nothing, for another reason", reasons=reasons)]
        return []

    async def _verdict(self, wanted: ExpectedVerdict, path: str) -> list[Failure]:
        verdicts = [
            verdict
            for sensor in await self._sensors(wanted.event, wanted.sensor)
            for verdict in sensor["verdicts"]
            if verdict["dependency"] == wanted.dependency
        ]
        if not verdicts:
            message = f"{wanted.sensor}/{wanted.dependency} did not look at {wanted.event}"
            return [Failure(path=path, message=message, reasons=await self._explain(wanted.event, wanted.sensor))]
        return [failure for verdict in verdicts for failure in _verdict_failures(wanted, verdict, path)]

    async def _explain(self, id: str, sensor: str | None) -> list[str]:
        """What `tocsin explain` says about an event, one line for each thing."""
        if id in self._left_out:
            return [f"{id} {self._left_out[id]}"]
        lines = [line for one in await self._sensors(id, sensor) for line in _lines(id, one)]
        if lines:
            return lines
        came = any(one.event.id == id for one in self._recorded())
        what = f"nothing of sensor {sensor} depends on it" if sensor else "no sensor depends on it"
        return [f"{id}: {what}"] if came else [f"{id} has not come by now"]

    async def _sensors(self, id: str, sensor: str | None) -> list[Json]:
        from tocsin.pinned import listening  # noqa: PLC0415 - only where something is explained

        journal, now_us = self._house.bus.journal, self._house.clock.now_us()
        wanted = None if sensor is None else f"{self._namespace}/{sensor}"
        found = [await listening(journal, one, wanted, now_us) for one in self._recorded() if one.event.id == id]
        return [sensor for listening in found for sensor in listening.sensors]


def _is_of(seen: Seen, wanted: NotFired) -> bool:
    if wanted.trigger:
        return seen.trigger == wanted.trigger
    return not wanted.sensor or seen.trigger.partition("/")[0] == wanted.sensor


def _unexpected(others: Sequence[Seen], path: str) -> Iterator[Failure]:
    for one in others[:MOST_OTHERS]:
        reason = f"{one.outcome}{': ' + one.reason if one.reason else ''}"
        yield Failure(path=path, message=f"not expected: {one.name()} at {span(one.at_us)}, {reason}", view=one.view())
    if len(others) > MOST_OTHERS:
        yield Failure(path=path, message=f"not expected: {len(others) - MOST_OTHERS} more")


def _differs(path: str, what: str, difference: Difference) -> Failure:
    return Failure(path=path, message=f"{what}: not as expected", differences=[difference])


def _verdict_failures(wanted: ExpectedVerdict, verdict: Json, path: str) -> Iterator[Failure]:
    name = f"{wanted.sensor}/{wanted.dependency} of {wanted.event}"
    reasons = [verdict["reason"]] if verdict["reason"] else []
    if verdict["matched"] != wanted.matched:
        found = Difference("matched", wanted.matched, verdict["matched"])
        yield Failure(path=path, message=f"{name}: not as expected", differences=[found], reasons=reasons)
    elif wanted.reason and wanted.reason not in verdict["reason"]:
        yield _differs(path, name, Difference("reason", wanted.reason, verdict["reason"]))


def _lines(id: str, sensor: Mapping[str, Any]) -> Iterator[str]:
    name = sensor["name"]
    if sensor["problem"]:
        yield f"{name} of {id}: {sensor['problem']}"
    for verdict in sensor["verdicts"]:
        said = "matched" if verdict["matched"] else "did not match"
        yield f"{name}/{verdict['dependency']} of {id} {said}" + (f": {verdict['reason']}" if verdict["reason"] else "")
    for join in sensor["joins"]:
        if join["state"] == "waiting":
            ways = " or ".join(" and ".join(way) for way in join["waits_for"])
            yield f"{name}/{join['trigger']} has {', '.join(one['dependency'] for one in join['has'])} and waits for {ways}"
        elif join["state"] == "replaced":
            yield f"{name}/{join['trigger']} did not fire on {id}: a later event replaced it, or a reset forgot it"
