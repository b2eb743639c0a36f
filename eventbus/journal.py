"""The queryable record of events, firings, attempts and outcomes. One set of queries for every backend."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from eventbus.event import Recorded, Road
from eventbus.firing import Attempt, Firing, OutcomeKind
from eventbus.retention import Gap, Kept


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a list shows; every given field must hold. Times are microseconds since 1970 UTC."""

    namespace: str | None = None
    source: str | None = None
    name: str | None = None
    type: str | None = None
    after_us: int | None = None
    before_us: int | None = None

    def takes(self, recorded: Recorded) -> bool:
        """Whether the list shows `recorded`."""
        event = recorded.event
        return (
            self.namespace in (None, event.namespace)
            and self.source in (None, event.source)
            and self.name in (None, event.name)
            and self.type in (None, event.type)
            and (self.after_us is None or recorded.received_us >= self.after_us)
            and (self.before_us is None or recorded.received_us < self.before_us)
        )


class FiringFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which firings a list shows; every given field must hold."""

    namespace: str | None = None
    sensor: str | None = None
    trigger: str | None = None
    outcome: OutcomeKind | None = None
    open: bool | None = None
    replay: int | None = None
    """Only those that the replay of this number decided, from 1."""
    after_us: int | None = None
    before_us: int | None = None


class FiringRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A firing with all that was tried and how it ended."""

    firing: Firing
    attempts: tuple[Attempt, ...]
    due_us: int | None
    """When the next attempt is due; None once closed."""
    outcome: OutcomeKind | None
    """None while open."""
    reason: str
    closed_us: int | None
    request: bytes | None
    """What was sent, as the trigger stored it (secrets as references); None before the first recorded attempt."""


class EventPage(msgspec.Struct, frozen=True):
    """Events, newest first."""

    items: Sequence[Recorded]
    next: str | None


class FiringPage(msgspec.Struct, frozen=True):
    """Firings, newest first."""

    items: Sequence[FiringRecord]
    next: str | None


class Scanned(NamedTuple):
    """Part of a stretch of the log."""

    events: Sequence[Recorded]
    """Those that are kept; what retention took, or what is damaged, is missing."""
    position: int
    """Up to here nothing else is kept; the next part begins after it."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One content of a declaration and the stretch of the log that it decides or decided."""

    ref: str
    """`Kind/namespace/name`."""
    revision: str
    content: bytes
    """The object as JSON."""
    since: int
    """It decides events after this position."""
    until: int | None
    """It stopped deciding after this position; None while it is in force."""


class Tallies(msgspec.Struct, frozen=True, kw_only=True):
    """Totals, kept across restarts."""

    appended: int
    repeats: int
    last_position: int
    undecided: int
    """Events that a group has not decided; held groups do not count."""
    oldest_undecided_us: int | None
    open_firings: int
    oldest_open_us: int | None
    dead_letters: int
    bytes_on_disk: int


class Journal(Protocol):
    """Answers questions about what happened. Reads never block appends; long lists come in pages."""

    async def events(self, wanted: EventFilter, *, limit: int = 50, cursor: str | None = None) -> EventPage:
        """List events, newest first. Raises `ValueError` on a cursor that is not ours."""

    async def find(self, event_id: str) -> Sequence[Recorded]:
        """Every event with this id, whatever its road; several mean the id alone is ambiguous."""

    async def event(self, position: int) -> Recorded | None:
        """The event at `position` with its data, or None where there is none or retention took it."""

    async def known(self, position: int) -> Recorded | None:
        """The event at `position`, also where its data is gone (see `Event.forgotten`); None where nothing is on record."""

    async def firings(self, wanted: FiringFilter, *, limit: int = 50, cursor: str | None = None) -> FiringPage:
        """List firings, newest first."""

    async def firing(self, firing_id: str) -> FiringRecord | None:
        """One firing by its id, or by a prefix of at least 8 digits that only it has."""

    async def firings_of(self, position: int) -> Sequence[FiringRecord]:
        """The firings that the event at `position` was a cause of, oldest first."""

    async def caused_by(self, firing_id: str) -> Sequence[Recorded]:
        """The events whose causation is this firing, oldest first."""

    async def in_force(self, position: int | None, until: int | None = None) -> Sequence[Declared]:
        """The declarations that decided the event at `position`, or any event from there to `until`; None: those in force now."""

    async def stretch(self, after_us: int | None, before_us: int | None) -> tuple[int, int]:
        """The first and the last position received from `after_us` on and before `before_us`; the first is larger where none is.

        Where the clock was put back, events between the two may have been received outside.
        """

    async def scan(self, after: int, *, until: int, limit: int) -> "Scanned":
        """Up to `limit` events after position `after` and not after `until`, in the order of the log; not many megabytes."""

    async def revision(self, revision: str) -> bytes | None:
        """The content of a revision, as long as a decision names it or a pin keeps it."""

    async def quarantined(self) -> Sequence[tuple[int, str]]:
        """Positions that were set aside undecided, with the reason."""

    async def matched(self, namespace: str, sensor: str) -> dict[str, tuple[int, int]]:
        """By dependency: how many events matched and how many erred, over all time."""

    async def seen(self, road: Road) -> int:
        """How many events of `road` were decided, over all time."""

    async def position(self, group: str) -> int | None:
        """Up to where `group` has decided, as it was committed last; None where there is no such group."""

    async def count(self, roads: Iterable[Road], after: int, until: int) -> int:
        """How many events of `roads` are on record after position `after` and up to `until`."""

    async def records(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """The keyed records whose keys begin with `prefix`, as they were committed last, in the order of their keys."""

    async def tallies(self) -> Tallies:
        """Totals for metrics and health."""

    async def kept(self) -> Kept:
        """How far back the log goes, and what was removed."""

    async def gaps(self, group: str | None = None) -> Sequence[Gap]:
        """What held groups, or this one, will never read; the newest hundred, newest first."""
