"""What is told of replays, before they begin and while they go on, and which revisions they keep."""

import pytest
from replay_rig import JOINED, SINGLE, Rig, crash_at_commit, event
from waiting import until

from eventbus.contract import Decisions
from eventbus.event import Event
from eventbus.firing import OutcomeKind
from eventbus.journal import FiringFilter
from eventbus.retention import Retention
from tocsin.metrics import ReplaySeries
from tocsin.queries import Conflict, QueryError
from tocsin.replaying import record
from tocsin.replaying.preview import preview
from tocsin.replaying.record import Asked, ReplayState


async def test_a_revision_that_cannot_decide_any_more_is_named(rig: Rig) -> None:
    await rig.declare(SINGLE)
    content = b'{"apiVersion": "tocsin.dev/v1", "kind": "Sensor", "metadata": {"name": "odd"}, "spec": {"dependencies": 7}}'
    odd = content.replace(b"7", b'[{"name": "a", "eventSourceName": "hooks", "eventName": "push", "nonsense": 1}]')
    await rig.bus.declarations.put("Sensor/default/odd", "oddrevision", odd)
    await rig.decided(event(2))
    shown = await preview(rig.bus.journal, Asked(event="push-2"))
    assert [(item["what"], item["name"]) for item in shown["passed_over"]] == [("sensor", "default/odd")]
    replay = await rig.carried_out(Asked(event="push-2"))
    assert (replay.state, replay.firings) == (ReplayState.DONE, 1)
    assert "Sensor/default/odd decided nothing" in replay.problem


async def test_the_preview_shows_requests_counts_and_what_is_passed_over_and_changes_nothing(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.declare(JOINED)
    await rig.decided(event(1), event(2), event(3, "other"))
    shown = await preview(rig.bus.journal, Asked(after="2020-01-01T00:00:00Z"))
    assert (shown["events"], shown["sensors"], shown["firings"], shown["whole"]) == (3, 2, 1, True)
    assert shown["by_trigger"] == [{"namespace": "default", "sensor": "one", "trigger": "say", "firings": 1}]
    (firing,) = shown["shown"]
    assert firing["causes"][0]["id"] == "push-2"
    assert (firing["request"] is not None, firing["problem"]) == (True, None)
    passed_over = {(item["what"], item["name"]): item for item in shown["passed_over"]}
    assert passed_over["dependency", "default/one/a"]["why"].startswith("data n: 1")
    assert passed_over["events", "default/hooks/other"]["why"] == "no sensor depends on them"
    assert "waits for b since event push-2" in passed_over["trigger", "default/pair/both"]["why"]
    assert await rig.taken() == []
    assert await rig.bus.journal.records("replay") == []


async def test_a_preview_of_much_is_cut_and_says_so(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(1), event(2))
    shown = await preview(rig.bus.journal, Asked(after="2020-01-01T00:00:00Z"), budget_s=0.0)
    assert (shown["whole"], shown["previewed_to"], shown["last"]) == (False, 0, 2)


async def test_one_event_whose_data_is_gone_is_refused_with_the_reason(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.decided(event(1), event(2), event(3))
    rig.bus.clock.advance(100.0)
    await rig.decided(event(4))
    rig.bus.bus.retain(Retention(age_s=50.0), tuple)
    await rig.bus.bus.tidy()
    with pytest.raises(
        Conflict, match="event 'push-2' cannot be replayed: its data is no longer kept, only that of events since"
    ):
        await rig.replayer.ask(Asked(event="push-2"))
    with pytest.raises(Conflict, match="its data is no longer kept"):
        await preview(rig.bus.journal, Asked(event="push-2"))
    assert (await rig.carried_out(Asked(event="push-4"))).firings == 1


async def test_its_firings_are_listed_by_its_number_with_other_filters_and_page_by_page(rig: Rig) -> None:
    await rig.declare(SINGLE)
    await rig.declare(SINGLE, "two")
    await rig.decided(*[event(n) for n in range(2, 6)])
    for _ in range(2):
        await rig.carried_out(Asked(after="2020-01-01T00:00:00Z"))
    taken = await rig.taken()
    of_two = FiringFilter(replay=2, sensor="two")
    (first,) = (await rig.bus.journal.firings(of_two, limit=1)).items
    await rig.bus.close(first.firing)
    assert len(taken) == 16
    assert len(await listed(rig, FiringFilter(replay=1))) == 8
    assert await listed(rig, of_two) == [["push-5"], ["push-4"], ["push-3"], ["push-2"]]
    assert await listed(rig, FiringFilter(replay=2, open=True, sensor="two")) == [["push-4"], ["push-3"], ["push-2"]]
    assert await listed(rig, FiringFilter(replay=2, outcome=OutcomeKind.SUCCEEDED)) == [["push-5"]]
    assert await listed(rig, FiringFilter(replay=3)) == []


async def listed(rig: Rig, wanted: FiringFilter) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        page = await rig.bus.journal.firings(wanted, limit=3, cursor=cursor)
        found += [[cause.identity.id for cause in one.firing.causes] for one in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_how_replays_stand_is_told_in_numbers(rig: Rig) -> None:
    nothing = dict.fromkeys(("running", "done", "cancelled", "failed"), 0)
    assert rig.replayer.series() == ReplaySeries(states=nothing)
    await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(1, 6)])
    await rig.replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
    await rig.replayer.ask(Asked(event="push-2"))
    assert rig.replayer.series() == ReplaySeries(states=nothing | {"running": 2}, remaining=6)
    await rig.crash()
    await rig.replayer.cancel(2, "not needed")
    async with rig.running() as replayer:
        await until(lambda: not replayer.series().states["running"])
        assert replayer.series() == ReplaySeries(states=nothing | {"done": 1, "cancelled": 1}, events=5, firings=4)


async def test_the_revision_that_decides_is_kept_until_its_end_whatever_retention_takes(rig: Rig) -> None:
    then = await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 6)])
    replay, _ = await rig.replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
    await rig.declare(SINGLE.replace('["2"]', '["9"]'))
    for number in (10, 11, 12):
        await gone(rig, event(number, "other"))
    assert await rig.bus.journal.event(1) is None
    assert await rig.bus.journal.revision(then) is not None
    await rig.crash()
    async with rig.running():
        ended = await rig.until(replay.number)
    assert (ended.state, ended.problem, ended.missing) == (ReplayState.DONE, "", 4)
    await gone(rig, event(13, "other"))
    assert await rig.bus.journal.revision(then) is None


