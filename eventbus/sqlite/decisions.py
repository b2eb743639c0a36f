"""What a decided step leaves, written in one transaction."""

from collections.abc import Callable, Sequence

from eventbus.contract import Decisions, Group, VerdictCounts
from eventbus.sqlite.codec import encode_body
from eventbus.sqlite.keys import oldest
from eventbus.sqlite.keytable import Keys
from eventbus.sqlite.lanes import HELD, Entry
from eventbus.sqlite.pins import pin
from eventbus.sqlite.removing import note_gap
from eventbus.sqlite.state import write_record
from eventbus.sqlite.statements import Execute, Rows
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Asked

INSERT_FIRINGS = Rows("INSERT INTO firings(seq, id, trigger, revision, decided_us, due_us, order_key, body) VALUES", 8)
INSERT_REPLAYED = Rows("INSERT INTO firings(seq, id, trigger, revision, decided_us, due_us, order_key, body, replay) VALUES", 9)
INSERT_CAUSES = Rows("INSERT OR IGNORE INTO causes VALUES", 2)
MOVE = "INSERT INTO groups(name, position) VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position"
COUNT_SEEN = Rows("INSERT INTO seen VALUES", 4, "ON CONFLICT DO UPDATE SET events = events + excluded.events")
COUNT_MATCHES = Rows(
    "INSERT INTO matches VALUES",
    5,
    "ON CONFLICT DO UPDATE SET matched = matched + excluded.matched, errors = errors + excluded.errors",
)
THE_GAP = "SELECT 1 FROM gaps WHERE name = ? AND first <= ? AND last >= ?"


class Decide(Asked[None]):
    """One call of `Bus.commit`."""

    def __init__(
        self, decided: Decisions, known: Keys, put: Callable[[Sequence[Entry], int], None], now_us: Callable[[], int]
    ) -> None:
        """`known` are the firings there are; `put` hands what became an open firing to the outbox, with the number of the last
        firing that is durable.
        """
        super().__init__()
        self._decided = decided
        self._known = known
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
        for name, revisions in decided.pins.items():
            pin(store, name, revisions)
        for gap in decided.gaps:
            if not execute(THE_GAP, (gap.group, gap.first, gap.last)).fetchall():
                note_gap(store, gap)

    def settle(self) -> None:
        """See `Work.settle`."""
        self._put(self._entries, self._last_seq)
        self._known.settled(self._last_seq)
        self.answer(None)

    def _put_firings(self, store: Store) -> list[Entry]:
        """Insert the firings that are new. What is returned is open; some of it held by an elder of its order key."""
        names, seq, now_us = store.names, store.last_seq, self._now_us()
        rows: list[object] = []
        replayed: list[object] = []
        entries: list[Entry] = []
        keys: set[tuple[int, str]] = set()
        known = self._known.find([id for id, _ in self._packed])
        for firing, (id, body) in zip(self._decided.firings, self._packed, strict=True):
            if id in known:
                continue
            seq += 1
            known[id] = seq
            self._known.add(id, seq)
            trigger, key = names.trigger_id(firing.trigger), firing.order_key
            due_us = now_us
            if key is not None:
                if (trigger, key) in keys or oldest(store.execute, trigger, key) is not None:
                    due_us = HELD
                keys.add((trigger, key))
            row = (seq, id, trigger, names.revision_id(firing.revision), firing.decided_us, due_us, key, body)
            if firing.replay:
                replayed += (*row, firing.replay)
            else:
                rows += row
            entries.append(Entry(seq, trigger, due_us, firing))
        INSERT_FIRINGS.insert(store.execute, rows)
        INSERT_REPLAYED.insert(store.execute, replayed)
        store.last_seq = seq
        causes: list[object] = []
        for entry in entries:
            for cause in entry.firing.causes:
                causes += (cause.position, entry.seq)
        INSERT_CAUSES.insert(store.execute, causes)
        return entries


def _moved(execute: Execute, group: Group, decided: Decisions) -> bool:
    """Move `group` on to the decided position and count; False where it is further already."""
    rows = execute("SELECT position FROM groups WHERE name = ?", (group,)).fetchall()
    stored = rows[0][0] if rows else -1
    if decided.position > stored:
        execute(MOVE, (group, decided.position))
        _count(execute, decided.counts)
    return bool(decided.position >= stored)


def _count(execute: Execute, counts: VerdictCounts) -> None:
    COUNT_SEEN.insert(execute, [value for road, events in counts.seen.items() for value in (*road, events)])
    matches: list[object] = []
    for ref in counts.matched.keys() | counts.errors.keys():
        matches += (*ref, counts.matched.get(ref, 0), counts.errors.get(ref, 0))
    COUNT_MATCHES.insert(execute, matches)
