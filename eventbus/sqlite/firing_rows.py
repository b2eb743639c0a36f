"""One firing as the tables have it: what is open of it, how it ended, and texts as SQLite can store them."""

from eventbus.firing import FiringEnded, Outcome
from eventbus.sqlite.lanes import Entry
from eventbus.sqlite.store import FiringRow, Store

LOAD = "SELECT id, trigger, revision, decided_us, order_key, body, attempts, due_us FROM firings WHERE seq = ?"
LAST_STATUS = "SELECT coalesce((SELECT status FROM attempts WHERE seq = ? ORDER BY number DESC LIMIT 1), 0)"


def load_entry(store: Store, seq: int) -> Entry | None:
    """The open firing with this number, from disk; None where it is closed. Raises `LookupError` where there is none."""
    rows = store.execute(LOAD, (seq,)).fetchall()
    if not rows:
        raise LookupError(f"there is no firing number {seq}")
    id, trigger, revision, decided_us, order_key, body, attempts, due_us = rows[0]
    if due_us is None:
        return None
    row = FiringRow(id, trigger, revision, decided_us, order_key, body)
    return Entry(seq, trigger, due_us, row.decode(store.names), attempts)


def unicode_text(reason: str) -> str:
    """`reason` as SQLite can store it: what a target answered must not keep an outcome from being recorded."""
    return reason if reason.isascii() else reason.encode("utf-8", "replace").decode("utf-8")


def storable(outcome: Outcome) -> Outcome:
    """`outcome` with a reason that can be stored."""
    return outcome if outcome.reason.isascii() else Outcome(kind=outcome.kind, reason=unicode_text(outcome.reason))


def entry_at(store: Store, seq: int) -> Entry:
    """The firing with this number, which is open: it was made so a moment ago."""
    entry = load_entry(store, seq)
    if entry is None:
        raise RuntimeError(f"firing number {seq} was closed and promoted at once")
    return entry


def ended_at(store: Store, seq: int, outcome: Outcome, closed_us: int) -> FiringEnded:
    """How the firing with this number ended, read from what is recorded of it."""
    id, trigger, revision, decided_us, order_key, body, attempts, _ = store.execute(LOAD, (seq,)).fetchall()[0]
    status = store.execute(LAST_STATUS, (seq,)).fetchall()[0][0]
    firing = FiringRow(id, trigger, revision, decided_us, order_key, body).decode(store.names)
    return FiringEnded(firing=firing, outcome=outcome, attempts=attempts, status=status, closed_us=closed_us)
