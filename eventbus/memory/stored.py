"""What a crash leaves of the bus in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from eventbus.contract import DependencyRef, Group, StateChange
from eventbus.event import Identity, Recorded, Road
from eventbus.firing import Attempt, Firing, FiringEnded, FiringId, Outcome, OutcomeKind, TriggerRef
from eventbus.journal import Declared
from eventbus.retention import Gap


@dataclass(slots=True)
class Kept:
    """A firing and all that was recorded of it."""

    number: int
    firing: Firing
    due_us: int
    attempts: dict[int, Attempt] = field(default_factory=dict)
    started: int | None = None
    outcome: Outcome | None = None
    closed_us: int | None = None
    request: bytes | None = None

    @property
    def key(self) -> tuple[TriggerRef, str] | None:
        """What orders it, where anything does."""
        return None if self.firing.order_key is None else (self.firing.trigger, self.firing.order_key)

    @property
    def next_attempt(self) -> int:
        """Number of the attempt to make."""
        return max(self.attempts, default=0) + 1


@dataclass(slots=True)
class Stored:
    """Everything durable."""

    events: dict[int, Recorded] = field(default_factory=dict)
    """By position; without their data where that is gone."""
    last: int = 0
    """The last position."""
    newest: dict[Identity, Recorded] = field(default_factory=dict)
    repeats: int = 0
    groups: dict[Group, int] = field(default_factory=dict)
    starts: dict[Group, tuple[int, int]] = field(default_factory=dict)
    """Position of the last start, and how many there were in a row."""
    firings: dict[FiringId, Kept] = field(default_factory=dict)
    """In the order decided."""
    firing_numbers: int = 0
    ended: dict[int, FiringEnded] = field(default_factory=dict)
    """What readers of outcomes have not passed, by number."""
    ended_numbers: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    """Who reads outcomes, and the number that each has passed."""
    seen: dict[Road, int] = field(default_factory=dict)
    matched: dict[DependencyRef, tuple[int, int]] = field(default_factory=dict)
    quarantined: dict[int, str] = field(default_factory=dict)
    records: dict[str, tuple[bytes, int, int | None]] = field(default_factory=dict)
    """Value, version, expiry."""
    version: int = 0
    declared: list[Declared] = field(default_factory=list)
    revisions: dict[str, bytes] = field(default_factory=dict)
    pins: dict[str, frozenset[str]] = field(default_factory=dict)
    """Revisions that are kept, by who named them."""
    gaps: list[Gap] = field(default_factory=list)
    removed_data: int = 0
    removed_events: int = 0
    removed_firings: int = 0

    def whole(self, after: int) -> Iterator[Recorded]:
        """The events after `after` that have their data, in order."""
        for position in range(after + 1, self.last + 1):
            recorded = self.events.get(position)
            if recorded is not None and recorded.event.forgotten is None:
                yield recorded

    def end(self, kept: Kept, outcome: Outcome, now_us: int) -> None:
        """Close `kept`, and tell those who read outcomes."""
        kept.outcome, kept.closed_us = outcome, now_us
        if not self.readers or outcome.kind is OutcomeKind.LOOPED:
            return
        last = max(kept.attempts, default=0)
        status = kept.attempts[last].status if last else 0
        self.ended_numbers += 1
        self.ended[self.ended_numbers] = FiringEnded(
            number=self.ended_numbers,
            firing=kept.firing,
            outcome=outcome,
            attempts=max(last, kept.started or 0),
            status=status,
            closed_us=now_us,
        )

    def write(self, change: StateChange, version: int | None, now_us: int) -> bool:
        """Write a record where the stored version is `version` (None: whatever it is; 0: absent)."""
        found = self.record(change.key, now_us)
        if version is not None and version != (found[1] if found else 0):
            return False
        if change.value is None:
            self.records.pop(change.key, None)
        elif found is None or (found[0], found[2]) != (change.value, change.expires_us):
            self.version += 1
            self.records[change.key] = (change.value, self.version, change.expires_us)
        return True

    def record(self, key: str, now_us: int) -> tuple[bytes, int, int | None] | None:
        """The record, unless it expired."""
        found = self.records.get(key)
        return found if found is not None and (found[2] is None or found[2] > now_us) else None
