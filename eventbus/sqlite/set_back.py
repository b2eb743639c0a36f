"""What becomes of due times where the clock on the wall is set back: they go back with it."""

from collections.abc import Callable

from eventbus.sqlite.lanes import HELD, Lanes
from eventbus.sqlite.store import Store
from eventbus.sqlite.window import STEP_BACK_US
from eventbus.sqlite.work import Asked

MOVE = "UPDATE firings SET due_us = max(?, due_us - ?) WHERE due_us IS NOT NULL AND due_us > ? AND due_us < ?"


class WatchedClock:
    """A wall clock that remembers how far it was set back. Ask it about every second: what passed unwatched is not counted.

    A step forward changes nothing: a machine that was suspended wakes with one, and then what has come due is due.
    """

    def __init__(self, now_us: Callable[[], int], latest_us: int) -> None:
        """`latest_us`: what the clock has said before, in an earlier process perhaps."""
        self._now_us = now_us
        self._latest_us = latest_us
        self.back_us = 0
        """Set back by so much; whoever acts on it sets it to 0."""

    def __call__(self) -> int:
        """Microseconds since 1970 UTC."""
        now_us = self._now_us()
        if now_us > self._latest_us:
            self._latest_us = now_us
        elif self._latest_us - now_us >= STEP_BACK_US:
            self.back_us += self._latest_us - now_us
            self._latest_us = now_us
        return now_us


class SetBack(Asked[None]):
    """Moves what is due later than now by as much as the clock was set back, but not into the past."""

    def __init__(self, lanes: Lanes, now_us: int, back_us: int) -> None:
        super().__init__()
        self._lanes = lanes
        self._now_us = now_us
        self._back_us = back_us

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        store.execute(MOVE, (self._now_us, self._back_us, self._now_us, HELD))

    def settle(self) -> None:
        """See `Work.settle`."""
        self._lanes.reload()
        self.answer(None)
