"""What the SQLite bus costs by itself: CPU of one process for each event, firing and outcome, without HTTP.

Run `PYTHONPATH=tests python -m benchmarks.bus_micro [--events N] [--batch N] [--asyncio]`. Prints one line for each step.
"""

import argparse
import asyncio
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from eventbus.contract import Decisions, DependencyRef, VerdictCounts
from eventbus.event import Event, Recorded, Road
from eventbus.firing import Attempt, Cause, Firing, Outcome, OutcomeKind, TriggerRef, firing_id
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus

ROAD = Road("default", "github", "push")
TRIGGER = TriggerRef("default", "on-push", "deploy")
DONE = Outcome(kind=OutcomeKind.SUCCEEDED)
DATA = b'{"ref": "refs/heads/main", "filler": "' + b"x" * 980 + b'"}'
REQUEST = b'{"method": "POST", "url": "http://127.0.0.1/deploy", "headers": {}, "body": {"ref": "refs/heads/main"}}'


def event(number: int) -> Event:
    """A push of about 1 KiB."""
    return Event(
        namespace=ROAD.namespace,
        source=ROAD.source,
        name=ROAD.name,
        id=f"72d3162e-cc78-11e3-81ab-{number:012d}",
        type="com.github.push",
        time="2026-01-01T00:00:00Z",
        data=DATA,
    )


def firing(recorded: Recorded, now_us: int) -> Firing:
    """One decision on one event."""
    identity = recorded.event.identity
    return Firing(
        id=firing_id(TRIGGER, [("push", identity)]),
        trigger=TRIGGER,
        revision="f" * 32,
        causes=(Cause("push", recorded.position, identity),),
        decided_us=now_us,
        correlation=identity.id,
    )


@contextmanager
def measured(name: str, count: int, commits: Callable[[], int]) -> Iterator[None]:
    """Print what the block cost for each of `count`."""
    cpu, wall, before = time.process_time(), time.perf_counter(), commits()
    yield
    cpu, wall, made = time.process_time() - cpu, time.perf_counter() - wall, commits() - before
    size = count / made if made else 0.0
    print(f"{name:28} {1e6 * cpu / count:7.1f} us CPU each {count / wall:9.0f}/s   {made} syncs, {size:.1f} each")


async def batches(bus: SqliteBus, count: int) -> AsyncIterator[list[Recorded]]:
    """What the group reads, until `count` events were read."""
    read = 0
    while read < count:
        got = list(await bus.read("sensors", limit=64, timeout_s=5.0))
        read += len(got)
        yield got


async def measure(folder: Path, events: int, batch: int) -> None:
    """Append, decide and close `events` events and print the cost of each step."""
    syncs = 0

    def sync(fd: int) -> None:
        nonlocal syncs
        syncs += 1
        SqliteOptions().sync(fd)

    bus = await open_bus(folder, options=SqliteOptions(sync=sync, handover_events=events, handover_bytes=1 << 40))
    await bus.read("sensors", limit=1, timeout_s=0.0)
    made = [event(number) for number in range(events)]
    with measured("append, one event a call", events, lambda: syncs):
        for start in range(0, events, batch):
            await asyncio.gather(*[bus.append([one]) for one in made[start : start + batch]])
    again = made[: min(events, 6400)]
    with measured("append, a repeat", len(again), lambda: syncs):
        for start in range(0, len(again), batch):
            await asyncio.gather(*[bus.append([one]) for one in again[start : start + batch]])
    with measured("read, handed over", events, lambda: syncs):
        steps = [got async for got in batches(bus, events)]
    with measured("make the firings", events, lambda: syncs):
        decided = [[firing(one, time.time_ns() // 1000) for one in got] for got in steps]
    counts = VerdictCounts(seen={ROAD: batch}, matched={DependencyRef("default", "on-push", "push"): batch})
    with measured("commit, a firing an event", events, lambda: syncs):
        for got, firings in zip(steps, decided, strict=True):
            await bus.commit(Decisions(group="sensors", position=got[-1].position, firings=firings, counts=counts))
    with measured("take and close", events, lambda: syncs):
        closed = 0
        while closed < events:
            taken = await bus.outbox.take(limit=batch, timeout_s=5.0)
            now_us = time.time_ns() // 1000
            tried = Attempt(number=1, started_us=now_us, ended_us=now_us, succeeded=True, status=200)
            await asyncio.gather(*[bus.outbox.close(one.firing.id, DONE, attempt=tried, request=REQUEST) for one in taken])
            closed += len(taken)
    await bus.aclose()
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{'on disk, with its firing':28} {size / events:7.0f} bytes each")
    print(f"{'largest resident set':28} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:7} MiB")


def main() -> int:
    """Measure once in a new folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=25_600)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--asyncio", action="store_true", help="asyncio's own loop instead of uvloop")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bus-"))
    try:
        work = measure(folder, given.events, given.batch)
        if given.asyncio:
            asyncio.run(work)
        else:
            uvloop.run(work)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
