"""A process that appends, decides and closes as fast as it can, says what was acknowledged, and waits to be killed.

`python bus_crash_child.py FOLDER RUN SENDERS [AGE]` prints `a POSITION ID`, `d FIRING` and `c FIRING`, each after the bus
answered.
With AGE it removes what is older than so many seconds.
"""

import asyncio
import os
import sys
from pathlib import Path

import uvloop
from bus_rig import DONE, GROUP, an_event, decided, tried

from eventbus.retention import Retention
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus

CHECKPOINT_BYTES = 256 * 1024
"""Small, so that many kills fall into a checkpoint."""


def say(text: str) -> None:
    # One write: a kill leaves at most one torn line, at the end.
    os.write(1, f"{text}\n".encode())


async def send(bus: SqliteBus, run: str, sender: int) -> None:
    number = 0
    while True:
        number += 1
        event = an_event(f"{run}-{sender}-{number}", b"x" * (37 * number % 2500))
        (answer,) = await bus.append([event])
        say(f"a {answer.position} {answer.id}")
        if number % 50 == 0:
            (again,) = await bus.append([event])
            if again != (answer.position, answer.id, True):
                say(f"! {event.id} was stored twice")


async def decide(bus: SqliteBus) -> None:
    while True:
        got = await bus.read(GROUP, limit=64, timeout_s=1.0)
        if got:
            step = decided(got)
            await bus.commit(step)
            for firing in step.firings:
                say(f"d {firing.id}")


async def act(bus: SqliteBus) -> None:
    async def one(id: str, attempt: int, turn: int) -> None:
        if turn % 7 == 0 and attempt < 3:
            await bus.outbox.again(id, attempt=tried(attempt), due_us=0, request=b"{}")  # type: ignore[arg-type]
            return
        await bus.outbox.close(id, DONE, attempt=tried(attempt), request=b"{}")  # type: ignore[arg-type]
        say(f"c {id}")

    turn = 0
    while True:
        taken = await bus.outbox.take(limit=32, timeout_s=1.0)
        turn += 1
        await asyncio.gather(*[one(each.firing.id, each.attempt, turn) for each in taken])


async def main(folder: Path, run: str, senders: int, age_s: float) -> None:
    options = SqliteOptions(checkpoint_bytes=CHECKPOINT_BYTES, ready_per_trigger=50, retain_interval_s=0.01)
    bus = await open_bus(folder, options=options)
    if age_s:
        bus.retain(Retention(age_s=age_s, journal_age_s=2 * age_s), tuple)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(decide(bus))
        tasks.create_task(act(bus))
        say("ready")
        for sender in range(senders):
            tasks.create_task(send(bus, run, sender))


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4] if len(sys.argv) > 4 else 0)))
