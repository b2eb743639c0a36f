"""How long a trigger of a cluster may wait for labels."""

from datetime import timedelta

import pytest

from manifests.fields import Backoff
from manifests.objects import K8sPolicy
from sensors.retry import MAX_DELAY_S
from sensors.triggers.k8s.waiting import LabelPolicy


def longest_s(*, seconds: float = 1.0, **backoff: float) -> float:
    made = Backoff(duration=timedelta(seconds=seconds), **backoff)  # type: ignore[arg-type]
    return LabelPolicy(K8sPolicy(labels={"done": "yes"}, backoff=made)).longest_s


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        ({"steps": 1, "jitter": 0.0}, 0.0),
        ({"steps": 4, "jitter": 0.0}, 3.0),
        ({"steps": 4, "factor": 2.0, "jitter": 0.0}, 1.0 + 2.0 + 4.0),
        ({"steps": 4, "factor": 2.0, "jitter": 0.5}, 1.5 * 7.0),
        ({}, 2 * 4.0),
    ],
)
def test_the_times_between_looks_are_added_up(backoff: dict[str, float], expected: float) -> None:
    assert longest_s(**backoff) == pytest.approx(expected)


def test_a_thousand_million_looks_are_bounded_without_adding_them_up() -> None:
    steps = 1_000_000_000
    assert longest_s(steps=steps, jitter=0.0) == pytest.approx(steps - 1)
    assert longest_s(steps=steps, factor=2.0, jitter=0.0) <= steps * MAX_DELAY_S
    assert longest_s(steps=steps, factor=0.5, jitter=0.0) == pytest.approx(2.0)
