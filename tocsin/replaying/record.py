"""What is kept of a replay: what was asked for, how far it has got, how it ended."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from eventbus.contract import StateChange
from eventbus.journal import Journal
from tocsin.views import Json, when

RECORD = "replay/"
"""Of the keys of the records; what stands behind it sorts by number."""
PINNED = "replay-sensors/"


class ReplayState(StrEnum):
    """How a replay stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person asked for, as written. The same command asks for the same."""

    event: str | None = None
    """An event as it is named on the command line."""
    after: str | None = None
    before: str | None = None
    """The span of time in which events were received, RFC 3339; without `before` until now."""
    sensor: str | None = None
    """Its name, or namespace/name; None: every sensor."""
    as_decided: bool = False
    """Decide with the revisions in force when the events came in, not with those in force now."""
    most: int | None = None
    """End after so many firings."""

    def __str__(self) -> str:
        if self.event is not None:
            what = f"event {self.event}"
        else:
            what = f"events from {self.after}" + (f" to {self.before}" if self.before else " on")
        return what + (f" for sensor {self.sensor}" if self.sensor else "")


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """A revision that decides in a replay, and the stretch of the log that it decides."""

    ref: str
    revision: str
    since: int
    until: int


class Replay(msgspec.Struct, kw_only=True):
    """One replay. Changed in memory by whoever carries it out, and committed with what it led to."""

    number: int
    """Part of the ids of its firings. From 1, each greater than those before."""
    asked: Asked
    name: str = ""
    """Chosen by who asked, so that asking again under the same name never does it twice."""
    by: str = ""
    reason: str = ""
    asked_us: int
    rate: float
    """Most firings a second, on average."""
    first: int
    last: int
    """Positions in the log: what is decided again."""
    after_us: int | None = None
    before_us: int | None = None
    position: int
    """Everything up to here is decided, and its firings are open or done."""
    state: ReplayState = ReplayState.RUNNING
    events: int = 0
    """Decided again."""
    missing: int = 0
    """Passed over because they are no longer kept, are damaged, or were set aside."""
    firings: int = 0
    """Opened."""
    ended_us: int | None = None
    problem: str = ""
    """Why it failed, who cancelled it, or what could not decide."""
    starts: int = 0
    started_at: int = -1
    """How often in a row it was begun or gone on with at this position, with no orderly stop in between."""

    @property
    def key(self) -> str:
        """The key of its record."""
        return key_of(self.number)

    def change(self) -> StateChange:
        """The record as it is now, to be committed."""
        return StateChange(key=self.key, value=msgspec.json.encode(self))


def key_of(number: int) -> str:
    """The key of a replay's record."""
    return f"{RECORD}{number:010d}"


def pinned_key(number: int) -> str:
    """The key of the revisions that decide in a replay."""
    return f"{PINNED}{number:010d}"


async def load(journal: Journal) -> list[Replay]:
    """Every replay, by number."""
    return [msgspec.json.decode(value, type=Replay) for _, value in await journal.records(RECORD)]


async def find(journal: Journal, number: int) -> Replay | None:
    """One replay."""
    found = dict(await journal.records(key_of(number))).get(key_of(number))
    return None if found is None else msgspec.json.decode(found, type=Replay)


def encode_pins(pins: Sequence[Pin]) -> bytes:
    """The revisions that decide, to be kept."""
    return msgspec.json.encode(pins)


def decode_pins(value: bytes) -> list[Pin]:
    """What `encode_pins` made."""
    return msgspec.json.decode(value, type=list[Pin])


def replay_view(replay: Replay) -> Json:
    """A replay as JSON."""
    return {
        "number": replay.number,
        "name": replay.name or None,
        "state": replay.state.value,
        "problem": replay.problem or None,
        "what": str(replay.asked),
        "event": replay.asked.event,
        "from": replay.asked.after,
        "to": replay.asked.before,
        "sensor": replay.asked.sensor,
        "as_decided": replay.asked.as_decided,
        "limit": replay.asked.most,
        "rate": replay.rate or None,
        "by": replay.by or None,
        "reason": replay.reason or None,
        "asked": when(replay.asked_us),
        "ended": when(replay.ended_us),
        "first": replay.first,
        "last": replay.last,
        "position": replay.position,
        "events": replay.events,
        "missing": replay.missing,
        "firings": replay.firings,
    }
