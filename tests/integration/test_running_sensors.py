"""Sensors that come, change and go while events flow."""

import asyncio
import json
import time

import pytest
from sensors_rig import Rig, push, ref_of, revisions, rig, sensor
from waiting import until

from eventbus.contract import StateChange
from eventbus.firing import Outcome, OutcomeKind, TriggerRef
from eventbus.retention import Retention
from manifests.objects import Sensor
from sensors.dead_letters import READER
from sensors.languages.gjson import compile_path
from tocsin.declared import object_of


async def test_an_event_that_comes_in_behind_a_withdrawal_is_not_decided_by_what_was_withdrawn() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await running.send(push("1"))
        withdraw = running.bus.declarations.withdraw

        async def with_an_event_behind_it(ref: str) -> int:
            until = await withdraw(ref)
            await running.bus.append([push("2")])
            return until

        running.bus.declarations.withdraw = with_an_event_behind_it  # type: ignore[method-assign]
        await running.apply(sensor("other"))
        await running.send(push("3"))
        assert await running.fired("s") == ["1"]
        assert await running.fired("other") == ["1", "2", "3"]


async def test_a_sensor_that_went_while_the_service_was_down_decides_what_came_before_and_is_withdrawn() -> None:
    async with rig() as running:
        await running.apply(sensor("s"), sensor("other"))
        await running.send(push("1"))
    stored = running.bus.stored
    async with rig(stored) as again:
        await again.apply(sensor("other"))
        await again.send(push("2"))
        assert await again.fired("s") == ["1"]
        assert list(revisions(stored)) == ["Sensor/default/other"]


async def test_what_came_for_a_sensor_that_is_gone_is_kept_as_long_as_something_can_be_made_of_it() -> None:
    joined = sensor("s", conditions="a && b", dependencies=["a", "b"])
    async with rig() as running:
        await running.apply(joined, sensor("other", conditions="a && b", dependencies=["a", "b"]))
        await running.send(push("1", "a"))
        await running.apply(sensor("other", conditions="a && b", dependencies=["a", "b"]))
        await running.send(push("2", "c"))
        assert await running.sensors.partial_matches.sweep() == ()
        await running.apply(joined, sensor("other", conditions="a && b", dependencies=["a", "b"]))
        await running.send(push("3", "b"))
        assert await running.fired("s") == ["1+3"], "declared again, it goes on with its round"


async def test_what_came_for_a_sensor_that_is_gone_is_swept_with_the_data_of_its_events() -> None:
    joined, other = (sensor(name, conditions="a && b", dependencies=["a", "b"]) for name in ("s", "other"))
    async with rig() as running:
        await running.apply(joined, other)
        await running.send(push("1", "a"))
        await running.apply(other)
        await running.send(push("2", "c"))
        stored = running.bus.stored
        running.bus.retain(Retention(age_s=0.0), tuple)
        await running.bus.tidy()
        assert sorted(stored.records) == ["join/default/other/t", "join/default/s/t"]
        assert [trigger.sensor for trigger in await running.sensors.partial_matches.sweep()] == ["s"]
        assert sorted(stored.records) == ["join/default/other/t"]
    async with rig(stored) as again:
        await again.apply(joined, other)
        await again.send(push("3", "b"))
        assert await again.fired("s") == []


async def test_a_record_that_cannot_be_read_is_set_aside_and_named_and_the_rest_goes_on() -> None:
    joined, other = (sensor(name, conditions="a && b", dependencies=["a", "b"]) for name in ("s", "other"))
    async with rig() as running:
        await running.apply(joined, other)
        await running.send(push("1", "a"))
    stored, now_us = running.bus.stored, time.time_ns() // 1000
    whole = stored.records["join/default/s/t"][0]
    for key, value in (("join/default/s/t", whole[:-9]), ("join/default/s", whole), ("join/x", b"\xff")):
        stored.write(StateChange(key=key, value=value), None, now_us)
    async with rig(stored) as again:
        await again.apply(joined, other)
        assert stored.records["aside/join/default/s/t"][0] == whole[:-9]
        assert [key for key in stored.records if key.startswith("join/")] == ["join/default/other/t"]
        found = list(again.sensors.partial_matches.troubles(now_us))
        assert len(found) == 3
        assert (found[1].ref, found[1].part, found[1].what) == (ref_of(), "trigger t", "set-aside")
        assert found[1].reason.startswith("the record of what had come for its conditions could not be read and was set aside: ")
        await again.send(push("2", "b"), push("3", "a"))
        assert await again.fired("other") == ["1+2"]
        assert await again.fired("s") == ["2+3"], "its round starts anew"


def with_dead_letter_trigger() -> Sensor:
    """A sensor whose trigger names what runs when it is given up."""
    content = json.loads(json.dumps(sensor("s").content))
    (trigger,) = content["spec"]["triggers"]
    trigger |= {"atLeastOnce": True, "dlqTrigger": {"atLeastOnce": True, "template": {"name": "tell", "log": {}}}}
    made = object_of(json.dumps(content).encode())
    assert isinstance(made, Sensor)
    return made


async def give_up(running: Rig) -> None:
    """Close what is open as a dead letter."""
    for one in await running.bus.outbox.take(limit=10, timeout_s=0.0):
        outcome = Outcome(kind=OutcomeKind.DEAD_LETTERED, reason="refused")
        await running.bus.outbox.close(one.firing.id, outcome, attempt=None, request=None)


@pytest.mark.parametrize("given_up", ["before", "after"])
async def test_a_dead_letter_trigger_that_went_while_the_service_was_down_follows_what_came_before(given_up: str) -> None:
    async with rig() as running:
        await running.apply(with_dead_letter_trigger())
        await running.send(push("1"))
        if given_up == "before":
            await give_up(running)
    async with rig(running.bus.stored) as again:
        await again.apply(sensor("other"))
        reading = asyncio.ensure_future(again.sensors.dead_letters.run())
        await give_up(again)
        await until(lambda: len(again.bus.stored.firings) == 2)
        assert sorted(kept.firing.trigger.trigger for kept in again.bus.stored.firings.values()) == ["t", "t/dlqTrigger"]
        await until(lambda: not again.bus.stored.ended)
        again.sensors.dead_letters.stop()
        await reading
        for one in await again.bus.outbox.take(limit=10, timeout_s=0.0):
            await again.bus.outbox.close(one.firing.id, Outcome(kind=OutcomeKind.SUCCEEDED), attempt=None, request=None)
    async with rig(again.bus.stored) as last:
        await last.apply(sensor("other"))
        assert READER in last.bus.stored.readers, "how that ended was not read yet"
        await last.bus.outcomes.passed(READER, last.bus.stored.ended_numbers)
    async with rig(last.bus.stored) as rest:
        await rest.apply(sensor("other"))
        assert not rest.bus.stored.readers, "nothing is left that may lead to it"


async def test_what_a_trigger_searches_events_for_is_known_when_it_acts() -> None:
    query = '#(name=="a").n'
    content = json.loads(json.dumps(sensor("s").content))
    source = {"dependencyName": "d", "dataKey": query}
    content["spec"]["triggers"][0]["parameters"] = [{"src": source, "dest": "log.intervalSeconds", "useRawData": True}]
    declared = object_of(json.dumps(content).encode())
    assert isinstance(declared, Sensor)
    async with rig() as running:
        await running.apply(declared)
        (revision,) = revisions(running.bus.stored).values()
        armed = await running.armory.armed(TriggerRef("default", "s", "t"), revision)
    assert armed.searched == {"d": (compile_path(query),)}
