"""Events read on in the order of the log, in parts of bounded size."""

import apsw

from eventbus.sqlite.codec import EVENT_COLUMNS, EventRow
from eventbus.sqlite.faults import from_sqlite
from eventbus.sqlite.store import Store

READ = f"SELECT {EVENT_COLUMNS} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"  # noqa: S608
READ_BYTES = 8 << 20


def read_on(store: Store, after: int, last: int, limit: int) -> tuple[list[EventRow], int]:
    """Rows after `after` up to `last`, and the position up to which there are no others. Raises errors of the bus."""
    rows: list[EventRow] = []
    size = 0
    cursor = store.connection.cursor()
    try:
        for row in cursor.execute(READ, (after, last, limit)):
            rows.append(row)
            size += len(row[-1] or b"")
            if size > READ_BYTES:
                return rows, row[0]
    except apsw.Error as exc:
        raise from_sqlite(exc, store.path) from exc
    finally:
        cursor.close()
    return rows, rows[-1][0] if len(rows) == limit else last
