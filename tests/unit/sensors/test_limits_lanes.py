"""Who may start, told on a clock that the test moves."""

from collections import deque

from eventbus.firing import Firing, FiringId, Taken, TriggerRef
from manifests.objects import RateLimit
from sensors.lanes import GIVE_BACK_S, Lane, Lanes
from sensors.limits import UNDECLARED, ActingLimits, TriggerLimits

A, B = TriggerRef("default", "shop", "a"), TriggerRef("default", "shop", "b")


def taken(ref: TriggerRef, n: int) -> Taken:
    firing = Firing(id=FiringId(f"{ref.trigger}{n}"), trigger=ref, revision="r", causes=(), decided_us=0)
    return Taken(firing=firing, attempt=1, request=None)


def put(lanes: Lanes, ref: TriggerRef, count: int, own: TriggerLimits = UNDECLARED, now: float = 0.0) -> None:
    for n in range(count):
        lanes.put(taken(ref, n), own, now)


def test_a_trigger_starts_no_more_than_its_concurrency() -> None:
    lanes = Lanes(ActingLimits())
    put(lanes, A, 10, TriggerLimits(concurrency=3))
    starting, _ = lanes.start(0.0)
    assert [one.firing.id for _, one in starting] == ["a0", "a1", "a2"]
    assert lanes.start(0.0)[0] == []
    lanes.ended(starting[0][0], pause_s=0.0, now=0.0)
    assert [one.firing.id for _, one in lanes.start(0.0)[0]] == ["a3"]


def test_only_so_many_start_at_once_and_triggers_take_turns_for_them() -> None:
    lanes = Lanes(ActingLimits())
    put(lanes, A, 10)
    put(lanes, B, 2)
    begun = [[one.firing.id for _, one in lanes.start(0.0, at_most=4)[0]] for _ in range(3)]
    assert begun == [["a0", "b0", "a1", "b1"], ["a2", "a3", "a4", "a5"], ["a6", "a7", "a8", "a9"]]


def test_a_trigger_is_full_while_it_holds_its_share_and_eased_when_half_is_gone() -> None:
    lanes = Lanes(ActingLimits())
    own = TriggerLimits(concurrency=4)
    put(lanes, A, 8, own)
    (lane, _), *_ = lanes.start(0.0)[0]
    assert lanes.full == {A}
    lanes.eased = False
    lanes.ended(lane, pause_s=0.0, now=0.0)
    lanes.start(0.0)
    assert lanes.full == {A}
    lanes.ended(lane, pause_s=0.0, now=0.0)
    lanes.start(0.0)
    assert lanes.full == set()
    assert lanes.eased


def test_all_places_are_shared_so_that_a_newcomer_finds_one() -> None:
    lanes = Lanes(ActingLimits(running=8, running_per_trigger=8))
    put(lanes, A, 20)
    assert len(lanes.start(0.0)[0]) == 4
    put(lanes, B, 20)
    assert len(lanes.start(0.0)[0]) == 2
    assert lanes.running == 6


def test_a_rate_limited_trigger_waits_for_its_time_and_says_when() -> None:
    lanes = Lanes(ActingLimits())
    put(lanes, A, 3, TriggerLimits(rate=RateLimit(requests_per_unit=2)))
    assert len(lanes.start(0.0)[0]) == 1
    assert lanes.next_at() == 0.5
    assert lanes.start(0.4)[0] == []
    assert len(lanes.start(0.5)[0]) == 1


def test_a_pause_that_the_target_asked_for_holds_all_of_its_trigger_and_no_other() -> None:
    lanes = Lanes(ActingLimits(running_per_trigger=1))
    put(lanes, A, 3)
    put(lanes, B, 3)
    by_ref = {lane.ref: lane for lane, _ in lanes.start(0.0)[0]}
    lanes.ended(by_ref[A], pause_s=10.0, now=0.0)
    lanes.ended(by_ref[B], pause_s=0.0, now=0.0)
    assert [lane.ref for lane, _ in lanes.start(0.1)[0]] == [B]
    assert lanes.next_at() == 10.0
    assert [lane.ref for lane, _ in lanes.start(10.0)[0]] == [A]


