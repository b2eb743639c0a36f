"""The contract every backend keeps; `tests/conformance` holds each to it."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from eventbus.event import Event, Recorded, Road
from eventbus.firing import Attempt, Firing, FiringEnded, FiringId, Outcome, Taken, TriggerRef
from eventbus.journal import Declared, Journal
from eventbus.retention import Gap, Needed, Retention

Group = str
"""Names a reader of the log whose position is stored, such as `sensors`."""


class Appended(NamedTuple):
    """The log's answer for one event."""

    position: int
    id: str
    """The event's id; for a repeat, that of the first event of the same identity."""
    repeat: bool


class DependencyRef(NamedTuple):
    """Names one dependency of one sensor."""

    namespace: str
    sensor: str
    dependency: str


class VerdictCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a decided step adds to the verdict counters; what neither matched nor erred is seen minus these."""

    seen: Mapping[Road, int] = {}
    """Events decided, by road."""
    matched: Mapping[DependencyRef, int] = {}
    errors: Mapping[DependencyRef, int] = {}


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """What one decided step leaves: written all or none."""

    group: Group | None
    """None: no reader's position moves and nothing is counted, as when the past is decided again."""
    position: int
    """Everything up to and including this position is decided."""
    firings: Sequence[Firing] = ()
    """In the order decided. A firing whose id is present already is left as it is."""
    counts: VerdictCounts = VerdictCounts()
    quarantined: Mapping[int, str] = {}
    """Positions that were set aside undecided, each with the reason."""
    state: Sequence["StateChange"] = ()
    gaps: Sequence[Gap] = ()
    """Stretches that their groups will never read, on purpose: announced as those that retention takes."""
    pins: Mapping[str, Collection[str]] = {}
    """By a name of the caller's choice: the revisions that are kept for it from now on; none lets go of them."""


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """A write of one keyed record; `value` None deletes it."""

    key: str
    value: bytes | None
    expires_us: int | None = None


class Health(NamedTuple):
    """Whether the bus takes and gives work, and if not, why."""

    ok: bool
    reason: str = ""
    records: bool = True
    """False while nothing at all can be recorded; else, where it is not `ok`, it is only events that are not taken."""


class Outbox(Protocol):
    """Open firings, each put once by id, handed to one worker at a time, closed by an outcome."""

    @property
    def cut_off(self) -> Sequence[FiringEnded]:
        """What was closed as `unknown` when this bus was opened: the process before had ended after a recorded start."""

    async def take(self, *, limit: int, full: Collection[TriggerRef] = (), timeout_s: float) -> Sequence[Taken]:
        """Hand out up to `limit` firings that are due, none of a trigger in `full`; empty after `timeout_s` seconds.

        Of one trigger and order key only the oldest open firing is handed out. What was taken and neither closed nor
        put back when the process ends is handed out again after a restart; with `record_start` and a recorded start
        it is closed as `unknown` instead. Cancelling leaves nothing taken.
        """

    async def started(self, firing: FiringId, *, attempt: int) -> None:
        """Record that an attempt begins; return once a crash cannot forget it."""

    async def close(self, firing: FiringId, outcome: Outcome, *, attempt: Attempt | None, request: bytes | None) -> None:
        """Record the last attempt and the outcome, durably. Closing twice changes nothing."""

    async def again(self, firing: FiringId, *, attempt: Attempt, due_us: int, request: bytes | None) -> None:
        """Record a failed attempt and when the next is due (microseconds since 1970 UTC), durably."""

    async def give_back(self, firings: Sequence[FiringId], *, due_us: int = 0) -> None:
        """Return taken firings untried, to be taken again from `due_us` on; nothing is recorded."""

    async def redrive(self, firing: FiringId) -> bool:
        """Open a dead letter again, attempts kept; False where it is no dead letter."""

    async def drop(self, firing: FiringId, reason: str) -> bool:
        """Make a dead letter `skipped` with `reason`, durably: it was looked at; False where it is no dead letter."""

    async def cancel(self, firing: FiringId, reason: str) -> bool:
        """Close an open firing that nobody has taken as `skipped`, durably; False where it is closed or a worker has it.

        Only that worker knows then what has happened. Raises `LookupError` where there never was such a firing.
        """


