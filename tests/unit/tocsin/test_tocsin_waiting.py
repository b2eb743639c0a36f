"""What a trigger that joins waits for, as people see it: only what would still count."""

import dataclasses
from datetime import datetime

from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, a_trigger, an_event
from structlog.testing import capture_logs

from eventbus.event import Recorded
from eventbus.memory.bus import MemoryBus
from manifests.objects import ConditionsReset, Sensor
from sensors.compile import compile_sensor
from sensors.decide import Decider
from tocsin.waiting import say_forgotten, waiting


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def nightly(*, conditions: str = "a && b", **fields: object) -> Sensor:
    reset = ConditionsReset.model_validate({"byTime": {"cron": "30 2 * * *", "timezone": "Europe/Lisbon"}})
    trigger = dataclasses.replace(a_trigger(conditions=conditions), conditions_reset=(reset,))
    dependencies = (a_dependency("a", eventName="a", **fields), a_dependency("b", eventName="b"))
    return a_sensor(*dependencies, triggers=(trigger,), content={"conditions": conditions, **fields})


async def with_a1(received_us: int) -> tuple[MemoryBus, Decider]:
    """A bus and a decider on which a1 came."""
    bus, decider = MemoryBus(), Decider([compile_sensor(nightly(), KINDS, NoValues())])
    decided = decider.decide(Recorded(1, received_us, an_event({}, name="a", id="a1")), now_us=received_us)
    for change in decided.state:
        assert await bus.state.put(change.key, change.value)
    return bus, decider


async def test_what_came_is_listed_until_the_next_reset() -> None:
    bus, _ = await with_a1(at("2026-03-04T02:31Z"))
    (found,) = await waiting(bus.journal, nightly(), at("2026-03-05T02:29Z"))
    assert (found["trigger"], [one["id"] for one in found["has"]], found["waits_for"]) == ("act", ["a1"], [["b"]])
    assert await waiting(bus.journal, nightly(), at("2026-03-05T02:30Z")) == []


async def test_what_an_edit_made_void_is_not_listed_and_is_said() -> None:
    bus, decider = await with_a1(at("2026-03-04T02:31Z"))
    now = at("2026-03-04T03:00Z")
    for edited in (nightly(filters={"context": {"type": "github"}}), nightly(conditions="a && b || b")):
        assert await waiting(bus.journal, edited, now) == []
        with capture_logs() as lines:
            say_forgotten(decider, compile_sensor(edited, KINDS, NoValues()))
        (line,) = lines
        assert (line["event"], line["trigger"], line["dependencies"]) == ("partial_match_forgotten", "act", ["a"])
    with capture_logs() as lines:
        say_forgotten(decider, compile_sensor(nightly(conditions="(a&&b)"), KINDS, NoValues()))
    assert lines == []
