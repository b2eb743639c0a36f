"""Sensors that come, change and go while events flow."""

import time

from sensors_rig import push, ref_of, revisions, rig, sensor

from eventbus.contract import StateChange
from eventbus.retention import Retention


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
