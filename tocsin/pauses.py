"""Event sources that are paused on purpose: by whom they are asked, and kept over restarts."""

import time
from collections.abc import Iterable
from typing import Literal

import msgspec
import structlog

from eventbus.contract import StateStore
from eventbus.errors import BusUnavailable
from eventbus.journal import Journal
from manifests.objects import ObjectRef
from tocsin.views import Json, when

logger = structlog.get_logger()

PREFIX = "pause/"
RETRY_AFTER_S = 30.0
"""Seconds after which a sender that is held back should come again."""

Mode = Literal["hold", "drop"]


class Paused(BusUnavailable):
    """A source is held: what is sent to it should be sent again later."""


class Pause(msgspec.Struct, kw_only=True):
    """One pause."""

    mode: Mode
    since_us: int
    held: int = 0
    """Events that were turned away by this process, to come again."""
    dropped: int = 0
    """Events that were acknowledged by this process and not kept."""


def key_of(ref: ObjectRef) -> str:
    """The key of an object's record."""
    return PREFIX + str(ref)


class Pauses:
    """The pauses in force. Reading them costs a look into a table; changing them is durable before it counts."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._paused: dict[str, Pause] = {}

    async def load(self, journal: Journal) -> None:
        """Read what was in force when the service ended."""
        for key, value in await journal.records(PREFIX):
            self._paused[key] = msgspec.json.decode(value, type=Pause)

    def __bool__(self) -> bool:
        return bool(self._paused)

    def of(self, ref: ObjectRef) -> Pause | None:
        """The pause of `ref`; None where it runs."""
        return self._paused.get(key_of(ref))

    async def pause(self, ref: ObjectRef, mode: Mode) -> Pause:
        """Pause `ref`, or change how it is paused. Returns once a restart cannot forget it."""
        former = self.of(ref)
        since_us = former.since_us if former else time.time_ns() // 1000
        pause = Pause(mode=mode, since_us=since_us, held=former.held if former else 0, dropped=former.dropped if former else 0)
        await self._state.put(key_of(ref), msgspec.json.encode({"mode": mode, "since_us": since_us}))
        self._paused[key_of(ref)] = pause
        logger.warning("object_paused", object=str(ref), mode=mode)
        return pause

    async def resume(self, ref: ObjectRef) -> Pause | None:
        """End the pause of `ref` and return it; None where there was none."""
        pause = self.of(ref)
        if pause is not None:
            await self._state.put(key_of(ref), None)
            self._paused.pop(key_of(ref), None)
            logger.warning("object_resumed", object=str(ref), held=pause.held, dropped=pause.dropped)
        return pause

    async def forget(self, refs: Iterable[ObjectRef]) -> None:
        """Drop the pauses of objects that are no longer declared: declared again, they run."""
        declared = {key_of(ref) for ref in refs}
        for key in [key for key in self._paused if key not in declared]:
            await self._state.put(key, None)
            del self._paused[key]


def pause_view(pause: Pause | None) -> Json | None:
    """A pause as JSON."""
    if pause is None:
        return None
    return {"mode": pause.mode, "since": when(pause.since_us), "held": pause.held, "dropped": pause.dropped}


def pause_text(pause: Pause) -> str:
    """What a pause does, in words."""
    does = "senders are told to come back" if pause.mode == "hold" else "what comes is acknowledged and dropped"
    return f"paused since {when(pause.since_us)}: {does}"
