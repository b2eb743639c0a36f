"""Log lines that strangers can provoke: one for each key in a while, however many keys they make up."""

import pytest

from sources import throttle
from sources.throttle import Throttle


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(throttle, "monotonic", made)
    return made


def test_a_line_is_admitted_once_in_a_while_and_says_how_many_were_not(time: Time) -> None:
    throttle = Throttle(every_s=60.0)
    assert [throttle.admits("a") for _ in range(4)] == [0, None, None, None]
    assert throttle.admits("b") == 0
    time.now += 60.0
    assert throttle.admits("a") == 3
    assert throttle.admits("a") is None


def test_new_keys_are_admitted_again_once_old_ones_are_over(time: Time) -> None:
    throttle = Throttle(every_s=60.0, most_keys=3)
    assert [throttle.admits(key) for key in "abcdef"] == [0, 0, 0, None, None, None]
    assert throttle.admits("a") is None
    time.now += 60.0
    assert throttle.admits("g") == 4, "those of the others, and of the key that was forgotten"
    assert throttle.admits("a") == 0


def test_keys_that_are_made_up_take_no_memory(time: Time) -> None:
    throttle = Throttle(every_s=60.0, most_keys=3)
    for n in range(1000):
        throttle.admits(str(n))
        time.now += 1.0
    assert len(throttle._until) <= 3
    assert len(throttle._held) <= 3
