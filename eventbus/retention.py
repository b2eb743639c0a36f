"""How long and how much is kept: the policy, and what came of it. The same words for every backend."""

from collections.abc import Callable, Collection

import msgspec

DAY_S = 86_400.0
GIB = 1 << 30
HELD = "held/"
"""Begins the names of groups that may be skipped: what they have not read is kept up to a cap, and no further."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """What may be removed, oldest first. The data of events goes before the record that there was such an event.

    Whatever this says, kept are: what a group has not decided, the events of open firings and of `Needed`, open firings, the
    newest event and the newest firing. Only groups whose names begin with `HELD` have a cap.
    """

    age_s: float = 7 * DAY_S
    """Seconds that the data of an event is kept, and with it what was sent for it."""
    journal_age_s: float = 30 * DAY_S
    """Seconds that the record of an event, its firings, attempts and outcomes are kept; never less than `age_s`."""
    max_bytes: int = 10 * GIB
    """Bytes that the store may take on disk. Where this comes first, both ages shrink alike."""

    @property
    def headroom_bytes(self) -> int:
        """Room for the write-ahead log, and for what comes before the oldest has gone."""
        return min(256 << 20, self.max_bytes // 4)

    @property
    def target_bytes(self) -> int:
        """Bytes in use from which on the oldest goes."""
        return self.max_bytes - self.headroom_bytes

    @property
    def refuse_bytes(self) -> int:
        """Bytes in use from which on nothing more is appended: open work alone takes all that."""
        return self.max_bytes + self.max_bytes // 4

    @property
    def held_bytes(self) -> int:
        """While the store is smaller, what a held group has not read is kept beyond its age."""
        return self.max_bytes // 2

    @property
    def records_for_data(self) -> float:
        """How many events without their data may be kept for each one with it."""
        return max(0.0, self.journal_age_s / self.age_s - 1.0) if self.age_s else 0.0


Needed = Callable[[], Collection[int]]
"""The positions of events that something open needs besides firings, such as a partial match; asked now and then.

What was let go since the last commit still counts: it may be part of a firing that is not stored yet.
"""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is still there of the log."""

    data_since_us: int | None
    """When the oldest event was received that, like all after it, still has its data; None where none has."""
    since_us: int | None
    """When the oldest event was received that, like all after it, is still on record; None where none is."""
    removed_data: int = 0
    """Events whose data was removed, over all time."""
    removed_events: int = 0
    """Events whose record was removed too, over all time."""
    removed_firings: int = 0
    skipped: int = 0
    """Events that held groups will never read, over all time and all groups."""
    pinned: int = 0
    """Events older than that which are kept because something open needs them."""
    bytes_used: int = 0
    """Bytes of the store that hold something; the file may be larger, by what is free in it."""
    max_bytes: int | None = None
    """The limit of this process; None where it removes nothing."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the log that a held group will never read, because its data had to go."""

    group: str
    first: int
    last: int
    at_us: int
    """When it was given up, microseconds since 1970 UTC."""
    reason: str
