"""Which identities the log has: positions by `Identity.key()`."""

from collections.abc import Sequence
from json import dumps

from eventbus.event import Identity
from eventbus.sqlite.keytable import key_table
from eventbus.sqlite.store import Store

MOVED = "indexed"

_NEWEST = (
    "SELECT position, kind, id FROM events WHERE position > :after"
    " UNION ALL SELECT position, kind, id FROM past WHERE position > :after ORDER BY position"
)
_THESE = "SELECT position, kind, id FROM past WHERE position IN (SELECT value FROM json_each(?)) AND position > ?"


def _newest(store: Store) -> dict[bytes, int]:
    """The keys of events that may not be in the table yet, from the events themselves."""
    rows = store.ask(_NEWEST, {"after": store.total(MOVED)})
    return {_key(store, kind, event_id): position for position, kind, event_id in rows}


def _key(store: Store, kind: int, event_id: str) -> bytes:
    namespace, source, name, _ = store.names.kind(kind)
    return Identity(namespace, source, name, event_id).key()


IDENTITIES = key_table("identities", "position", MOVED, _newest)


def write_out(store: Store, positions: Sequence[int]) -> None:
    """Make sure that the table has the keys of the events at `positions`, which are about to go off the record."""
    rows = store.execute(_THESE, (dumps(positions), store.total(MOVED))).fetchall()
    if rows:
        keys = sorted((_key(store, kind, event_id), position) for position, kind, event_id in rows)
        IDENTITIES.insert.insert(store.execute, [value for pair in keys for value in pair])
