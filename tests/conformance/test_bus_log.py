"""The log: stored once each, in order, read on by groups."""

import asyncio
from typing import Any

import pytest
from bus_backends import MAX_BYTES, ROAD, WINDOW_S, Clock, ReopenableBus, a_firing, an_event, decided, positions, some_events

from eventbus.contract import Appended, Decisions, StateChange
from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event

EVERY_FIELD = an_event(
    "full",
    datacontenttype="text/plain",
    data=bytes(range(256)),
    attributes={"subject": "x", "ünï": "\u202ertl\x00nul"},
    correlation="chain",
    causation="a" * 32,
    hops=3,
)


async def test_positions_begin_at_one_and_grow_in_the_order_appended(bus: ReopenableBus) -> None:
    first = await bus.append(some_events(2))
    second = await bus.append(some_events(1, start=3))
    assert [*first, *second] == [Appended(1, "1", False), Appended(2, "2", False), Appended(3, "3", False)]


async def test_one_answer_for_each_event_of_a_batch_however_long(bus: ReopenableBus) -> None:
    answers = await bus.append([*some_events(300), an_event("1")])
    assert answers == [*(Appended(n, str(n), False) for n in range(1, 301)), Appended(1, "1", True)]


async def test_an_empty_batch_is_answered_at_once(bus: ReopenableBus) -> None:
    assert await bus.append([]) == []


async def test_appends_at_the_same_time_each_get_their_own_answer(bus: ReopenableBus) -> None:
    answers = await asyncio.gather(*[bus.append([event]) for event in some_events(40)])
    assert sorted(answer[0].position for answer in answers) == list(range(1, 41))
    assert [answer[0].id for answer in answers] == [str(n) for n in range(1, 41)]


async def test_a_repeat_stores_nothing_and_answers_with_the_first_event(bus: ReopenableBus) -> None:
    await bus.append(some_events(2))
    assert await bus.append([an_event("2", data=b"other")]) == [Appended(2, "2", True)]
    assert (await bus.journal.tallies()).last_position == 2
    assert (await bus.journal.tallies()).repeats == 1


async def test_a_repeat_in_the_same_batch_is_a_repeat(bus: ReopenableBus) -> None:
    assert await bus.append([an_event("1"), an_event("1")]) == [Appended(1, "1", False), Appended(1, "1", True)]


async def test_a_repeat_at_the_same_moment_is_stored_once(bus: ReopenableBus) -> None:
    answers = await asyncio.gather(*[bus.append([an_event("1")]) for _ in range(20)])
    assert [answer[0].position for answer in answers] == [1] * 20
    assert [answer[0].repeat for answer in answers].count(False) == 1


@pytest.mark.parametrize("field", ["namespace", "source", "name"])
async def test_the_same_id_on_another_road_is_another_event(bus: ReopenableBus, field: str) -> None:
    other = an_event("1", **{field: "other"})
    assert await bus.append([an_event("1"), other]) == [Appended(1, "1", False), Appended(2, "1", False)]


async def test_parts_of_an_identity_do_not_run_together(bus: ReopenableBus) -> None:
    await bus.append([an_event("b", name="a"), an_event("ab", name="")])
    assert (await bus.journal.tallies()).last_position == 2


async def test_a_repeat_is_recognised_over_crashes_to_the_end_of_the_window(bus: ReopenableBus, clock: Clock) -> None:
    for _ in range(5):
        assert (await bus.append([an_event("1")]))[0].position == 1
        await bus.crash()
        clock.advance(WINDOW_S / 5)
    assert await bus.append([an_event("1")]) == [Appended(1, "1", True)]
    clock.advance(0.000001)
    assert await bus.append([an_event("1")]) == [Appended(2, "1", False)]
    assert await bus.append([an_event("1")]) == [Appended(2, "1", True)]


async def test_the_window_holds_when_the_clock_steps_back(bus: ReopenableBus, clock: Clock) -> None:
    await bus.append(some_events(3))
    clock.advance(-WINDOW_S * 0.9)
    await bus.append(some_events(3, start=4))
    clock.advance(WINDOW_S * 0.5)
    answers = await bus.append(some_events(6))
    assert [answer.repeat for answer in answers] == [True] * 6


