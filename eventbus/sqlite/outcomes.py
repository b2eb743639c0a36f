"""What is recorded of a firing after it was handed out."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from eventbus.firing import Attempt, FiringEnded, Outcome, OutcomeKind
from eventbus.sqlite.codec import OUTCOMES
from eventbus.sqlite.ended import write_ended
from eventbus.sqlite.firing_rows import ended_at, entry_at, load_entry, storable, unicode_text
from eventbus.sqlite.keys import oldest, promote, set_due
from eventbus.sqlite.lanes import HELD, Entry, Lanes
from eventbus.sqlite.statements import Rows
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Asked

CLOSES = 64
"""Outcomes of one work."""

INSERT_ATTEMPTS = Rows("INSERT OR IGNORE INTO attempts VALUES", 7)
INSERT_REQUESTS = Rows("INSERT OR IGNORE INTO requests VALUES", 2)
CLOSE = (
    "UPDATE firings SET due_us = NULL, started = NULL, attempts = max(attempts, ?), outcome = ?, reason = ?, closed_us = ?"
    " WHERE seq = ? AND due_us IS NOT NULL"
)
IS_OPEN = "SELECT 1 FROM firings WHERE seq = ? AND due_us IS NOT NULL"
PUT_OFF = "UPDATE firings SET due_us = ?, attempts = max(attempts, ?), started = NULL WHERE seq = ? AND due_us IS NOT NULL"
UNKNOWN = "the process ended during attempt {}, which may have acted; not repeated, because the trigger says atLeastOnce: false"


class Owner(Protocol):
    """The outbox, as far as works tell it what is durable."""

    lanes: Lanes
    open: int
    dead: int

    def seq_of(self, firing: str) -> int | None:
        """The number of the firing with this id."""

    def told(self) -> None:
        """What readers of outcomes are to learn is durable."""

    def settled(self, entry: Entry) -> None:
        """Nobody has `entry` any more."""

    def closed(self, entry: Entry) -> None:
        """Nobody has `entry` any more, and it is closed."""

    def waits(self, entry: Entry) -> None:
        """Nobody has `entry` any more, and it is open."""


class Closed(NamedTuple):
    """One outcome to record."""

    entry: Entry
    outcome: Outcome
    closed_us: int
    attempt: Attempt | None
    request: bytes | None
    answered: asyncio.Future[None]

    def ended(self) -> FiringEnded:
        """As readers of outcomes learn it."""
        attempt = self.attempt
        return FiringEnded(
            firing=self.entry.firing,
            outcome=storable(self.outcome),
            attempts=self.entry.attempts if attempt is None else attempt.number,
            status=0 if attempt is None else attempt.status,
            closed_us=self.closed_us,
        )


def _attempt_row(seq: int, attempt: Attempt) -> tuple[object, ...]:
    reason = unicode_text(attempt.reason)
    return (seq, attempt.number, attempt.started_us, attempt.ended_us, int(attempt.succeeded), attempt.status, reason)


def _resolve(answered: asyncio.Future[None], error: Exception | None = None) -> None:
    if answered.done():
        return
    if error is None:
        answered.set_result(None)
    else:
        answered.set_exception(error)


class Closes:
    """Outcomes that arrived since the last commit."""

    keep = True

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._closed: list[Closed] = []
        self._written = False
        self._fresh: list[Closed] = []
        """Those that the last write has closed."""
        self._turns: set[int] = set()
        """Firings whose turn it is by what is written here."""
        self._promoted: list[Entry] = []
        self.rows = 0
        self.sealed = False
        """True once written or full: the next outcome goes into another."""

    def add(self, closed: Closed) -> None:
        """Record one more."""
        self._closed.append(closed)
        self.rows += 3
        self.sealed = len(self._closed) >= CLOSES

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        if self._written:
            # What an earlier write has closed, which was not synced, is told and counted already.
            self._fresh = [one for one in self._closed if store.execute(IS_OPEN, (one.entry.seq,)).fetchall()]
        else:
            self._fresh = self._closed
        self._written = True
        self.sealed = True
        attempts: list[object] = []
        requests: list[object] = []
        updates = []
        for entry, outcome, closed_us, attempt, request, _ in self._fresh:
            number = 0
            if attempt is not None:
                number = attempt.number
                attempts += _attempt_row(entry.seq, attempt)
            if request is not None:
                requests += (entry.seq, request)
            updates.append((number, OUTCOMES[outcome.kind], unicode_text(outcome.reason) or None, closed_us, entry.seq))
        store.connection.executemany(CLOSE, updates)
        if store.readers:
            write_ended(store, [closed.ended() for closed in self._fresh])
        INSERT_ATTEMPTS.insert(store.execute, attempts)
        INSERT_REQUESTS.insert(store.execute, requests)
        self._promote(store)

    def _promote(self, store: Store) -> None:
        """Let the next of each order key have its turn; not before the close is durable."""
        for closed in self._closed:
            key = closed.entry.firing.order_key
            if key is not None:
                seq = promote(store.execute, closed.entry.trigger, key, closed.closed_us)
                if seq is not None:
                    self._owner.lanes.busy.add(seq)
                    self._turns.add(seq)
        # Those of an earlier write are among them, which may have been written and not synced: then nothing is left to promote.
        self._promoted = [entry_at(store, seq) for seq in sorted(self._turns)]

    def settle(self) -> None:
        """See `Work.settle`."""
        owner = self._owner
        owner.open -= len(self._fresh)
        owner.dead += sum(closed.outcome.kind is OutcomeKind.DEAD_LETTERED for closed in self._fresh)
        for closed in self._closed:
            owner.closed(closed.entry)
            _resolve(closed.answered)
        owner.told()
        for entry in self._promoted:
            owner.waits(entry)

    def fail(self, error: Exception) -> None:
        """See `Work.fail`."""
        for closed in self._closed:
            self._owner.settled(closed.entry)
            _resolve(closed.answered, error)
        self._owner.lanes.busy.difference_update(self._turns)


class PutOff(Asked[None]):
    """A failed attempt and when the next is due; or a firing given back."""

    rows = 3

    def __init__(self, owner: Owner, entry: Entry, due_us: int, attempt: Attempt | None, request: bytes | None) -> None:
        super().__init__()
        self._owner = owner
        self.entry = entry
        self._wanted_us = due_us
        self._due_us = due_us
        self._attempt = attempt
        self._request = request
        self._elder: int | None = None
        """The firing whose turn it is instead, by what is written here."""
        self._promoted: Entry | None = None

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        entry, attempt = self.entry, self._attempt
        number = attempt.number if attempt is not None else 0
        self._due_us = self._wanted_us - (store.clock.ahead_us(attempt.ended_us) if attempt is not None else 0)
        store.execute(PUT_OFF, (self._due_us, number, entry.seq))
        if attempt is not None:
            INSERT_ATTEMPTS.insert(store.execute, _attempt_row(entry.seq, attempt))
        if self._request is not None:
            INSERT_REQUESTS.insert(store.execute, (entry.seq, self._request))
        self._yield_turn(store)
        self._promoted = None if self._elder is None else entry_at(store, self._elder)

    def _yield_turn(self, store: Store) -> None:
        """Where an elder of its order key was opened again meanwhile, that one goes first."""
        key = self.entry.firing.order_key
        head = None if key is None else oldest(store.execute, self.entry.trigger, key)
        if head is None or head[0] == self.entry.seq:
            return
        self._due_us = HELD
        set_due(store.execute, self.entry.seq, HELD)
        self._elder, due_us = head
        if due_us == HELD:  # else an earlier write made it due, which may have been written and not synced
            set_due(store.execute, self._elder, store.options.now_us())
        self._owner.lanes.busy.add(self._elder)

    def settle(self) -> None:
        """See `Work.settle`."""
        self.entry.due_us = self._due_us
        if self._attempt is not None:
            self.entry.attempts = max(self.entry.attempts, self._attempt.number)
        self._owner.waits(self.entry)
        if self._promoted is not None:
            self._owner.waits(self._promoted)
        self.answer(None)

    def fail(self, error: Exception) -> None:
        """See `Work.fail`."""
        self._owner.settled(self.entry)
        if self._promoted is not None:
            self._owner.settled(self._promoted)
        super().fail(error)


class Started(Asked[None]):
    """That an attempt begins."""

    def __init__(self, entry: Entry, attempt: int) -> None:
        super().__init__()
        self._entry = entry
        self._attempt = attempt

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        store.execute("UPDATE firings SET started = ? WHERE seq = ? AND due_us IS NOT NULL", (self._attempt, self._entry.seq))

    def settle(self) -> None:
        """See `Work.settle`."""
        self.answer(None)


def close_unknown(store: Store, now_us: int) -> list[FiringEnded]:
    """Close what was started when the process ended, where the manifest says not to repeat it. Inside a transaction."""
    closed: list[FiringEnded] = []
    rows: Sequence[tuple[int, int]] = store.execute(
        "SELECT seq, started FROM firings INDEXED BY firings_started WHERE started IS NOT NULL"
    ).fetchall()
    for seq, started in rows:
        entry = load_entry(store, seq)
        if entry is None or not entry.firing.record_start:
            store.execute("UPDATE firings SET started = NULL WHERE seq = ?", (seq,))
            continue
        outcome = Outcome(kind=OutcomeKind.UNKNOWN, reason=UNKNOWN.format(started))
        store.execute(CLOSE, (started, OUTCOMES[outcome.kind], outcome.reason, now_us, seq))
        closed.append(ended_at(store, seq, outcome, now_us))
        if store.readers:
            write_ended(store, closed[-1:])
        if entry.firing.order_key is not None:
            promote(store.execute, entry.trigger, entry.firing.order_key, now_us)
    return closed
