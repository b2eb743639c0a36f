"""From when on a repeat is a repeat, and where in the log a time is."""

from collections.abc import Callable
from typing import Any

from eventbus.sqlite.removing import KNOWN
from eventbus.sqlite.store import Store

Ask = Callable[..., list[Any]]
"""`Store.ask`."""
UNSET = -1
NEXT = f"SELECT position, received_us FROM {KNOWN} WHERE position >= ? ORDER BY position LIMIT 1"  # noqa: S608
FIRST_MARK = "SELECT position, received_us FROM marks WHERE received_us >= ? ORDER BY position LIMIT 1"
MARK_BEFORE = "SELECT coalesce(max(position), 0) FROM marks WHERE position < ?"


class Window:
    """The first position whose event still counts for dedupe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._window_us = int(store.options.dedupe_window_s * 1e6)
        self._floor = 0
        self._valid_until_us = UNSET

    def floor(self, now_us: int) -> int:
        """Events from this position on are inside the window."""
        if now_us > self._valid_until_us:
            ask, since_us = self._store.ask, now_us - self._window_us
            last = self._store.last_position
            known = ask(NEXT, (first_at(ask, since_us, last),))
            self._floor = known[0][0] if known else last + 1
            # Of what is off the record only some times are known.
            marks = ask(FIRST_MARK, (since_us,))
            if marks:
                self._floor = min(self._floor, ask(MARK_BEFORE, (marks[0][0],))[0][0] + 1)
            first = min([*marks, *known], default=(0, since_us))
            self._valid_until_us = first[1] + self._window_us
        return self._floor

    def forget(self) -> None:
        """Look again: the log may have lost its end."""
        self._valid_until_us = UNSET


def first_at(ask: Ask, time_us: int, last: int) -> int:
    """The first position received at or after `time_us` in any epoch of the clock, or `last + 1`."""
    return min([first for first, final in span(ask, time_us, None, last) if first <= final], default=last + 1)


def span(ask: Ask, after_us: int | None, before_us: int | None, last: int) -> list[tuple[int, int]]:
    """Stretches of positions, first and last, received from `after_us` on and before `before_us`: one an epoch of the clock."""
    starts = [1, *[row[0] for row in ask("SELECT position FROM epochs ORDER BY position")]]
    # `last` may be where a page ended, in any epoch.
    ends = [min(end, last) for end in [*[start - 1 for start in starts[1:]], last]]
    found = []
    for start, end in zip(starts, ends, strict=True):
        first = start if after_us is None else _bisect(ask, after_us, start, end)
        final = end if before_us is None else _bisect(ask, before_us, start, end) - 1
        found.append((first, final))
    return found


def _bisect(ask: Ask, time_us: int, low: int, high: int) -> int:
    """The first position in [low, high] received at or after `time_us`, or `high + 1`."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        # Retention leaves gaps: ask for the next one that is there.
        rows = ask(NEXT, (middle,))
        if not rows or rows[0][0] >= high or rows[0][1] >= time_us:
            high = middle
        else:
            low = rows[0][0] + 1
    return low
