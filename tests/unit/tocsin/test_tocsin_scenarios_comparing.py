"""Which firing is the expected one, and how another differs."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.scenario_fields import ExpectedFiring
from tocsin.scenarios.comparing import ABSENT, differences
from tocsin.scenarios.matching import match
from tocsin.scenarios.seen import Seen, span

START_US = 1_767_614_400_000_000


def seen(*events: str, trigger: str = "s/t", request: Any = None, at_us: int = 0, **more: Any) -> Seen:
    made = {"outcome": "succeeded", "reason": "", "ended_us": 0, "attempts": (), "tried_us": ()} | more
    return Seen(trigger=trigger, events=tuple(sorted(events)), at_us=at_us, request=request, **made)


def expected(**fields: Any) -> ExpectedFiring:
    return ExpectedFiring.model_validate({"trigger": "s/t"} | fields)


@pytest.mark.parametrize(
    ("wanted", "found", "paths"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, []),
        ({"a": 1}, {"a": True}, ["request.a"]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": "1"}, {"a": 1}, ["request.a"]),
        ({"a": None}, {}, ["request.a"]),
        ({"a": None}, {"a": None}, []),
        ({"a": [1]}, {"a": [1, 2]}, ["request.a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, []),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 3}, 4]}, ["request.a[0].b", "request.a[1]"]),
        ({"a.b": 1}, {"a.b": 2}, ["request['a.b']"]),
        ({"a": {}}, {"a": []}, ["request.a"]),
        ({"a": 1}, None, ["request"]),
        (None, None, []),
    ],
)
def test_a_request_is_compared_part_by_part(wanted: Any, found: Any, paths: list[str]) -> None:
    assert [one.path for one in differences(expected(request=wanted), seen(request=found), START_US)] == paths


def test_exactly_finds_what_is_there_besides_at_any_depth() -> None:
    found = differences(expected(request={"a": {"b": 1}}, exactly=True), seen(request={"a": {"b": 1, "c": 2}, "d": 3}), START_US)
    assert sorted(found) == [("request.a.c", ABSENT, 2), ("request.d", ABSENT, 3)]


def test_times_may_be_off_by_what_is_said() -> None:
    def off(**fields: Any) -> list[str]:
        return [one.path for one in differences(expected(**fields), seen(at_us=60_009_000, tried_us=(1, 2_000_000)), START_US)]

    assert off(at="1m") == []
    assert off(at="1m", within="8ms") == ["at"]
    assert off(at="2026-01-05T12:01:00Z") == []
    assert off(at="2026-01-05T13:01:01Z", within="1h") == ["at"]
    assert off(tried=["0s", "2s"]) == []
    assert off(tried=["0s"]) == ["tried"]
    assert off(ended="1s") == ["ended"]


@given(st.lists(st.sets(st.sampled_from("abcd"), max_size=2), max_size=4), st.lists(st.sampled_from("abcd"), max_size=4))
def test_as_many_are_paired_as_can_be(wanted: list[set[str]], found: list[str]) -> None:
    """Each expected firing takes any event of its set: `events` left out takes all, one named takes that."""
    expectations = [expected(events=sorted(one)) if len(one) == 1 else expected() for one in wanted]
    came = [seen(event) for event in found]

    def fits(one: ExpectedFiring, other: Seen) -> bool:
        return one.events is None or tuple(one.events) == other.events

    padded = [*came, *[None] * len(expectations)]
    best = max(
        sum(other is not None and fits(one, other) for one, other in zip(expectations, order, strict=False))
        for order in permutations(padded, len(expectations))
    )
    result = match(expectations, came, START_US)
    assert len(expectations) - len(result.missing) == best
    paired_or_near = len(expectations) - sum(one.nearest is None for one in result.missing)
    assert len(result.others) == len(came) - paired_or_near


def test_the_nearest_is_the_one_of_the_same_events_even_if_it_differs_more() -> None:
    wanted = expected(events=["a"], outcome="skipped", attempts=3)
    near, far = seen("a"), seen("b", outcome="skipped")
    (missing,) = match([wanted], [far, near], START_US).missing
    assert missing.nearest is near
    assert [one.path for one in missing.differences] == ["outcome", "attempts"]
    assert match([wanted], [seen("a", trigger="s/other")], START_US).missing[0].nearest is None


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0s"),
        (1, "0s"),
        (500_000, "0.5s"),
        (60_000_000, "1m"),
        (5_400_000_000, "1h30m"),
        (-1_500_000, "-1.5s"),
        (59_999_600, "1m"),
    ],
)
def test_a_duration_is_written_as_one_writes_it(us: int, text: str) -> None:
    assert span(us) == text
