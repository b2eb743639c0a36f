"""What is old goes, a step at a time; what something open needs stays, and what is gone is said to be gone."""

from collections.abc import Collection
from typing import Any

import msgspec
import pytest
from bus_backends import DEAD, SECOND_US, WINDOW_S, Clock, ReopenableBus, a_firing, an_event, decided, positions, some_events

from eventbus.contract import Decisions
from eventbus.errors import BusUnavailable
from eventbus.event import Event, Recorded
from eventbus.firing import Cause, Firing
from eventbus.journal import EventFilter, FiringFilter
from eventbus.retention import HELD, Retention

AGE_S, JOURNAL_S = 100.0, 1000.0
BIG = 20_000
HOLDER = HELD + "default/on-push"


def nothing() -> Collection[int]:
    return ()


async def retain(bus: ReopenableBus, **given: Any) -> None:
    """Begin to remove, and finish what may go now."""
    needed = given.pop("needed", nothing)
    bus.retain(Retention(**({"age_s": AGE_S, "journal_age_s": JOURNAL_S} | given)), needed)
    await bus.tidy()


async def filled(bus: ReopenableBus, events: list[Event], *, closed: bool = True) -> list[Firing]:
    """Append and decide: a firing for each event, closed where asked."""
    await bus.read("sensors", limit=1, timeout_s=0.0)
    answers = await bus.append(events)
    firings = [
        a_firing(int(event.id), position=answer.position, decided_us=bus.clock.now_us)
        for event, answer in zip(events, answers, strict=True)
    ]
    await bus.commit(decided(answers[-1].position, *firings))
    if closed:
        await bus.take()
        for firing in firings:
            await bus.close(firing)
    return firings


