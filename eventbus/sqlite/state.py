"""Small keyed records, written with the decisions they belong to or by themselves."""

from eventbus.contract import StateChange
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Asked

VERSION = "state_version"
PRUNED_AT_ONCE = 32


def write_record(store: Store, change: StateChange, version: int | None, now_us: int) -> bool:
    """Write one record where the stored version is `version` (None: whatever it is; 0: absent). Inside a transaction."""
    execute = store.execute
    rows = execute("SELECT version, value, expires_us FROM state WHERE key = ?", (change.key,)).fetchall()
    alive = bool(rows) and (rows[0][2] is None or rows[0][2] > now_us)
    if version is not None and version != (rows[0][0] if alive else 0):
        return False
    if change.value is None:
        execute("DELETE FROM state WHERE key = ?", (change.key,))
    elif not alive or rows[0][1:] != (change.value, change.expires_us):
        # One sequence for all keys: a key deleted and written anew never shows a version it had before.
        store.add_to_total(VERSION, 1)
        row = (change.key, change.value, store.total(VERSION), change.expires_us)
        execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", row)
    if change.expires_us is not None:
        execute(
            "DELETE FROM state WHERE key IN (SELECT key FROM state WHERE expires_us <= ? ORDER BY expires_us LIMIT ?)",
            (now_us, PRUNED_AT_ONCE),
        )
    return True


class State:
    """See `StateStore`."""

    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer
        self._now_us = store.options.now_us

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """See `StateStore.get`."""
        rows = self._store.ask("SELECT value, version, expires_us FROM state WHERE key = ?", (key,))
        if not rows or (rows[0][2] is not None and rows[0][2] <= self._now_us()):
            return None
        return rows[0][0], rows[0][1]

    async def put(self, key: str, value: bytes | None, *, version: int | None = None, expires_us: int | None = None) -> bool:
        """See `StateStore.put`."""
        work = _Put(StateChange(key=key, value=value, expires_us=expires_us), version, self._now_us())
        self._committer.submit(work)
        return await work.answered


class _Put(Asked[bool]):
    """One call of `put`."""

    rows = 2
    # Written twice, its comparison would find its own first write.
    keep = False

    def __init__(self, change: StateChange, version: int | None, now_us: int) -> None:
        super().__init__()
        self._change = change
        self._version = version
        self._now_us = now_us
        self._written = False

    def write(self, store: Store) -> None:
        self._written = write_record(store, self._change, self._version, self._now_us)

    def settle(self) -> None:
        self.answer(self._written)