class Outcomes(Protocol):
    """How firings ended, in that order: written with the outcome itself, and only while somebody reads it.

    Not told is what ended as `looped`: it would go on where it was stopped.
    """

    async def keep_for(self, readers: Collection[str]) -> None:
        """Make `readers` all there are. A new one begins with what ends from now on; one that is gone is forgotten. Durable."""

    async def read(self, reader: str, *, limit: int, timeout_s: float) -> Sequence[FiringEnded]:
        """Up to `limit` durable outcomes after those that `reader` has passed, oldest first; empty after `timeout_s` seconds.

        What nobody passed is read again. Raises `LookupError` where there is no such reader.
        """

    async def passed(self, reader: str, number: int) -> None:
        """Note that `reader` is done with everything up to `number`, durably. Repeating it changes nothing."""


class StateStore(Protocol):
    """Small keyed records that survive a restart."""

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """The value and its version, or None."""

    async def put(self, key: str, value: bytes | None, *, version: int | None = None, expires_us: int | None = None) -> bool:
        """Write where the stored version is `version` (None: whatever it is; 0: absent); False where it is not. Durable."""


class Declarations(Protocol):
    """What was declared, by revision, as long as a decision names it."""

    async def put(self, ref: str, revision: str, content: bytes) -> Declared:
        """Make `revision` the one in force for `ref`: it decides what is appended after now. Repeating changes nothing."""

    async def withdraw(self, ref: str) -> int:
        """End what is in force for `ref` at the present end of the log; return that position, the last it decides."""


class Bus(Protocol):
    """A durable log with its outbox, state and journal. One event loop uses it."""

    outbox: Outbox
    outcomes: Outcomes
    state: StateStore
    declarations: Declarations
    journal: Journal

    def append(self, batch: Sequence[Event]) -> Awaitable[Sequence[Appended]]:
        """Store `batch`, and return once a crash cannot lose it; one answer for each event, in order.

        A repeat of an identity inside the dedupe window stores nothing and answers with the first event. Raises
        `BusUnavailable` when it cannot be taken now: nothing was stored, or it is safe to send it again. Raises
        `EventRejected` when it never will be. If cancelled, it may or may not be stored.
        """

    async def read(self, group: Group, *, limit: int, timeout_s: float) -> Sequence[Recorded]:
        """Return up to `limit` durable events after those already read for `group` in this process, in order.

        A group's first read begins after its stored position, or at the present end of the log when it has none. Empty
        after `timeout_s` seconds.
        """

    async def commit(self, decided: Decisions) -> None:
        """Store firings, state, counts and the group's new position, all or none. Repeating it changes nothing."""

    async def began(self, group: Group) -> int:
        """Note that `group` starts deciding; return how often in a row it started at this same position and never moved on."""

    def health(self) -> Health:
        """Whether the last write succeeded and the next can be expected to."""

    def retain(self, policy: Retention, needed: Needed) -> None:
        """Remove from now on, a little at a time, what `policy` no longer keeps and nothing open needs.

        Before the first call nothing is removed. While open work alone takes more than `policy.refuse_bytes`, `append` raises
        `BusUnavailable`, and `health` says so.
        """

    async def tidy(self) -> None:
        """Return once all that may go now is gone. Without it, the same happens in the background."""

    async def release(self, group: Group) -> None:
        """Forget a group: it reads no more, and nothing is kept for it. Durable."""

    async def aclose(self) -> None:
        """Finish what was accepted, make it durable, and release the store. Later calls raise `BusUnavailable`."""
