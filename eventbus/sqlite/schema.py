"""The tables, and how an older file becomes a newer one."""

from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec

from eventbus.errors import BusDamaged
from eventbus.sqlite.codec import decode_body

APPLICATION_ID = 0x546F6373
"""`Tocs`: tells our file from any other SQLite file."""

PAGE_SIZE = 8192

STEP_1 = """
-- Who emits: a road with one CloudEvents type. Interned, so that a row holds a number and one index serves
-- every filter by namespace, source, name and type.
CREATE TABLE kinds(
  id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
  UNIQUE(namespace, source, name, type)) STRICT;

CREATE TABLE events(
  position INTEGER PRIMARY KEY, received_us INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, time TEXT,
  causation TEXT, extra BLOB, crc INTEGER NOT NULL, data BLOB) STRICT;
-- Lists by object and type. Each kind grows at its end, so a batch touches few pages.
CREATE INDEX events_kind ON events(kind);
-- What a firing caused. Webhooks have no causation and pay nothing.
CREATE INDEX events_causation ON events(causation) WHERE causation IS NOT NULL;

-- Dedupe and the index by identity in one: the 16 bytes of `Identity.key()`. Behind the events by some thousands.
CREATE TABLE identities(key BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Within an epoch the time of events never goes back, so a time is found by bisection, without an index over all events.
CREATE TABLE epochs(position INTEGER PRIMARY KEY) STRICT;

CREATE TABLE groups(
  name TEXT PRIMARY KEY, position INTEGER NOT NULL, starts INTEGER NOT NULL DEFAULT 0, started_at INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE totals(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE quarantined(position INTEGER PRIMARY KEY, reason TEXT NOT NULL) STRICT;
CREATE TABLE matches(
  namespace TEXT NOT NULL, sensor TEXT NOT NULL, dependency TEXT NOT NULL, matched INTEGER NOT NULL, errors INTEGER NOT NULL,
  PRIMARY KEY(namespace, sensor, dependency)) STRICT, WITHOUT ROWID;
CREATE TABLE seen(
  namespace TEXT NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, events INTEGER NOT NULL,
  PRIMARY KEY(namespace, source, name)) STRICT, WITHOUT ROWID;

CREATE TABLE revisions(id INTEGER PRIMARY KEY, revision TEXT NOT NULL UNIQUE, content BLOB) STRICT;
CREATE TABLE declared(
  id INTEGER PRIMARY KEY, ref TEXT NOT NULL, revision INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER) STRICT;
-- The one in force, found at every put.
CREATE INDEX declared_in_force ON declared(ref) WHERE until IS NULL;

CREATE TABLE triggers(
  id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, sensor TEXT NOT NULL, trigger TEXT NOT NULL,
  UNIQUE(namespace, sensor, trigger)) STRICT;
-- `due_us` is NULL once closed, and HELD while an elder firing of the same order key is open.
CREATE TABLE firings(
  seq INTEGER PRIMARY KEY, id BLOB NOT NULL, trigger INTEGER NOT NULL, revision INTEGER NOT NULL, decided_us INTEGER NOT NULL,
  due_us INTEGER, order_key TEXT, body BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, started INTEGER, outcome INTEGER,
  reason TEXT, closed_us INTEGER) STRICT;
-- Put once by id.
CREATE UNIQUE INDEX firings_id ON firings(id);
-- Lists, newest first: all, of one trigger, open ones (also the age of the oldest), and those that did not succeed.
CREATE INDEX firings_decided ON firings(decided_us);
CREATE INDEX firings_trigger ON firings(trigger, decided_us);
CREATE INDEX firings_alive ON firings(decided_us) WHERE due_us IS NOT NULL;
CREATE INDEX firings_outcome ON firings(outcome, decided_us) WHERE outcome > 1;
-- The outbox reads each trigger's open firings in the order they are due.
CREATE INDEX firings_due ON firings(trigger, due_us) WHERE due_us IS NOT NULL;
-- The oldest open firing of an order key. Firings without a key pay nothing.
CREATE INDEX firings_key ON firings(trigger, order_key) WHERE order_key IS NOT NULL AND due_us IS NOT NULL;
-- Starts that a crash must turn into `unknown`.
CREATE INDEX firings_started ON firings(started) WHERE started IS NOT NULL;

CREATE TABLE causes(position INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(position, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE attempts(
  seq INTEGER NOT NULL, number INTEGER NOT NULL, started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL,
  succeeded INTEGER NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(seq, number)) STRICT, WITHOUT ROWID;
-- Apart from the firing, because SQLite rewrites a whole row at each update.
CREATE TABLE requests(seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE state(key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, expires_us INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX state_expires ON state(expires_us) WHERE expires_us IS NOT NULL;
"""

STEP_2 = """
-- What is left of an event whose data has gone; `size` is the bytes it had.
CREATE TABLE past(
  position INTEGER PRIMARY KEY, received_us INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, time TEXT,
  causation TEXT, extra BLOB, size INTEGER NOT NULL) STRICT;
CREATE INDEX past_kind ON past(kind);
CREATE INDEX past_causation ON past(causation) WHERE causation IS NOT NULL;
-- Positions that retention has passed and left, because something open needs them: their data, or their record.
CREATE TABLE strays(record INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(record, position)) STRICT, WITHOUT ROWID;
-- When some of what is off the record was received, for the dedupe window.
CREATE TABLE marks(position INTEGER PRIMARY KEY, received_us INTEGER NOT NULL) STRICT;
CREATE TABLE gaps(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, at_us INTEGER NOT NULL,
  reason TEXT NOT NULL) STRICT;
-- The last firing that may name a revision which decides nothing any more that is on record.
ALTER TABLE revisions ADD COLUMN named_until INTEGER;
"""

