"""Where the newest firings are that a filter wants: by the index that leaves least to look at, in bounded steps."""

import asyncio
from collections.abc import Collection
from heapq import nlargest
from typing import NamedTuple

from eventbus.journal import FiringFilter
from eventbus.sqlite.codec import OUTCOMES
from eventbus.sqlite.store import Store
from eventbus.sqlite.walking import newest_of

FEW = 32
"""Up to so many triggers the index of each is asked at once; for more, those of all are looked at first."""
STEP = 1000
"""Rows looked at before others get a turn."""
LOOKED_AT = 4 * STEP
"""Rows of all triggers that are looked at before each trigger that is wanted is asked for its own."""
END = (1 << 63) - 1
STATES = 16
"""More than there are outcomes."""

Place = tuple[int, int]
"""Decided at, and number: what lists are ordered by."""

_COLUMNS = "SELECT decided_us, seq, trigger, outcome, due_us IS NULL FROM firings"
_TAIL = "decided_us >= ? AND (decided_us, seq) < (?, ?) ORDER BY decided_us DESC, seq DESC LIMIT ?"
_ALL = f"{_COLUMNS} INDEXED BY firings_decided WHERE {_TAIL}"
_OPEN = f"{_COLUMNS} INDEXED BY firings_alive WHERE due_us IS NOT NULL AND {_TAIL}"
_OUTCOME = f"{_COLUMNS} INDEXED BY firings_outcome WHERE outcome = ? AND outcome > 1 AND {_TAIL}"
_OF_TRIGGER = f"{_COLUMNS} INDEXED BY firings_trigger WHERE trigger = ? AND {_TAIL}"
_OUTCOME_OF_TRIGGER = f"{_COLUMNS} INDEXED BY firings_failed WHERE outcome = ? AND outcome > 1 AND trigger = ? AND {_TAIL}"
_OF_REPLAY = f"{_COLUMNS} INDEXED BY firings_replay WHERE replay = ? AND {_TAIL}"
_STATE_OF_REPLAY = f"{_COLUMNS} INDEXED BY firings_replay_state WHERE replay = ? AND outcome IS ? AND {_TAIL}"
_OF_REPLAY_AND_TRIGGER = (
    f"{_COLUMNS} INDEXED BY firings_replay_trigger WHERE replay = ? AND trigger = ? AND outcome IS ? AND {_TAIL}"
)
_OPEN_OF_TRIGGER = (
    "SELECT decided_us, seq, due_us FROM firings INDEXED BY firings_due"
    " WHERE trigger = ? AND due_us IS NOT NULL AND (due_us, seq) > (?, ?) ORDER BY due_us, seq LIMIT ?"
)

_Walked = tuple[int, int, int, int | None, int]


class Walks:
    """The walks for one filter, from one place on."""

    def __init__(self, store: Store, wanted: FiringFilter, triggers: Collection[int] | None, end: Place) -> None:
        """`triggers` are those that the filter names, None for all; only what is before `end` is found."""
        self._store, self._triggers, self._end = store, triggers, end
        self._outcome = OUTCOMES[wanted.outcome] if wanted.outcome is not None else None
        self._open = wanted.open
        self._after_us = wanted.after_us if wanted.after_us is not None else -END
        self._replay = wanted.replay
        self._failed = self._outcome is not None and self._outcome > 1

    async def newest(self, limit: int) -> list[Place]:
        """The newest places, newest first."""
        triggers = self._triggers
        if (self._outcome is not None and self._open) or (triggers is not None and not triggers):
            return []
        if triggers is None:
            return (await self._of_all(limit, None)).found
        if self._replay is not None:
            return await self._of_replay(triggers, limit)
        if self._open or len(triggers) > FEW:
            walked = await self._of_all(limit, LOOKED_AT)
            if walked.complete:
                return walked.found
        if self._open:
            return nlargest(limit, [place for one in triggers for place in await self._open_of(one, limit)])
        return await newest_of(triggers, self._of_trigger, limit)

    async def _of_replay(self, triggers: Collection[int], limit: int) -> list[Place]:
        """Those of some triggers: a list for each state of each trigger, so that what is rare is found at once."""
        if len(triggers) > FEW:
            walked = await self._of_all(limit, LOOKED_AT)
            if walked.complete:
                return walked.found
        return await newest_of(
            [trigger * STATES + state for trigger in triggers for state in self._states()], self._in_state, limit
        )

    def _states(self) -> Collection[int]:
        """The numbers of outcomes that are wanted, 0 for open firings."""
        if self._outcome is not None:
            return (self._outcome,)
        closed = tuple(OUTCOMES.values())
        return (0,) if self._open else closed if self._open is False else (0, *closed)

    async def _in_state(self, which: int, before: Place | None, limit: int) -> list[Place]:
        trigger, state = divmod(which, STATES)
        end = self._end if before is None else before
        return (await self._walk(_OF_REPLAY_AND_TRIGGER, (self._replay, trigger, state or None), end, limit, None)).found

    async def _of_all(self, limit: int, most: int | None) -> "_Found":
        if self._replay is not None and (self._open or self._outcome is not None):
            return await self._walk(_STATE_OF_REPLAY, (self._replay, self._outcome), self._end, limit, most)
        if self._replay is not None:
            return await self._walk(_OF_REPLAY, (self._replay,), self._end, limit, most)
        if self._open:
            return await self._walk(_OPEN, (), self._end, limit, most)
        if self._failed:
            return await self._walk(_OUTCOME, (self._outcome,), self._end, limit, most)
        return await self._walk(_ALL, (), self._end, limit, most)

    async def _of_trigger(self, trigger: int, before: Place | None, limit: int) -> list[Place]:
        end = self._end if before is None else before
        if self._failed:
            return (await self._walk(_OUTCOME_OF_TRIGGER, (self._outcome, trigger), end, limit, None)).found
        return (await self._walk(_OF_TRIGGER, (trigger,), end, limit, None)).found

    async def _open_of(self, trigger: int, limit: int) -> list[Place]:
        """The newest open firings of a trigger, whose index has them in the order they are due."""
        newest: list[Place] = []
        last = (-END, 0)
        while True:
            rows = self._store.ask(_OPEN_OF_TRIGGER, (trigger, *last, STEP))
            places = [(decided_us, seq) for decided_us, seq, _ in rows if decided_us >= self._after_us]
            newest = nlargest(limit, [*newest, *(place for place in places if place < self._end)])
            if len(rows) < STEP:
                return newest
            last = (rows[-1][2], rows[-1][1])
            await asyncio.sleep(0)

    async def _walk(self, text: str, named: tuple[int | None, ...], end: Place, limit: int, most: int | None) -> "_Found":
        found: list[Place] = []
        step, looked = limit, 0
        while True:
            rows: list[_Walked] = self._store.ask(text, (*named, self._after_us, *end, step))
            found += [(row[0], row[1]) for row in rows if self._has(row)]
            looked += len(rows)
            if len(rows) < step or len(found) >= limit:
                return _Found(found[:limit], complete=True)
            if most is not None and looked >= most:
                return _Found(found, complete=False)
            end = rows[-1][:2]
            step = STEP
            await asyncio.sleep(0)

    def _has(self, row: _Walked) -> bool:
        _, _, trigger, outcome, closed = row
        return (
            (self._triggers is None or trigger in self._triggers)
            and (self._outcome is None or outcome == self._outcome)
            and (self._open is None or self._open is not bool(closed))
        )


class _Found(NamedTuple):
    """What a walk found, and whether there is no more to find."""

    found: list[Place]
    complete: bool