async def test_every_field_comes_back_after_a_crash(bus: ReopenableBus, clock: Clock) -> None:
    no_data = an_event("bare", data=None, time=None, datacontenttype=None)
    await bus.read("sensors", limit=1, timeout_s=0.0)
    await bus.append([EVERY_FIELD, no_data])
    await bus.crash()
    read = await bus.read("sensors", limit=10, timeout_s=1.0)
    assert [one.event for one in read] == [EVERY_FIELD, no_data]
    assert {one.received_us for one in read} == {clock.now_us}


async def test_what_was_parsed_travels_with_the_event_that_was_just_appended(bus: ReopenableBus) -> None:
    reading = asyncio.ensure_future(bus.read("sensors", limit=10, timeout_s=5.0))
    await asyncio.sleep(0)
    while not reading.done():
        await bus.append([an_event(str(id(reading)), tree={"ref": "main"})])
        await asyncio.sleep(0)
    assert (await reading)[0].event.tree == {"ref": "main"}


@pytest.mark.parametrize("lone", ["id", "type", "source", "time", "causation", "attributes"])
async def test_text_that_is_no_unicode_is_rejected_alone(bus: ReopenableBus, lone: str) -> None:
    bad = {"attributes": {"x": "\ud800"}} if lone == "attributes" else {lone: "\ud800"}
    fields: dict[str, Any] = {"id": "bad"} | bad
    with pytest.raises(EventRejected, match="Unicode"):
        await bus.append([an_event(**fields)])
    assert await bus.append([an_event("1")]) == [Appended(1, "1", False)]