STEP_3 = """
-- Firings by id, put once: in the order of their keys, many at a time, as identities are.
CREATE TABLE firing_keys(key BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO firing_keys SELECT id, seq FROM firings ORDER BY id;
INSERT INTO totals SELECT 'keyed', coalesce(max(seq), 0) FROM firings;
DROP INDEX firings_id;
"""

STEP_4 = """
-- What of one trigger did not succeed. What succeeded pays nothing.
CREATE INDEX firings_failed ON firings(trigger, outcome, decided_us) WHERE outcome > 1;
"""

STEP_5 = """
-- How firings ended, in that order, for those in `readers`; empty where there are none. A number is never given twice: what
-- was passed is gone.
CREATE TABLE ended(number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;
CREATE TABLE readers(name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

STEP_6 = """
-- The number of the replay that decided a firing. NULL for live ones: they pay for none of these indexes.
ALTER TABLE firings ADD COLUMN replay INTEGER;
-- Lists of one replay: all, by state (NULL is open), and of one trigger by state.
CREATE INDEX firings_replay ON firings(replay, decided_us) WHERE replay IS NOT NULL;
CREATE INDEX firings_replay_state ON firings(replay, outcome, decided_us) WHERE replay IS NOT NULL;
CREATE INDEX firings_replay_trigger ON firings(replay, trigger, outcome, decided_us) WHERE replay IS NOT NULL;
-- Revisions that are kept for whoever named them, such as a replay that goes on.
CREATE TABLE pins(revision INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(revision, name)) STRICT, WITHOUT ROWID;
CREATE INDEX pins_name ON pins(name);
"""

AT_ONCE = 10_000
"""Rows that are held in memory while a step looks at all of a table."""


def step_6(connection: apsw.Connection) -> None:
    """Give firings of replays their number, which until then only their bodies had."""
    connection.execute(STEP_6)
    last = 0
    while rows := _some_bodies(connection, last):
        last = rows[-1][0]
        again = [(replay, seq) for seq, body in rows if (replay := _replay_of(body))]
        connection.executemany("UPDATE firings SET replay = ? WHERE seq = ?", again)


STEP_7 = """
-- Revisions that may go some time. Those that are in force, the many, pay nothing.
CREATE INDEX revisions_named ON revisions(named_until) WHERE named_until IS NOT NULL;
"""


def _some_bodies(connection: apsw.Connection, after: int) -> list[tuple[int, bytes]]:
    found: list[Any] = connection.execute(
        "SELECT seq, body FROM firings WHERE seq > ? ORDER BY seq LIMIT ?", (after, AT_ONCE)
    ).fetchall()
    return found


def _replay_of(body: bytes) -> int:
    try:
        return decode_body(body).replay
    except msgspec.DecodeError:
        return 0  # damaged, and as live as any: one such row must not keep the file from being opened


Step = Callable[[apsw.Connection], object]

STEPS: Sequence[str | Step] = (STEP_1, STEP_2, STEP_3, STEP_4, STEP_5, step_6, STEP_7)
"""Step n makes version n out of version n - 1. Steps are only ever added: files of every version are in use."""


def migrate(connection: apsw.Connection, where: str, steps: Sequence[str | Step] = STEPS) -> None:
    """Bring the file up to the newest version, one transaction a step; `where` names it in errors.

    Raises `BusDamaged` when the file is not ours or newer than this program.
    """
    version = _version(connection, where, len(steps))
    for number, step in enumerate(steps[version:], start=version + 1):
        _take(connection, step, number)


def require_ours(connection: apsw.Connection, where: str) -> None:
    """Check that a file is new, or ours. Raises `BusDamaged` before anything in it was changed."""
    _version(connection, where, len(STEPS))


def require_current(connection: apsw.Connection, where: str) -> None:
    """Check that a file can be read as it is. Raises `BusDamaged` where it is not ours, newer, or older."""
    version = _version(connection, where, len(STEPS))
    if version < len(STEPS):
        raise BusDamaged(
            f"{where} has schema version {version}, this Tocsin reads version {len(STEPS)}; start the service once to migrate it"
        )


def _version(connection: apsw.Connection, where: str, newest: int) -> int:
    version = int(connection.pragma("user_version"))
    owner = int(connection.pragma("application_id"))
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if owner != APPLICATION_ID and not (owner == 0 and version == 0 and empty):
        raise BusDamaged(f"{where} is a SQLite file of another program; name another data folder")
    if version > newest:
        raise BusDamaged(
            f"{where} was written by a newer Tocsin (schema version {version}, this one knows up to {newest}); run the newer one"
        )
    return version


def _take(connection: apsw.Connection, step: str | Step, number: int) -> None:
    with connection:
        if isinstance(step, str):
            connection.execute(step)
        else:
            step(connection)
        # Both live in the file's header, so they are part of the same transaction.
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", number)
