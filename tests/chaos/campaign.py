"""One campaign: load on, kill and restart by the plan, load off, drain, judge."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from chaos.manifests import write
from chaos.senders import Senders
from chaos.service import Service, free_port
from chaos.target import Target
from chaos.verdict import Report, fired_of, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a campaign does; the same plan makes the same choices."""

    seed: int
    kills: int
    longest_s: float = 1.5
    """A kill comes after at most this many seconds, counted from the start of the process for one in five, else from ready."""
    senders: int = 8
    target_faults: float = 0.1


async def campaign(plan: Plan, folder: Path) -> Report:
    """Run `plan` in the empty `folder` and return what was counted."""
    began, chance = time.monotonic(), random.Random(f"plan-{plan.seed}")
    report = Report(seed=plan.seed)
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        Target(seed=plan.seed, faults=plan.target_faults).serving() as target,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        github_port, hook_port = free_port(), free_port()
        write(folder / "manifests", github_port=github_port, hook_port=hook_port, target_port=target.port)
        service = Service(folder / "manifests", folder / "data", folder / "service.log")
        senders = Senders(session, github_port=github_port, hook_port=hook_port, seed=plan.seed)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(senders.run(plan.senders), name="senders")
                await _kill_by_plan(plan, chance, service, session, report)
                senders.stopping = True
            await drained(service, session)
            await judged(report, service, session, senders, target)
            if (code := await service.stop()) != 0:
                report.faults.append(f"the last stop ended with exit code {code}: {service.last_words()}")
        finally:
            await service.end()
    report.seconds = time.monotonic() - began
    return report


async def _kill_by_plan(
    plan: Plan, chance: random.Random, service: Service, session: aiohttp.ClientSession, report: Report
) -> None:
    """Start, wait, kill, `plan.kills` times; then start it once more and wait until it is ready."""
    for _ in range(plan.kills):
        await service.start()
        ready = True
        if chance.random() < 0.2:
            delay = chance.uniform(0.0, plan.longest_s / 2)
            try:
                async with asyncio.timeout(delay):
                    await service.ready(session)
                    await asyncio.sleep(delay)
            except TimeoutError:
                ready = await _is_ready(service, session)
        else:
            await service.ready(session)
            await asyncio.sleep(chance.uniform(0.0, plan.longest_s))
        await service.kill()
        report.kills += 1
        report.killed_before_ready += not ready
    await service.start()
    await service.ready(session)


async def _is_ready(service: Service, session: aiohttp.ClientSession) -> bool:
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with session.get(f"http://{service.api}/readyz") as answer:
            return answer.status == 200
    return False


async def drained(service: Service, session: aiohttp.ClientSession, *, timeout_s: float = 60.0) -> None:
    """Return when no firing is open and no event undecided; after `timeout_s` in any case: the judge sees what is left."""
    until = time.monotonic() + timeout_s
    while await service.work_left(session) and time.monotonic() < until:
        await asyncio.sleep(0.2)


async def judged(report: Report, service: Service, session: aiohttp.ClientSession, senders: Senders, target: Target) -> None:
    events = [(item["source"], item["id"]) async for item in service.items(session, "events")]
    firings = [fired_of(item) async for item in service.items(session, "firings")]
    judge(report, senders.sent, events, firings, target)
