"""The service as the API sees it, where it takes its time."""

import asyncio

from manifests.objects import ObjectRef
from tocsin.objects import ObjectState, State
from tocsin.service import VIEWED_AT_ONCE, in_turns
from tocsin.views import Json


async def test_others_have_their_turn_while_many_objects_are_viewed() -> None:
    turns: list[int] = []
    viewed: list[str] = []

    async def view(state: ObjectState) -> Json:
        viewed.append(state.ref.name)
        return {"name": state.ref.name}

    async def others() -> None:
        while True:
            turns.append(len(viewed))
            await asyncio.sleep(0)

    states = [ObjectState(ref=ObjectRef("Sensor", "a", str(n)), state=State.RUNNING) for n in range(3 * VIEWED_AT_ONCE + 1)]
    async with asyncio.TaskGroup() as group:
        other = group.create_task(others())
        await asyncio.sleep(0)
        found = await in_turns(states, view)
        other.cancel()
    assert [one["name"] for one in found] == [state.ref.name for state in states]
    assert {VIEWED_AT_ONCE, 2 * VIEWED_AT_ONCE, 3 * VIEWED_AT_ONCE} <= set(turns)
