"""The judge of a campaign sees every broken promise: a judge that cannot say no proves nothing."""

from collections import Counter
from typing import Any, cast

import pytest
from chaos.life import Life
from chaos.sending import Acknowledged
from chaos.service import Vitals
from chaos.target import Target
from chaos.verdict import Book, Kind, Report, judge
from chaos.watching import judge_lives
from chaos.workloads.calls import compared
from chaos.workloads.chains import Chains
from chaos.workloads.edits import Edits, edited_id
from chaos.workloads.ordered import Ordered
from chaos.workloads.pairs import Pairs
from chaos.workloads.replays import Replays
from chaos.workloads.topics import Records
from chaos.workloads.workload import LATE_S, timely
from chaos.world import World

WANTED = Acknowledged("pushes", "e1", "1", True)
UNWANTED = Acknowledged("pushes", "e2", "2", False)
BOTH = [("pushes", "e1"), ("pushes", "e2")]


def firing(key: str, *events: str, state: str = "succeeded", sensor: str = "deploys", sides: tuple[str, ...] = ("main",)) -> Any:
    causes = [{"source": "pushes", "id": id_, "dependency": side} for id_, side in zip(events, sides, strict=True)]
    return {"id": key, "sensor": sensor, "state": state, "reason": "", "causes": causes}


def target_that_did(said: dict[str, dict[str, str]]) -> Target:
    target = Target(seed=0, faults=0.0)
    for key, one in said.items():
        target.act(key, one)
    return target


def book_of(events: list[tuple[str, str]], firings: list[Any]) -> Book:
    return Book(events=[{"source": s, "name": "n", "id": id_} for s, id_ in events], firings=firings[::-1])


def found(events: list[tuple[str, str]] | None = None, firings: list[Any] | None = None, target: Target | None = None) -> str:
    report = Report(seed=0)
    book = book_of(BOTH if events is None else events, [firing("f1", "e1")] if firings is None else firings)
    target = target or target_that_did({"f1": {"number": "1"}})
    judge(report, book, target)
    report.broken += compared([WANTED, UNWANTED], book.kept("pushes"), book.fired("deploys"), target)
    return "\n".join(f"{kind}: {what}" for kind, what in report.broken)


def test_a_campaign_that_kept_every_promise_has_nothing_to_say() -> None:
    assert found() == ""


def test_an_acknowledged_event_that_is_not_in_the_journal_is_lost() -> None:
    assert "lost: pushes/e2 (n=2) was acknowledged and is not in the journal" in found(events=[("pushes", "e1")])


def test_an_event_that_is_twice_in_the_journal_is_doubled() -> None:
    assert "doubled: pushes/n/e1 is 2 times in the journal" in found(events=[*BOTH, ("pushes", "e1")])


def test_a_match_that_did_not_fire_is_lost() -> None:
    assert "lost: pushes/e1 (n=1) matches and did not fire" in found(firings=[], target=Target(seed=0, faults=0.0))


def test_an_event_that_fired_twice_is_doubled() -> None:
    did = target_that_did({"f1": {"number": "1"}, "f3": {"number": "1"}})
    assert "doubled: e1 fired 2 times" in found(firings=[firing("f1", "e1"), firing("f3", "e1")], target=did)


def test_a_firing_without_its_outcome_is_lost() -> None:
    assert "lost: firing f1 of deploys ended as open" in found(firings=[firing("f1", "e1", state="open")])


def test_a_firing_that_the_target_never_saw_or_that_said_something_else_is_lost() -> None:
    assert "lost: pushes/e1 (n=1): the target did not act on it under the key f1" in found(target=Target(seed=0, faults=0.0))
    assert "the target did not act on it under the key f1" in found(target=target_that_did({"f1": {"number": "2"}}))


def test_an_event_that_matches_nothing_and_fired_is_wrong() -> None:
    did = target_that_did({"f1": {"number": "1"}, "f2": {"number": "2"}})
    assert "pushes/e2 (n=2) does not match and fired" in found(firings=[firing("f1", "e1"), firing("f2", "e2")], target=did)


def test_a_call_under_an_unknown_key_or_without_one_is_seen() -> None:
    said = found(target=target_that_did({"f1": {"number": "1"}, "stray": {}, "": {}}))
    assert "unknown key 'stray'" in said
    assert "doubled: 1 calls had no idempotency key" in said


