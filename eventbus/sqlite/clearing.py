"""What retention removes next: one bounded step after the other, the oldest first."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from eventbus.firing import Firing
from eventbus.retention import HELD, Needed, Retention
from eventbus.sqlite import removing
from eventbus.sqlite.firing_keys import FIRINGS
from eventbus.sqlite.identities import IDENTITIES, write_out
from eventbus.sqlite.removing import DATA, DATA_FLOOR, KNOWN, RECORD, RECORD_FLOOR
from eventbus.sqlite.schema import PAGE_SIZE
from eventbus.sqlite.store import Store
from eventbus.sqlite.sweeping import Sweep
from eventbus.sqlite.window import Window, first_at

EVENTS = 128
"""Events of one step."""
STEP_BYTES = 1 << 20
"""Bytes of data that one step removes, or one event."""
STEP_FIRINGS = 512
"""Firings that hang on the events of one step but its last: a thousand sensors may have fired on each event."""
STRAYS_A_LOOK = 512
"""Events kept for open work that are looked at again at each look."""
MOST_FREED = 65_536
KINDS_A_LOOK = 64
KEY_BYTES = 26
"""What a key of an identity takes in its table."""
KEYS_SHARE = 10
"""Keys of what is off the record take at most one in so many bytes of the limit."""
FREE_PAGES = 64
"""Pages given back to the disk in one step."""
FREE_AT_LEAST = 8192
"""Free pages that are kept for what comes next."""

_NEXT_DATA = "SELECT position, length(data) FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
_NEXT_RECORDS = f"SELECT position, received_us FROM {KNOWN} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"  # noqa: S608
_NEXT_STRAYS = "SELECT position FROM strays WHERE record = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?"
_ENOUGH = "SELECT position FROM causes WHERE position > ? ORDER BY position, seq LIMIT 1 OFFSET ?"
_ENOUGH_STRAYS = (
    "SELECT causes.position FROM strays CROSS JOIN causes ON causes.position = strays.position"
    " WHERE record = ? AND strays.position > ? ORDER BY strays.position LIMIT 1 OFFSET ?"
)
_FREE = "SELECT freelist_count, page_count, auto_vacuum FROM pragma_freelist_count, pragma_page_count, pragma_auto_vacuum"

Then = Callable[[], None]
"""What to do once a step is durable."""
Write = Callable[[Store], Then | None]
"""A step: writes inside a transaction."""

BY_AGE = "it was older than the time that data is kept"
BY_SIZE = "the store had reached its largest size"


class Look(NamedTuple):
    """What one look around found. It holds until the next: of what it covers, open work only ever needs less."""

    decided: int
    """No group but held ones needs what is up to here."""
    held: int
    """No group at all needs what is up to here."""
    data_upto: int
    """Data up to here is old enough to go."""
    record_upto: int
    closed_since_us: int
    """Firings closed since then are young enough to stay."""
    window: int
    """Events from this position on count for dedupe."""
    needed: frozenset[int]


class Clearing:
    """Knows how far everything has got. Each step is worked out from the store as it is."""

    def __init__(self, store: Store, skipped: Callable[[str, int], None]) -> None:
        """`skipped` is told which held group moved on, and to which position."""
        self._store = store
        self._skipped = skipped
        self._window = Window(store)
        self._identities = Sweep(IDENTITIES)
        self._firings = Sweep(FIRINGS)
        self._freed: set[int] = set()
        """Positions whose firing was closed after retention had passed them."""
        self._stray = [0, 0]
        self._strays_left = 0
        self._kind = 0
        self._named = -1
        self._data_floor = store.total(DATA_FLOOR)

    def look_around(self, policy: Retention, needed: Needed) -> Look:
        """See how far what is old reaches, and what is needed of it."""
        store, ask = self._store, self._store.ask
        now_us, last = store.options.now_us(), store.last_position
        groups: list[tuple[str, int]] = ask("SELECT name, position FROM groups")
        # The newest event stays, so that its position and time are known after a restart.
        decided = min([last - 1, *[position for name, position in groups if not name.startswith(HELD)]])
        journal_us = now_us - int(max(policy.journal_age_s, policy.age_s) * 1e6)
        self._strays_left = STRAYS_A_LOOK
        return Look(
            decided=decided,
            held=min([decided, *[position for _, position in groups]]),
            data_upto=first_at(ask, now_us - int(policy.age_s * 1e6), last) - 1,
            record_upto=first_at(ask, journal_us, last) - 1,
            closed_since_us=journal_us,
            window=self._window.floor(now_us),
            needed=frozenset(needed()),
        )

    def closed(self, firing: Firing) -> None:
        """What `firing` needed may go: it is looked at before the rest."""
        for cause in firing.causes:
            if cause.position <= self._data_floor and len(self._freed) < MOST_FREED:
                self._freed.add(cause.position)

    def next(self, policy: Retention, look: Look, used: int) -> Write | None:
        """The next step, or None where nothing more may go now. `used` bytes of the store hold something."""
        data_floor, record_floor = self._store.total(DATA_FLOOR), self._store.total(RECORD_FLOOR)
        full = used > policy.target_bytes
        upto = min(look.data_upto, look.decided if used > policy.held_bytes else look.held)
        if data_floor < upto:
            return self._data(look, data_floor, upto, BY_AGE)
        if record_floor < (upto := min(look.record_upto, data_floor)):
            return self._records(look, record_floor, upto, look.closed_since_us)
        if full and (step := self._for_room(policy, look, data_floor, record_floor)):
            return step
        return (
            self._strays(look, full=full)
            or self._keys(policy, look, record_floor, full=full)
            or self._names(record_floor)
            or self._free(policy, full=full)
        )

    def _for_room(self, policy: Retention, look: Look, data_floor: int, record_floor: int) -> Write | None:
        """What goes before its time, because the store is too large: data and records in the measure of their ages."""
        with_data, without = self._store.last_position - data_floor, data_floor - record_floor
        more_data = data_floor < look.decided
        if record_floor < data_floor and not (more_data and without <= policy.records_for_data * with_data):
            return self._records(look, record_floor, data_floor, None)
        return self._data(look, data_floor, look.decided, BY_SIZE) if more_data else None

    def _data(self, look: Look, floor: int, upto: int, reason: str) -> Write:
        def write(store: Store) -> Then:
            bound = _bound(store, upto, _ENOUGH, (floor, STEP_FIRINGS))
            positions = _some(store.execute(_NEXT_DATA, (floor, bound, EVENTS)).fetchall())
            end = positions[-1] if positions else bound
            removing.forget_data(store, positions, look.needed)
            store.set_total(DATA_FLOOR, end)
            moved = removing.skip(store, end, reason)
            return lambda: self._moved(end, moved)

        return write

    def _moved(self, floor: int, groups: Sequence[str]) -> None:
        self._data_floor = floor
        for name in groups:
            self._skipped(name, floor)

    def _records(self, look: Look, floor: int, upto: int, closed_since_us: int | None) -> Write:
        def write(store: Store) -> None:
            bound = _bound(store, upto, _ENOUGH, (floor, STEP_FIRINGS))
            rows = store.execute(_NEXT_RECORDS, (floor, bound, EVENTS)).fetchall()
            positions = [position for position, _ in rows]
            if positions and positions[-1] >= look.window:
                write_out(store, positions)
            removing.forget_records(store, positions, closed_since_us)
            if rows:
                store.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", rows[-1])
            store.set_total(RECORD_FLOOR, rows[-1][0] if len(rows) == EVENTS else bound)

        return write

    def _strays(self, look: Look, *, full: bool) -> Write | None:
        """Look again at some of what was left for open work."""
        if self._freed:
            freed = [self._freed.pop() for _ in range(min(EVENTS, len(self._freed)))]
            return lambda store: removing.forget_data(store, freed, look.needed)
        closed_since_us = None if full else look.closed_since_us
        while self._strays_left > 0:
            self._strays_left -= EVENTS
            if data := self._next_strays(DATA):
                if len(removing.data_needed(self._store, data, look.needed)) < len(data):
                    return lambda store: removing.forget_data(store, data, look.needed)
            elif records := self._next_strays(RECORD):
                if len(removing.record_needed(self._store, records, closed_since_us)[0]) < len(records):
                    return lambda store: removing.forget_records(store, records, closed_since_us)
            else:
                break
        return None

    def _next_strays(self, level: int) -> list[int]:
        after = self._stray[level]
        bound = _bound(self._store, self._store.last_position, _ENOUGH_STRAYS, (level, after, STEP_FIRINGS))
        rows = self._store.ask(_NEXT_STRAYS, (level, after, bound, EVENTS))
        self._stray[level] = rows[-1][0] if rows else 0
        return [position for (position,) in rows]

    def _keys(self, policy: Retention, look: Look, record_floor: int, *, full: bool) -> Write | None:
        """Keys of what is off the record. Identities stay for the window, or as long as they do not take too much."""
        most = policy.max_bytes // KEYS_SHARE // KEY_BYTES
        upto = min(record_floor, max(look.window - 1, record_floor - most if full else 0))
        if self._identities.due(self._store, upto, self._store.last_position):
            return lambda store: self._sweep(store, self._identities, marks_upto=upto)
        first = self._store.ask("SELECT coalesce(min(seq), 0) FROM firings")[0][0]
        if self._firings.due(self._store, first - 1, self._store.last_seq):
            return lambda store: self._sweep(store, self._firings)
        return None

    def _sweep(self, store: Store, sweep: Sweep, marks_upto: int = 0) -> Then:
        end = sweep.step(store)
        if end is None:
            # The newest of them still tells where the window begins.
            store.execute("DELETE FROM marks WHERE position < ?", (marks_upto,))
        return lambda: sweep.passed(end)

    def _names(self, record_floor: int) -> Write | None:
        """What hangs on records that are gone: declarations, revisions, kinds of events."""
        if record_floor == self._named:
            return None

        def write(store: Store) -> Then:
            rows = store.execute("SELECT min(position) FROM strays WHERE record = ?", (RECORD,)).fetchall()
            removing.forget_declared(store, record_floor if rows[0][0] is None else min(record_floor, rows[0][0] - 1))
            end = self._kind + KINDS_A_LOOK
            removing.forget_kinds(store, self._kind, end)
            more = store.execute("SELECT 1 FROM kinds WHERE id > ? LIMIT 1", (end,)).fetchall()
            return lambda: self._named_upto(end if more else 0, record_floor)

        return write

    def _named_upto(self, kind: int, record_floor: int) -> None:
        self._kind = kind
        if not kind:
            self._named = record_floor

    def _free(self, policy: Retention, *, full: bool) -> Write | None:
        """Give back the end of a file that is mostly free, or larger than it should be."""
        free, pages, vacuum = self._store.ask(_FREE)[0]
        too_large = pages * PAGE_SIZE > policy.max_bytes - policy.max_bytes // 16 and free > FREE_PAGES
        if vacuum != 2 or full or not (too_large or free > max(FREE_AT_LEAST, pages // 4)):
            return None
        return lambda store: store.execute(f"PRAGMA incremental_vacuum({FREE_PAGES})").fetchall() and None


def _bound(store: Store, upto: int, enough: str, bindings: Sequence[int]) -> int:
    """`upto`, or before it the position of the first event by which firings are enough for one step."""
    rows = store.ask(enough, bindings)
    return min(upto, rows[0][0]) if rows else upto


def _some(rows: Sequence[tuple[int, int | None]]) -> list[int]:
    """The positions of the first of `rows`: not many megabytes, but one at least."""
    positions: list[int] = []
    size = 0
    for position, length in rows:
        size += length or 0
        if positions and size > STEP_BYTES:
            break
        positions.append(position)
    return positions
