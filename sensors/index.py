"""From an event to the few dependencies that may match it, whatever their number.

First by road, then by what a filter needs: a literal in a value, a number, a truth value, a context attribute. What is found is a
candidate and is verified with its whole filter; what cannot be narrowed is always a candidate.
"""

from collections.abc import Collection, Iterator
from typing import Generic, Protocol, TypeVar

from eventbus.event import Road
from sensors.bound import EventView
from sensors.filters.held import Key, Needs
from sensors.languages.gjson import Path, compile_path
from sensors.literals import Bucket, Literals


class Indexed(Protocol):
    """What can stand in the index: compared and hashed as the object it is."""

    @property
    def road(self) -> Road:
        """The road whose events it looks at."""

    @property
    def needs(self) -> Needs:
        """What an event with data must have to match."""


E = TypeVar("E", bound=Indexed)


class _Values(Generic[E]):
    """What is needed of the value at one path."""

    __slots__ = ("exact", "literals", "numbers", "path", "truths")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.exact: dict[str, Bucket[E]] = {}
        self.literals: Literals[E] = Literals()
        self.numbers: dict[float, Bucket[E]] = {}
        self.truths: dict[bool, Bucket[E]] = {}

    def __bool__(self) -> bool:
        return bool(self.exact or self.literals or self.numbers or self.truths)

    def find(self, view: EventView) -> Iterator[Bucket[E]]:
        found = view.look(self.path)
        if not found.exists:
            return
        if self.numbers:
            yield self.numbers.get(found.number, {})
        if self.truths:
            yield self.truths.get(found.truth, {})
        text = found.text
        if self.exact:
            yield self.exact.get(text, {})
        if self.literals:
            yield from self.literals.find(text)


class RoadIndex(Generic[E]):
    """The dependencies of one road."""

    def __init__(self) -> None:
        self.all: Bucket[E] = {}
        self._always: Bucket[E] = {}
        self._paths: dict[str, _Values[E]] = {}
        self._context: dict[tuple[str, str], Bucket[E]] = {}
        self._attributes: dict[str, int] = {}

    def add(self, entry: E) -> None:
        """Add `entry` under all that it needs."""
        self.all[entry] = None
        if entry.needs is None:
            self._always[entry] = None
            return
        for key in entry.needs:
            self._add(key, entry)

    def _add(self, key: Key, entry: E) -> None:
        what, where, value = key
        if what == "context":
            self._context.setdefault((where, str(value)), {})[entry] = None
            self._attributes[where] = self._attributes.get(where, 0) + 1
            return
        values = self._paths.get(where)
        if values is None:
            values = self._paths[where] = _Values(compile_path(where))
        if what == "text":
            values.literals.add(str(value), entry)
        elif what == "exact":
            values.exact.setdefault(str(value), {})[entry] = None
        elif what == "number":
            values.numbers.setdefault(float(value), {})[entry] = None
        else:
            values.truths.setdefault(bool(value), {})[entry] = None

    def discard(self, entry: E) -> None:
        """Remove `entry`; a path that nobody asks about any more is no longer looked up."""
        if self.all.pop(entry, self) is self:
            return
        if entry.needs is None:
            del self._always[entry]
            return
        for key in entry.needs:
            self._discard(key, entry)

    def _discard(self, key: Key, entry: E) -> None:
        what, where, value = key
        if what == "context":
            _drop(self._context, (where, str(value)), entry)
            self._attributes[where] -= 1
            if not self._attributes[where]:
                del self._attributes[where]
            return
        values = self._paths[where]
        if what == "text":
            values.literals.discard(str(value), entry)
        elif what == "exact":
            _drop(values.exact, str(value), entry)
        elif what == "number":
            _drop(values.numbers, float(value), entry)
        else:
            _drop(values.truths, bool(value), entry)
        if not values:
            del self._paths[where]

    def candidates(self, view: EventView) -> Collection[E]:
        """Every entry that may match; an entry that does match is always among them."""
        document = view.document
        if document is None:
            # Absent data passes every data clause, so nothing is known beforehand.
            return self.all
        if not self._paths and not self._context:
            return self._always
        found = dict(self._always)
        for attribute in self._attributes:
            found.update(self._context.get((attribute, getattr(view.event, attribute) or ""), {}))
        if document.valid:
            for values in self._paths.values():
                for bucket in values.find(view):
                    found.update(bucket)
        return found

    def settle(self) -> None:
        """Build what was put off."""
        for values in self._paths.values():
            values.literals.settle()


K = TypeVar("K")


def _drop(buckets: dict[K, Bucket[E]], key: K, entry: E) -> None:
    bucket = buckets[key]
    bucket.pop(entry, None)
    if not bucket:
        del buckets[key]


class Index(Generic[E]):
    """All dependencies by road."""

    def __init__(self) -> None:
        self._roads: dict[Road, RoadIndex[E]] = {}
        self._unsettled: set[Road] = set()

    def __len__(self) -> int:
        return sum(len(road.all) for road in self._roads.values())

    def add(self, entry: E) -> None:
        """Add `entry`. Adding it twice changes nothing."""
        road = self._roads.get(entry.road)
        if road is None:
            road = self._roads[entry.road] = RoadIndex()
        if entry not in road.all:
            road.add(entry)
            self._unsettled.add(entry.road)

    def discard(self, entry: E) -> None:
        """Remove `entry` where it is present."""
        road = self._roads.get(entry.road)
        if road is None:
            return
        road.discard(entry)
        if not road.all:
            del self._roads[entry.road]

    def road(self, road: Road) -> RoadIndex[E] | None:
        """What looks at events of `road`; None where nothing does."""
        return self._roads.get(road)

    def settle(self) -> None:
        """Build now what the next events would otherwise wait for."""
        for name in self._unsettled:
            road = self._roads.get(name)
            if road is not None:
                road.settle()
        self._unsettled.clear()