def test_what_would_wait_long_is_given_back_and_no_more_is_taken_until_its_time() -> None:
    lanes = Lanes(ActingLimits())
    own = TriggerLimits(rate=RateLimit(unit="Hour", requests_per_unit=1))
    put(lanes, A, 3, own)
    starting, (back,) = lanes.start(0.0)
    assert [one.firing.id for _, one in starting] == ["a0"]
    assert (back.firings, back.due_in_s) == (["a1", "a2"], 3600.0)
    assert back.due_in_s > GIVE_BACK_S
    assert (lanes.full, lanes.waiting) == ({A}, 0)
    lanes.eased = False
    lanes.start(3600.0)
    assert (lanes.full, lanes.eased) == (set(), True)


def test_an_edited_declaration_counts_from_the_next_firing_on() -> None:
    lanes = Lanes(ActingLimits())
    put(lanes, A, 4, TriggerLimits(concurrency=1))
    assert len(lanes.start(0.0)[0]) == 1
    lanes.put(taken(A, 9), TriggerLimits(concurrency=3), 0.0)
    assert len(lanes.start(0.0)[0]) == 2


def test_an_edit_of_something_else_does_not_forget_the_rate_that_was_used() -> None:
    lanes = Lanes(ActingLimits())
    limit = RateLimit(requests_per_unit=1)
    put(lanes, A, 1, TriggerLimits(rate=limit))
    assert len(lanes.start(0.0)[0]) == 1
    lanes.put(taken(A, 9), TriggerLimits(rate=limit, concurrency=5), 0.1)
    assert lanes.start(0.1)[0] == []


def test_emptying_lets_go_of_what_waits_and_not_of_what_runs() -> None:
    lanes = Lanes(ActingLimits(running_per_trigger=1))
    put(lanes, A, 3)
    lanes.start(0.0)
    assert lanes.empty() == ["a1", "a2"]
    assert (lanes.waiting, lanes.running) == (0, 1)


def test_who_has_least_under_way_starts_next_and_equals_take_turns() -> None:
    lanes = Lanes(ActingLimits(running=8, running_per_trigger=8))
    refs = [TriggerRef("default", "shop", name) for name in "abc"]
    for ref in refs:
        put(lanes, ref, 9)
    starting, _ = lanes.start(0.0)
    assert [one.firing.id for _, one in starting] == ["a0", "b0", "c0", "a1", "b1", "c1"]
    lanes.ended(starting[1][0], pause_s=0.0, now=0.0)
    lanes.ended(starting[4][0], pause_s=0.0, now=0.0)
    assert [one.firing.id for _, one in lanes.start(0.0)[0]] == ["b2", "b3"]


def test_a_place_that_is_free_is_given_away_without_asking_everyone() -> None:
    lanes = Lanes(ActingLimits(running=64))
    refs = [TriggerRef("default", f"s{n}", "t") for n in range(2000)]
    for ref in refs:
        put(lanes, ref, 2)
    running = deque(lanes.start(0.0)[0])
    assert len(running) == 64
    asked = 0

    class Counted(Lane):
        __slots__ = ()

        def free_at(self, now: float) -> float:
            nonlocal asked
            asked += 1
            return super().free_at(now)

    for lane in lanes._lanes.values():
        lane.__class__ = Counted
    seen = {one.firing.trigger for _, one in running}
    for _ in range(1936):
        lanes.ended(running.popleft()[0], pause_s=0.0, now=0.0)
        running += lanes.start(0.0)[0]
        seen.add(running[-1][1].firing.trigger)
    assert len(running) == 64
    assert seen == set(refs), "everyone had a turn before anyone had a second"
    assert asked == 1936
