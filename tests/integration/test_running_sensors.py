"""Sensors that come, change and go while events flow."""

from sensors_rig import push, revisions, rig, sensor


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
