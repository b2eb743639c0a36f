"""What was just synced, kept for the readers about to ask for it: parsed once, and read from the table only when they lag."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from eventbus.event import Recorded


class Handover:
    """The last durable events, bounded by count and bytes. Positions in it follow one another without a gap."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: deque[Recorded] = deque()
        self._batches: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self.last = 0
        """The last durable position."""

    def put(self, stored: Sequence[Recorded], size: int) -> None:
        """Add events that follow those put before; the oldest give way."""
        self._events.extend(stored)
        self._batches.append((len(stored), size))
        self._bytes += size
        self.last = stored[-1].position
        while self._bytes > self._max_bytes or len(self._events) > self._max_events:
            self._drop_batch()

    def take(self, after: int, limit: int) -> list[Recorded] | None:
        """Up to `limit` events after `after`; None where the first of them is not held any more."""
        events = self._events
        if not events or after + 1 < events[0].position:
            return None
        start = after + 1 - events[0].position
        return list(islice(events, start, start + limit))

    def forget(self, upto: int) -> None:
        """Drop the batches that every reader has passed."""
        while self._events and self._events[0].position + self._batches[0][0] - 1 <= upto:
            self._drop_batch()

    def clear(self, last: int) -> None:
        """Start over: everything up to `last` is durable and in the table."""
        self._events.clear()
        self._batches.clear()
        self._bytes = 0
        self.last = last

    def _drop_batch(self) -> None:
        count, size = self._batches.popleft()
        self._bytes -= size
        for _ in range(count):
            self._events.popleft()
