"""The dispatcher: takes due firings from the outbox and carries them out within limits, one task for each."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from eventbus.contract import Outbox
from eventbus.errors import BusUnavailable
from eventbus.firing import FiringId, Outcome, Taken, TriggerRef
from sensors.attempt import Armory, Attempts, Clock, Ended, Views
from sensors.hops import Lineage, unknown_lineage
from sensors.lanes import Hanging, Lane, Lanes
from sensors.limits import ActingLimits
from sensors.recording import FIRST_PAUSE_S, Recorder, pause
from sensors.report import Report, Unwatched, Watch, drain_timed_out
from sensors.under_way import UnderWay

_IDLE_S = 30.0
"""Seconds to wait for work at a time."""


def now_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


class Dispatcher:
    """Carries out firings until stopped.

    A trigger that hangs holds at most its own concurrency, and never more places than it leaves free. A firing ends only
    by a recorded outcome: while the bus cannot take it, the outcome waits in memory and nothing is fired again.
    """

    name = "dispatcher"

    def __init__(
        self,
        outbox: Outbox,
        armory: Armory,
        views: Views,
        *,
        limits: ActingLimits | None = None,
        watch: Watch | None = None,
        clock: Clock = now_us,
        lineage: Lineage = unknown_lineage,
    ) -> None:
        """`lineage` tells what led to a firing, to name the loop where one is stopped."""
        self.ready = asyncio.Event()
        self._outbox = outbox
        self._armory = armory
        self._limits = limits or ActingLimits()
        self._clock = clock
        self._recorder = Recorder(outbox, Report(watch or Unwatched()), clock)
        self._attempts = Attempts(
            armory, views, clock, timeout_s=self._limits.timeout_s, max_hops=self._limits.max_hops, lineage=lineage
        )
        self._lanes = Lanes(self._limits)
        self._in_flight = 0
        self._under_way: dict[FiringId, UnderWay] = {}
        self._cut_off = 0
        self._left = self._limits.starts_per_turn
        """Attempts that may start in this turn of the loop."""
        self._turning = False
        self._stopping = False
        self._room = asyncio.Event()
        self._taking: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """Firings whose attempt or its recording is under way."""
        return self._in_flight

    @property
    def held(self) -> int:
        """Firings taken and not recorded yet: in flight, or waiting here for room."""
        return self._in_flight + self._lanes.waiting

    def hanging(self, longer_than_s: float) -> dict[TriggerRef, Hanging]:
        """Triggers with attempts that have been under way for longer than that."""
        now = asyncio.get_running_loop().time()
        found: dict[TriggerRef, Hanging] = {}
        for one in self._under_way.values():  # in the order begun
            took_s = now - one.began
            if took_s <= longer_than_s:
                break
            ref, first = one.lane.ref, found.get(one.lane.ref)
            if first is None:
                found[ref] = Hanging(1, took_s, bool(one.lane.waiting))
            else:
                found[ref] = first._replace(running=first.running + 1)
        return found

    async def run(self) -> None:
        """Carry out firings until `stop`, then let those in flight end. If cancelled, they stay open and come back."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as grace, asyncio.TaskGroup() as group:
                self._group = group
                self.ready.set()
                await self._take_and_start(loop)
                grace.reschedule(loop.time() + self._limits.grace_s)
                left = self._lanes.empty()
                await self._recorder.give_back(left)
        except TimeoutError:
            drain_timed_out(in_flight=self._cut_off, grace_s=self._limits.grace_s)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def cancel(self, firing: FiringId, outcome: Outcome) -> bool:
        """End a firing that this worker has by `outcome`, breaking off its attempt; return once that is recorded.

        The attempt may end first; what it led to is recorded then. False where this worker does not have the firing.
        """
        under_way = self._under_way.get(firing)
        if under_way is not None:
            under_way.cancel(outcome)
            await asyncio.wait([under_way.task])
            return True
        taken = self._lanes.remove(firing)
        if taken is None:
            return False
        self._start()
        await self._recorder.close(taken.firing, outcome)
        return True

    def stop(self) -> None:
        """Take and start no more; attempts in flight are given `grace_s` to end."""
        self._stopping = True
        self._room.set()
        self._wake()

    # What is taken

    async def _take_and_start(self, loop: asyncio.AbstractEventLoop) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping:
            room = self._limits.held - self.held
            if room <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            try:
                taken = await self._take(min(room, self._limits.batch))
            except BusUnavailable as exc:
                pause_s = await pause("take", exc, pause_s)
                continue
            pause_s = FIRST_PAUSE_S
            now = loop.time()
            for one in taken:
                self._lanes.put(one, self._armory.limits(one.firing.trigger), now)
            self._start()

    async def _take(self, limit: int) -> Sequence[Taken]:
        """Wait for due firings; none when a trigger that was full no longer is."""
        try:
            async with asyncio.timeout(None) as woken:
                self._taking = woken
                return await self._outbox.take(limit=limit, full=self._lanes.full, timeout_s=_IDLE_S)
        except TimeoutError:
            if not woken.expired():
                raise
            return ()
        finally:
            self._taking = None

    def _wake(self) -> None:
        if self._taking is not None and not self._taking.expired():
            self._taking.reschedule(asyncio.get_running_loop().time())

    # What is started

    def _start(self) -> None:
        """Start what may start now. Called whenever something was taken or ended, or a time has come."""
        if self._stopping:
            return
        loop = asyncio.get_running_loop()
        starting, back = self._lanes.start(loop.time(), self._left)
        self._in_flight += len(starting)
        if starting:
            self._left -= len(starting)
            if not self._turning:
                self._turning = True
                loop.call_soon(self._next_turn)
        for lane, taken in starting:
            self._group.create_task(self._carry_out(lane, taken), name=f"firing-{taken.firing.id}")
        for given in back:
            self._group.create_task(self._recorder.put_off(given), name="give-back")
        if self._lanes.eased:
            self._lanes.eased = False
            self._wake()
        self._set_timer(loop)

    def _next_turn(self) -> None:
        """The loop has been round: start what there was no place for in that turn."""
        spent, self._left, self._turning = self._left <= 0, self._limits.starts_per_turn, False
        if spent:
            self._start()

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        at = self._lanes.next_at()
        if self._timer is not None:
            if at is not None and self._timer.when() <= at and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if at is None else loop.call_at(at, self._timer_due)

    def _timer_due(self) -> None:
        self._timer = None
        self._start()

    async def _carry_out(self, lane: Lane, taken: Taken) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise RuntimeError("a firing is carried out in a task of its own")
        under_way = self._under_way[taken.firing.id] = UnderWay(lane, loop.time(), task)
        try:
            ended = await self._make_unless_cancelled(taken, under_way)
            # The place is free before the record is written: others need not wait for the disk.
            self._lanes.ended(lane, pause_s=ended.pause_s, now=loop.time())
            self._start()
            await self._recorder.record(taken.firing, ended)
        except asyncio.CancelledError:
            self._cut_off += 1
            raise
        finally:
            del self._under_way[taken.firing.id]
            self._in_flight -= 1
            self._room.set()

    async def _make_unless_cancelled(self, taken: Taken, under_way: UnderWay) -> Ended:
        began_us = self._clock()
        # Not a scope with a deadline, which costs a tenth of the attempt.
        try:
            ended = await self._make(taken)
        except asyncio.CancelledError:
            if under_way.outcome is None or not under_way.broken_off():
                raise
            under_way.making = False
            return await self._attempts.cut_off(taken, began_us, under_way.outcome)
        under_way.making = False
        if under_way.outcome is None:
            return ended
        # The trigger made a failure of being cancelled; it is not tried again.
        under_way.task.uncancel()
        return ended if ended.outcome is not None else ended._replace(outcome=under_way.outcome)

    async def _make(self, taken: Taken) -> Ended:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await self._attempts.make(taken, self._starter(taken))
            except BusUnavailable as exc:
                pause_s = await pause("read", exc, pause_s)

    def _starter(self, taken: Taken) -> Callable[[], Awaitable[None]] | None:
        if not taken.firing.record_start:
            return None
        return lambda: self._outbox.started(taken.firing.id, attempt=taken.attempt)
