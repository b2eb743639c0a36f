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
from tocsin.said import Said
from tocsin.views import Json, when

logger = structlog.get_logger()

PREFIX = "pause/"
SOURCES = f"{PREFIX}EventSource/"
"""Begins the keys of the records that are kept here."""
RETRY_AFTER_S = 30.0
"""Seconds after which a sender that is held back should come again."""

UNREADABLE = "the record of this pause cannot be read"
NOBODY = Said()

Mode = Literal["hold", "drop"]


class Paused(BusUnavailable):
    """A source is held: what is sent to it should be sent again later."""

    told = "this event source is paused; try again later"


class Pause(msgspec.Struct, kw_only=True):
    """One pause."""

    mode: Mode
    since_us: int
    by: str = ""
    reason: str = ""
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
        for key, value in await journal.records(SOURCES):
            self._paused[key] = _decoded(key, value)

    def __bool__(self) -> bool:
        return bool(self._paused)

    def of(self, ref: ObjectRef) -> Pause | None:
        """The pause of `ref`; None where it runs."""
        return self._paused.get(key_of(ref))

    async def pause(self, ref: ObjectRef, mode: Mode, said: Said = NOBODY) -> Pause:
        """Pause `ref`, or change how it is paused. Returns once a restart cannot forget it."""
        former = self.of(ref)
        pause = former or Pause(mode=mode, since_us=time.time_ns() // 1000)
        pause = msgspec.structs.replace(pause, mode=mode, by=said.by or pause.by, reason=said.reason or pause.reason)
        await self._state.put(key_of(ref), msgspec.json.encode(msgspec.structs.replace(pause, held=0, dropped=0)))
        self._paused[key_of(ref)] = pause
        logger.warning("object_paused", object=str(ref), mode=mode, by=said.by or None, reason=said.reason or None)
        return pause

    async def resume(self, ref: ObjectRef, said: Said = NOBODY) -> Pause | None:
        """End the pause of `ref` and return it; None where there was none."""
        pause = self.of(ref)
        if pause is not None:
            await self._state.put(key_of(ref), None)
            self._paused.pop(key_of(ref), None)
            logger.warning("object_resumed", object=str(ref), by=said.by or None, held=pause.held, dropped=pause.dropped)
        return pause

    async def forget(self, refs: Iterable[ObjectRef]) -> None:
        """Drop the pauses of objects that are no longer declared: declared again, they run."""
        declared = {key_of(ref) for ref in refs}
        for key in [key for key in self._paused if key not in declared]:
            await self._state.put(key, None)
            del self._paused[key]


def _decoded(key: str, value: bytes) -> Pause:
    """A pause from its record. One that cannot be read holds, until somebody resumes it."""
    try:
        return msgspec.json.decode(value, type=Pause)
    except msgspec.DecodeError as exc:
        logger.error("pause_unreadable", record=key, reason=str(exc))
        return Pause(mode="hold", since_us=0, reason=UNREADABLE)


def pause_view(pause: Pause | None) -> Json | None:
    """A pause as JSON."""
    if pause is None:
        return None
    who = {"mode": pause.mode, "since": when(pause.since_us), "by": pause.by, "reason": pause.reason}
    return who | {"held": pause.held, "dropped": pause.dropped}


def pause_text(pause: Pause) -> str:
    """What a pause does, in words."""
    does = "senders are told to come back" if pause.mode == "hold" else "what comes is acknowledged and dropped"
    return f"{since(pause.since_us, pause.by, pause.reason)}: {does}"


def since(since_us: int, by: str, reason: str) -> str:
    """Since when something is paused, by whom and why."""
    return f"paused since {when(since_us)}" + (f" by {by}" if by else "") + (f" ({reason})" if reason else "")
