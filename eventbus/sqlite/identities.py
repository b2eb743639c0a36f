"""Which identities the log has: the newest in memory, the others in a table.

A key is as good as random, so a table that took each by itself would rewrite a page for every event: half of what an append
cost. They are written many at a time in the order of their keys instead, a little with each commit, and what was not written yet
is read back from the events when the file is opened.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from json import dumps

from eventbus.errors import BusError
from eventbus.event import Identity
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.statements import Lookup, Rows
from eventbus.sqlite.store import Store

CHUNK = 128
"""Keys written with one commit, at least."""
COMMITS = 16
"""Commits that a move takes at most: a flood of full commits must not fill memory faster than the table takes keys."""
INDEXED = "indexed"
"""The total that says up to which position every key is in the table."""

INSERT_KEYS = Rows("INSERT INTO identities VALUES", 2, "ON CONFLICT DO UPDATE SET position = excluded.position")
FIND_KEYS = Lookup("SELECT key, position FROM identities WHERE key IN")
SET_INDEXED = "INSERT INTO totals VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
NEWEST = (
    "SELECT position, kind, id FROM events WHERE position > :after"
    " UNION ALL SELECT position, kind, id FROM past WHERE position > :after ORDER BY position"
)

THESE = "SELECT position, kind, id FROM past WHERE position IN (SELECT value FROM json_each(?)) AND position > ?"


class Identities:
    """Positions by `Identity.key()`."""

    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer
        self._most = store.options.identities_in_memory
        self._moving = False
        self._load()

    def _load(self) -> None:
        self._seen = self._store.reloads
        self._recent = newest(self._store)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """The positions of those `keys` that the log has."""
        if self._seen != self._store.reloads:
            # A transaction was lost, and some of what is in memory may have been part of it.
            self._load()
        recent = self._recent
        known: dict[bytes, int] = {}
        others: list[bytes] = []
        for key in keys:
            position = recent.get(key)
            if position is None:
                others.append(key)
            else:
                known[key] = position
        known.update(FIND_KEYS.find(self._store.execute, others))
        return known

    def add(self, key: bytes, position: int) -> None:
        """Note an event that the open transaction stores."""
        self._recent[key] = position

    def settled(self) -> None:
        """What was added is durable: begin to move it to the table where there is much of it."""
        if len(self._recent) >= self._most and not self._moving:
            self._moving = True
            _Move(self, self._committer, sorted(self._recent.items()), self._store.last_position).go_on()

    def moved(self, keys: list[tuple[bytes, int]]) -> None:
        """`keys` are in the table."""
        self._moving = False
        recent = self._recent
        for key, position in keys:
            # One that came again after its window has a newer position here.
            if recent.get(key) == position:
                del recent[key]

    def gave_up(self) -> None:
        """The disk did not take them; the next full memory tries again."""
        self._moving = False


class _Move:
    """Writes keys to the table, some with each commit. A crash in between costs writing some of them again."""

    keep = False

    def __init__(self, identities: Identities, committer: Committer, keys: list[tuple[bytes, int]], upto: int) -> None:
        self._identities = identities
        self._committer = committer
        self._keys = keys
        self._upto = upto
        self._start = 0
        self.rows = max(CHUNK, -(-len(keys) // COMMITS))

    def go_on(self) -> None:
        """Queue the next part."""
        try:
            self._committer.submit(self)
        except BusError as exc:
            # Closed, or full: nothing is lost, the events have it all.
            self.fail(exc)

    def write(self, store: Store) -> None:
        """Write the part at hand; with the last one, that all of them are there."""
        part = islice(self._keys, self._start, self._start + self.rows)
        INSERT_KEYS.insert(store.execute, [value for pair in part for value in pair])
        if self._start + self.rows >= len(self._keys):
            store.execute(SET_INDEXED, (INDEXED, self._upto))

    def settle(self) -> None:
        """Go on with the next part."""
        self._start += self.rows
        if self._start < len(self._keys):
            self.go_on()
        else:
            self._identities.moved(self._keys)

    def fail(self, error: Exception) -> None:
        """Nobody waits for it."""
        self._identities.gave_up()


def write_out(store: Store, positions: Sequence[int]) -> None:
    """Make sure that the table has the keys of the events at `positions`, which are about to go off the record."""
    rows = store.execute(THESE, (dumps(positions), store.total(INDEXED))).fetchall()
    if rows:
        keys = sorted((_key(store, kind, event_id), position) for position, kind, event_id in rows)
        INSERT_KEYS.insert(store.execute, [value for pair in keys for value in pair])


def _key(store: Store, kind: int, event_id: str) -> bytes:
    namespace, source, name, _ = store.names.kind(kind)
    return Identity(namespace, source, name, event_id).key()


def newest(store: Store) -> dict[bytes, int]:
    """The keys of events that may not be in the table yet, from the events themselves."""
    found: dict[bytes, int] = {}
    for position, kind, event_id in store.ask(NEWEST, {"after": store.total(INDEXED)}):
        found[_key(store, kind, event_id)] = position
    return found


def stored_at(store: Store, keys: Iterable[bytes]) -> dict[bytes, int]:
    """The positions of `keys` for a reader that keeps nothing in memory."""
    wanted = list(keys)
    fresh = newest(store)
    known = dict(FIND_KEYS.find(store.execute, wanted))
    known.update((key, fresh[key]) for key in wanted if key in fresh)
    return known
