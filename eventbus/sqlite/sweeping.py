"""Removing the keys of what is off the record: a walk through their table in the order of the keys.

A key is as good as random, so each removed by itself would rewrite a page. A walk that comes by when a quarter of the table may
go takes many from each page.
"""

from eventbus.sqlite.keytable import KeyTable
from eventbus.sqlite.store import Store

ROWS = 512
"""Keys looked at in one step."""
WORTH_IT = 8192
"""Fewer keys that may go are left for later."""
SHARE = 4
"""A walk begins when one in so many keys may go."""


class Sweep:
    """One walk at a time; one that a restart cuts off begins again."""

    def __init__(self, table: KeyTable) -> None:
        name = table.name
        self._swept = f"swept {name}"
        """The total that says up to which number no key is left."""
        self._next = f"SELECT key FROM {name} WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?"  # noqa: S608 - names of ours
        self._last = f"SELECT max(key) FROM {name}"  # noqa: S608
        self._delete = f"DELETE FROM {name} WHERE key > ? AND key <= ? AND {table.number} <= ?"  # noqa: S608
        self._key = b""
        self._upto = 0
        self.under_way = False

    def due(self, store: Store, upto: int, last: int) -> bool:
        """Whether a walk that removes the keys of numbers up to `upto`, of `last`, goes on, or is worth its while."""
        swept = store.total(self._swept)
        may_go, left = upto - swept, last - swept
        if not self.under_way and may_go >= max(WORTH_IT, left // SHARE):
            self._key, self._upto, self.under_way = b"", upto, True
        return self.under_way

    def step(self, store: Store) -> bytes | None:
        """Look at the next keys, inside a transaction; where they end, or None after the last. `passed` is told that later."""
        rows = store.execute(self._next, (self._key, ROWS)).fetchall()
        end = rows[0][0] if rows else (store.execute(self._last).fetchall()[0][0] or b"")
        store.execute(self._delete, (self._key, end, self._upto))
        if rows:
            return bytes(end)
        store.set_total(self._swept, self._upto)
        return None

    def passed(self, end: bytes | None) -> None:
        """The keys up to `end` were looked at."""
        self._key = end or b""
        self.under_way = end is not None
