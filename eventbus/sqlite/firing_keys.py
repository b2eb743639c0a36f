"""Which firings there are: numbers by id."""

from eventbus.sqlite.keytable import key_table
from eventbus.sqlite.store import Store

MOVED = "keyed"
_NEWEST = "SELECT id, seq FROM firings WHERE seq > ?"


def _newest(store: Store) -> dict[bytes, int]:
    """The ids of firings that may not be in the table yet."""
    return dict(store.ask(_NEWEST, (store.total(MOVED),)))


FIRINGS = key_table("firing_keys", "seq", MOVED, _newest)
_BETWEEN = "SELECT seq FROM firing_keys WHERE key BETWEEN ? AND ? LIMIT 2"


def begin_with(store: Store, recent: dict[bytes, int], prefix: str) -> set[int]:
    """The numbers of the firings whose ids begin with these hexadecimal digits, two at most; `recent` are the newest ids."""
    low, high = bytes.fromhex(prefix.ljust(32, "0")), bytes.fromhex(prefix.ljust(32, "f"))
    found = {seq for (seq,) in store.ask(_BETWEEN, (low, high))}
    return found | {seq for key, seq in recent.items() if low <= key <= high}
