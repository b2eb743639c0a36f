from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields import Backoff
from manifests.objects import Dialect, TocsinTriggerHead, TriggerHead
from sensors.retry import MAX_DELAY_S, ONCE, RetryPolicy, retry_policy

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(first=ANY, factor=ANY, jitter=ANY, attempt=st.integers(1, 10**6), after=st.none() | st.floats(0, 1e12))
def test_a_delay_is_never_below_zero_nor_above_the_cap(
    first: float, factor: float, jitter: float, attempt: int, after: float | None
) -> None:
    policy = RetryPolicy(attempts=attempt + 1, first_s=first, factor=factor, jitter=jitter)
    delay = policy.delay_s("f", attempt, retry_after_s=after)
    assert delay is not None
    assert 0 <= delay <= MAX_DELAY_S
    assert delay >= min(after or 0.0, MAX_DELAY_S)


def test_no_delay_is_longer_than_an_hour_whoever_asks_for_it() -> None:
    slow = RetryPolicy(attempts=9, first_s=86_400.0)
    assert slow.delay_s("a", 1) == 3600.0
    assert RetryPolicy().delay_s("a", 1, retry_after_s=86_400.0) == 3600.0


@given(attempts=st.integers(1, 50), beyond=st.integers(0, 50))
def test_no_attempt_follows_the_last(attempts: int, beyond: int) -> None:
    assert RetryPolicy(attempts=attempts).delay_s("f", attempts + beyond) is None


@given(st.text(), st.integers(1, 4))
def test_jitter_adds_up_to_its_share_and_is_the_same_every_time(firing: str, attempt: int) -> None:
    policy = RetryPolicy(attempts=5, first_s=2.0, factor=3.0, jitter=0.5)
    delay = policy.delay_s(firing, attempt)
    base = 2.0 * 3.0 ** (attempt - 1)
    assert delay is not None
    assert base <= delay < base * 1.5
    assert policy.delay_s(firing, attempt) == delay


def test_many_firings_that_failed_together_do_not_come_back_together() -> None:
    policy = RetryPolicy(attempts=2, first_s=10.0, jitter=1.0)
    delays = [policy.delay_s(str(n), 1) or 0.0 for n in range(1000)]
    assert min(delays) < 10.5
    assert max(delays) > 19.5


def test_steps_are_attempts_in_all_and_none_means_five() -> None:
    assert RetryPolicy.of(Backoff()).attempts == 5
    assert RetryPolicy.of(Backoff(steps=4, duration=timedelta(seconds=2), factor=2.0, jitter=0.0)) == RetryPolicy(
        attempts=4, first_s=2.0, factor=2.0, jitter=0.0
    )


@pytest.mark.parametrize(
    ("head", "dialect", "attempts"),
    [
        (TriggerHead(), Dialect.ARGO, 1),
        (TriggerHead(at_least_once=True), Dialect.ARGO, 1),
        (TriggerHead(retry_strategy=Backoff()), Dialect.ARGO, 5),
        (TriggerHead(retry_strategy=Backoff(steps=3), at_least_once=False), Dialect.ARGO, 3),
        (TocsinTriggerHead(), Dialect.TOCSIN, 5),
        (TocsinTriggerHead(at_least_once=True), Dialect.TOCSIN, 5),
        (TocsinTriggerHead(at_least_once=False), Dialect.TOCSIN, 1),
        (TocsinTriggerHead(retry_strategy=Backoff(steps=2)), Dialect.TOCSIN, 2),
    ],
)
def test_how_often_a_trigger_is_tried(head: TriggerHead, dialect: Dialect, attempts: int) -> None:
    assert retry_policy(head, dialect).attempts == attempts


def test_one_attempt_is_the_last() -> None:
    assert ONCE.delay_s("f", 1, retry_after_s=5.0) is None
