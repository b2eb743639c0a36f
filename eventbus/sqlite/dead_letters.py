"""Dead letters that are opened again, or dropped."""

from eventbus.firing import FiringId, Outcome, OutcomeKind
from eventbus.sqlite.codec import OUTCOMES
from eventbus.sqlite.ended import write_ended
from eventbus.sqlite.firing_rows import ended_at, entry_at, unicode_text
from eventbus.sqlite.keys import oldest, set_due
from eventbus.sqlite.lanes import HELD, Entry
from eventbus.sqlite.outcomes import Owner
from eventbus.sqlite.statements import Execute
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Asked

REOPEN = "UPDATE firings SET due_us = ?, outcome = NULL, reason = NULL, closed_us = NULL WHERE seq = ? AND outcome = ?"
DROP = "UPDATE firings SET outcome = ?, reason = ?, closed_us = ? WHERE seq = ? AND outcome = ? RETURNING seq"
DEAD = OUTCOMES[OutcomeKind.DEAD_LETTERED]


class Redrive(Asked[bool]):
    """A dead letter to open again."""

    # Written twice, the second would find no dead letter and say so.
    keep = False
    rows = 2

    def __init__(self, owner: Owner, firing: FiringId) -> None:
        super().__init__()
        self._owner = owner
        self._id = firing
        self._entry: Entry | None = None

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        self._entry = None
        now_us, execute = store.options.now_us(), store.execute
        seq = self._owner.seq_of(self._id)
        rows = execute("SELECT trigger, order_key FROM firings WHERE seq = ? AND outcome = ?", (seq, DEAD)).fetchall()
        if seq is None or not rows:
            return
        trigger, key = rows[0]
        due_us = now_us if key is None else self._turn(execute, trigger, key, seq, now_us)
        execute(REOPEN, (due_us, seq, DEAD))
        self._owner.lanes.busy.add(seq)
        self._entry = entry_at(store, seq)

    def _turn(self, execute: Execute, trigger: int, key: str, seq: int, now_us: int) -> int:
        """When it is due: at once where it is the oldest of its order key and no other one is being tried."""
        head = oldest(execute, trigger, key)
        if head is None:
            return now_us
        if head[0] < seq or head[0] in self._owner.lanes.busy:
            return HELD
        self._owner.lanes.drop(trigger, head[0])
        set_due(execute, head[0], HELD)
        return now_us

    def settle(self) -> None:
        """See `Work.settle`."""
        if self._entry is not None:
            self._owner.open += 1
            self._owner.dead -= 1
            self._owner.waits(self._entry)
        self.answer(self._entry is not None)

    def fail(self, error: Exception) -> None:
        """See `Work.fail`."""
        if self._entry is not None:
            self._owner.settled(self._entry)
        super().fail(error)


class Drop(Asked[bool]):
    """A dead letter that was looked at."""

    # Written twice, the second would find no dead letter and say so.
    keep = False
    rows = 1

    def __init__(self, owner: Owner, firing: FiringId, reason: str) -> None:
        super().__init__()
        self._owner = owner
        self._id = firing
        self._reason = unicode_text(reason)
        self._found = False

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        now_us, seq = store.options.now_us(), self._owner.seq_of(self._id)
        changed = store.execute(DROP, (OUTCOMES[OutcomeKind.SKIPPED], self._reason, now_us, seq, DEAD))
        self._found = bool(changed.fetchall())
        if seq is not None and self._found and store.readers:
            write_ended(store, [ended_at(store, seq, Outcome(kind=OutcomeKind.SKIPPED, reason=self._reason), now_us)])

    def settle(self) -> None:
        """See `Work.settle`."""
        self._owner.dead -= self._found
        self._owner.told()
        self.answer(self._found)
