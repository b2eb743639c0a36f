"""When what is old goes: a step at a time, each riding on a group commit.

A step removes some hundred rows, about a millisecond's worth, so appends hardly notice. Space that becomes free in the file is
used again before the file grows; where much of it is free, its end is given back to the disk.
"""

import asyncio
from collections.abc import Callable

import structlog

from eventbus.errors import BusError, BusUnavailable
from eventbus.firing import Firing
from eventbus.retention import Needed, Retention
from eventbus.sqlite.clearing import EVENTS, Clearing, Look, Then, Write
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.removing import PINNED
from eventbus.sqlite.store import Store

logger = structlog.get_logger("eventbus")

AGAIN = 0.9
"""Share of the size at which appends are refused below which they are taken again."""

RETRY_AFTER_S = 5.0
LOOKS = 16
"""Looks while the store fills the room that is left above its target."""


class Retainer:
    """Removes what the policy no longer keeps. Use from one event loop."""

    def __init__(self, store: Store, committer: Committer, skipped: Callable[[str, int], None]) -> None:
        """`skipped` is told which held group moved on, and to which position."""
        self._store = store
        self._committer = committer
        self._skipped = skipped
        self._loop = asyncio.get_running_loop()
        self._clearing = Clearing(store, self._group_skipped)
        self.policy: Retention | None = None
        self._needed: Needed = tuple
        self._look: Look | None = None
        self._busy = False
        self._grown = 0
        self._timer: asyncio.TimerHandle | None = None
        self._resting: list[asyncio.Future[None]] = []

    def retain(self, policy: Retention, needed: Needed) -> None:
        """See `Bus.retain`."""
        self.policy, self._needed = policy, needed
        self._committer.keep_log_below(policy.max_bytes // 16)
        self._tick()

    async def tidy(self) -> None:
        """See `Bus.tidy`."""
        if self.policy is None:
            return
        resting: asyncio.Future[None] = self._loop.create_future()
        self._resting.append(resting)
        self._tick()
        await resting

    def closed(self, firing: Firing) -> None:
        """`firing` needs nothing any more."""
        self._clearing.closed(firing)

    def grown(self, size: int) -> None:
        """The store has grown by about `size` bytes: where that adds up, look before the next look is due."""
        self._grown += size
        if self.policy is not None and self._grown > self.policy.headroom_bytes // LOOKS:
            self._tick()

    def stop(self) -> None:
        """Begin nothing more."""
        self.policy = None
        if self._timer is not None:
            self._timer.cancel()
        self._rest()

    def _tick(self) -> None:
        """Look around, and begin to remove where nothing is under way."""
        if self._timer is not None:
            self._timer.cancel()
        if self.policy is None:
            return
        self._grown = 0
        self._timer = self._loop.call_later(self._store.options.retain_interval_s, self._tick)
        try:
            self._look = self._clearing.look_around(self.policy, self._needed)
        except BusError as exc:
            self.failed(exc)
        else:
            if not self._busy:
                self._go_on()

    def _go_on(self) -> None:
        """Queue the next step, or rest until the next look."""
        if self.policy is None or self._look is None:
            return
        try:
            used = self._store.bytes_used()
            write = self._clearing.next(self.policy, self._look, used)
            self._refuse(self.policy, self._look, used, at_rest=write is None)
            if write is None:
                self._rest()
            else:
                self._busy = True
                self._committer.submit(_Step(self, write))
        except BusError as exc:
            self.failed(exc)

    def settled(self) -> None:
        """A step is durable."""
        self._busy = False
        self._go_on()

    def failed(self, error: Exception) -> None:
        """The disk does not play along, or the bus is closed: the next look tries again."""
        self._busy = False
        logger.debug("retention_waits", reason=str(error))
        self._rest()

    def _rest(self) -> None:
        resting, self._resting = self._resting, []
        for waiter in resting:
            if not waiter.done():
                waiter.set_result(None)

    def _group_skipped(self, name: str, position: int) -> None:
        logger.warning("held_group_skipped", group=name, position=position)
        self._skipped(name, position)

    def _refuse(self, policy: Retention, look: Look, used: int, *, at_rest: bool) -> None:
        """Stop taking events in where open work alone fills the store, and begin again when some of it has gone."""
        committer = self._committer
        too_much = policy.refuse_bytes if at_rest else 2 * policy.refuse_bytes
        if committer.refusing is None and used > too_much:
            committer.refusing = BusUnavailable(self._why(policy, look, used), retry_after_s=RETRY_AFTER_S)
            logger.error("appends_refused", reason=str(committer.refusing))
        elif committer.refusing is not None and used < policy.refuse_bytes * AGAIN:
            committer.refusing = None
            logger.warning("appends_taken_again", bytes_used=used)

    def _why(self, policy: Retention, look: Look, used: int) -> str:
        undecided = self._store.last_position - 1 - look.decided
        return (
            f"the store holds {used >> 20} MiB, a quarter more than the {policy.max_bytes >> 20} MiB it may keep,"
            f" and all of it is needed: by {undecided} undecided events, and by open firings and partial matches of"
            f" {self._store.total(PINNED)} events; let them be done, cancel what hangs, or raise --retain-bytes"
        )


class _Step:
    """One bounded piece of removing."""

    # Where the disk does not take it, it is worked out anew.
    keep = False
    rows = EVENTS

    def __init__(self, owner: Retainer, write: Write) -> None:
        self._owner = owner
        self._write = write
        self._then: Then | None = None

    def write(self, store: Store) -> None:
        """See `Work.write`."""
        self._then = self._write(store)

    def settle(self) -> None:
        """See `Work.settle`."""
        if self._then is not None:
            self._then()
        self._owner.settled()

    def fail(self, error: Exception) -> None:
        """See `Work.fail`."""
        self._owner.failed(error)
