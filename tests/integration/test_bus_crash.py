"""Kill a real process at seeded moments, again and again on one store, and count.

`TOCSIN_BUS_KILLS=500 TOCSIN_BUS_SEED=7 pytest tests/integration/test_bus_crash.py` makes a campaign of it.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from bus_rig import GROUP, close_all, decide_all

from eventbus.firing import FiringId
from eventbus.sqlite import SqliteBus, open_bus

CHILD = Path(__file__).with_name("bus_crash_child.py")
KILLS = int(os.environ.get("TOCSIN_BUS_KILLS", "15"))
SEED = int(os.environ.get("TOCSIN_BUS_SEED", "1"))


class Ledger:
    """What the killed processes said was acknowledged."""

    def __init__(self) -> None:
        self.appended: dict[int, str] = {}
        self.decided: set[str] = set()
        self.closed: set[str] = set()
        self.complaints: list[str] = []

    def note(self, said: bytes) -> None:
        for line in said.split(b"\n")[:-1]:  # what follows the last line end was torn by the kill
            kind, *rest = line.decode().split()
            match kind:
                case "a":
                    self._appended(int(rest[0]), rest[1])
                case "d":
                    self.decided.add(rest[0])
                case "c":
                    if rest[0] in self.closed:
                        self.complaints.append(f"{rest[0]} was closed before and came back")
                    self.closed.add(rest[0])
                case "!":
                    self.complaints.append(" ".join(rest))

    def _appended(self, position: int, id: str) -> None:
        if self.appended.setdefault(position, id) != id:
            self.complaints.append(f"position {position} was given to {self.appended[position]} and to {id}")


def live_and_die(folder: Path, run: str, dice: random.Random) -> bytes:
    """Start a process, let it work for a while, kill it; what it said."""
    command = [sys.executable, str(CHILD), str(folder), run, str(dice.choice([1, 4, 16, 64]))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(CHILD.parent), str(CHILD.parent.parent.parent)])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        said = child.stdout.readline()
        assert said == b"ready\n"
        reader = _Reader(child)
        time.sleep(dice.uniform(0.005, 0.4))
        child.send_signal(signal.SIGKILL)
        return reader.rest()


class _Reader:
    """Reads what a process says so that it never waits for us."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self._said = b""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        assert self._child.stdout is not None
        self._said = self._child.stdout.read()

    def rest(self) -> bytes:
        self._thread.join(30.0)
        return self._said


async def faults(bus: SqliteBus, ledger: Ledger) -> list[str]:
    """What was acknowledged and is not there."""
    found = list(ledger.complaints)
    for position, id in ledger.appended.items():
        stored = await bus.journal.event(position)
        if stored is None or stored.event.id != id:
            found.append(f"event {id} at {position} is missing")
    found += [f"firing {id} is missing" for id in ledger.decided if await bus.journal.firing(id) is None]
    for id in ledger.closed:
        record = await bus.journal.firing(id)
        if record is None or record.outcome is None:
            found.append(f"the outcome of {id} is missing")
    return found


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_nothing_acknowledged_is_lost_however_often_the_process_is_killed(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    ledger = Ledger()
    bus = await open_bus(tmp_path)
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.aclose()
    for run in range(KILLS):
        ledger.note(live_and_die(tmp_path, f"{SEED}-{run}", dice))
    bus = await open_bus(tmp_path)
    assert await faults(bus, ledger) == []
    reopened = [one.firing.id for one in await bus.outbox.take(limit=100_000, timeout_s=0.0)]
    assert ledger.closed.isdisjoint(reopened)
    await bus.outbox.give_back([FiringId(id) for id in reopened])
    await decide_all(bus)
    await close_all(bus)
    tallies = await bus.journal.tallies()
    assert (tallies.undecided, tallies.open_firings) == (0, 0)
    for position in range(1, tallies.last_position + 1):
        (record,) = await bus.journal.firings_of(position)
        assert record.outcome is not None
    await bus.aclose()
    counted = (
        f"{KILLS} kills, seed {SEED}: {len(ledger.appended)} appended, {len(ledger.decided)} decided, {len(ledger.closed)} closed"
    )
    print(counted)
    assert len(ledger.appended) > 10 * KILLS, counted
