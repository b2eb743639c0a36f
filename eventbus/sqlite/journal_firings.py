"""Questions about firings, answered from the tables in bounded steps."""

import asyncio
from collections.abc import Sequence

from eventbus.cursors import check_limit, decode_cursor, encode_cursor
from eventbus.firing import Attempt
from eventbus.journal import FiringFilter, FiringPage, FiringRecord
from eventbus.sqlite.codec import OUTCOME_OF
from eventbus.sqlite.firing_keys import FIRINGS, begin_with
from eventbus.sqlite.firing_walks import END, Walks
from eventbus.sqlite.lanes import HELD
from eventbus.sqlite.store import FiringRow, Store

NAME = b"f"
MAX_OF_EVENT = 10_000

ROW = (
    "SELECT seq, id, trigger, revision, decided_us, order_key, body, due_us, outcome, reason, closed_us, attempts FROM firings"
    " WHERE seq = ?"
)
TRIGGERS = (
    "SELECT id FROM triggers WHERE namespace = coalesce(:namespace, namespace) AND sensor = coalesce(:sensor, sensor)"
    " AND trigger = coalesce(:trigger, trigger)"
)
OF_EVENT = "SELECT seq FROM causes WHERE position = ? ORDER BY seq LIMIT ?"
PREFIX_DIGITS = 8


class FiringQueries:
    """The part of `Journal` that is about firings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def firings(self, wanted: FiringFilter, *, limit: int = 50, cursor: str | None = None) -> FiringPage:
        """See `Journal.firings`."""
        limit = check_limit(limit)
        end = decode_cursor(NAME, cursor) if cursor is not None else (END, END)
        if wanted.before_us is not None:
            end = min(end, (wanted.before_us, -1))
        places = await Walks(self._store, wanted, self._triggers(wanted), end).newest(limit + 1)
        more = len(places) > limit
        records = [record for _, seq in places[:limit] if (record := self._record(seq)) is not None]
        return FiringPage(records, encode_cursor(NAME, *places[limit - 1]) if more else None)

    async def firing(self, firing_id: str) -> FiringRecord | None:
        """See `Journal.firing`."""
        if not PREFIX_DIGITS <= len(firing_id) <= 32 or not set(firing_id) <= set("0123456789abcdef"):
            return None
        found = self._beginning(firing_id)
        return self._record(found.pop()) if len(found) == 1 else None

    def _beginning(self, prefix: str) -> set[int]:
        """The numbers of the firings whose ids begin so, two at most."""
        return begin_with(self._store, FIRINGS.newest(self._store), prefix)

    async def firings_of(self, position: int) -> Sequence[FiringRecord]:
        """See `Journal.firings_of`."""
        rows = self._store.ask(OF_EVENT, (position, MAX_OF_EVENT))
        found = []
        for number, (seq,) in enumerate(rows):
            record = self._record(seq)
            if record is not None:
                found.append(record)
            if number % 500 == 499:
                await asyncio.sleep(0)
        return found

    def _triggers(self, wanted: FiringFilter) -> set[int] | None:
        """The triggers that the filter names; None for all."""
        named = {"namespace": wanted.namespace, "sensor": wanted.sensor, "trigger": wanted.trigger}
        if not any(value is not None for value in named.values()):
            return None
        return {row[0] for row in self._store.ask(TRIGGERS, named)}

    def _record(self, seq: int) -> FiringRecord | None:
        ask = self._store.ask
        rows = ask(ROW, (seq,))
        if not rows:
            return None
        _, id, trigger, revision, decided_us, order_key, body, due_us, outcome, reason, closed_us, attempts = rows[0]
        tried: tuple[Attempt, ...] = ()
        request = None
        if attempts:
            tried = self._attempts(seq)
        # Also where no attempt was recorded: a firing may be closed with the request alone.
        requests = ask("SELECT body FROM requests WHERE seq = ?", (seq,))
        if requests:
            request = requests[0][0]
        return FiringRecord(
            firing=FiringRow(id, trigger, revision, decided_us, order_key, body).decode(self._store.names),
            attempts=tried,
            due_us=decided_us if due_us == HELD else due_us,
            outcome=OUTCOME_OF[outcome] if outcome is not None else None,
            reason=reason or "",
            closed_us=closed_us,
            request=request,
        )

    def _attempts(self, seq: int) -> tuple[Attempt, ...]:
        rows = self._store.ask(
            "SELECT number, started_us, ended_us, succeeded, reason, status FROM attempts WHERE seq = ? ORDER BY number", (seq,)
        )
        return tuple(
            Attempt(number=number, started_us=began, ended_us=ended, succeeded=bool(ok), reason=reason, status=status)
            for number, began, ended, ok, reason, status in rows
        )
