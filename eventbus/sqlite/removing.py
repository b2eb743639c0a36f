"""What retention does to the tables, a bounded number of rows at a time. Everything here runs inside a transaction."""

from collections.abc import Collection, Sequence
from json import dumps

from eventbus.firing import OutcomeKind
from eventbus.retention import HELD, Gap
from eventbus.sqlite.codec import OUTCOMES, decode_body
from eventbus.sqlite.store import Store

DATA, RECORD = 0, 1
"""Levels: an event's data, and the record that there was such an event."""
DATA_FLOOR, RECORD_FLOOR = "data_floor", "record_floor"
"""Totals: positions up to which only strays still have data, or are on record."""
REMOVED_DATA, REMOVED_EVENTS, REMOVED_FIRINGS, PINNED = "removed_data", "removed_events", "removed_firings", "pinned"

KNOWN = "(SELECT position, received_us, kind FROM events UNION ALL SELECT position, received_us, kind FROM past)"
"""Every event on record, with its data or without."""

_THESE = "(SELECT value FROM json_each(?))"
_OPEN_AT = (
    "SELECT DISTINCT causes.position FROM json_each(?) AS these CROSS JOIN causes ON causes.position = these.value"
    " CROSS JOIN firings ON firings.seq = causes.seq WHERE due_us IS NOT NULL"
)
_WHOLE_AT = f"SELECT position FROM events WHERE position IN {_THESE}"  # noqa: S608
_FIRINGS_AT = (
    "SELECT causes.position, firings.seq, due_us IS NULL, closed_us, body FROM json_each(?) AS these"
    " CROSS JOIN causes ON causes.position = these.value CROSS JOIN firings ON firings.seq = causes.seq"
)
_PAST = "position, received_us, kind, id, time, causation, extra, coalesce(length(data), 0)"
_MOVE = f"INSERT OR REPLACE INTO past SELECT {_PAST} FROM events WHERE position IN {_THESE}"  # noqa: S608
_SENT = (
    "DELETE FROM requests WHERE seq IN (SELECT firings.seq FROM json_each(?) AS these"
    " CROSS JOIN causes ON causes.position = these.value CROSS JOIN firings ON firings.seq = causes.seq WHERE outcome = ?)"
)
_PASSED = "SELECT revision FROM declared WHERE until IS NOT NULL AND until <= :low"
_STILL = "SELECT 1 FROM declared WHERE declared.revision = revisions.id AND (until IS NULL OR until > :low)"
_UNNAME = (
    f"UPDATE revisions SET named_until = :last WHERE named_until IS NULL AND id IN ({_PASSED})"  # noqa: S608
    f" AND NOT EXISTS ({_STILL}) RETURNING id"
)
_UNNAMED = (
    "DELETE FROM revisions WHERE named_until IS NOT NULL"
    " AND named_until < coalesce((SELECT min(seq) FROM firings), named_until + 1)"
    " AND NOT EXISTS (SELECT 1 FROM pins WHERE revision = revisions.id) RETURNING id"
)
_BEHIND = "SELECT name, position FROM groups WHERE position < ? AND name >= ? AND name < ?"
_UNUSED_KINDS = (
    "DELETE FROM kinds WHERE id > ? AND id <= ? AND NOT EXISTS (SELECT 1 FROM events WHERE kind = kinds.id)"
    " AND NOT EXISTS (SELECT 1 FROM past WHERE kind = kinds.id) RETURNING id"
)


def forget_data(store: Store, positions: Sequence[int], needed: Collection[int]) -> None:
    """Remove the data of the events at `positions`, and what was sent for them, but for those that are needed."""
    execute = store.execute
    gone = _leave(store, DATA, positions, data_needed(store, positions, needed))
    execute(_SENT, (gone, OUTCOMES[OutcomeKind.SUCCEEDED]))
    execute(_MOVE, (gone,))
    store.add_to_total(REMOVED_DATA, _delete(store, "events", "position", gone))


def data_needed(store: Store, positions: Sequence[int], needed: Collection[int]) -> set[int]:
    """Those of `positions` that an open firing needs, or that are among `needed`."""
    rows = store.execute(_OPEN_AT, (dumps(positions),)).fetchall()
    return {position for (position,) in rows}.union(needed).intersection(positions)


