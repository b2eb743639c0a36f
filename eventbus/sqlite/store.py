"""A connection, and what it keeps in memory: the ends of the tables and the interned names."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import apsw
import msgspec

from eventbus.event import Recorded
from eventbus.firing import Firing, FiringId, TriggerRef
from eventbus.sqlite.clock import WatchedClock
from eventbus.sqlite.codec import EventRow, Kind, PastRow, decode, decode_body, decode_past
from eventbus.sqlite.faults import RowDamaged, from_sqlite
from eventbus.sqlite.options import SqliteOptions
from eventbus.sqlite.schema import PAGE_SIZE, migrate, require_current, require_ours
from eventbus.sqlite.statements import Execute

FILE_NAME = "tocsin.db"
CLOCK = "clock_us"
"""The total that is no count: what the clock said last."""
CACHE_KIB = 6 * 1024
INSERT_KIND = "INSERT INTO kinds(namespace, source, name, type) VALUES (?, ?, ?, ?) RETURNING id"
INTERNED = 16_384
"""Names of one table that are kept in memory. Types come from senders, so there may be any number of them."""

Bindings = Sequence[object] | Mapping[str, object]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Store:
    """One connection. Every statement runs in the event loop, and none is left open across an `await`."""

    execute: Execute
    """`Cursor.execute`; take the rows of one statement before the next."""

    def __init__(self, path: Path, options: SqliteOptions, *, read_only: bool = False) -> None:
        """Open; create or migrate unless `read_only`. Raises errors of apsw, and `BusDamaged`."""
        self.path = path
        self.options = options
        self.clock = WatchedClock(options.now_us)
        self._read_only = read_only
        self.damaged: dict[int, str] = {}
        """Positions of events found damaged since the start, with what was found."""
        self.reloads = 0
        """How often a transaction was lost, and with it what memory said of it."""
        self.open()

    def open(self) -> None:
        """Open the file, again after `close`."""
        self.wal_pages = 0
        self.connection = _connect(self.path, self.options, read_only=self._read_only)
        try:
            if self._read_only:
                require_current(self.connection, str(self.path))
            else:
                self.connection.set_wal_hook(self._committed)
                _prepare(self.connection, self.path)
            self.execute = self.connection.cursor().execute
            self.names = Names(self.execute)
            self.reload()
        except BaseException:  # only to undo: nobody else knows the connection
            self.connection.close()
            raise

    def _committed(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        """SQLite tells how long the write-ahead log is now."""
        self.wal_pages = pages
        return apsw.SQLITE_OK

    def reload(self) -> None:
        """Forget what a lost transaction may have left in memory, and read the ends of the tables."""
        self.reloads += 1
        self.names.forget()
        rows = self.execute("SELECT position, received_us FROM events ORDER BY position DESC LIMIT 1").fetchall()
        self.last_position: int = rows[0][0] if rows else 0
        self.last_received_us: int = rows[0][1] if rows else 0
        self.last_seq: int = self.execute("SELECT coalesce(max(seq), 0) FROM firings").fetchall()[0][0]
        self.readers: int = self.execute("SELECT count(*) FROM readers").fetchall()[0][0]
        self.clock.restore(self.total(CLOCK))

    def recorded(self, rows: Iterable[EventRow]) -> list[Recorded]:
        """The events in `rows`; a damaged one is left out and noted in `damaged`."""
        found = []
        for row in rows:
            try:
                found.append(decode(row, self.names.kind(row[2])))
            except (RowDamaged, msgspec.DecodeError, LookupError, ValueError) as exc:
                self.damaged[row[0]] = str(exc)
        return found

    def forgotten(self, rows: Iterable[PastRow]) -> list[Recorded]:
        """The events in `rows`, without their data."""
        return [decode_past(row, self.names.kind(row[2])) for row in rows]

    def rollback(self) -> None:
        """Undo the open transaction, in memory too."""
        if self.connection.in_transaction:
            self.execute("ROLLBACK")
        self.reload()

    def ask(self, text: str, bindings: Bindings = ()) -> list[Any]:
        """The rows that a query finds. Raises errors of the bus."""
        try:
            rows: list[Any] = self.execute(text, bindings).fetchall()
        except apsw.Error as exc:
            raise from_sqlite(exc, self.path) from exc
        return rows

    def last_stored(self) -> int:
        """The last position: of this connection's own writes, or as the file has it now."""
        if self._read_only:
            self.last_position = self.ask("SELECT coalesce(max(position), 0) FROM events")[0][0]
        return self.last_position

    def bytes_used(self) -> int:
        """Bytes of the file that hold something."""
        pages, free = self.ask("SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count")[0]
        return int(pages - free) * PAGE_SIZE

    def set_total(self, name: str, value: int) -> None:
        """Store a number under `name`."""
        self.execute("INSERT INTO totals VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))

    def add_to_total(self, name: str, by: int) -> None:
        """Count `by` more of `name`, over all time."""
        self.execute("INSERT INTO totals VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value", (name, by))

    def total(self, name: str) -> int:
        """What was counted of `name`, over all time."""
        rows = self.ask("SELECT value FROM totals WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Release the connection."""
        self.connection.close()


class FiringRow(NamedTuple):
    """The columns of a firing that never change."""

    id: bytes
    trigger: int
    revision: int
    decided_us: int
    order_key: str | None
    body: bytes

    def decode(self, names: "Names") -> Firing:
        """The firing in these columns."""
        body = decode_body(self.body)
        return Firing(
            id=FiringId(self.id.hex()),
            trigger=names.trigger(self.trigger),
            revision=names.revision(self.revision),
            causes=body.causes,
            decided_us=self.decided_us,
            replay=body.replay,
            order_key=self.order_key,
            record_start=body.record_start,
            correlation=body.correlation,
            hops=body.hops,
        )


class Names:
    """Interned names: a row holds a number, memory and a small table hold the name."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self.forget()

    def forget(self) -> None:
        """Drop what is in memory; the tables have it."""
        self._kinds: dict[Kind, int] = {}
        self._kind_of: dict[int, Kind] = {}
        self._triggers: dict[TriggerRef, int] = {}
        self._trigger_of: dict[int, TriggerRef] = {}
        self._revisions: dict[str, int] = {}
        self._revision_of: dict[int, str] = {}

    def kind_id(self, kind: Kind) -> int:
        """The number of `kind`, given now where it has none. Only inside a transaction."""
        known = self._kinds.get(kind)
        if known is not None:
            return known
        rows = self._execute("SELECT id FROM kinds WHERE namespace = ? AND source = ? AND name = ? AND type = ?", kind).fetchall()
        if not rows:
            rows = self._execute(INSERT_KIND, kind).fetchall()
        return _remember(self._kinds, kind, int(rows[0][0]))

    def kind(self, id: int) -> Kind:
        """The kind with this number."""
        known = self._kind_of.get(id)
        if known is not None:
            return known
        row: Kind = self._execute("SELECT namespace, source, name, type FROM kinds WHERE id = ?", (id,)).fetchall()[0]
        return _remember(self._kind_of, id, row)

    def trigger_id(self, ref: TriggerRef) -> int:
        """The number of `ref`, given now where it has none. Only inside a transaction."""
        known = self._triggers.get(ref)
        if known is not None:
            return known
        rows = self._execute("SELECT id FROM triggers WHERE namespace = ? AND sensor = ? AND trigger = ?", ref).fetchall()
        if not rows:
            rows = self._execute("INSERT INTO triggers(namespace, sensor, trigger) VALUES (?, ?, ?) RETURNING id", ref).fetchall()
        return _remember(self._triggers, ref, int(rows[0][0]))

    def trigger(self, id: int) -> TriggerRef:
        """The trigger with this number."""
        known = self._trigger_of.get(id)
        if known is not None:
            return known
        row = self._execute("SELECT namespace, sensor, trigger FROM triggers WHERE id = ?", (id,)).fetchall()[0]
        return _remember(self._trigger_of, id, TriggerRef(*row))

    def revision_id(self, revision: str) -> int:
        """The number of `revision`, given now where it has none. Only inside a transaction."""
        known = self._revisions.get(revision)
        if known is not None:
            return known
        rows = self._execute("SELECT id FROM revisions WHERE revision = ?", (revision,)).fetchall()
        if not rows:
            rows = self._execute("INSERT INTO revisions(revision) VALUES (?) RETURNING id", (revision,)).fetchall()
        else:
            # Named once more: it does not go before this decision.
            self._execute("UPDATE revisions SET named_until = NULL WHERE id = ? AND named_until IS NOT NULL", rows[0])
        return _remember(self._revisions, revision, int(rows[0][0]))

    def revision(self, id: int) -> str:
        """The revision with this number."""
        known = self._revision_of.get(id)
        if known is not None:
            return known
        row = self._execute("SELECT revision FROM revisions WHERE id = ?", (id,)).fetchall()[0]
        return _remember(self._revision_of, id, str(row[0]))


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    if len(known) >= INTERNED:
        known.clear()
    known[key] = value
    return value


def open_connection(path: Path, flags: int, vfs: str | None, *, statements: int) -> apsw.Connection:
    """A connection that copies nothing when it is closed: when that is safe is for `Files` to say."""
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs, statementcachesize=statements)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return connection


def _connect(path: Path, options: SqliteOptions, *, read_only: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = open_connection(path, flags, options.vfs, statements=256)
    connection.set_busy_timeout(2000)
    connection.pragma("cache_size", -CACHE_KIB)
    if read_only:
        connection.pragma("query_only", True)
    return connection


def _prepare(connection: apsw.Connection, path: Path) -> None:
    """Make the file ours, and leave it synced: from here on the committer syncs."""
    require_ours(connection, str(path))
    connection.pragma("page_size", PAGE_SIZE)
    # Of a new file only: what is free at its end can be given back.
    connection.pragma("auto_vacuum", 2)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "FULL")
    migrate(connection, str(path))
    connection.pragma("synchronous", "NORMAL")
