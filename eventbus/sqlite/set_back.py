"""What becomes of due times where the clock on the wall is set back: they go back with it.

They do so in the transaction that is the first to know the new time: whatever else tells that time, an event that was received or
a firing that was decided, is never there without them.
"""

from eventbus.sqlite.lanes import HELD
from eventbus.sqlite.store import CLOCK, Store
from eventbus.sqlite.work import Asked

KEPT_US = 1_000_000
"""What the clock says is stored this often, so that the next process knows what this one took for the time."""
MOVE = "UPDATE firings SET due_us = max(?, due_us - ?) WHERE due_us IS NOT NULL AND due_us > ? AND due_us < ?"


def keep_time(store: Store) -> None:
    """Begin a transaction: what is due later than now moves by as much as the clock was set back, but not into the past."""
    clock = store.clock
    now_us = clock()
    if (back_us := clock.back_us(now_us)) > 0:
        store.execute(MOVE, (now_us, back_us, now_us, HELD))
        clock.begin_again(now_us)
    elif now_us - clock.kept_us < KEPT_US:
        return
    store.set_total(CLOCK, now_us)
    clock.kept_us = now_us


class TimeKept(Asked[None]):
    """Nothing but the transaction, and with it the time."""

    def write(self, store: Store) -> None:
        """See `Work.write`."""

    def settle(self) -> None:
        """See `Work.settle`."""
        self.answer(None)
