"""What people do to firings: try a dead letter again or drop it, cancel what is open. Each is recorded with who and why."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import structlog

from eventbus.contract import Bus
from eventbus.errors import BusError
from eventbus.firing import FiringId, Outcome, OutcomeKind
from eventbus.journal import FiringRecord
from sensors.dispatch import Dispatcher
from sensors.report import Watch, cut_off
from tocsin.queries import Busy, QueryError, find_firing
from tocsin.said import Said
from tocsin.views import Json, state_of

logger = structlog.get_logger()

MOST = 256
"""Firings of one request."""
HANDING_OVER_S = 1.0
"""How long a firing may be between the outbox and a worker before somebody is told to try again."""
_LOOK_AGAIN_S = 0.005


class Done(NamedTuple):
    """What became of one of the firings that were named."""

    name: str
    """As it was named."""
    id: str | None
    done: bool
    detail: str

    def view(self) -> Json:
        """As JSON."""
        return self._asdict()


class Acts:
    """Acts on the firings of one service."""

    def __init__(self, bus: Bus, dispatcher: Dispatcher, watch: Watch) -> None:
        self._bus, self._dispatcher, self._watch = bus, dispatcher, watch

    def tell_cut_off(self) -> None:
        """Say and count what the end of the process before left unknown. Once, when triggers are declared."""
        cut_off(self._bus.outbox.cut_off, self._watch)

    async def redrive(self, names: Sequence[str], said: Said) -> list[Done]:
        """Open dead letters again, under the same ids."""
        return await self._each(names, said, self._redrive)

    async def drop(self, names: Sequence[str], said: Said) -> list[Done]:
        """End dead letters for good, as `skipped`."""
        return await self._each(names, said, self._drop)

    async def cancel(self, names: Sequence[str], said: Said) -> list[Done]:
        """Close open firings as `skipped`; an attempt under way is broken off."""
        return await self._each(names, said, self._cancel)

    async def _each(
        self, names: Sequence[str], said: Said, act: Callable[[FiringRecord, Said], Awaitable[tuple[bool, str]]]
    ) -> list[Done]:
        """Act on each by itself, all at once, so that they share commits."""

        async def one(name: str) -> Done:
            record: FiringRecord | None = None
            try:
                record = await find_firing(self._bus.journal, name)
                done, detail = await act(record, said)
            except (QueryError, BusError) as exc:
                return Done(name, record.firing.id if record else None, False, str(exc))
            return Done(name, record.firing.id, done, detail)

        found = await asyncio.gather(*[one(name) for name in dict.fromkeys(names)])
        done = sum(item.done for item in found)
        logger.info("firings_changed", action=act.__name__.strip("_"), by=said.by or None, done=done, not_done=len(found) - done)
        return found

    async def _redrive(self, record: FiringRecord, said: Said) -> tuple[bool, str]:
        if await self._bus.outbox.redrive(record.firing.id):
            return True, "open again"
        return False, await self._no_dead_letter(record.firing.id)

    async def _drop(self, record: FiringRecord, said: Said) -> tuple[bool, str]:
        reason = f"dropped{said}" + (f"; it had failed: {record.reason}" if record.reason else "")
        if await self._bus.outbox.drop(record.firing.id, reason):
            self._watch.closed(record.firing, Outcome(kind=OutcomeKind.SKIPPED, reason=reason))
            return True, "dropped"
        return False, await self._no_dead_letter(record.firing.id)

    async def _no_dead_letter(self, id: FiringId) -> str:
        return f"no dead letter: it is {state_of(await find_firing(self._bus.journal, id))}"

    async def _cancel(self, record: FiringRecord, said: Said) -> tuple[bool, str]:
        """Whoever has it ends it: the dispatcher, or the outbox. It may be between the two, so both are asked again."""
        id, outcome = record.firing.id, Outcome(kind=OutcomeKind.SKIPPED, reason=f"cancelled{said}")
        if record.outcome is not None:
            return False, f"not open: it is {state_of(record)}"
        loop = asyncio.get_running_loop()
        until = loop.time() + HANDING_OVER_S
        while True:
            if await self._bus.outbox.cancel(id, outcome.reason):
                self._watch.closed(record.firing, outcome)
            else:
                await self._dispatcher.cancel(id, outcome)
            after = await find_firing(self._bus.journal, id)
            if after.outcome is not None:
                return _cancelled(after, outcome)
            if loop.time() > until:
                raise Busy("it is being handed to a worker; try again")
            await asyncio.sleep(_LOOK_AGAIN_S)


def _cancelled(record: FiringRecord, wanted: Outcome) -> tuple[bool, str]:
    if (record.outcome, record.reason) != (wanted.kind, wanted.reason):
        return False, f"it ended before it could be cancelled: it is {state_of(record)}"
    last = record.attempts[-1] if record.attempts else None
    if last is None:
        return True, "cancelled before its first attempt"
    if last.reason.startswith("cancelled"):
        return True, f"cancelled during attempt {last.number}; the target may have acted"
    tries = len(record.attempts)
    return True, f"cancelled after {tries} failed attempt{'s' if tries > 1 else ''}"