async def gone(rig: Rig, new: Event) -> None:
    """Let all go that came before `new`."""
    rig.bus.clock.advance(1000.0)
    await rig.decided(new)
    rig.bus.bus.retain(Retention(age_s=50.0, journal_age_s=100.0), tuple)
    await rig.bus.bus.tidy()


async def test_one_that_was_asked_for_before_revisions_were_pinned_pins_them_when_it_goes_on(rig: Rig) -> None:
    then = await rig.declare(SINGLE)
    await rig.decided(*[event(n) for n in range(2, 12)])
    replay, _ = await rig.replayer.ask(Asked(after="2020-01-01T00:00:00Z"), rate=0.0)
    await rig.bus.commit(Decisions(group=None, position=0, pins={record.key_of(replay.number): ()}))
    await crash_at_commit(rig, 1, stored=True)
    await rig.declare(SINGLE.replace('["2"]', '["9"]'))
    for number in (20, 21, 22):
        await gone(rig, event(number, "other"))
    assert await rig.bus.journal.revision(then) is not None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(), "name an event, or a span of time"),
        (Asked(event="x", after="2020-01-01T00:00:00Z"), "not both"),
        (Asked(event="x"), "no event 'x'"),
        (Asked(after="yesterday"), "from: 'yesterday' is no time"),
        (Asked(after="2020-01-01T00:00:00Z", before="2020-01-01T00:00:00"), "to: .* has no zone"),
        (Asked(after="2020-01-02T00:00:00Z", before="2020-01-01T00:00:00Z"), "is not later than"),
    ],
)
async def test_what_cannot_be_meant_says_what_was_expected(rig: Rig, asked: Asked, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        await rig.replayer.ask(asked)
