"""Revisions that are kept because somebody named them, whatever else still does."""

from collections.abc import Collection
from json import dumps

from eventbus.sqlite.store import Store

_PIN = "INSERT OR IGNORE INTO pins SELECT id, ? FROM revisions WHERE revision IN (SELECT value FROM json_each(?))"


def pin(store: Store, name: str, revisions: Collection[str]) -> None:
    """Make `revisions` what `name` keeps; none lets go of all. Inside a transaction; what is gone already is not brought back."""
    store.execute("DELETE FROM pins WHERE name = ?", (name,))
    if revisions:
        store.execute(_PIN, (name, dumps(list(revisions))))
