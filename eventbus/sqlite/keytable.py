"""Numbers by random keys: the newest in memory, the others in a table.

A table that took each key by itself would rewrite a page for every one: half of what an append cost. They are written many at
a time in the order of the keys instead, a little with each commit, and what was not written yet is read back when the file is
opened.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from eventbus.errors import BusError
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.statements import Lookup, Rows
from eventbus.sqlite.store import Store

CHUNK = 128
"""Keys written with one commit, at least."""
COMMITS = 16
"""Commits that a move takes at most: a flood of full commits must not fill memory faster than the table takes keys."""


class KeyTable(NamedTuple):
    """One such table."""

    name: str
    number: str
    """Its column of numbers, which only grow; the other is `key`."""
    moved: str
    """The total that says up to which number every key is in the table."""
    newest: Callable[[Store], dict[bytes, int]]
    """The keys that may not be in it yet, from what they are the keys of."""
    find: Lookup
    insert: Rows

    def stored(self, store: Store, keys: Iterable[bytes]) -> dict[bytes, int]:
        """The numbers of `keys` for a reader that keeps nothing in memory."""
        wanted = list(keys)
        fresh = self.newest(store)
        known = dict(self.find.find(store.execute, wanted))
        known.update((key, fresh[key]) for key in wanted if key in fresh)
        return known


def key_table(name: str, number: str, moved: str, newest: Callable[[Store], dict[bytes, int]]) -> KeyTable:
    """The table of this name, with its statements."""
    find = Lookup(f"SELECT key, {number} FROM {name} WHERE key IN")  # noqa: S608 - names of ours
    insert = Rows(f"INSERT INTO {name} VALUES", 2, f"ON CONFLICT DO UPDATE SET {number} = excluded.{number}")
    return KeyTable(name, number, moved, newest, find, insert)


class Keys:
    """The numbers of keys, as one bus has them."""

    def __init__(self, table: KeyTable, store: Store, committer: Committer) -> None:
        self.table = table
        self._store = store
        self._committer = committer
        self._most = store.options.keys_in_memory
        self._moving = False
        self._load()

    def _load(self) -> None:
        self._seen = self._store.reloads
        self._recent = self.table.newest(self._store)

    @property
    def recent(self) -> dict[bytes, int]:
        """The newest of them; those that are not here are in the table."""
        if self._seen != self._store.reloads:
            # A transaction was lost, and some of what is in memory may have been part of it.
            self._load()
        return self._recent

    def find(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """The numbers of those `keys` that have one."""
        recent = self.recent
        known: dict[bytes, int] = {}
        others: list[bytes] = []
        for key in keys:
            number = recent.get(key)
            if number is None:
                others.append(key)
            else:
                known[key] = number
        known.update(self.table.find.find(self._store.execute, others))
        return known

    def add(self, key: bytes, number: int) -> None:
        """Note what the open transaction stores; call `find` first."""
        self._recent[key] = number

    def settled(self, last: int) -> None:
        """What was added is durable, up to the number `last`: begin to move it to the table where there is much of it."""
        if len(self._recent) >= self._most and not self._moving:
            self._moving = True
            _Move(self, self._committer, sorted(self._recent.items()), last).go_on()

    def moved(self, keys: list[tuple[bytes, int]]) -> None:
        """`keys` are in the table."""
        self._moving = False
        recent = self._recent
        for key, number in keys:
            # One that came again after its window has a newer number here.
            if recent.get(key) == number:
                del recent[key]

    def gave_up(self) -> None:
        """The disk did not take them; the next full memory tries again."""
        self._moving = False


class _Move:
    """Writes keys to the table, some with each commit. A crash in between costs writing some of them again."""

    keep = False

    def __init__(self, owner: Keys, committer: Committer, keys: list[tuple[bytes, int]], upto: int) -> None:
        self._owner = owner
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
            # Closed, or full: nothing is lost, what they are the keys of has it all.
            self.fail(exc)

    def write(self, store: Store) -> None:
        """Write the part at hand; with the last one, that all of them are there."""
        part = islice(self._keys, self._start, self._start + self.rows)
        self._owner.table.insert.insert(store.execute, [value for pair in part for value in pair])
        if self._start + self.rows >= len(self._keys):
            store.set_total(self._owner.table.moved, self._upto)

    def settle(self) -> None:
        """Go on with the next part."""
        self._start += self.rows
        if self._start < len(self._keys):
            self.go_on()
        else:
            self._owner.moved(self._keys)

    def fail(self, error: Exception) -> None:
        """Nobody waits for it."""
        self._owner.gave_up()
