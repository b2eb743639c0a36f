"""When the next commit may begin."""

import threading
import time

import pytest

from eventbus.sqlite.pace import LOOK_S, Pace, spent_ns


class Machine:
    """A clock, and a loop that is busy for a part of the time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.spent = 0.0
        self.pace = Pace(0.003, lambda: int(self.spent * 1e9), lambda: self.now)

    def runs(self, seconds: float, busy: float) -> None:
        self.now += seconds
        self.spent += busy * seconds

    def commits(self) -> float:
        self.pace.began()
        return self.pace.left_s()


@pytest.mark.parametrize(("busy", "left_s"), [(0.0, 0.0), (0.85, 0.0), (0.95, 0.003), (1.0, 0.003)])
def test_only_a_busy_loop_waits_for_company(busy: float, left_s: float) -> None:
    machine = Machine()
    machine.runs(LOOK_S, busy)
    assert machine.commits() == pytest.approx(left_s)


def test_it_waits_no_longer_than_until_the_time_is_up_since_the_last_commit_began() -> None:
    machine = Machine()
    machine.runs(LOOK_S, 1.0)
    machine.commits()
    machine.runs(0.001, 1.0)
    assert machine.pace.left_s() == pytest.approx(0.002)
    machine.runs(0.002, 1.0)
    assert machine.pace.left_s() <= 1e-9


def test_a_loop_that_has_time_again_waits_no_more() -> None:
    machine = Machine()
    machine.runs(LOOK_S, 1.0)
    machine.commits()
    machine.runs(LOOK_S, 0.5)
    assert machine.commits() == 0.0


def test_a_moment_says_nothing_about_how_busy_the_loop_is() -> None:
    machine = Machine()
    machine.runs(LOOK_S / 4, 1.0)
    assert machine.commits() == 0.0


def test_what_the_thread_has_spent_grows_while_it_works_and_is_not_what_others_spend() -> None:
    def work() -> None:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass

    before = spent_ns()
    work()
    mine = spent_ns() - before
    assert mine >= 40_000_000
    other = threading.Thread(target=work)
    before = spent_ns()
    other.start()
    other.join()
    assert spent_ns() - before < mine
