"""How far apart commits are: while the loop has no time to spare, they wait for company.

A commit costs some 130 µs of CPU, and as much again for its sync and for waking the loop, whatever it holds. A loop that is idle
in between gains nothing by waiting, and its senders lose; one that is always busy spends what it saves on their next requests.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time_ns

LOOK_S = 0.01
"""Seconds over which it is judged whether the loop is busy."""
BUSY = 0.9
"""Part of the time from which on it is."""
_SPENT = Path("/proc/thread-self/schedstat")


def spent_ns() -> int:
    """Nanoseconds that this thread has run or, where the system tells, wanted to run and waited for a processor."""
    try:
        ran, waited, _ = _SPENT.read_bytes().split()
    except (OSError, ValueError):  # another system than Linux, or one that does not count
        return thread_time_ns()
    return int(ran) + int(waited)


class Pace:
    """Tells when the next commit may begin. Use from the thread of the loop."""

    def __init__(self, gather_s: float, spent_ns: Callable[[], int], clock: Callable[[], float] = perf_counter) -> None:
        """`gather_s`: seconds between the starts of two commits of a busy loop."""
        self._gather_s, self._spent_ns, self._clock = gather_s, spent_ns, clock
        self._began = self._looked = clock()
        self._spent = spent_ns()
        self._busy = False

    def began(self) -> None:
        """A commit begins."""
        self._began = now = self._clock()
        took_s = now - self._looked
        if took_s >= LOOK_S:
            spent = self._spent_ns()
            self._busy = spent - self._spent >= BUSY * took_s * 1e9
            self._looked, self._spent = now, spent

    def left_s(self) -> float:
        """Seconds until the next commit may begin; not positive where it may at once."""
        return self._began + self._gather_s - self._clock() if self._busy else 0.0
