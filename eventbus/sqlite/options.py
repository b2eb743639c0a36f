"""What can be set on the SQLite backend, and its defaults."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

DAY_S = 86_400.0
MIB = 1 << 20


def wall_clock_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions:
    """Bounds and seams of the SQLite backend."""

    dedupe_window_s: float = 7 * DAY_S
    """A repeat of an identity this many seconds after its first event is still a repeat."""
    keys_in_memory: int = 8192
    """Keys of new events, and of new firings, that are kept in memory before they are written to their table in one go."""
    max_event_bytes: int = 32 * MIB
    """An event larger than this, all its fields together, is rejected."""
    max_pending_events: int = 8192
    """Events waiting for their commit; one more is refused with `BusUnavailable`."""
    max_pending_bytes: int = 64 * MIB
    max_pending_works: int = 8192
    """Decisions, outcomes and state writes waiting for their commit."""
    rows_per_commit: int = 256
    """Rows of one transaction: what bounds the time that an append can wait behind others."""
    handover_events: int = 2048
    """Events kept in memory between their sync and the read that takes them."""
    handover_bytes: int = 16 * MIB
    checkpoint_bytes: int = 16 * MIB
    """Size of the write-ahead log at which it is copied into the main file."""
    ready_per_trigger: int = 1024
    """Open firings of one trigger that are kept in memory; the rest stays on disk."""
    ready_total: int = 8192
    max_ended: int = 1_000_000
    """Outcomes that are kept for readers who are behind, some 0.5 KB each; the slowest miss the oldest, and that is said."""
    probe_interval_s: float = 1.0
    """Seconds between two tries to write while the disk refuses."""
    check_below_bytes: int = 32 * MIB
    """After a crash, a main file up to this size is checked page by page when it is opened."""
    retain_interval_s: float = 0.5
    """Seconds between two looks at what is old."""
    now_us: Callable[[], int] = wall_clock_us
    sync: Callable[[int], None] = os.fdatasync
    """Makes what was written to a file descriptor survive a power failure; runs in a thread."""
    vfs: str | None = None
    """Name of the SQLite file system to use; None: that of the operating system."""
