"""The `context` filter: equality on CloudEvents attributes. It never errs; empty fields are ignored.

Semantics: upstream compares `type`, `subject`, `source`, `datacontenttype` and ignores `id`, `specversion` and `time`.
"""

from manifests.objects import ContextFilter
from sensors.bound import EventView
from sensors.filters.held import Held, Key, Needs, shown

_ATTRIBUTES = {"type": "type", "subject": "name", "source": "source", "datacontenttype": "datacontenttype"}
"""The filter's fields in the order they are compared, and the event's fields that hold them."""


class Context:
    """A compiled `context` filter."""

    __slots__ = ("_wanted", "needs")

    def __init__(self, spec: ContextFilter) -> None:
        wanted = [(name, field, str(getattr(spec, name))) for name, field in _ATTRIBUTES.items()]
        self._wanted = tuple(entry for entry in wanted if entry[2])
        self.needs: Needs = _needs(self._wanted)

    def holds(self, view: EventView) -> Held:
        """Whether every given attribute is equal."""
        event = view.event
        for _, field, value in self._wanted:
            if (getattr(event, field) or "") != value:
                return Held.NO
        return Held.YES

    def why(self, view: EventView) -> str:
        """The first attribute that differs."""
        for name, field, value in self._wanted:
            seen = getattr(view.event, field) or ""
            if seen != value:
                return f"context {name}: {shown(seen)} is not {shown(value)}"
        return ""


def _needs(wanted: tuple[tuple[str, str, str], ...]) -> Needs:
    # Source and subject are the road itself, so they narrow nothing; the type differs most often.
    for name, field, value in wanted:
        if name in {"type", "datacontenttype"}:
            return (Key("context", field, value),)
    return None
