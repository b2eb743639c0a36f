"""Questions about events, answered from the tables in bounded steps."""

import asyncio
from collections.abc import Iterable, Sequence

from eventbus.cursors import check_limit, decode_cursor, encode_cursor
from eventbus.event import Identity, Recorded, Road
from eventbus.journal import EventFilter, EventPage, Scanned
from eventbus.sqlite.codec import EVENT_COLUMNS, PAST_COLUMNS, EventRow, earlier_of
from eventbus.sqlite.faults import damaged
from eventbus.sqlite.identities import IDENTITIES
from eventbus.sqlite.reading import read_on
from eventbus.sqlite.removing import KNOWN
from eventbus.sqlite.store import Store
from eventbus.sqlite.walking import newest_of
from eventbus.sqlite.window import span

NAME = b"e"
FEW_KINDS = 32
"""Up to so many kinds a list asks the index of each at once; for more, it looks at the newest events first."""
STEP = 2000
"""Rows walked before others get a turn."""
LOOKED_AT = 2 * STEP
STEP_BYTES = 4 << 20

BY_POSITION = f"SELECT {EVENT_COLUMNS} FROM events WHERE position = ?"  # noqa: S608
PAST = f"SELECT {PAST_COLUMNS} FROM past WHERE position = ?"  # noqa: S608
WALK = f"SELECT position, kind FROM {KNOWN} WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?"  # noqa: S608
OF_KIND = f"SELECT position FROM {KNOWN} WHERE kind = ? AND position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?"  # noqa: S608
CAUSED_PAST = f"SELECT {PAST_COLUMNS} FROM past WHERE causation = ? ORDER BY position LIMIT ?"  # noqa: S608
CAUSED = f"SELECT {EVENT_COLUMNS} FROM events WHERE causation = ? ORDER BY position LIMIT ?"  # noqa: S608
KINDS = (
    "SELECT id FROM kinds WHERE namespace = coalesce(:namespace, namespace) AND source = coalesce(:source, source)"
    " AND name = coalesce(:name, name) AND type = coalesce(:type, type)"
)
OF_ROAD = "kind IN (SELECT id FROM kinds WHERE namespace = ? AND source = ? AND name = ?)"
COUNT = tuple(
    f"SELECT count(*) FROM {table} INDEXED BY {table}_kind WHERE {OF_ROAD} AND position BETWEEN ? AND ?"  # noqa: S608
    for table in ("events", "past")
)
COUNTED = 65_536
"""Positions counted before others get a turn: some milliseconds where all are of one road."""
MAX_CAUSED = 1000

Span = tuple[int, int]