def test_a_repeat_that_says_something_else_is_doubled() -> None:
    did = target_that_did({"f1": {"number": "1"}})
    did.act("f1", {"number": "9"})
    assert "doubled: a repeat under the key f1 said something else" in found(target=did)


def a_world(target: Target) -> World:
    world = World(
        folder=cast("Any", None), service=cast("Any", None), session=cast("Any", None), target=target, disk=cast("Any", None),
        shim=cast("Any", None), report=Report(seed=0),
    )  # fmt: skip
    world.harmed = [(10.0, 40.0)]
    return world


def kinds(world: World) -> Counter[Kind]:
    return Counter(kind for kind, _ in world.report.broken)


def test_faults_that_overlap_count_once() -> None:
    world = a_world(Target(seed=0, faults=0.0))
    world.harmed = [(30.0, 60.0), (10.0, 40.0), (35.0, 36.0), (80.0, 90.0)]
    assert world.calm_s(0.0, 100.0) == 10.0 + 20.0 + 10.0
    assert world.calm_s(20.0, 70.0) == 10.0
    assert world.calm_s(15.0, 55.0) == 0.0


def a_life(seconds: int, rss_mib_a_second: float, descriptors_a_second: float) -> Life:
    life = Life()
    for second in range(seconds + 1):
        life.note(second, Vitals(int((50 + rss_mib_a_second * second) * 2**20), int(20 + descriptors_a_second * second)))
    return life


@pytest.mark.parametrize(
    ("life", "kinds"),
    [
        (a_life(120, 0.0, 0.0), set()),
        (a_life(120, 0.05, 0.0), set()),
        (a_life(120, 0.2, 0.0), {"memory"}),
        (a_life(120, 0.0, 0.2), {"open files"}),
        (a_life(30, 5.0, 5.0), set()),
    ],
)
def test_a_process_that_lived_long_and_grew_is_seen(life: Life, kinds: set[str]) -> None:
    report = Report(seed=0)
    report.lives[1] = life
    judge_lives(report)
    assert {what.split(",")[0] for kind, what in report.broken if kind is Kind.GROWN} == kinds


def test_what_was_done_late_is_seen_and_the_time_of_a_fault_does_not_count() -> None:
    world = a_world(Target(seed=0, faults=0.0))
    timely(world, "in time", 9.0, 41.0)
    assert world.report.passed
    timely(world, "late", 9.0, 41.0 + LATE_S)
    assert kinds(world) == {Kind.LATE: 1}
    assert world.report.waits_s == [2.0, 2.0 + LATE_S]


def test_a_lane_that_was_done_out_of_order_with_a_gap_or_twice_is_seen() -> None:
    numbers = {"k1": "1", "k3": "3", "k2": "2", "k2b": "2"}
    target = target_that_did({key: {"lane": "lane-0", "number": n} for key, n in numbers.items()})
    book = book_of([], [firing(key, "e", sensor="lanes") for key in numbers])
    load, world = Ordered(seed=0), a_world(target)
    load.lanes.at = {("lane-0", n): 0.0 for n in (1, 2, 3, 4)}
    load.judge(world, book)
    said = "\n".join(what for _, what in world.report.broken)
    assert "lane-0: 2 was done after 3" in said
    assert "lane-0: 4 was acknowledged and not done" in said
    assert "lane-0: [2] were done under two keys" in said


def test_pairs_that_were_mixed_up_fired_twice_or_never_are_seen() -> None:
    def pair(key: str, left: int, right: int) -> Any:
        ids = [f"00000000-0000-0000-0000-{n:012x}" for n in (left, right)]
        return firing(key, *ids, sensor="pairs", sides=("left-side", "right-side"))

    target = target_that_did({"k1": {"number": "1", "other": "1"}})
    load, world = Pairs(0), a_world(target)
    load._at = dict.fromkeys((1, 2, 3), 0.0)
    load.judge(world, book_of([], [pair("k1", 1, 1), pair("k1b", 1, 1), pair("k2", 2, 3)]))
    said = "\n".join(what for _, what in world.report.broken)
    assert "pair 1 fired twice: k1, k1b" in said
    assert "firing k2 pairs a2 with b3" in said
    assert "pair 3 never fired" in said


