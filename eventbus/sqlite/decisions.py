"""What a decided step leaves, written in one transaction."""

from collections.abc import Callable, Sequence

from eventbus.contract import Decisions, Group, VerdictCounts
from eventbus.sqlite.codec import encode_body
from eventbus.sqlite.keys import oldest, set_due
from eventbus.sqlite.lanes import HELD, Entry
from eventbus.sqlite.state import write_record
from eventbus.sqlite.statements import Execute, Lookup, Rows
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Asked

INSERT_FIRINGS = Rows(
    "INSERT INTO firings(seq, id, trigger, revision, decided_us, due_us, order_key, body) VALUES", 8, "ON CONFLICT DO NOTHING"
)
INSERT_CAUSES = Rows("INSERT OR IGNORE INTO causes VALUES", 2)
FIND_FIRINGS = Lookup("SELECT seq FROM firings WHERE seq IN")
MOVE = "INSERT INTO groups(name, position) VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position"
SEEN = "INSERT INTO seen VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events"
MATCHES = (
    "INSERT INTO matches VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET matched = matched + excluded.matched, errors = errors + excluded.errors"
)


class Decide(Asked[None]):
    """One call of `Bus.commit`."""

    def __init__(self, decided: Decisions, put: Callable[[Sequence[Entry], int], None], now_us: Callable[[], int]) -> None:
        """`put` hands what became an open firing to the outbox, with the number of the last firing that is durable."""
        super().__init__()
        self._decided = decided
        self._put = put
        self._now_us = now_us
        self._packed = [(bytes.fromhex(firing.id), encode_body(firing)) for firing in decided.firings]
        self._entries: list[Entry] = []
        self._last_seq = 0
        self.rows = 2 * len(decided.firings) + len(decided.state) + 1

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        decided, execute = self._decided, store.execute
        self._entries = self._put_firings(store) if decided.firings else []
        self._last_seq = store.last_seq
        if decided.group is not None and not _moved(execute, decided.group, decided):
            return  # a late repeat: what followed it must not be undone
        for position, reason in decided.quarantined.items():
            execute("INSERT OR IGNORE INTO quarantined VALUES (?, ?)", (position, reason))
        for change in decided.state:
            write_record(store, change, None, self._now_us())

    def settle(self) -> None:
        """See `Work.settle`."""
        self._put(self._entries, self._last_seq)
        self.answer(None)

    def _put_firings(self, store: Store) -> list[Entry]:
        """Insert the firings that are new. What is returned is open; some of it held by an elder of its order key."""
        names, seq, now_us = store.names, store.last_seq, self._now_us()
        rows: list[object] = []
        entries: list[Entry] = []
        keys: set[tuple[int, str]] = set()
        for firing, (id, body) in zip(self._decided.firings, self._packed, strict=True):
            seq += 1
            trigger, key = names.trigger_id(firing.trigger), firing.order_key
            due_us = now_us
            if key is not None:
                if (trigger, key) in keys or oldest(store.execute, trigger, key) is not None:
                    due_us = HELD
                keys.add((trigger, key))
            rows += (seq, id, trigger, names.revision_id(firing.revision), firing.decided_us, due_us, key, body)
            entries.append(Entry(seq, trigger, due_us, firing))
        before = store.connection.total_changes()
        INSERT_FIRINGS.insert(store.execute, rows)
        store.last_seq = seq
        if store.connection.total_changes() - before < len(entries):
            entries = _only_new(store.execute, entries, now_us)
        causes: list[object] = []
        for entry in entries:
            for cause in entry.firing.causes:
                causes += (cause.position, entry.seq)
        INSERT_CAUSES.insert(store.execute, causes)
        return entries


def _only_new(execute: Execute, entries: Sequence[Entry], now_us: int) -> list[Entry]:
    """The entries that were inserted; what one took for an elder in this step may not have been."""
    inserted = {seq for (seq,) in FIND_FIRINGS.find(execute, [entry.seq for entry in entries])}
    new = [entry for entry in entries if entry.seq in inserted]
    for entry in new:
        key = entry.firing.order_key
        if entry.due_us == HELD and key is not None and oldest(execute, entry.trigger, key) == (entry.seq, HELD):
            entry.due_us = now_us
            set_due(execute, entry.seq, now_us)
    return new


def _moved(execute: Execute, group: Group, decided: Decisions) -> bool:
    """Move `group` on to the decided position and count; False where it is further already."""
    rows = execute("SELECT position FROM groups WHERE name = ?", (group,)).fetchall()
    stored = rows[0][0] if rows else -1
    if decided.position > stored:
        execute(MOVE, (group, decided.position))
        _count(execute, decided.counts)
    return bool(decided.position >= stored)


def _count(execute: Execute, counts: VerdictCounts) -> None:
    for road, events in counts.seen.items():
        execute(SEEN, (*road, events))
    for ref in counts.matched.keys() | counts.errors.keys():
        execute(MATCHES, (*ref, counts.matched.get(ref, 0), counts.errors.get(ref, 0)))