async def test_an_event_larger_than_allowed_is_rejected(bus: ReopenableBus) -> None:
    with pytest.raises(EventRejected, match=f"more than the {MAX_BYTES} allowed"):
        await bus.append([an_event("1", data=b"x" * (MAX_BYTES + 1))])
    with pytest.raises(EventRejected):
        await bus.append([an_event("1", attributes={"x": "y" * (MAX_BYTES + 1)})])
    assert (await bus.append([an_event("1", data=b"x" * (MAX_BYTES // 2))]))[0].position == 1


async def test_a_new_group_begins_at_the_present_end_and_keeps_that_over_a_crash(bus: ReopenableBus) -> None:
    await bus.append(some_events(2))
    assert await bus.read("late", limit=10, timeout_s=0.0) == []
    await bus.append(some_events(2, start=3))
    await bus.crash()
    assert positions(await bus.read("late", limit=10, timeout_s=1.0)) == [3, 4]


async def test_reading_goes_on_where_it_was_and_ends_empty(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=1, timeout_s=0.0)
    await bus.append(some_events(5))
    read = [positions(await bus.read("sensors", limit=2, timeout_s=0.0)) for _ in range(4)]
    assert read == [[1, 2], [3, 4], [5], []]


async def test_a_slow_reader_misses_nothing_that_memory_has_let_go(bus: ReopenableBus) -> None:
    await bus.read("slow", limit=1, timeout_s=0.0)
    await bus.read("quick", limit=1, timeout_s=0.0)
    for event in some_events(20):
        await bus.append([event])
        assert len(await bus.read("quick", limit=5, timeout_s=1.0)) == 1
    slow: list[int] = []
    while got := await bus.read("slow", limit=3, timeout_s=0.0):
        slow += positions(got)
    assert slow == list(range(1, 21))


async def test_after_a_crash_a_group_reads_from_its_stored_position(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=1, timeout_s=0.0)
    await bus.append(some_events(4))
    await bus.read("sensors", limit=4, timeout_s=0.0)
    await bus.commit(Decisions(group="sensors", position=2))
    await bus.crash()
    assert positions(await bus.read("sensors", limit=10, timeout_s=0.0)) == [3, 4]


async def test_a_waiting_read_returns_when_something_is_appended(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=1, timeout_s=0.0)
    reading = asyncio.ensure_future(bus.read("sensors", limit=10, timeout_s=30.0))
    await asyncio.sleep(0)
    await bus.append(some_events(1))
    assert positions(await asyncio.wait_for(reading, 5.0)) == [1]


async def test_a_cancelled_read_takes_nothing(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=1, timeout_s=0.0)
    reading = asyncio.ensure_future(bus.read("sensors", limit=10, timeout_s=30.0))
    await asyncio.sleep(0)
    appending = asyncio.ensure_future(bus.append(some_events(1)))
    await appending
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    again = positions(await bus.read("sensors", limit=10, timeout_s=1.0))
    assert again == [1] or (not reading.cancelled() and positions(reading.result()) == [1])


async def test_a_cancelled_append_is_stored_or_not_but_never_half(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=1, timeout_s=0.0)
    appending = asyncio.ensure_future(_append(bus, some_events(3)))
    await asyncio.sleep(0)
    appending.cancel()
    await asyncio.gather(appending, return_exceptions=True)
    await bus.append([an_event("after")])
    assert (await bus.journal.tallies()).last_position in (1, 4)


async def _append(bus: ReopenableBus, events: list[Event]) -> None:
    await bus.append(events)


async def test_a_start_is_counted_until_the_group_moves_on(bus: ReopenableBus) -> None:
    assert await bus.began("sensors") == 1
    await bus.append(some_events(2))
    for expected in (2, 3, 4):
        await bus.crash()
        assert await bus.began("sensors") == expected
    await bus.commit(Decisions(group="sensors", position=1))
    await bus.crash()
    assert await bus.began("sensors") == 1


async def test_restarts_with_nothing_left_to_decide_are_not_counted(bus: ReopenableBus) -> None:
    for _ in range(4):
        assert await bus.began("sensors") == 1
        await bus.crash()


async def test_a_clean_restart_is_no_failed_start(bus: ReopenableBus) -> None:
    await bus.began("sensors")
    await bus.append(some_events(1))
    for _ in range(3):
        await bus.restart()
        assert await bus.began("sensors") == 1


async def test_a_step_is_stored_all_or_none_and_repeating_it_changes_nothing(bus: ReopenableBus) -> None:
    await bus.append(some_events(2))
    step = decided(2, a_firing(1), a_firing(2), quarantined={2: "it crashed a rule"}, state=[StateChange(key="k", value=b"v")])
    for _ in range(3):
        await bus.commit(step)
    await bus.crash()
    await bus.commit(step)
    assert await bus.journal.seen(ROAD) == 1
    assert await bus.journal.matched("default", "on-push") == {"push": (1, 0)}
    assert await bus.journal.quarantined() == [(2, "it crashed a rule")]
    assert await bus.state.get("k") == (b"v", 1)
    assert (await bus.journal.tallies()).open_firings == 2
    assert len(await bus.take()) == 2


async def test_a_late_repeat_does_not_undo_what_followed(bus: ReopenableBus) -> None:
    await bus.append(some_events(2))
    early = decided(1, state=[StateChange(key="k", value=b"early")])
    await bus.commit(early)
    await bus.commit(decided(2, state=[StateChange(key="k", value=b"late")]))
    await bus.commit(early)
    found = await bus.state.get("k")
    assert found is not None
    assert found[0] == b"late"
    await bus.crash()
    assert await bus.read("sensors", limit=9, timeout_s=0.0) == []


async def test_every_call_after_closing_says_that_the_bus_is_closed(bus: ReopenableBus) -> None:
    await bus.put(a_firing(1))
    await bus.aclose()
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.append(some_events(1))
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.read("sensors", limit=1, timeout_s=0.0)
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.commit(decided(1))
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.take()
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.began("sensors")
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.state.put("k", b"v")
    assert not bus.health().ok
    await bus.aclose()


async def test_closing_finishes_what_was_accepted(bus: ReopenableBus) -> None:
    appending = [asyncio.ensure_future(_append(bus, [event])) for event in some_events(30)]
    await asyncio.sleep(0)
    await bus.restart()
    await asyncio.gather(*appending)
    assert (await bus.journal.tallies()).last_position == 30


async def test_closing_ends_those_who_wait(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=1, timeout_s=0.0)
    waiting = [
        asyncio.ensure_future(bus.read("sensors", limit=1, timeout_s=60.0)),
        asyncio.ensure_future(bus.outbox.take(limit=1, timeout_s=60.0)),
    ]
    await asyncio.sleep(0)
    await bus.aclose()
    ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5.0)
    assert [type(one) for one in ended] == [BusUnavailable, BusUnavailable]


async def test_a_healthy_bus_says_so(bus: ReopenableBus) -> None:
    await bus.append(some_events(1))
    assert bus.health() == (True, "", True)