def record_needed(store: Store, positions: Sequence[int], closed_since_us: int | None) -> tuple[set[int], list[int]]:
    """Those of `positions` that stay on record, and the numbers of the firings that go with the others.

    An event stays that still has its data, or a firing that is open, or was closed since then.
    """
    these = dumps(positions)
    kept = {position for (position,) in store.execute(_WHOLE_AT, (these,)).fetchall()}
    firings: list[tuple[int, int]] = []
    for position, seq, closed, closed_us, body in store.execute(_FIRINGS_AT, (these,)).fetchall():
        if not closed or seq == store.last_seq or (closed_since_us is not None and closed_us >= closed_since_us):
            kept.add(position)
        elif position == max(cause.position for cause in decode_body(body).causes):
            # A firing of several events goes with the newest of them.
            firings.append((position, seq))
    return kept, [seq for position, seq in firings if position not in kept]


def forget_records(store: Store, positions: Sequence[int], closed_since_us: int | None) -> None:
    """Remove the record of the events at `positions` with their firings, but for what `record_needed` says."""
    kept, firings = record_needed(store, positions, closed_since_us)
    gone, seqs = _leave(store, RECORD, positions, kept), dumps(firings)
    for table in ("attempts", "requests"):
        _delete(store, table, "seq", seqs)
    store.add_to_total(REMOVED_FIRINGS, _delete(store, "firings", "seq", seqs))
    for table in ("causes", "quarantined"):
        _delete(store, table, "position", gone)
    store.add_to_total(REMOVED_EVENTS, _delete(store, "past", "position", gone))


def _leave(store: Store, level: int, positions: Sequence[int], kept: Collection[int]) -> str:
    """Note which of `positions` stay behind; the others."""
    gone = dumps([position for position in positions if position not in kept])
    before = store.connection.total_changes()
    if kept:
        rows = "INSERT OR IGNORE INTO strays SELECT ?, value FROM json_each(?)"
        store.execute(rows, (level, dumps([position for position in positions if position in kept])))
    added = store.connection.total_changes() - before
    store.execute(f"DELETE FROM strays WHERE record = ? AND position IN {_THESE}", (level, gone))  # noqa: S608
    freed = store.connection.total_changes() - before - added
    if level == DATA and added != freed:
        store.add_to_total(PINNED, added - freed)
    return gone


def _delete(store: Store, table: str, column: str, these: str) -> int:
    before = store.connection.total_changes()
    store.execute(f"DELETE FROM {table} WHERE {column} IN {_THESE}", (these,))  # noqa: S608 - names of ours
    return store.connection.total_changes() - before


def forget_declared(store: Store, low: int) -> None:
    """Remove what decided nothing after position `low`, and the revisions that no declaration, no firing and no pin names."""
    bindings = {"low": low, "last": store.last_seq}
    if store.execute(_UNNAME, bindings).fetchall():
        store.names.forget()
    store.execute("DELETE FROM declared WHERE until IS NOT NULL AND until <= :low", bindings)
    store.execute("DELETE FROM epochs WHERE position <= :low", bindings)
    if store.execute(_UNNAMED).fetchall():
        store.names.forget()


def forget_kinds(store: Store, after: int, upto: int) -> None:
    """Remove the kinds numbered in (after, upto] of which no event is on record."""
    if store.execute(_UNUSED_KINDS, (after, upto)).fetchall():
        store.names.forget()


def skip(store: Store, upto: int, reason: str) -> list[str]:
    """Move held groups on to position `upto`, and note what each will never read; those that moved."""
    rows: list[tuple[str, int]] = store.execute(_BEHIND, (upto, HELD, HELD + "\U0010ffff")).fetchall()
    for name, position in rows:
        store.execute("UPDATE groups SET position = ? WHERE name = ?", (upto, name))
        note_gap(store, Gap(group=name, first=position + 1, last=upto, at_us=store.options.now_us(), reason=reason))
    return [name for name, _ in rows]


def note_gap(store: Store, gap: Gap) -> None:
    """Put a gap on record. What follows one without a break makes it longer: one removed step after the other is one gap."""
    joined = "UPDATE gaps SET last = ?, at_us = ?, reason = ? WHERE name = ? AND last = ? RETURNING id"
    if not store.execute(joined, (gap.last, gap.at_us, gap.reason, gap.group, gap.first - 1)).fetchall():
        row = (gap.group, gap.first, gap.last, gap.at_us, gap.reason)
        store.execute("INSERT INTO gaps(name, first, last, at_us, reason) VALUES (?, ?, ?, ?, ?)", row)
