"""The service killed under load: what was acknowledged is kept, what matches fires, and no key acts twice."""

import asyncio
from pathlib import Path

import aiohttp
from chaos.campaign import Plan, campaign, drained, judged
from chaos.manifests import write
from chaos.pairs import PairsPlan, pairs_campaign
from chaos.senders import Senders
from chaos.service import Service, free_port
from chaos.target import Target
from chaos.verdict import Report


async def test_nothing_acknowledged_is_lost_and_no_key_acts_twice_when_the_service_is_killed_under_load(tmp_path: Path) -> None:
    report = await campaign(Plan(seed=7, kills=6, longest_s=1.0), tmp_path)
    assert not report.faults, report.text()
    assert report.kills == 6
    assert report.firings > 50, report.text()


async def test_a_stop_under_load_drains_exits_0_and_loses_nothing(tmp_path: Path) -> None:
    report = Report(seed=11)
    async with Target(seed=11, faults=0.1).serving() as target, aiohttp.ClientSession() as session:
        github_port, hook_port = free_port(), free_port()
        write(tmp_path / "manifests", github_port=github_port, hook_port=hook_port, target_port=target.port)
        service = Service(tmp_path / "manifests", tmp_path / "data", tmp_path / "service.log")
        senders = Senders(session, github_port=github_port, hook_port=hook_port, seed=11)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(senders.run(8), name="senders")
                for _ in range(2):
                    await service.start()
                    await service.ready(session)
                    await asyncio.sleep(1.0)
                    assert await service.stop() == 0, service.last_words()
                await service.start()
                await service.ready(session)
                senders.stopping = True
            await drained(service, session)
            await judged(report, service, session, senders, target)
        finally:
            await service.end()
    assert not report.faults, report.text()
    assert report.firings > 50, report.text()


async def test_a_joined_condition_pairs_the_same_with_kills_as_without(tmp_path: Path) -> None:
    report = await pairs_campaign(PairsPlan(seed=5, pairs=300, kills=4), tmp_path)
    assert not report.faults, report.text()
    assert report.kills >= 2, report.text()
    assert report.firings == 300
