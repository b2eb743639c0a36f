"""What the tests of the SQLite bus share: events, decisions, and a disk that does as it is told."""

import asyncio
import os
import random
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventbus.contract import Decisions
from eventbus.event import Event, Recorded
from eventbus.firing import Attempt, Cause, Firing, Outcome, OutcomeKind, TriggerRef, firing_id
from eventbus.sqlite import SqliteBus

TRIGGER = TriggerRef("default", "on-push", "deploy")
DONE = Outcome(kind=OutcomeKind.SUCCEEDED)
GROUP = "sensors"


def an_event(id: str = "1", data: bytes = b'{"ref": "refs/heads/main"}', **given: Any) -> Event:
    fields: dict[str, Any] = {"namespace": "default", "source": "github", "name": "push", "type": "com.github.push", "time": None}
    return Event(id=id, data=data, **(fields | given))


def some_events(count: int, start: int = 1, data: bytes = b"{}") -> list[Event]:
    return [an_event(str(number), data) for number in range(start, start + count)]


def a_firing(recorded: Recorded) -> Firing:
    identity = recorded.event.identity
    return Firing(
        id=firing_id(TRIGGER, [("push", identity)]),
        trigger=TRIGGER,
        revision="r1",
        causes=(Cause("push", recorded.position, identity),),
        decided_us=recorded.received_us,
    )


def decided(recorded: Sequence[Recorded]) -> Decisions:
    return Decisions(group=GROUP, position=recorded[-1].position, firings=[a_firing(one) for one in recorded])


def tried(number: int = 1, ended_us: int = 2) -> Attempt:
    return Attempt(number=number, started_us=1, ended_us=ended_us, succeeded=True, status=200)


async def decide_all(bus: SqliteBus) -> None:
    while got := await bus.read(GROUP, limit=100, timeout_s=0.0):
        await bus.commit(decided(got))


async def close_all(bus: SqliteBus) -> int:
    closed = 0
    while taken := await bus.outbox.take(limit=100, timeout_s=0.0):
        await asyncio.gather(*[bus.outbox.close(one.firing.id, DONE, attempt=tried(one.attempt), request=b"{}") for one in taken])
        closed += len(taken)
    return closed


class Disk:
    """Syncs as told: at once, not at all, held up, or with an error. Remembers what a power failure would leave."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wal = folder / "tocsin.db-wal"
        self.go = threading.Event()
        self.go.set()
        self.error: OSError | None = None
        self.syncs = 0
        self.honest = True
        self.synced = b""
        """The write-ahead log as the last finished sync left it."""

    def sync(self, fd: int) -> None:
        # What was written before the sync began is what it promises; the rest is luck.
        begun = self._wal.read_bytes()
        self.go.wait(30.0)
        if self.error is not None:
            raise self.error
        os.fdatasync(fd)
        self.syncs += 1
        if self.honest:
            self.synced = begun

    def lose_power(self, into: Path, dice: random.Random) -> None:
        """Make `into` what the machine would find: all that was synced, and of what came later any part or none."""
        later = self._wal.read_bytes()
        shutil.copytree(self._folder, into, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
        left = bytearray(self.synced)
        if len(later) > len(left):
            kept = bytearray(later[len(left) :])
            for start in range(0, len(kept), 4096):
                if dice.random() < 0.5:
                    kept[start : start + 4096] = bytes(len(kept[start : start + 4096]))
            left += kept[: dice.randrange(len(kept) + 1)]
        (into / "tocsin.db-wal").write_bytes(left)


def unsound(bus: SqliteBus) -> list[str]:
    """What in the store contradicts itself: rows without what they hang on, totals that do not add up, data missed."""
    ask = bus._files.store.ask
    totals = dict(ask("SELECT name, value FROM totals"))
    floor = {0: totals.get("data_floor", 0), 1: totals.get("record_floor", 0)}
    last, whole, past = (
        ask("SELECT coalesce(max(position), 0) FROM events")[0][0],
        ask("SELECT count(*) FROM events")[0][0],
        ask("SELECT count(*) FROM past")[0][0],
    )
    nothing = {
        "an event and its past at once": "SELECT position FROM events WHERE position IN (SELECT position FROM past)",
        "data below the floor that is no stray": f"SELECT position FROM events WHERE position <= {floor[0]}"
        " AND position NOT IN (SELECT position FROM strays WHERE record = 0)",
        "a stray without data": "SELECT position FROM strays WHERE record = 0 AND position NOT IN (SELECT position FROM events)",
        "a record below the floor that is no stray": f"SELECT position FROM past WHERE position <= {floor[1]}"
        " AND position NOT IN (SELECT position FROM strays WHERE record = 1)",
        "a past above the floor": f"SELECT position FROM past WHERE position > {floor[0]}",
        "an undecided event that is gone": "SELECT position FROM past WHERE position > (SELECT min(position) FROM groups)",
        "an attempt without its firing": "SELECT seq FROM attempts WHERE seq NOT IN (SELECT seq FROM firings)",
        "a request without its firing": "SELECT seq FROM requests WHERE seq NOT IN (SELECT seq FROM firings)",
        "a cause without its firing": "SELECT seq FROM causes WHERE seq NOT IN (SELECT seq FROM firings)",
        "a cause that is off the record": "SELECT position FROM causes WHERE position NOT IN (SELECT position FROM events)"
        " AND position NOT IN (SELECT position FROM past)",
        "an open firing whose event has no data": "SELECT firings.seq FROM firings JOIN causes USING (seq)"
        " WHERE due_us IS NOT NULL AND causes.position NOT IN (SELECT position FROM events)",
        "a firing without its revision": "SELECT seq FROM firings WHERE revision NOT IN (SELECT id FROM revisions)",
        "an event without its kind": "SELECT position FROM events WHERE kind NOT IN (SELECT id FROM kinds)",
        "a past without its kind": "SELECT position FROM past WHERE kind NOT IN (SELECT id FROM kinds)",
    }
    found = [f"{what}: {rows[:5]}" for what, text in nothing.items() if (rows := ask(text))]
    adds_up = {
        "removed_data": last - whole,
        "removed_events": last - whole - past,
        "pinned": ask("SELECT count(*) FROM strays WHERE record = 0")[0][0],
    }
    found += [f"{name} is {totals.get(name, 0)}, not {right}" for name, right in adds_up.items() if totals.get(name, 0) != right]
    check = ask("PRAGMA integrity_check(1)")[0][0]
    return found if check == "ok" else [*found, str(check)]
