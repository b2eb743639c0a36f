"""One part of a replay: events decided, firings opened at the replay's rate, and the position stored with the last of them."""

import asyncio
from collections.abc import Callable

import msgspec

from eventbus.contract import Bus, Decisions, StateChange
from eventbus.event import Recorded
from eventbus.firing import Firing
from tocsin.replaying.deciding import Deciding
from tocsin.replaying.own_joins import own_join
from tocsin.replaying.record import Replay
from tocsin.replaying.selecting import in_time

MOST_OPEN = 1000
"""A replay opens no more while so many firings are open, live ones included: they have their turn first."""
PART = 64
"""Events that are decided between two commits, at most."""
AT_ONCE = 64
"""Firings of one commit."""
LOOK_AGAIN_S = 0.5


class _Step:
    """What some events in a row led to, until it is committed."""

    def __init__(self, replay: Replay) -> None:
        self.position = replay.position
        self.events = 0
        self.missing = 0
        self.firings: list[Firing] = []
        self.state: dict[str, StateChange] = {}
        """The last change of each partial match."""

    def full(self, rate: float) -> bool:
        """Whether it is enough for one commit: some seconds' worth would be late to show, or to cancel."""
        return len(self.firings) >= (AT_ONCE if rate <= 0 else min(AT_ONCE, max(1, rate / 4)))


class Stepper:
    """Takes one replay on, part by part. Nobody else changes its record meanwhile."""

    def __init__(self, bus: Bus, deciding: Deciding, goes_on: Callable[[], bool], changed: asyncio.Event) -> None:
        """`goes_on` says whether to go on at all; `changed` is set when that may have changed."""
        self._bus, self._deciding, self._goes_on, self._changed = bus, deciding, goes_on, changed
        self._free_at = 0.0
        """When the next firing may be opened, by the loop's clock."""
        self._quarantined: set[int] = set()

    async def prepare(self) -> None:
        """Read what must be known before the first part."""
        self._quarantined = {position for position, _ in await self._bus.journal.quarantined()}
        await self._deciding.prepare()

    async def take(self, replay: Replay) -> Replay:
        """Decide and store the next part; the replay as it is then. When it does not go on, nothing or a part of it is opened."""
        step = _Step(replay)
        part = await self._bus.journal.scan(replay.position, until=replay.last, limit=PART)
        for recorded in part.events:
            await self._decide(replay, recorded, step)
            if step.full(replay.rate):
                break
        else:
            step.missing += part.position - step.position
            step.position = part.position
        after = await self._open(await self._cleared(replay), step)
        self._deciding.committed()
        return after

    async def _cleared(self, replay: Replay) -> Replay:
        """`replay` without the starts that ended at this part: what it leads to is known, so deciding it ends no process.

        What ends a process while the firings wait for their turn must not be blamed on the part.
        """
        if replay.starts <= 1:
            return replay
        cleared = msgspec.structs.replace(replay, starts=0)
        await self._bus.commit(Decisions(group=None, position=0, state=[cleared.change()]))
        return cleared

    async def _decide(self, replay: Replay, recorded: Recorded, step: _Step) -> None:
        step.missing += recorded.position - step.position - 1
        step.position = recorded.position
        if recorded.position in self._quarantined:
            step.missing += 1
        elif in_time(replay, recorded):
            step.events += 1
            if self._deciding.concerns(recorded.event.road):
                decided = await self._deciding.decide(recorded)
                step.firings += decided.firings
                step.state.update({change.key: own_join(replay.number, change) for change in decided.state})

    async def _open(self, replay: Replay, step: _Step) -> Replay:
        """Open the firings of `step`; those of all but the last commit stand without the position.

        That is safe: decided again after a crash they have the same ids, and are there already.
        """
        most = replay.asked.most
        firings = step.firings if most is None else step.firings[: most - replay.firings]
        opened = 0
        while firings[opened:]:
            some = firings[opened : opened + AT_ONCE]
            if not await self._room(replay, len(some)):
                return msgspec.structs.replace(replay, firings=replay.firings + opened)
            if opened + len(some) == len(firings):
                break
            await self._bus.commit(Decisions(group=None, position=0, firings=some))
            opened += len(some)
        after = msgspec.structs.replace(
            replay,
            position=step.position,
            events=replay.events + step.events,
            missing=replay.missing + step.missing,
            firings=replay.firings + len(firings),
        )
        state = [*step.state.values(), after.change()]
        await self._bus.commit(Decisions(group=None, position=0, firings=firings[opened:], state=state))
        return after

    async def _room(self, replay: Replay, firings: int) -> bool:
        """Wait until so many more may be opened; False where the replay does not go on."""
        loop = asyncio.get_running_loop()
        while self._goes_on() and (await self._bus.journal.tallies()).open_firings >= MOST_OPEN:
            await pause(self._changed, LOOK_AGAIN_S)
        if replay.rate > 0:
            while self._goes_on() and (left_s := self._free_at - loop.time()) > 0:
                await pause(self._changed, left_s)
            self._free_at = max(self._free_at, loop.time()) + firings / replay.rate
        return self._goes_on()


async def pause(changed: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until something changes."""
    changed.clear()
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return
