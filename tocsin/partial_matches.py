"""The records of partial matches: read at the start, and swept when they are of nothing any more."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec
import structlog

from eventbus.contract import Bus, Decisions, StateChange
from eventbus.errors import BusError
from eventbus.firing import TriggerRef
from manifests.objects import ObjectRef
from sensors.decide import Decider
from sensors.joins import PREFIX, Joins, Pending, decode, key_of, trigger_of
from tocsin.gate import GatedBus
from tocsin.trouble import Trouble

logger = structlog.get_logger()

ASIDE = "aside/"
"""Begins the keys of records that could not be read; what follows is the key they had."""
KEPT_ASIDE_S = 30 * 86_400.0
NAMED_FOR_US = 24 * 3600 * 1_000_000
"""For so long after the start they are named; microseconds."""
EVERY_S = 600.0
"""Seconds between two looks for what is of nothing any more."""


class PartialMatches:
    """Keeps the records in order. What is decided with them changes them; that is not done here."""

    name = "partial-matches"

    def __init__(self, bus: Bus, gate: GatedBus, decider: Decider, *, every_s: float = EVERY_S) -> None:
        self.ready = asyncio.Event()
        self._bus, self._gate, self._decider = bus, gate, decider
        self._every_s = every_s
        self._stopping = asyncio.Event()
        self._unreadable: list[Trouble] = []

    async def load(self) -> None:
        """Read them all. One that cannot be read is set aside, and its round starts anew: it must not keep the others out."""
        found: list[tuple[str, bytes]] = []
        aside: dict[str, tuple[bytes, str]] = {}
        for key, value in await self._bus.journal.records(PREFIX):
            if reason := _unreadable(key, value):
                aside[key] = value, reason
            else:
                found.append((key, value))
        if aside:
            await self._set_aside(aside)
        self._decider.joins = Joins(found)

    async def _set_aside(self, aside: Mapping[str, tuple[bytes, str]]) -> None:
        now_us = time.time_ns() // 1000
        expires_us = now_us + int(KEPT_ASIDE_S * 1e6)
        state = [StateChange(key=ASIDE + key, value=value, expires_us=expires_us) for key, (value, _) in aside.items()]
        state += [StateChange(key=key, value=None) for key in aside]
        await self._bus.commit(Decisions(group=None, position=0, state=state))
        for key, (_, reason) in aside.items():
            logger.error("partial_match_unreadable", record=key, reason=reason, kept_as=ASIDE + key)
            self._unreadable.append(_trouble(key, reason, now_us))

    def troubles(self, now_us: int) -> Iterable[Trouble]:
        """What was set aside at this start."""
        return [trouble for trouble in self._unreadable if now_us - trouble.since_us < NAMED_FOR_US]

    async def run(self) -> None:
        """Sweep now and then, until `stop`."""
        self.ready.set()
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._stopping.wait()
                    return
            try:
                await self.sweep()
            except BusError as exc:
                logger.debug("partial_matches_wait", reason=str(exc))

    def stop(self) -> None:
        """Sweep no more."""
        self._stopping.set()

    async def sweep(self) -> Sequence[TriggerRef]:
        """Forget what has come for triggers that are gone, once the data of its events is gone too.

        Until then a sensor that is declared again goes on with its round; after that nothing could be made of it.
        """
        open_ = self._decider.joins.open()
        past = {trigger for trigger in self._decider.orphans() if await self._is_past(open_[trigger])}
        if not past:
            return ()
        async with self._gate.closed():
            swept = [trigger for trigger in self._decider.orphans() if trigger in past]
            state = [StateChange(key=key_of(trigger), value=None) for trigger in swept]
            await self._bus.commit(Decisions(group=None, position=0, state=state))
            self._decider.joins.forget(swept)
        logger.info("partial_matches_swept", triggers=[str(trigger) for trigger in swept])
        return swept

    async def _is_past(self, pending: Pending) -> bool:
        return any([await self._bus.journal.event(member.position) is None for member in pending.members])


def _unreadable(key: str, value: bytes) -> str:
    """Why a record cannot be read; empty where it can."""
    try:
        trigger_of(key)
        decode(value)
    except (msgspec.DecodeError, TypeError, ValueError) as exc:
        return f"{type(exc).__name__}: {exc}"
    return ""


def _trouble(key: str, reason: str, now_us: int) -> Trouble:
    namespace, sensor, *trigger = (part.replace("%2F", "/").replace("%25", "%") for part in f"{key}///".split("/")[1:4])
    return Trouble(
        ObjectRef("Sensor", namespace, sensor), f"trigger {''.join(trigger)}", "set-aside",
        f"the record of what had come for its conditions could not be read and was set aside: {reason}", now_us,
        "its round starts anew; `tocsin replay` decides the events of before again",
    )  # fmt: skip