def test_a_push_that_was_done_by_a_broken_or_an_older_revision_twice_or_never_is_seen() -> None:
    said = {"k1": ("1", "5"), "k2": ("2", "4"), "k3": ("3", "6")}
    target = target_that_did({key: {"number": n, "revision": revision} for key, (n, revision) in said.items()})
    load, world = Edits(0), a_world(target)
    load._good = {0, 4, 5}
    load._at = dict.fromkeys((1, 2, 3, 4), 0.0)
    numbers = {"k1": 1, "k1b": 1, "k2": 2, "k3": 3}
    log = [("edited", edited_id(n)) for n in (4, 3, 2, 1)]
    load.judge(world, book_of(log, [firing(key, edited_id(n), sensor="edited") for key, n in numbers.items()][::-1]))
    said_of_it = "\n".join(f"{kind}: {what}" for kind, what in world.report.broken)
    assert "doubled: edited push 1 fired twice" in said_of_it
    assert "otherwise wrong: edited push 3 was done by revision 6, which is broken" in said_of_it
    assert "lost: edited push 4 was acknowledged and not done" in said_of_it
    assert "out of order: push 2 was done by revision 4, 1 before it in the log by 5" in said_of_it


def test_a_record_that_the_broker_acknowledged_and_the_journal_does_not_have_is_lost() -> None:
    load, world = Records(0), a_world(Target(seed=0, faults=0.0))
    load._ids = {"topic:records:b:t:0:1": "record-lane-0/1", "topic:records:b:t:0:2": "record-lane-0/2"}
    load.lanes.at = {("record-lane-0", 1): 0.0}
    load.judge(world, book_of([("topic", "topic:records:b:t:0:1")], []))
    said = [what for kind, what in world.report.broken if kind is Kind.LOST]
    assert said == [
        "record-lane-0/2 was acknowledged by the broker, and the journal has no topic:records:b:t:0:2",
        "record-lane-0: 1 was acknowledged and not done",
    ]


def test_a_chain_that_broke_or_went_on_twice_is_seen() -> None:
    builds = [firing(key, id_, sensor="build") for key, id_ in (("b1", "d1"), ("b1b", "d1"), ("b2", "d2"), ("b3", "d3"))]
    target = target_that_did({"r1": {"before": "b1b"}, "r2": {"before": "b2"}, "r2b": {"before": "b2"}})
    load, world = Chains(0), a_world(target)
    load.at = dict.fromkeys(("d1", "d2", "d3", "d4"), 0.0)
    load.judge(world, book_of([], builds + [firing(key, "e", sensor="release") for key in ("r1", "r2", "r2b")]))
    said = "\n".join(f"{kind}: {what}" for kind, what in world.report.broken)
    assert "doubled: delivery d1 was built 2 times" in said
    assert "doubled: build b2 was released 2 times" in said
    assert "lost: build b3 of delivery d3 was never released" in said
    assert "lost: delivery d4 was acknowledged and never built" in said


def test_a_replay_that_is_gone_there_twice_or_not_whole_is_seen() -> None:
    def fired(replay: int, *positions: int) -> list[Any]:
        keys = [f"k{replay}-{n}" for n in positions]
        return [
            {**firing(key, "e", sensor="past"), "replay": replay, "causes": [{"id": "e", "position": position}]}
            for key, position in zip(keys, positions, strict=True)
        ]

    firings = [*fired(0, 1, 2, 3), *fired(1, 1, 2, 2), *fired(2, 1, 2, 3)]
    target = target_that_did({one["id"]: {"number": "1"} for one in firings if one["id"] != "k2-3"})
    load, world = Replays(0), a_world(target)
    load.asked = ["replay-1", "replay-2", "replay-3"]
    ended = {"first": 1, "last": 3, "state": "done", "problem": None}
    load._found = [
        ended | {"number": 1, "name": "replay-1"},
        ended | {"number": 2, "name": "replay-2", "last": 2},
        {"number": 3, "name": "replay-2", "first": 1, "last": 0, "state": "failed", "problem": "why"},
    ]
    events = [{"source": "past", "name": "n", "id": "e", "position": position} for position in (1, 2, 3)]
    load.judge(world, Book(events=events, firings=firings[::-1]))
    said = "\n".join(f"{kind}: {what}" for kind, what in world.report.broken)
    assert "doubled: replay-2 is there 2 times" in said
    assert "lost: replay-3 is there 0 times" in said
    assert "lost: replay 1 fired nothing for the events at [3], 1 in all" in said
    assert "doubled: replay 1 fired more than once for the events at [2]" in said
    assert "otherwise wrong: replay 2 fired for the events at [3], which it does not cover" in said
    assert "otherwise wrong: replay 3 is failed: why" in said
    assert "lost: firing k2-3 of replay 2 never acted" in said