async def listed(bus: ReopenableBus, wanted: EventFilter | None = None) -> list[Recorded]:
    """Every event of a list, oldest first, page by page."""
    found: list[Recorded] = []
    cursor = None
    while True:
        page = await bus.journal.events(wanted or EventFilter(), limit=7, cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found[::-1]


async def whole(bus: ReopenableBus) -> list[int]:
    return [one.position for one in await listed(bus) if one.event.forgotten is None]


async def on_record(bus: ReopenableBus) -> list[int]:
    return positions(await listed(bus))


async def test_nothing_goes_before_it_is_asked_for(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(3))
    clock.advance(10 * JOURNAL_S)
    await bus.tidy()
    assert await whole(bus) == [1, 2, 3]


async def test_data_goes_by_its_age_and_the_record_stays(bus: ReopenableBus, clock: Clock) -> None:
    event = an_event("1", causation="f" * 32, correlation="c", hops=2, attributes={"tenant": "a"})
    (firing,) = await filled(bus, [event])
    clock.advance(AGE_S + 1)
    await filled(bus, some_events(2, start=2))
    await retain(bus)
    assert await bus.journal.event(1) is None
    known = await bus.journal.known(1)
    assert known.event.data is None
    assert known.event.forgotten == len(event.data or b"")
    assert (known.event.id, known.event.causation, known.event.correlation, known.event.hops) == ("1", "f" * 32, "c", 2)
    assert dict(known.event.attributes) == {"tenant": "a"}
    assert await bus.journal.find("1") == [known]
    assert await bus.journal.caused_by("f" * 32) == [known]
    assert (await on_record(bus), await whole(bus)) == ([1, 2, 3], [2, 3])
    assert [one.firing for one in await bus.journal.firings_of(1)] == [firing]
    kept = await bus.journal.kept()
    assert (kept.removed_data, kept.removed_events, kept.removed_firings) == (1, 0, 0)
    assert kept.data_since_us == kept.since_us + (AGE_S + 1) * SECOND_US


async def test_the_record_goes_with_its_firings_by_the_age_of_the_journal(bus: ReopenableBus, clock: Clock) -> None:
    first = await filled(bus, some_events(300))
    clock.advance(JOURNAL_S + 1)
    (last,) = await filled(bus, some_events(1, start=301))
    await retain(bus)
    assert await on_record(bus) == [301]
    assert await bus.journal.known(1) is None
    assert await bus.journal.find("1") == []
    assert await bus.journal.firing(first[0].id) is None
    assert [one.firing.id for one in (await bus.journal.firings(FiringFilter())).items] == [last.id]
    kept = await bus.journal.kept()
    assert (kept.removed_data, kept.removed_events, kept.removed_firings) == (300, 300, 300)


async def test_what_is_gone_stays_gone_after_a_crash_and_positions_go_on(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(20))
    clock.advance(JOURNAL_S + 1)
    await retain(bus)
    await bus.crash()
    assert await on_record(bus) == [20]
    assert (await bus.append([an_event("next")]))[0].position == 21
    assert (await bus.journal.kept()).removed_events == 19


async def test_the_newest_event_and_the_newest_firing_stay(bus: ReopenableBus, clock: Clock) -> None:
    firings = await filled(bus, some_events(5))
    clock.advance(10 * JOURNAL_S)
    await retain(bus)
    assert await whole(bus) == [5]
    assert [one.firing.id for one in (await bus.journal.firings(FiringFilter())).items] == [firings[-1].id]


async def test_what_was_not_decided_stays_whatever_its_age(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(3))
    await bus.append(some_events(4, start=4))
    clock.advance(10 * JOURNAL_S)
    await retain(bus)
    assert await whole(bus) == [4, 5, 6, 7]
    assert positions(await bus.read("sensors", limit=10, timeout_s=0.0)) == [4, 5, 6, 7]


async def test_the_events_of_an_open_firing_stay_until_it_is_closed(bus: ReopenableBus, clock: Clock) -> None:
    firings = await filled(bus, some_events(6), closed=False)
    await bus.take()
    for number in (0, 1, 3, 4, 5):
        await bus.close(firings[number])
    clock.advance(10 * JOURNAL_S)
    await retain(bus)
    assert await whole(bus) == [3, 6]
    assert (await bus.journal.firing(firings[2].id)).outcome is None
    assert (await bus.journal.kept()).pinned in (0, 1)
    await bus.crash()
    ((taken),) = await bus.take()
    assert taken.firing == firings[2]
    await retain(bus)
    assert await whole(bus) == [3, 6]
    await bus.close(firings[2])
    clock.advance(JOURNAL_S + 1)
    await bus.tidy()
    assert await on_record(bus) == [6]
    assert (await bus.journal.kept()).pinned == 0


async def test_an_event_that_something_else_needs_stays_until_it_does_not(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(5))
    clock.advance(10 * JOURNAL_S)
    needed = {2, 4}
    await retain(bus, needed=lambda: needed)
    assert await whole(bus) == [2, 4, 5]
    needed.remove(2)
    await bus.tidy()
    assert await on_record(bus) == [4, 5]


async def test_a_firing_of_several_events_goes_with_the_newest_of_them(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(2))
    clock.advance(JOURNAL_S / 2)
    ((answer),) = await bus.append([an_event("3")])
    causes = tuple(Cause(f"d{at}", at, an_event(str(at)).identity) for at in (1, answer.position))
    joined = msgspec.structs.replace(a_firing(99), causes=causes)
    await bus.put(joined, position=3)
    await bus.append([an_event("4")])
    await bus.put(a_firing(4), position=4)
    await bus.take()
    await bus.close(joined)
    clock.advance(JOURNAL_S / 2 + 1)
    await retain(bus)
    # Old as it is, the first event is on record as long as the firing that it had a part in.
    assert await on_record(bus) == [1, 3, 4]
    record = await bus.journal.firing(joined.id)
    assert [cause.position for cause in record.firing.causes] == [1, 3]
    assert [one.firing.id for one in await bus.journal.firings_of(3)] == [joined.id]
    clock.advance(JOURNAL_S + 1)
    await bus.tidy()
    assert await bus.journal.firing(joined.id) is None
    assert await on_record(bus) == [4]


async def test_what_was_sent_goes_with_the_data_but_a_dead_letter_keeps_it(bus: ReopenableBus, clock: Clock) -> None:
    done, dead, *_ = await filled(bus, some_events(3), closed=False)
    await bus.take()
    await bus.close(done)
    await bus.close(dead, DEAD)
    clock.advance(AGE_S + 1)
    await retain(bus)
    assert (await bus.journal.firing(done.id)).request is None
    assert len((await bus.journal.firing(done.id)).attempts) == 1
    assert (await bus.journal.firing(dead.id)).request == b"{}"
    assert await bus.journal.event(2) is None
    assert await bus.outbox.redrive(dead.id)
    ((taken),) = await bus.take()
    assert (taken.firing.id, taken.request, taken.attempt) == (dead.id, b"{}", 2)


async def test_a_repeat_is_known_for_the_whole_window_though_its_event_is_gone(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(400))
    clock.advance(2.0)
    await filled(bus, some_events(1, start=401))
    await retain(bus, age_s=1.0, journal_age_s=1.0)
    assert await on_record(bus) == [401]
    ((again),) = await bus.append([an_event("7")])
    assert (again.position, again.repeat) == (7, True)
    await bus.crash()
    assert (await bus.append([an_event("8")]))[0].repeat
    clock.advance(WINDOW_S)
    assert not (await bus.append([an_event("9")]))[0].repeat


async def test_a_held_group_keeps_what_it_has_not_read_beyond_its_age(bus: ReopenableBus, clock: Clock) -> None:
    await bus.read(HOLDER, limit=1, timeout_s=0.0)
    await filled(bus, some_events(5))
    clock.advance(10 * JOURNAL_S)
    await retain(bus)
    assert await whole(bus) == [1, 2, 3, 4, 5]
    assert positions(await bus.read(HOLDER, limit=2, timeout_s=0.0)) == [1, 2]
    await bus.commit(Decisions(group=HOLDER, position=2))
    await bus.tidy()
    assert await whole(bus) == [3, 4, 5]
    await bus.release(HOLDER)
    await bus.tidy()
    assert await whole(bus) == [5]
    assert await bus.journal.gaps() == []


async def test_a_held_group_is_skipped_and_the_gap_announced_when_it_would_fill_the_store(
    bus: ReopenableBus, clock: Clock
) -> None:
    await bus.read(HOLDER, limit=1, timeout_s=0.0)
    await filled(bus, some_events(300, data=b"x" * BIG))
    assert positions(await bus.read(HOLDER, limit=2, timeout_s=0.0)) == [1, 2]
    await bus.commit(Decisions(group=HOLDER, position=2))
    await retain(bus, max_bytes=4 << 20)
    (gap,) = await bus.journal.gaps(HOLDER)
    left = await whole(bus)
    assert (gap.group, gap.first, gap.last, gap.at_us) == (HOLDER, 3, left[0] - 1, clock.now_us)
    assert "largest size" in gap.reason
    assert positions(await bus.read(HOLDER, limit=2, timeout_s=0.0)) == left[:2]
    await bus.crash()
    assert await bus.journal.gaps() == [gap]
    assert positions(await bus.read(HOLDER, limit=2, timeout_s=0.0)) == left[:2]


async def test_a_large_store_loses_its_oldest_first_and_ends_below_its_limit(bus: ReopenableBus) -> None:
    firings = await filled(bus, some_events(400, data=b"x" * BIG), closed=False)
    await bus.take(400)
    for firing in firings[:150] + firings[151:]:
        await bus.close(firing)
    await retain(bus, max_bytes=4 << 20, age_s=1e6, journal_age_s=4e6)
    left = await whole(bus)
    assert left[0] == 151
    assert left[1:] == list(range(left[1], 401))
    assert 50 <= len(left) < 200
    kept = await bus.journal.kept()
    assert kept.bytes_used < 4 << 20
    # The records last longer than the data, in the measure of their ages.
    assert await on_record(bus) == list(range(1, 401))


async def test_what_was_not_decided_stays_however_full_the_store_is(bus: ReopenableBus) -> None:
    await filled(bus, some_events(100, data=b"x" * BIG))
    await bus.append(some_events(200, start=101, data=b"x" * BIG))
    await retain(bus, max_bytes=4 << 20)
    assert await whole(bus) == list(range(101, 301))
    await bus.crash()
    await retain(bus, max_bytes=4 << 20)
    assert positions(await bus.read("sensors", limit=300, timeout_s=0.0)) == list(range(101, 301))


async def test_when_open_work_alone_is_too_much_events_are_refused_until_it_is_done(bus: ReopenableBus, clock: Clock) -> None:
    firings = await filled(bus, some_events(300, data=b"x" * BIG), closed=False)
    await retain(bus, max_bytes=4 << 20)
    with pytest.raises(BusUnavailable):
        await bus.append([an_event("more")])
    assert not bus.health().ok
    assert len(await whole(bus)) == 300
    await bus.take(300)
    for firing in firings:
        await bus.close(firing)
    await bus.tidy()
    assert bus.health().ok
    assert not (await bus.append([an_event("more")]))[0].repeat
    assert (await bus.journal.kept()).bytes_used < 4 << 20


async def test_a_revision_is_kept_as_long_as_a_decision_names_it(bus: ReopenableBus, clock: Clock) -> None:
    await bus.declarations.put("Sensor/default/on-push", "r1", b"one")
    await filled(bus, some_events(2))
    await bus.declarations.put("Sensor/default/on-push", "r2", b"two")
    clock.advance(AGE_S + 1)
    await filled(bus, some_events(1, start=3))
    await retain(bus)
    assert await bus.journal.revision("r1") == b"one"
    assert [one.revision for one in await bus.journal.in_force(1)] == ["r1"]
    for number in (4, 5):
        clock.advance(JOURNAL_S + 1)
        await bus.append(some_events(1, start=number))
        await bus.commit(decided(number, a_firing(number, revision="r2", decided_us=clock.now_us)))
        await bus.take()
        await bus.close(a_firing(number))
        await bus.tidy()
    assert await on_record(bus) == [5]
    assert await bus.journal.revision("r1") is None
    assert await bus.journal.revision("r2") == b"two"
    assert [one.revision for one in await bus.journal.in_force(None)] == ["r2"]
    await bus.declarations.put("Sensor/default/on-push", "r1", b"one")
    assert await bus.journal.revision("r1") == b"one"


async def passed_its_record(bus: ReopenableBus, clock: Clock, *numbers: int, **given: Any) -> None:
    """Let what came before go: an event and its firing after the other, each long after the last."""
    for number in numbers:
        clock.advance(JOURNAL_S + 1)
        await bus.append(some_events(1, start=number))
        await bus.commit(decided(number, a_firing(number, decided_us=clock.now_us, **given)))
        await bus.take()
        await bus.close(a_firing(number))
        await bus.tidy()


async def test_a_revision_that_is_pinned_is_kept_until_it_is_let_go_over_crashes_too(bus: ReopenableBus, clock: Clock) -> None:
    for revision in ("r1", "r2", "r3"):
        await bus.declarations.put("Sensor/default/on-push", revision, revision.encode())
        clock.advance(1.0)
        await filled(bus, some_events(1, start=int(revision[1:])))
    await retain(bus)
    pins: dict[str, Collection[str]] = {"replay/1": {"r1", "r2"}, "replay/2": {"r2", "never-there"}}
    await bus.commit(Decisions(group=None, position=0, pins=pins))
    await bus.crash()
    await retain(bus)
    await passed_its_record(bus, clock, 4, 5, revision="r3")
    assert [await bus.journal.revision(name) for name in ("r1", "r2", "r3")] == [b"r1", b"r2", b"r3"]
    await bus.commit(Decisions(group=None, position=0, pins={"replay/1": ()}))
    await passed_its_record(bus, clock, 6, revision="r3")
    assert [await bus.journal.revision(name) for name in ("r1", "r2", "never-there")] == [None, b"r2", None]


async def test_a_revision_by_which_was_decided_once_more_goes_with_that_decision(bus: ReopenableBus, clock: Clock) -> None:
    await bus.declarations.put("Sensor/default/on-push", "r1", b"one")
    await filled(bus, some_events(1))
    await bus.declarations.put("Sensor/default/on-push", "r2", b"two")
    await retain(bus)
    await bus.commit(Decisions(group=None, position=0, pins={"replay/1": {"r1"}}))
    await passed_its_record(bus, clock, 2, 3, revision="r2")
    await passed_its_record(bus, clock, 4, revision="r1")
    await bus.commit(Decisions(group=None, position=0, pins={"replay/1": ()}))
    assert await bus.journal.revision("r1") == b"one"
    await passed_its_record(bus, clock, 5, 6, 7, revision="r2")
    assert await bus.journal.revision("r1") is None
    assert await bus.journal.revision("r2") == b"two"


async def test_what_was_set_aside_goes_with_its_record(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(1))
    await bus.append(some_events(2, start=2))
    await bus.commit(decided(3, quarantined={2: "it broke"}))
    clock.advance(AGE_S + 1)
    await retain(bus)
    assert await bus.journal.quarantined() == [(2, "it broke")]
    clock.advance(JOURNAL_S)
    await bus.tidy()
    assert await bus.journal.quarantined() == []


async def test_lists_filters_and_cursors_go_on_across_what_has_lost_its_data(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, [an_event(str(n), type="odd" if n % 2 else "even") for n in range(1, 41)])
    clock.advance(AGE_S + 1)
    await filled(bus, [an_event(str(n), type="odd" if n % 2 else "even") for n in range(41, 61)])
    await retain(bus)
    assert positions(await listed(bus, EventFilter(type="odd"))) == list(range(1, 60, 2))
    before = EventFilter(before_us=clock.now_us)
    assert positions((await bus.journal.events(before, limit=3)).items) == [40, 39, 38]
    assert positions((await bus.journal.events(EventFilter(after_us=clock.now_us), limit=100)).items) == list(range(60, 40, -1))


async def test_a_clock_that_was_set_back_does_not_confuse_what_is_old(bus: ReopenableBus, clock: Clock) -> None:
    await filled(bus, some_events(5))
    clock.advance(-5000.0)
    await filled(bus, some_events(5, start=6))
    clock.advance(AGE_S + 1)
    await filled(bus, some_events(1, start=11))
    await retain(bus)
    assert (await whole(bus))[-1] == 11
    assert 11 in positions(await listed(bus, EventFilter(after_us=clock.now_us)))
    clock.advance(5000.0 + 10 * JOURNAL_S)
    await bus.tidy()
    assert await on_record(bus) == [11]
