"""The journal on the tables of the store: the same questions while the service runs and from the command line."""

import contextlib
import os
from collections.abc import Sequence

from eventbus.event import Road
from eventbus.firing import OutcomeKind
from eventbus.journal import Declared, Tallies
from eventbus.retention import HELD, Gap, Kept
from eventbus.sqlite.codec import OUTCOMES
from eventbus.sqlite.journal_events import EventQueries
from eventbus.sqlite.journal_firings import FiringQueries
from eventbus.sqlite.removing import DATA_FLOOR, PINNED, RECORD_FLOOR, REMOVED_DATA, REMOVED_EVENTS, REMOVED_FIRINGS
from eventbus.sqlite.store import Store
from eventbus.sqlite.window import NEXT

IN_FORCE = "SELECT ref, r.revision, content, since, until FROM declared JOIN revisions AS r ON r.id = declared.revision WHERE "
OLDEST_AFTER = "SELECT received_us FROM events WHERE position > ? ORDER BY position LIMIT 1"
RECORDS = "SELECT key, value FROM state WHERE key >= ? AND key < ? AND (expires_us IS NULL OR expires_us > ?) ORDER BY key"
IN_FORCE_NOW = IN_FORCE + "until IS NULL ORDER BY ref"
IN_FORCE_AT = IN_FORCE + "since < :last AND (until IS NULL OR until >= :first) ORDER BY ref, since"
GAPS = "SELECT name, first, last, at_us, reason FROM gaps WHERE name = coalesce(?, name) ORDER BY id DESC LIMIT ?"
SKIPPED = "SELECT coalesce(sum(last - first + 1), 0) FROM gaps"
MAX_GAPS = 100
HELD_GROUPS = (HELD, HELD + "\U0010ffff")
COUNT_OPEN = "SELECT count(*) FROM firings INDEXED BY firings_alive WHERE due_us IS NOT NULL"
OLDEST_OPEN = "SELECT min(decided_us) FROM firings INDEXED BY firings_alive WHERE due_us IS NOT NULL"
COUNT_OUTCOME = "SELECT count(*) FROM firings INDEXED BY firings_outcome WHERE outcome = ? AND outcome > 1"


def count_firings(store: Store) -> tuple[int, int]:
    """Open firings and dead letters."""
    dead = store.ask(COUNT_OUTCOME, (OUTCOMES[OutcomeKind.DEAD_LETTERED],))[0][0]
    return store.ask(COUNT_OPEN)[0][0], dead


class SqliteJournal(EventQueries, FiringQueries):
    """See `Journal`. Every statement is bounded and ended before others get a turn, so no reader stops a checkpoint."""

    async def in_force(self, position: int | None, until: int | None = None) -> Sequence[Declared]:
        """See `Journal.in_force`."""
        ask = self._store.ask
        between = {"first": position, "last": position if until is None else until}
        rows = ask(IN_FORCE_NOW) if position is None else ask(IN_FORCE_AT, between)
        return [
            Declared(ref=ref, revision=revision, content=content or b"", since=since, until=until)
            for ref, revision, content, since, until in rows
        ]

    async def revision(self, revision: str) -> bytes | None:
        """See `Journal.revision`."""
        rows = self._store.ask("SELECT content FROM revisions WHERE revision = ?", (revision,))
        return rows[0][0] if rows else None

    async def quarantined(self) -> Sequence[tuple[int, str]]:
        """See `Journal.quarantined`; with the events found damaged since the start."""
        rows = dict(self._store.ask("SELECT position, reason FROM quarantined"))
        return sorted((rows | self._store.damaged).items())

    async def matched(self, namespace: str, sensor: str) -> dict[str, tuple[int, int]]:
        """See `Journal.matched`."""
        rows = self._store.ask(
            "SELECT dependency, matched, errors FROM matches WHERE namespace = ? AND sensor = ?", (namespace, sensor)
        )
        return {dependency: (matched, errors) for dependency, matched, errors in rows}

    async def seen(self, road: Road) -> int:
        """See `Journal.seen`."""
        rows = self._store.ask("SELECT events FROM seen WHERE namespace = ? AND source = ? AND name = ?", road)
        return int(rows[0][0]) if rows else 0

    async def position(self, group: str) -> int | None:
        """See `Journal.position`."""
        rows = self._store.ask("SELECT position FROM groups WHERE name = ?", (group,))
        return int(rows[0][0]) if rows else None

    async def records(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """See `Journal.records`."""
        # The first text behind all that begin with the prefix: no key holds the last character of Unicode.
        bounds = (prefix, prefix + "\U0010ffff", self._store.options.now_us())
        rows = self._store.ask(RECORDS, bounds)
        return [(key, value) for key, value in rows]

    async def tallies(self) -> Tallies:
        """See `Journal.tallies`."""
        ask = self._store.ask
        last = self._store.last_stored()
        decided: int | None = ask("SELECT min(position) FROM groups WHERE name NOT BETWEEN ? AND ?", HELD_GROUPS)[0][0]
        oldest = ask(OLDEST_AFTER, (decided or 0,))
        open_firings, dead_letters = self._counts()
        return Tallies(
            appended=last,
            repeats=self._store.total("repeats"),
            last_position=last,
            undecided=last - (decided or 0),
            oldest_undecided_us=oldest[0][0] if oldest else None,
            open_firings=open_firings,
            oldest_open_us=ask(OLDEST_OPEN)[0][0],
            dead_letters=dead_letters,
            bytes_on_disk=self._bytes(),
        )

    async def kept(self) -> Kept:
        """See `Journal.kept`."""
        ask, total = self._store.ask, self._store.total
        data = ask(OLDEST_AFTER, (total(DATA_FLOOR),))
        record = ask(NEXT, (total(RECORD_FLOOR) + 1,))
        return Kept(
            data_since_us=data[0][0] if data else None,
            since_us=record[0][1] if record else None,
            removed_data=total(REMOVED_DATA),
            removed_events=total(REMOVED_EVENTS),
            removed_firings=total(REMOVED_FIRINGS),
            skipped=ask(SKIPPED)[0][0],
            pinned=total(PINNED),
            bytes_used=self._store.bytes_used(),
            max_bytes=self._limit(),
        )

    async def gaps(self, group: str | None = None) -> Sequence[Gap]:
        """See `Journal.gaps`."""
        rows = self._store.ask(GAPS, (group, MAX_GAPS))
        return [Gap(group=name, first=first, last=last, at_us=at_us, reason=reason) for name, first, last, at_us, reason in rows]

    def _limit(self) -> int | None:
        return None

    def _counts(self) -> tuple[int, int]:
        return count_firings(self._store)

    def _bytes(self) -> int:
        size = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                size += os.stat(f"{self._store.path}{suffix}").st_size
        return size