class EventQueries:
    """The part of `Journal` that is about events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def events(self, wanted: EventFilter, *, limit: int = 50, cursor: str | None = None) -> EventPage:
        """See `Journal.events`."""
        limit = check_limit(limit)
        last = self._store.last_stored()
        if cursor is not None:
            last = min(last, decode_cursor(NAME, cursor)[0] - 1)
        spans = span(self._store.ask, wanted.after_us, wanted.before_us, last)
        kinds = self._kinds(wanted)
        positions: list[int] = []
        for first, final in reversed(spans):
            if first <= final and len(positions) <= limit:
                positions += await self._positions(kinds, (first, final), limit + 1 - len(positions))
        return self._page(positions, limit)

    async def find(self, event_id: str) -> Sequence[Recorded]:
        """See `Journal.find`."""
        ask = self._store.ask
        roads = ask("SELECT DISTINCT namespace, source, name FROM kinds")
        found: list[Recorded] = []
        for start in range(0, len(roads), STEP):
            keys = [Identity(namespace, source, name, event_id).key() for namespace, source, name in roads[start : start + STEP]]
            for position in self._at(keys).values():
                found += self._with_earlier(position)
            await asyncio.sleep(0)
        return sorted(found)

    def _at(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The positions of identities."""
        return IDENTITIES.stored(self._store, keys)

    def _with_earlier(self, position: int) -> list[Recorded]:
        """The event at `position`, and those of its identity from before the dedupe window."""
        found: list[Recorded] = []
        while position:
            if whole := self._store.ask(BY_POSITION, (position,)):
                found += self._whole(whole[0])
                position = earlier_of(whole[0][6])
            elif past := self._store.ask(PAST, (position,)):
                found += self._store.forgotten(past)
                position = earlier_of(past[0][6])
            else:
                break
        return found

    async def event(self, position: int) -> Recorded | None:
        """See `Journal.event`. Raises `BusDamaged` where the stored row is not what was appended."""
        rows: list[EventRow] = self._store.ask(BY_POSITION, (position,))
        return self._whole(rows[0])[0] if rows else None

    async def stretch(self, after_us: int | None, before_us: int | None) -> tuple[int, int]:
        """See `Journal.stretch`."""
        last = self._store.last_stored()
        found = [one for one in span(self._store.ask, after_us, before_us, last) if one[0] <= one[1]]
        return (found[0][0], found[-1][1]) if found else (last + 1, last)

    async def scan(self, after: int, *, until: int, limit: int) -> Scanned:
        """See `Journal.scan`."""
        last = min(until, self._store.last_stored())
        rows, position = read_on(self._store, after, last, check_limit(limit))
        return Scanned(self._store.recorded(rows), max(after, position))

    async def count(self, roads: Iterable[Road], after: int, until: int) -> int:
        """See `Journal.count`."""
        last, found = min(until, self._store.last_stored()), 0
        for road in dict.fromkeys(roads):
            for first in range(after + 1, last + 1, COUNTED):
                between = (*road, first, min(first + COUNTED - 1, last))
                found += sum(self._store.ask(query, between)[0][0] for query in COUNT)
                await asyncio.sleep(0)
        return found

    async def known(self, position: int) -> Recorded | None:
        """See `Journal.known`. Raises `BusDamaged` where the stored row is not what was appended."""
        if (whole := await self.event(position)) is not None:
            return whole
        past = self._store.forgotten(self._store.ask(PAST, (position,)))
        return past[0] if past else None

    async def caused_by(self, firing_id: str) -> Sequence[Recorded]:
        """See `Journal.caused_by`; the first thousand."""
        store, given = self._store, (firing_id, MAX_CAUSED)
        past = store.forgotten(store.ask(CAUSED_PAST, given))
        return sorted(past + store.recorded(store.ask(CAUSED, given)), key=_position)[:MAX_CAUSED]

    def _whole(self, row: EventRow) -> list[Recorded]:
        found = self._store.recorded([row])
        if not found:
            raise damaged(self._store.path, self._store.damaged[row[0]])
        return found

    def _kinds(self, wanted: EventFilter) -> list[int] | None:
        """The kinds that the filter names; None for all."""
        named = {"namespace": wanted.namespace, "source": wanted.source, "name": wanted.name, "type": wanted.type}
        if not any(value is not None for value in named.values()):
            return None
        return [row[0] for row in self._store.ask(KINDS, named)]

    async def _positions(self, kinds: list[int] | None, among: Span, limit: int) -> list[int]:
        """The newest positions of these kinds, newest first."""
        if kinds is None:
            return await self._walk_events(None, among, limit, None)
        if len(kinds) > FEW_KINDS:
            found = await self._walk_events(set(kinds), among, limit, LOOKED_AT)
            if len(found) == limit:
                return found
        first, final = among

        async def of_kind(kind: int, before: int | None, most: int) -> list[int]:
            return [row[0] for row in self._store.ask(OF_KIND, (kind, first, final if before is None else before - 1, most))]

        return await newest_of(kinds, of_kind, limit)

    async def _walk_events(self, kinds: set[int] | None, among: Span, limit: int, most: int | None) -> list[int]:
        """The newest positions of `kinds`; where they are rare, only those among the newest `most` rows."""
        first, final = among
        found: list[int] = []
        step, looked = limit if kinds is None else STEP, 0
        while len(found) < limit and (most is None or looked < most):
            rows = self._store.ask(WALK, (first, final, step))
            found += [position for position, kind in rows if kinds is None or kind in kinds]
            if len(rows) < step:
                break
            final = rows[-1][0] - 1
            looked += step
            await asyncio.sleep(0)
        return found[:limit]

    def _page(self, positions: list[int], limit: int) -> EventPage:
        """The events at the first of `positions`: up to `limit`, and not many megabytes."""
        store, found, size, done = self._store, list[Recorded](), 0, 0
        for position in positions[:limit]:
            if size > STEP_BYTES:
                break
            done += 1
            if rows := store.ask(BY_POSITION, (position,)):
                found += store.recorded(rows)
                size += len(rows[0][8] or b"")
            else:
                found += store.forgotten(store.ask(PAST, (position,)))
        return EventPage(found, encode_cursor(NAME, positions[done - 1]) if len(positions) > done else None)


def _position(recorded: Recorded) -> int:
    return recorded.position
