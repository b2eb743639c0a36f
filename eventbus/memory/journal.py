"""The journal in memory: each answer looks through everything."""

from collections.abc import Callable, Iterable, Sequence

from eventbus.cursors import check_limit, decode_cursor, encode_cursor
from eventbus.event import Recorded, Road
from eventbus.firing import OutcomeKind
from eventbus.journal import Declared, EventFilter, EventPage, FiringFilter, FiringPage, FiringRecord, Scanned, Tallies
from eventbus.memory.retention import bytes_used
from eventbus.memory.stored import Kept as KeptFiring
from eventbus.memory.stored import Stored
from eventbus.retention import HELD, Gap, Kept

PREFIX_DIGITS = 8


class MemoryJournal:
    """See `Journal`."""

    def __init__(self, stored: Stored, now_us: Callable[[], int]) -> None:
        self._stored = stored
        self._now_us = now_us

    async def events(self, wanted: EventFilter, *, limit: int = 50, cursor: str | None = None) -> EventPage:
        """See `Journal.events`."""
        limit = check_limit(limit)
        before = decode_cursor(b"e", cursor)[0] if cursor is not None else self._stored.last + 1
        newest = reversed(self._stored.events.values())
        found = [one for one in newest if one.position < before and wanted.takes(one)]
        return EventPage(found[:limit], encode_cursor(b"e", found[limit - 1].position) if len(found) > limit else None)

    async def find(self, event_id: str) -> Sequence[Recorded]:
        """See `Journal.find`."""
        return [one for one in self._stored.events.values() if one.event.id == event_id]

    async def event(self, position: int) -> Recorded | None:
        """See `Journal.event`."""
        found = self._stored.events.get(position)
        return found if found is not None and found.event.forgotten is None else None

    async def known(self, position: int) -> Recorded | None:
        """See `Journal.known`."""
        return self._stored.events.get(position)

    async def firings(self, wanted: FiringFilter, *, limit: int = 50, cursor: str | None = None) -> FiringPage:
        """See `Journal.firings`."""
        limit = check_limit(limit)
        end = decode_cursor(b"f", cursor) if cursor is not None else None
        kept = sorted(self._stored.firings.values(), key=_place, reverse=True)
        found = [one for one in kept if (end is None or _place(one) < end) and _wants_firing(wanted, one)]
        more = encode_cursor(b"f", *_place(found[limit - 1])) if len(found) > limit else None
        return FiringPage([_record(one) for one in found[:limit]], more)

    async def firing(self, firing_id: str) -> FiringRecord | None:
        """See `Journal.firing`."""
        found = [kept for id, kept in self._stored.firings.items() if id.startswith(firing_id)]
        return _record(found[0]) if len(found) == 1 and len(firing_id) >= PREFIX_DIGITS else None

    async def firings_of(self, position: int) -> Sequence[FiringRecord]:
        """See `Journal.firings_of`."""
        return [
            _record(kept)
            for kept in self._stored.firings.values()
            if any(cause.position == position for cause in kept.firing.causes)
        ]

    async def caused_by(self, firing_id: str) -> Sequence[Recorded]:
        """See `Journal.caused_by`."""
        return [one for one in self._stored.events.values() if one.event.causation == firing_id]

    async def in_force(self, position: int | None, until: int | None = None) -> Sequence[Declared]:
        """See `Journal.in_force`."""
        first, last = position, position if until is None else until
        found = [
            one
            for one in self._stored.declared
            if (
                one.until is None
                if first is None or last is None
                else one.since < last and (one.until is None or one.until >= first)
            )
        ]
        return sorted(found, key=lambda one: one.ref)

    async def stretch(self, after_us: int | None, before_us: int | None) -> tuple[int, int]:
        """See `Journal.stretch`."""
        wanted = EventFilter(after_us=after_us, before_us=before_us)
        found = [one.position for one in self._stored.events.values() if wanted.takes(one)]
        return (found[0], found[-1]) if found else (self._stored.last + 1, self._stored.last)

    async def scan(self, after: int, *, until: int, limit: int) -> Scanned:
        """See `Journal.scan`."""
        found = [one for one in self._stored.whole(after) if one.position <= until][: check_limit(limit)]
        return Scanned(found, found[-1].position if found else max(after, min(until, self._stored.last)))

    async def revision(self, revision: str) -> bytes | None:
        """See `Journal.revision`."""
        return self._stored.revisions.get(revision) or None

    async def quarantined(self) -> Sequence[tuple[int, str]]:
        """See `Journal.quarantined`."""
        return sorted(self._stored.quarantined.items())

    async def matched(self, namespace: str, sensor: str) -> dict[str, tuple[int, int]]:
        """See `Journal.matched`."""
        return {ref.dependency: both for ref, both in self._stored.matched.items() if ref[:2] == (namespace, sensor)}

    async def seen(self, road: Road) -> int:
        """See `Journal.seen`."""
        return self._stored.seen.get(road, 0)

    async def position(self, group: str) -> int | None:
        """See `Journal.position`."""
        return self._stored.groups.get(group)

    async def count(self, roads: Iterable[Road], after: int, until: int) -> int:
        """See `Journal.count`."""
        wanted = set(roads)
        return sum(after < position <= until and one.event.road in wanted for position, one in self._stored.events.items())

    async def records(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """See `Journal.records`."""
        keys = sorted(key for key in self._stored.records if key.startswith(prefix))
        found = [(key, self._stored.record(key, self._now_us())) for key in keys]
        return [(key, record[0]) for key, record in found if record is not None]

    async def tallies(self) -> Tallies:
        """See `Journal.tallies`."""
        stored = self._stored
        decided = min([position for name, position in stored.groups.items() if not name.startswith(HELD)], default=0)
        open_at = [kept.firing.decided_us for kept in stored.firings.values() if kept.outcome is None]
        dead = [kept for kept in stored.firings.values() if kept.outcome and kept.outcome.kind is OutcomeKind.DEAD_LETTERED]
        return Tallies(
            appended=stored.last,
            repeats=stored.repeats,
            last_position=stored.last,
            undecided=stored.last - decided,
            oldest_undecided_us=next((one.received_us for one in stored.whole(decided)), None),
            open_firings=len(open_at),
            oldest_open_us=min(open_at, default=None),
            dead_letters=len(dead),
            bytes_on_disk=0,
        )

    async def kept(self) -> Kept:
        """See `Journal.kept`."""
        stored = self._stored
        return Kept(
            data_since_us=next((one.received_us for one in stored.whole(0)), None),
            since_us=next((one.received_us for one in stored.events.values()), None),
            removed_data=stored.removed_data,
            removed_events=stored.removed_events,
            removed_firings=stored.removed_firings,
            skipped=sum(gap.last - gap.first + 1 for gap in stored.gaps),
            bytes_used=bytes_used(stored),
        )

    async def gaps(self, group: str | None = None) -> Sequence[Gap]:
        """See `Journal.gaps`."""
        return [gap for gap in reversed(self._stored.gaps) if group in (None, gap.group)]


def _place(kept: KeptFiring) -> tuple[int, int]:
    return kept.firing.decided_us, kept.number


def _wants_firing(wanted: FiringFilter, kept: KeptFiring) -> bool:
    trigger, decided_us = kept.firing.trigger, kept.firing.decided_us
    return (
        wanted.namespace in (None, trigger.namespace)
        and wanted.sensor in (None, trigger.sensor)
        and wanted.trigger in (None, trigger.trigger)
        and (wanted.outcome is None or (kept.outcome is not None and kept.outcome.kind is wanted.outcome))
        and (wanted.open is None or wanted.open is (kept.outcome is None))
        and wanted.replay in (None, kept.firing.replay)
        and (wanted.after_us is None or decided_us >= wanted.after_us)
        and (wanted.before_us is None or decided_us < wanted.before_us)
    )


def _record(kept: KeptFiring) -> FiringRecord:
    outcome = kept.outcome
    return FiringRecord(
        firing=kept.firing,
        attempts=tuple(attempt for _, attempt in sorted(kept.attempts.items())),
        due_us=kept.due_us if outcome is None else None,
        outcome=outcome.kind if outcome is not None else None,
        reason=outcome.reason if outcome is not None else "",
        closed_us=kept.closed_us,
        request=kept.request,
    )
