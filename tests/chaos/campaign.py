"""One campaign: load on, harm by the script, load off, drain, judge."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
from servers.cache import Missing
from servers.kafka import KafkaBroker

from chaos.disk import Disk
from chaos.faults import FAULTS
from chaos.plan import Plan, Step, script
from chaos.service import Service
from chaos.shim import Shim
from chaos.target import Target
from chaos.verdict import Book, Kind, Report, judge
from chaos.watching import judge_lives, watch
from chaos.workloads import WORKLOADS
from chaos.workloads.workload import Workload
from chaos.world import World

DRAIN_S = 90.0
"""Longest wait for the work to be done once nobody does harm any more."""


async def campaign(plan: Plan, folder: Path, workloads: Sequence[Workload] = (), broker: KafkaBroker | None = None) -> Report:
    """Run `plan` in the empty `folder` and return what was counted.

    `workloads` replaces those that the plan names. Those that need a broker get `broker`, or one that is started for them.
    """
    began = time.monotonic()
    loads = workloads or [WORKLOADS[name](plan.seed) for name in plan.workloads]
    async with _world(plan, folder, loads, broker) as here:
        loads = [load for load in loads if here.broker is not None or not load.needs_broker]
        await _declare(here, loads)
        await here.restart()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch(here), name="watching")
            running = [tasks.create_task(load.run(here), name=load.name) for load in loads]
            await _by_script(script(plan), here, running)
            here.stopping.set()
            await asyncio.wait(running)
            watching.cancel()
        await _drained(here)
        await _judged(here, loads)
        if (code := await here.service.stop()) != 0:
            here.report.add(Kind.OTHER, f"the last stop ended with exit code {code}: {here.service.last_words()}")
    here.report.seconds = time.monotonic() - began
    return here.report


@contextlib.asynccontextmanager
async def _world(plan: Plan, folder: Path, loads: Sequence[Workload], broker: KafkaBroker | None) -> AsyncIterator[World]:
    """Everything there is, nothing of it started but the target and the broker. What is worth a look after a failure is left in
    `folder`.
    """
    report, shim, manifests = Report(seed=plan.seed), Shim(folder), folder / "manifests"
    manifests.mkdir()
    # What is broken on purpose may be what a restart finds.
    options = ["--watch"] if any(load.edits for load in loads) else ["--strict"]
    async with (
        Target(seed=plan.seed, faults=plan.target_faults).serving() as target,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
        _broker(folder, loads, broker, report) as broker,
    ):
        with Disk(folder / "disk") as disk:
            service = Service(manifests, disk.folder, folder / "service.log", env=shim.environment, options=options)
            try:
                yield World(
                    folder=folder,
                    service=service,
                    session=session,
                    target=target,
                    disk=disk,
                    shim=shim,
                    report=report,
                    broker=broker,
                )
                disk.keep = not report.passed
            finally:
                await service.end()


@contextlib.asynccontextmanager
async def _broker(
    folder: Path, loads: Sequence[Workload], given: KafkaBroker | None, report: Report
) -> AsyncIterator[KafkaBroker | None]:
    """`given`, or one of the campaign's own where a load needs it and it can be had here."""
    if given is not None or not any(load.needs_broker for load in loads):
        yield given
        return
    (folder / "kafka").mkdir()
    try:
        broker = await asyncio.to_thread(KafkaBroker, folder / "kafka")
    except Missing as missing:
        report.missing["loads with a broker"] = str(missing)
        yield None
        return
    try:
        yield await asyncio.to_thread(broker.start)
    finally:
        await asyncio.to_thread(broker.stop)


async def _declare(here: World, loads: Sequence[Workload]) -> None:
    for load in loads:
        await load.prepare(here)
        (here.folder / "manifests" / f"{load.name}.yaml").write_text(load.manifests(here))


async def _by_script(steps: Sequence[Step], here: World, running: Sequence[asyncio.Task[None]]) -> None:
    """Do what the script says: harm to the service in order, and beside it harm to what is around it, in order, too.

    Its end is the end of the load, unless a load has an end of its own that comes before.
    """
    async with asyncio.TaskGroup() as tracks:
        for around in (False, True):
            track = [step for step in steps if FAULTS[step.fault].around is around]
            tracks.create_task(_one_track(track, here, running), name=f"harm {'around' if around else 'to'} the service")


async def _one_track(steps: Sequence[Step], here: World, running: Sequence[asyncio.Task[None]]) -> None:
    for step in steps:
        if all(task.done() for task in running):
            return
        await asyncio.sleep(step.after_s)
        fault = FAULTS[step.fault]
        if reason := fault.missing(here):
            here.report.missing[step.fault] = reason
            continue
        with here.harm():
            try:
                await fault.strike(here, step.chance())
            except Exception as exc:
                exc.add_note(f"seed {here.report.seed}, step {step}; the service said: {here.service.last_words()}")
                raise
        here.report.struck[step.fault] += 1


async def _drained(here: World, *, timeout_s: float = DRAIN_S) -> None:
    """Return when no firing is open and no event undecided; after `timeout_s` in any case: the judge sees what is left."""
    until = time.monotonic() + timeout_s
    while await here.service.work_left(here.session) and time.monotonic() < until:
        await asyncio.sleep(0.2)


async def _judged(here: World, loads: Sequence[Workload]) -> None:
    """Compare what the journal and the target say with what was promised, and each load with what it sent."""
    for load in loads:
        await load.gather(here)
    book = Book(
        events=[item async for item in here.service.items(here.session, "events")],
        firings=[item async for item in here.service.items(here.session, "firings")],
    )
    judge(here.report, book, here.target)
    for load in loads:
        load.judge(here, book)
    judge_lives(here.report)
