"""Retention in memory, in the plainest words: it looks at everything for each event that may go."""

from collections.abc import Collection

import msgspec

from eventbus.firing import OutcomeKind
from eventbus.memory.stored import Kept, Stored
from eventbus.retention import HELD, Gap, Retention

OVERHEAD = 512
"""Bytes that a record stands for, whatever is in it."""


def bytes_used(stored: Stored) -> int:
    """What the store would take on a disk, about."""
    return sum(len(one.event.data or b"") + OVERHEAD for one in stored.events.values())


class Removal:
    """One pass over the store."""

    def __init__(self, stored: Stored, policy: Retention, needed: Collection[int], now_us: int) -> None:
        self._stored = stored
        self._policy = policy
        self._now_us = now_us
        self._data_us = now_us - int(policy.age_s * 1e6)
        self._record_us = now_us - int(max(policy.age_s, policy.journal_age_s) * 1e6)
        strict = [position for name, position in stored.groups.items() if not name.startswith(HELD)]
        self._decided = min([stored.last - 1, *strict])
        self._needed = {*needed, *(cause.position for kept in self._open() for cause in kept.firing.causes)}

    def run(self) -> None:
        """Remove what is too old; then, oldest first, what there is no room for."""
        for position in self._with_data():
            if self._stored.events[position].received_us < self._data_us and not self._held(position):
                self._forget_data(position, "it was older than the time that data is kept")
        for position in self._without_data():
            if self._stored.events[position].received_us < self._record_us:
                self._forget_record(position, self._record_us)
        self._forget_declared()
        while bytes_used(self._stored) > self._policy.target_bytes and self._make_room():
            pass

    def _make_room(self) -> bool:
        """Remove one thing before its time; False where everything left is needed."""
        data, records = self._with_data(), self._without_data()
        few = len(records) <= self._policy.records_for_data * len(data)
        if data and (few or not records):
            self._forget_data(data[0], "the store had reached its largest size")
            return True
        return any(self._forget_record(position, None) for position in records)

    def _with_data(self) -> list[int]:
        """Events whose data may go."""
        return [
            one.position for one in self._stored.whole(0) if one.position <= self._decided and one.position not in self._needed
        ]

    def _without_data(self) -> list[int]:
        return [position for position, one in self._stored.events.items() if one.event.forgotten is not None]

    def _held(self, position: int) -> bool:
        small = bytes_used(self._stored) <= self._policy.held_bytes
        return small and any(at < position for name, at in self._stored.groups.items() if name.startswith(HELD))

    def _open(self) -> list[Kept]:
        return [kept for kept in self._stored.firings.values() if kept.outcome is None]

    def _forget_data(self, position: int, reason: str) -> None:
        stored = self._stored
        recorded = stored.events[position]
        size = len(recorded.event.data or b"")
        stored.events[position] = recorded._replace(event=msgspec.structs.replace(recorded.event, data=None, forgotten=size))
        stored.removed_data += 1
        for kept in self._caused_by(position):
            if kept.outcome is not None and kept.outcome.kind is OutcomeKind.SUCCEEDED:
                kept.request = None
        for name in [name for name, at in stored.groups.items() if name.startswith(HELD) and at < position]:
            self._skip(name, position, reason)

    def _skip(self, name: str, position: int, reason: str) -> None:
        stored = self._stored
        first = stored.groups[name] + 1
        last = stored.gaps[-1] if stored.gaps else None
        if last is not None and (last.group, last.last) == (name, first - 1):
            first = stored.gaps.pop().first
        stored.gaps.append(Gap(group=name, first=first, last=position, at_us=self._now_us, reason=reason))
        stored.groups[name] = position

    def _forget_record(self, position: int, closed_since_us: int | None) -> bool:
        stored, newest = self._stored, max((kept.number for kept in self._stored.firings.values()), default=0)
        caused = self._caused_by(position)
        for kept in caused:
            recent = closed_since_us is not None and kept.closed_us is not None and kept.closed_us >= closed_since_us
            if kept.outcome is None or recent or kept.number == newest:
                return False
        del stored.events[position]
        stored.removed_events += 1
        stored.quarantined.pop(position, None)
        for kept in caused:
            if position == max(cause.position for cause in kept.firing.causes):
                del stored.firings[kept.firing.id]
                stored.removed_firings += 1
        return True

    def _forget_declared(self) -> None:
        """Declarations that decided nothing that is on record, and the revisions that nothing names."""
        stored = self._stored
        low = next(iter(stored.events), 1) - 1
        stored.declared[:] = [one for one in stored.declared if one.until is None or one.until > low]
        named = {one.revision for one in stored.declared} | {kept.firing.revision for kept in stored.firings.values()}
        named = named.union(*stored.pins.values())
        for revision in [revision for revision in stored.revisions if revision not in named]:
            del stored.revisions[revision]

    def _caused_by(self, position: int) -> list[Kept]:
        return [kept for kept in self._stored.firings.values() if any(c.position == position for c in kept.firing.causes)]
