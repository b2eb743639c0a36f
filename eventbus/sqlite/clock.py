"""The clock on the wall, and whether it was set back."""

from collections.abc import Callable

STEP_BACK_US = 1_000_000
"""A clock that steps back by less than this is taken to have stood still."""


class WatchedClock:
    """A wall clock that remembers the latest time it said. Ask it about every second: what passed unwatched is not known.

    A step forward changes nothing: a machine that was suspended wakes with one, and then what has come due is due.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._latest_us = 0
        self.kept_us = 0
        """What of it was stored last."""
        self.steps = 0
        """How often it began again."""

    def __call__(self) -> int:
        """Microseconds since 1970 UTC."""
        now_us = self._now_us()
        self._latest_us = max(self._latest_us, now_us)
        return now_us

    def ahead_us(self, time_us: int) -> int:
        """By how much `time_us`, which was now once, is later than now; 0 where the clock was not set back since."""
        ahead_us = time_us - self()
        return ahead_us if ahead_us >= STEP_BACK_US else 0

    def back_us(self, now_us: int) -> int:
        """By how much it was set back, where it says `now_us`; 0 where it was not."""
        back_us = self._latest_us - now_us
        return back_us if back_us >= STEP_BACK_US else 0

    def begin_again(self, now_us: int) -> None:
        """It was set back to `now_us`, and that is taken into account."""
        self._latest_us = now_us
        self.steps += 1

    def restore(self, kept_us: int) -> None:
        """Go on with what the store knows: `kept_us`, by this process or an earlier one. What was begun again may be lost."""
        self.kept_us = kept_us
        self._latest_us = max(self._latest_us, kept_us)
