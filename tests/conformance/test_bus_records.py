"""State, declarations and the journal."""

import asyncio

import msgspec
import pytest
from bus_backends import DEAD, ROAD, START_US, Clock, ReopenableBus, a_firing, an_event, decided, positions, some_events, tried

from eventbus.contract import Decisions, DependencyRef, StateChange, VerdictCounts
from eventbus.event import Identity, Road
from eventbus.firing import Cause, Outcome, OutcomeKind, TriggerRef
from eventbus.journal import EventFilter, FiringFilter
from eventbus.retention import Gap

REF = "Sensor/default/on-push"


async def all_events(bus: ReopenableBus, wanted: EventFilter, limit: int) -> list[int]:
    found: list[int] = []
    cursor = None
    while True:
        page = await bus.journal.events(wanted, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += positions(page.items)
        cursor = page.next
        if cursor is None:
            return found


async def all_firings(bus: ReopenableBus, wanted: FiringFilter, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await bus.journal.firings(wanted, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += [record.firing.id for record in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_a_record_is_written_read_and_deleted(bus: ReopenableBus) -> None:
    assert await bus.state.get("k") is None
    assert await bus.state.put("k", b"one")
    await bus.crash()
    found = await bus.state.get("k")
    assert found is not None
    assert found[0] == b"one"
    assert await bus.state.put("k", None)
    assert await bus.state.get("k") is None


async def test_records_are_found_by_the_beginning_of_their_keys(bus: ReopenableBus, clock: Clock) -> None:
    for key in ("join/a/t", "join/b/t", "joinery", "pause/x", "join/é"):
        assert await bus.state.put(key, key.encode())
    assert await bus.state.put("join/old", b"gone", expires_us=clock.now_us + 1000)
    clock.now_us += 2000
    assert await bus.journal.records("join/") == [(key, key.encode()) for key in ("join/a/t", "join/b/t", "join/é")]
    await bus.crash()
    assert await bus.journal.records("pause/") == [("pause/x", b"pause/x")]
    assert await bus.journal.records("nothing") == []


async def test_a_write_on_a_stale_version_is_refused(bus: ReopenableBus) -> None:
    assert await bus.state.put("k", b"one", version=0)
    assert not await bus.state.put("k", b"two", version=0)
    (_, version) = await bus.state.get("k")
    assert await bus.state.put("k", b"two", version=version)
    assert not await bus.state.put("k", b"three", version=version)
    assert (await bus.state.get("k"))[0] == b"two"


async def test_of_writers_at_the_same_moment_one_wins(bus: ReopenableBus) -> None:
    won = await asyncio.gather(*[bus.state.put("lease", str(n).encode(), version=0) for n in range(10)])
    assert won.count(True) == 1
    assert (await bus.state.get("lease"))[0] == str(won.index(True)).encode()


async def test_a_version_never_comes_back_after_a_delete(bus: ReopenableBus) -> None:
    await bus.state.put("k", b"one")
    (_, stale) = await bus.state.get("k")
    await bus.state.put("k", None)
    await bus.state.put("k", b"two")
    assert not await bus.state.put("k", b"three", version=stale)


async def test_a_record_is_gone_when_it_expires(bus: ReopenableBus, clock: Clock) -> None:
    await bus.state.put("k", b"one", expires_us=clock.now_us + 1_000_000)
    assert await bus.state.get("k") is not None
    clock.advance(1)
    assert await bus.state.get("k") is None
    assert await bus.state.put("k", b"two", version=0, expires_us=clock.now_us + 1_000_000)


async def test_a_declaration_decides_what_is_appended_after_it_until_it_is_replaced(bus: ReopenableBus) -> None:
    await bus.append(some_events(1))
    first = await bus.declarations.put(REF, "r1", b"one")
    assert (first.ref, first.revision, first.content, first.since, first.until) == (REF, "r1", b"one", 1, None)
    await bus.append(some_events(2, start=2))
    second = await bus.declarations.put(REF, "r2", b"two")
    assert second.since == 3
    await bus.append(some_events(1, start=4))
    await bus.crash()
    at = {position: [one.revision for one in await bus.journal.in_force(position)] for position in (1, 2, 3, 4)}
    assert at == {1: [], 2: ["r1"], 3: ["r1"], 4: ["r2"]}
    assert [one.revision for one in await bus.journal.in_force(None)] == ["r2"]
    (old,) = await bus.journal.in_force(2)
    assert (old.since, old.until, old.content) == (1, 3, b"one")


async def test_declaring_the_same_again_changes_nothing(bus: ReopenableBus) -> None:
    first = await bus.declarations.put(REF, "r1", b"one")
    await bus.append(some_events(1))
    await bus.crash()
    assert await bus.declarations.put(REF, "r1", b"one") == first


async def test_what_is_withdrawn_is_no_longer_in_force_but_can_be_asked_for(bus: ReopenableBus) -> None:
    await bus.declarations.put(REF, "r1", b"one")
    await bus.append(some_events(1))
    await bus.declarations.withdraw(REF)
    await bus.declarations.withdraw(REF)
    assert await bus.journal.in_force(None) == []
    assert [one.revision for one in await bus.journal.in_force(1)] == ["r1"]
    assert await bus.journal.revision("r1") == b"one"
    assert await bus.journal.revision("r9") is None


async def test_withdrawing_tells_the_last_position_that_is_decided_also_while_events_come_in(bus: ReopenableBus) -> None:
    await bus.declarations.put(REF, "r1", b"one")
    await bus.append(some_events(2))
    _, until, _ = await asyncio.gather(
        bus.append(some_events(1, start=3)), bus.declarations.withdraw(REF), bus.append(some_events(1, start=4))
    )
    assert 2 <= until <= 4
    assert [one.until for one in await bus.journal.in_force(1)] == [until]
    assert await bus.declarations.withdraw(REF) == 4


async def test_a_revision_that_comes_back_keeps_its_content(bus: ReopenableBus) -> None:
    for revision, content in (("r1", b"one"), ("r2", b"two"), ("r1", b"one")):
        await bus.declarations.put(REF, revision, content)
        await bus.append(some_events(1, start=ord(revision[1]) + len(await bus.journal.in_force(None))))
    assert [(one.revision, one.content) for one in await bus.journal.in_force(None)] == [("r1", b"one")]


async def test_events_are_listed_newest_first_in_pages(bus: ReopenableBus) -> None:
    await bus.append(some_events(25))
    assert await all_events(bus, EventFilter(), limit=7) == list(range(25, 0, -1))
    assert (await bus.journal.events(EventFilter(), limit=25)).next is None


async def test_a_page_goes_on_where_it_ended_while_more_is_appended(bus: ReopenableBus) -> None:
    await bus.append(some_events(6))
    page = await bus.journal.events(EventFilter(), limit=3)
    await bus.append(some_events(6, start=7))
    rest = await bus.journal.events(EventFilter(), limit=3, cursor=page.next)
    assert positions([*page.items, *rest.items]) == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "!!", "é", "0" * 1000])
async def test_a_cursor_that_is_not_ours_is_refused(bus: ReopenableBus, cursor: str) -> None:
    await bus.append(some_events(3))
    await bus.put(a_firing(1), a_firing(2))
    with pytest.raises(ValueError, match="cursor"):
        await bus.journal.events(EventFilter(), cursor=cursor)
    with pytest.raises(ValueError, match="cursor"):
        await bus.journal.firings(FiringFilter(), cursor=cursor)
    other = (await bus.journal.events(EventFilter(), limit=1)).next
    with pytest.raises(ValueError, match="another list"):
        await bus.journal.firings(FiringFilter(), cursor=other)


async def test_events_are_filtered_by_every_field(bus: ReopenableBus, clock: Clock) -> None:
    for number in range(1, 25):
        fields = {
            "namespace": f"n{number % 2}",
            "source": f"s{number % 3}",
            "name": f"e{number % 4}",
            "type": f"t{number % 6}",
        }
        await bus.append([an_event(str(number), **fields)])
        clock.advance(1)
    for limit in (3, 50):
        assert await all_events(bus, EventFilter(namespace="n1"), limit) == list(range(23, 0, -2))
        assert await all_events(bus, EventFilter(source="s0"), limit) == list(range(24, 0, -3))
        assert await all_events(bus, EventFilter(name="e2", type="t0"), limit) == [18, 6]
        assert await all_events(bus, EventFilter(type="none"), limit) == []
        after = EventFilter(after_us=START_US + 20_000_000)
        assert await all_events(bus, after, limit) == [24, 23, 22, 21]
        between = EventFilter(source="s0", after_us=START_US + 2_000_000, before_us=START_US + 9_000_000)
        assert await all_events(bus, between, limit) == [9, 6, 3]
    assert await all_events(bus, EventFilter(name="e1' OR '1'='1"), 5) == []


async def test_events_are_found_by_time_although_the_clock_stepped_back(bus: ReopenableBus, clock: Clock) -> None:
    for number in range(1, 11):
        await bus.append([an_event(str(number))])
        clock.advance(-7200 if number == 5 else 60)
    times = {one.position: one.received_us for one in (await bus.journal.events(EventFilter())).items}
    for position, time_us in times.items():
        found = await all_events(bus, EventFilter(after_us=time_us, before_us=time_us + 1), 3)
        assert position in found
        assert found == sorted((one for one, at in times.items() if at == time_us), reverse=True)


async def test_many_kinds_of_events_are_listed_in_one_order(bus: ReopenableBus) -> None:
    await bus.append([an_event(str(number), name=f"e{number % 50}", source="many") for number in range(1, 101)])
    await bus.append(some_events(5))
    assert await all_events(bus, EventFilter(source="many"), 33) == list(range(100, 0, -1))


async def test_an_event_is_found_by_its_id_on_every_road(bus: ReopenableBus, clock: Clock) -> None:
    await bus.append([an_event("1"), an_event("1", name="other"), an_event("2")])
    clock.advance(7200)
    await bus.append([an_event("1")])
    assert positions(await bus.journal.find("1")) == [1, 2, 4]
    assert await bus.journal.find("none") == []
    found = await bus.journal.event(2)
    assert found is not None
    assert found.event == an_event("1", name="other")
    assert await bus.journal.event(5) is None
    assert await bus.journal.event(0) is None


async def test_what_a_firing_caused_is_found(bus: ReopenableBus) -> None:
    id = a_firing(1).id
    await bus.append([an_event("1"), an_event("2", causation=id), an_event("3", causation=id, hops=1)])
    assert positions(await bus.journal.caused_by(id)) == [2, 3]
    assert await bus.journal.caused_by("0" * 32) == []


async def test_firings_are_listed_newest_first_and_filtered_by_every_field(bus: ReopenableBus) -> None:
    triggers = [TriggerRef(f"n{n % 2}", f"s{n % 3}", f"t{n % 4}") for n in range(24)]
    firings = [a_firing(n, trigger=trigger) for n, trigger in enumerate(triggers)]
    await bus.put(*firings)
    await bus.take(100)
    kinds = list(OutcomeKind)
    for n, firing in enumerate(firings[:21]):
        await bus.close(firing, Outcome(kind=kinds[n % len(kinds)], reason="why"))
    for limit in (2, 50):

        async def listed(limit: int = limit, **given: object) -> list[int]:
            ids = await all_firings(bus, FiringFilter(**given), limit)  # type: ignore[arg-type]
            return [next(n for n, firing in enumerate(firings) if firing.id == id) for id in ids]

        assert await listed() == list(range(23, -1, -1))
        assert await listed(namespace="n1") == list(range(23, 0, -2))
        assert await listed(sensor="s0") == list(range(21, -1, -3))
        assert await listed(namespace="n0", sensor="s0", trigger="t0") == [12, 0]
        assert await listed(open=True) == [23, 22, 21]
        assert await listed(open=False) == list(range(20, -1, -1))
        assert await listed(open=True, namespace="n1") == [23, 21]
        for n, kind in enumerate(kinds):
            assert await listed(outcome=kind) == [each for each in range(20, -1, -1) if each % len(kinds) == n]
        assert await listed(outcome=OutcomeKind.SUCCEEDED, trigger="t0") == [16, 8, 0]
        assert await listed(outcome=OutcomeKind.FAILED, open=True) == []
        assert await listed(after_us=START_US + 3, before_us=START_US + 6) == [5, 4, 3]
        assert await listed(sensor="s0", after_us=START_US + 4) == [21, 18, 15, 12, 9, 6]


async def test_firings_decided_at_the_same_moment_are_each_listed_once(bus: ReopenableBus) -> None:
    firings = [a_firing(n, decided_us=START_US) for n in range(10)]
    await bus.put(*firings)
    assert await all_firings(bus, FiringFilter(), 3) == [firing.id for firing in reversed(firings)]


async def test_a_firing_is_found_by_its_id_or_a_prefix_that_only_it_has(bus: ReopenableBus) -> None:
    await bus.put(*[a_firing(n) for n in range(5)])
    id = a_firing(3).id
    for text in (id, id[:8], id[:9]):
        record = await bus.journal.firing(text)
        assert record is not None
        assert record.firing == a_firing(3)
    for text in (id[:7], "", "0" * 32, "zzzzzzzz", id + "0", "' OR 1=1"):
        assert await bus.journal.firing(text) is None


async def test_a_firing_shows_all_that_was_recorded_of_it(bus: ReopenableBus, clock: Clock) -> None:
    cause = Cause("b", 2, Identity(*ROAD, "2"))
    plain = a_firing(1, order_key="k", replay=2, hops=3, record_start=True)
    firing = msgspec.structs.replace(plain, causes=(*plain.causes, cause))
    await bus.put(firing)
    open_record = await bus.journal.firing(firing.id)
    assert open_record is not None
    assert (open_record.firing, open_record.due_us, open_record.outcome, open_record.attempts) == (firing, clock.now_us, None, ())
    await bus.take()
    clock.advance(1)
    await bus.close(firing, DEAD)
    record = await bus.journal.firing(firing.id)
    assert record is not None
    assert (record.outcome, record.reason, record.due_us, record.closed_us) == (DEAD.kind, DEAD.reason, None, clock.now_us)
    assert (record.attempts, record.request) == ((tried(1),), b"{}")


async def test_the_firings_of_an_event_are_found_oldest_first(bus: ReopenableBus) -> None:
    announce = TriggerRef("default", "on-push", "announce")
    await bus.put(a_firing(1, position=7), a_firing(2, position=8), a_firing(3, trigger=announce, position=7))
    assert [record.firing.id for record in await bus.journal.firings_of(7)] == [a_firing(1).id, a_firing(3, trigger=announce).id]
    assert await bus.journal.firings_of(9) == []


async def test_verdicts_are_counted_over_all_time(bus: ReopenableBus) -> None:
    push, pull = DependencyRef("default", "on-push", "push"), DependencyRef("default", "on-push", "pull")
    for position in (1, 2, 3):
        counts = VerdictCounts(seen={ROAD: 10}, matched={push: 2}, errors={pull: 1, push: 1})
        await bus.commit(Decisions(group="sensors", position=position, counts=counts))
    await bus.crash()
    assert await bus.journal.matched("default", "on-push") == {"push": (6, 3), "pull": (0, 3)}
    assert await bus.journal.matched("default", "other") == {}
    assert await bus.journal.seen(ROAD) == 30
    assert await bus.journal.seen(Road("default", "other", "push")) == 0


async def test_tallies_are_kept_across_restarts(bus: ReopenableBus, clock: Clock) -> None:
    empty = await bus.journal.tallies()
    assert (empty.appended, empty.undecided, empty.oldest_undecided_us, empty.oldest_open_us) == (0, 0, None, None)
    await bus.read("sensors", limit=1, timeout_s=0.0)
    for number in range(1, 4):
        await bus.append([an_event(str(number))])
        clock.advance(1)
    await bus.append([an_event("1")])
    await bus.commit(decided(1, a_firing(1), a_firing(2), a_firing(3)))
    await bus.take()
    await bus.close(a_firing(1))
    await bus.close(a_firing(2), DEAD)
    for _ in range(2):
        tallies = await bus.journal.tallies()
        assert (tallies.appended, tallies.repeats, tallies.last_position) == (3, 1, 3)
        assert (tallies.undecided, tallies.oldest_undecided_us) == (2, START_US + 1_000_000)
        assert (tallies.open_firings, tallies.dead_letters) == (1, 1)
        assert tallies.oldest_open_us == a_firing(3).decided_us
        await bus.crash()


async def test_held_groups_are_not_behind(bus: ReopenableBus) -> None:
    await bus.commit(Decisions(group="held/default/s", position=0))
    assert (await bus.journal.tallies()).undecided == 0
    await bus.read("sensors", limit=1, timeout_s=0.0)
    await bus.append(some_events(3))
    await bus.commit(Decisions(group="sensors", position=2))
    await bus.crash()
    assert (await bus.journal.tallies()).undecided == 1
    assert [await bus.journal.position(name) for name in ("held/default/s", "sensors", "other")] == [0, 2, None]
    await bus.release("held/default/s")
    assert await bus.journal.position("held/default/s") is None


async def test_events_of_roads_are_counted_between_two_positions(bus: ReopenableBus) -> None:
    pull = ROAD._replace(name="pull")
    await bus.append([an_event(str(number), name="pull" if number % 3 == 0 else "push") for number in range(1, 10)])
    assert [await bus.journal.count(roads, 0, 9) for roads in ([ROAD], [pull], [ROAD, pull, pull], [])] == [6, 3, 9, 0]
    assert [await bus.journal.count([ROAD], *span) for span in ((2, 7), (7, 7), (8, 99), (9, 2))] == [3, 0, 0, 0]


async def test_a_gap_that_is_made_on_purpose_is_announced_once_and_with_the_rest_of_its_step(bus: ReopenableBus) -> None:
    await bus.append(some_events(9))
    gaps = [Gap(group="held/default/s", first=2, last=5, at_us=START_US, reason="paused")]
    step = Decisions(group=None, position=0, gaps=gaps, state=[StateChange(key="k", value=b"v")])
    await bus.commit(step)
    await bus.commit(step)
    await bus.crash()
    assert list(await bus.journal.gaps("held/default/s")) == gaps
    assert (await bus.state.get("k"))[0] == b"v"
    assert (await bus.journal.kept()).skipped == 4


@pytest.mark.parametrize("limit", [0, -1])
async def test_an_empty_page_cannot_be_asked_for(bus: ReopenableBus, limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await bus.journal.events(EventFilter(), limit=limit)
    with pytest.raises(ValueError, match="at least 1"):
        await bus.journal.firings(FiringFilter(), limit=limit)


async def test_state_expires_also_where_a_decision_wrote_it(bus: ReopenableBus, clock: Clock) -> None:
    change = StateChange(key="join", value=b"half", expires_us=clock.now_us + 5)
    await bus.commit(Decisions(group="sensors", position=1, state=[change]))
    assert (await bus.state.get("join"))[0] == b"half"
    clock.advance(1)
    assert await bus.state.get("join") is None


async def test_a_stretch_of_the_log_is_read_part_by_part(bus: ReopenableBus, clock: Clock) -> None:
    await bus.append(some_events(3))
    clock.advance(10.0)
    await bus.append(some_events(4, start=10))
    clock.advance(10.0)
    await bus.append(some_events(2, start=20))
    second = 1_000_000
    assert await bus.journal.stretch(START_US + second, START_US + 11 * second) == (4, 7)
    assert await bus.journal.stretch(None, START_US + second) == (1, 3)
    assert await bus.journal.stretch(START_US + 20 * second, None) == (8, 9)
    first, last = await bus.journal.stretch(START_US + 30 * second, None)
    assert first > last
    await bus.crash()
    found, after = [], 2
    while after < 8:
        part = await bus.journal.scan(after, until=8, limit=4)
        assert part.position > after
        found.append(positions(part.events))
        after = part.position
    assert found == [[3, 4, 5, 6], [7, 8]]
    assert await bus.journal.scan(9, until=20, limit=4) == ([], 9)


async def test_revisions_in_force_anywhere_in_a_stretch_are_found_also_those_that_began_in_it(bus: ReopenableBus) -> None:
    await bus.declarations.put(REF, "r1", b"one")
    await bus.append(some_events(2))
    await bus.declarations.put("Sensor/default/later", "l1", b"later")
    await bus.append(some_events(2, start=10))
    await bus.declarations.put(REF, "r2", b"two")
    await bus.append(some_events(2, start=20))

    async def between(first: int, last: int) -> list[str]:
        return [one.revision for one in await bus.journal.in_force(first, last)]

    assert await between(1, 6) == ["l1", "r1", "r2"]
    assert await between(1, 2) == ["r1"]
    assert await between(4, 5) == ["l1", "r1", "r2"]
    assert await between(5, 6) == ["l1", "r2"]


async def test_firings_and_records_are_committed_without_moving_a_reader(bus: ReopenableBus) -> None:
    await bus.read("sensors", limit=10, timeout_s=0.0)
    await bus.append(some_events(2))
    await bus.commit(decided(1, a_firing(1)))
    again = a_firing(2, position=1, replay=7)
    state = [StateChange(key="replay/7", value=b"1")]
    await bus.commit(Decisions(group=None, position=0, firings=[again], state=state))
    await bus.commit(Decisions(group=None, position=0, firings=[again], state=[StateChange(key="replay/7", value=b"2")]))
    await bus.crash()
    assert sorted(await bus.take_ids()) == sorted([a_firing(1).id, again.id])
    record = await bus.journal.firing(again.id)
    assert record is not None
    assert record.firing.replay == 7
    assert (await bus.journal.records("replay/")) == [("replay/7", b"2")]
    tallies = await bus.journal.tallies()
    assert (tallies.undecided, tallies.last_position) == (1, 2)
    assert positions(await bus.read("sensors", limit=10, timeout_s=0.0)) == [2]
