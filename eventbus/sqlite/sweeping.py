"""Removing the keys of identities whose events are off the record: a walk through the table in the order of its keys.

A key is as good as random, so each removed by itself would rewrite a page. A walk that comes by when a quarter of the table may
go takes many from each page.
"""

from eventbus.sqlite.store import Store

ROWS = 512
"""Keys looked at in one step."""
WORTH_IT = 8192
"""Fewer keys that may go are left for later."""
SHARE = 4
"""A walk begins when one in so many keys may go."""
SWEPT = "swept"
"""The total that says up to which position no key is left."""

_NEXT = "SELECT key FROM identities WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?"
_LAST = "SELECT max(key) FROM identities"
_DELETE = "DELETE FROM identities WHERE key > ? AND key <= ? AND position <= ?"


class Sweep:
    """One walk at a time; one that a restart cuts off begins again."""

    def __init__(self) -> None:
        self._key = b""
        self._upto = 0
        self.under_way = False

    def due(self, store: Store, upto: int) -> bool:
        """Whether a walk that removes the keys of positions up to `upto` goes on, or is worth its while."""
        swept = store.total(SWEPT)
        may_go, left = upto - swept, store.last_position - swept
        if not self.under_way and may_go >= max(WORTH_IT, left // SHARE):
            self._key, self._upto, self.under_way = b"", upto, True
        return self.under_way

    def step(self, store: Store) -> bytes | None:
        """Look at the next keys, inside a transaction; where they end, or None after the last. `passed` is told that later."""
        rows = store.execute(_NEXT, (self._key, ROWS)).fetchall()
        end = rows[0][0] if rows else (store.execute(_LAST).fetchall()[0][0] or b"")
        store.execute(_DELETE, (self._key, end, self._upto))
        if rows:
            return bytes(end)
        store.set_total(SWEPT, self._upto)
        # The newest of them still tells where the window begins.
        store.execute("DELETE FROM marks WHERE position < ?", (self._upto,))
        return None

    def passed(self, end: bytes | None) -> None:
        """The keys up to `end` were looked at."""
        self._key = end or b""
        self.under_way = end is not None
