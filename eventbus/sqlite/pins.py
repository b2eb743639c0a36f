"""Revisions that are kept because somebody named them, whatever else still does."""

from collections.abc import Collection
from json import dumps

from eventbus.sqlite.store import Store

_PIN = "INSERT OR IGNORE INTO pins SELECT id, ? FROM revisions WHERE revision IN (SELECT value FROM json_each(?))"
_UNNAME = (
    "UPDATE revisions SET named_until = :last WHERE named_until IS NULL AND id IN (SELECT revision FROM pins WHERE name = :name)"
    " AND id NOT IN (SELECT revision FROM declared) RETURNING id"
)


def pin(store: Store, name: str, revisions: Collection[str]) -> None:
    """Make `revisions` what `name` keeps; none lets go of all. Inside a transaction; what is gone already is not brought back."""
    # Whoever decided by one whose declaration is gone may have named it anew: it goes with the firings that there are now.
    if store.execute(_UNNAME, {"name": name, "last": store.last_seq}).fetchall():
        store.names.forget()
    store.execute("DELETE FROM pins WHERE name = ?", (name,))
    if revisions:
        store.execute(_PIN, (name, dumps(list(revisions))))
