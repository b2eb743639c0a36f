import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.objects import RateLimit, TocsinTriggerHead, TriggerHead
from sensors.limits import SAVED_SLOTS, UNDECLARED, ActingLimits, Pace, TriggerLimits, pace_of, share


def starts(pace: Pace, arrivals: list[float]) -> list[float]:
    """When attempts start that are wanted at `arrivals`, each as soon as the pace allows."""
    times: list[float] = []
    now = 0.0
    for wanted in arrivals:
        now = max(now, wanted)
        while (at := pace.free_at(now)) > now:
            now = at
        pace.take(now)
        times.append(now)
    return times


GAPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 3)), max_size=80)


@given(per_unit=st.integers(1, 40), gaps=GAPS)
def test_no_stretch_of_one_unit_holds_more_than_the_bound(per_unit: int, gaps: list[float]) -> None:
    arrivals = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    times = starts(Pace(RateLimit(requests_per_unit=per_unit), 0.0), arrivals)
    for at in times:
        assert sum(at <= other < at + 0.999999 for other in times) <= per_unit


def test_a_backlog_is_spaced_evenly_from_the_start() -> None:
    times = starts(Pace(RateLimit(requests_per_unit=4), 0.0), [0.0] * 6)
    assert times == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, 1.25])


def test_an_idle_time_saves_up_ten_slots_and_not_more() -> None:
    times = starts(Pace(RateLimit(requests_per_unit=100), 0.0), [0.0] + [60.0] * 20)
    assert sum(time == 60.0 for time in times) == SAVED_SLOTS + 1
    assert times[-1] == pytest.approx(60.0 + 9 * 0.01)


def test_a_slow_limit_lets_one_through_after_idling_not_ten() -> None:
    times = starts(Pace(RateLimit(unit="Minute", requests_per_unit=1), 0.0), [0.0, 3600.0, 3600.0, 3600.0])
    assert times == [0.0, 3600.0, 3660.0, 3720.0]


@pytest.mark.parametrize(("unit", "spacing_s"), [("Second", 0.5), ("Minute", 30.0), ("Hour", 1800.0), ("Fortnight", 0.5)])
def test_units_as_upstream_names_them_and_seconds_for_any_other(unit: str, spacing_s: float) -> None:
    assert starts(Pace(RateLimit(unit=unit, requests_per_unit=2), 0.0), [0.0, 0.0])[1] == spacing_s


@pytest.mark.parametrize("rate", [0, -5])
def test_a_rate_of_zero_or_less_is_read_as_one(rate: int) -> None:
    assert starts(Pace(RateLimit(requests_per_unit=rate), 0.0), [0.0, 0.0]) == [0.0, 1.0]


def test_without_a_rate_limit_there_is_no_pace() -> None:
    assert pace_of(TriggerLimits.of(TriggerHead()), 0.0) is None
    assert pace_of(UNDECLARED, 0.0) is None


def test_concurrency_is_the_triggers_own_or_its_kinds_or_the_services() -> None:
    limits, ours, theirs = ActingLimits(running_per_trigger=7), TocsinTriggerHead(), TriggerHead()
    assert limits.concurrency(TriggerLimits.of(TocsinTriggerHead(concurrency=3), 9)) == 3
    assert [limits.concurrency(TriggerLimits.of(head, 9)) for head in (ours, theirs)] == [9, 9]
    assert [limits.concurrency(own) for own in (TriggerLimits.of(ours), TriggerLimits.of(theirs), UNDECLARED)] == [7, 7, 7]


@given(limit=st.integers(1, 300), total=st.integers(1, 300), hungry=st.integers(1, 299))
def test_however_many_hang_a_place_is_left_while_there_are_fewer_of_them_than_places(limit: int, total: int, hungry: int) -> None:
    held = [0] * hungry
    grew = True
    while grew:
        grew = False
        for n, running in enumerate(held):
            free = total - sum(held)
            if free and running < share(limit, free=free):
                held[n] += 1
                grew = True
    assert sum(held) <= total
    assert max(held) <= limit
    if hungry < total:
        assert sum(held) < total
