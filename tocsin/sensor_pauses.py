"""Sensors that are paused on purpose: the record of a pause, and what people are told about it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from eventbus.contract import StateChange
from eventbus.event import Road
from eventbus.journal import Journal
from eventbus.retention import HELD
from manifests.objects import ObjectRef
from tocsin.pauses import PREFIX, UNREADABLE, Mode, key_of, since
from tocsin.views import Json, when

SENSORS = f"{PREFIX}Sensor/"
"""Begins the keys of the records."""


class SensorPause(msgspec.Struct, frozen=True, kw_only=True):
    """One pause. A sensor that holds has a group of its own, whose position is up to where it has decided."""

    mode: Mode
    since_us: int
    position: int
    """Everything up to here was decided, or is in an earlier gap."""
    by: str = ""
    reason: str = ""
    rate: float | None = None
    """Firings a second while it catches up, 0 for no bound; None while it is paused."""
    resumed_us: int | None = None
    resumed_by: str = ""
    problem: str = ""
    """Why it stopped catching up."""
    over: bool = False
    """It has caught up; what is left is to release its group and to forget this record."""

    def change(self, ref: ObjectRef) -> StateChange:
        """The record, to be committed."""
        return StateChange(key=key_of(ref), value=msgspec.json.encode(self))

    @property
    def state(self) -> str:
        """A word for a list."""
        return "paused" if self.rate is None else "catching-up"

    def said(self) -> str:
        """Since when it is paused, by whom and why."""
        return since(self.since_us, self.by, self.reason)

    def text(self, counted: str = "") -> str:
        """What the pause does, in words; `counted` says how many events it concerns."""
        if self.rate is not None:
            bound = f"at {self.rate:g} firings a second" if self.rate else "as fast as it can"
            return f"catching up {bound}{counted and f', {counted} left'}; it was {self.said()}"
        problem = f"; it stopped catching up: {self.problem}" if self.problem else ""
        does = "what comes waits" if self.mode == "hold" else "what comes is dropped"
        return f"{self.said()}: {does}{counted and f', {counted} so far'}{problem}"


def held_group(ref: ObjectRef) -> str:
    """The group of a sensor that is held, with a position of its own."""
    return f"{HELD}{ref.namespace}/{ref.name}"


async def load(journal: Journal, beginning: str = SENSORS) -> dict[ObjectRef, SensorPause]:
    """The pauses on record; those that are over, too."""
    found = {}
    for key, value in await journal.records(beginning):
        _, _, namespace, name = key.split("/", 3)
        found[ObjectRef("Sensor", namespace, name)] = _decoded(value)
    return found


def _decoded(value: bytes) -> SensorPause:
    """A pause from its record. One that cannot be read holds: what waits is not to be lost, and somebody is to look at it."""
    try:
        return msgspec.json.decode(value, type=SensorPause)
    except msgspec.DecodeError:
        return SensorPause(mode="hold", since_us=0, position=0, reason=UNREADABLE)


async def in_force(journal: Journal, only: ObjectRef | None = None) -> Mapping[ObjectRef, SensorPause]:
    """The pauses on record that are not over, or that of one sensor."""
    found = await load(journal, SENSORS if only is None else key_of(only))
    return {ref: pause for ref, pause in found.items() if not pause.over}


class Paused(NamedTuple):
    """A pause with what has become of the events since."""

    pause: SensorPause
    waiting: int = 0
    """Events of the roads it depends on that it has still to look at."""
    dropped: int = 0
    """Events of these roads that it will never look at, since it was paused."""

    def view(self) -> Json:
        """As JSON."""
        pause = self.pause
        return {
            "mode": pause.mode,
            "since": when(pause.since_us),
            "by": pause.by,
            "reason": pause.reason,
            "waiting": self.waiting,
            "dropped": self.dropped,
            "resumed": None if pause.resumed_us is None else when(pause.resumed_us),
            "resumed_by": pause.resumed_by,
            "rate": pause.rate,
            "problem": pause.problem or None,
        }

    def text(self) -> str:
        """What the pause does, in words."""
        count = self.dropped if self.pause.mode == "drop" else self.waiting
        return self.pause.text(f"{count} event{'' if count == 1 else 's'}")


async def paused(journal: Journal, ref: ObjectRef, pause: SensorPause, roads: Iterable[Road]) -> Paused:
    """Count what has become of the events of `roads`, up to what everybody else has decided or will decide next."""
    last = (await journal.tallies()).last_position
    if pause.mode == "drop":
        return Paused(pause, dropped=await journal.count(roads, pause.position, last))
    decided = await journal.position(held_group(ref))
    return Paused(pause, waiting=await journal.count(roads, pause.position if decided is None else decided, last))


async def undecided(journal: Journal, ref: ObjectRef, position: int) -> str:
    """Why a pause keeps `ref` from having decided the event at `position`; empty where none does."""
    for gap in await journal.gaps(held_group(ref)):
        if gap.first <= position <= gap.last:
            return f"it was skipped: {gap.reason}"
    pause = (await in_force(journal, ref)).get(ref)
    if pause is None:
        return ""
    decided = pause.position if pause.mode == "drop" else await journal.position(held_group(ref)) or pause.position
    if position <= decided:
        return ""
    if pause.mode == "drop":
        return f"it is skipped: the sensor is {pause.said()}"
    return f"it waits: the sensor is {'' if pause.rate is None else 'catching up; it was '}{pause.said()}"
