"""The service harmed under load: what was acknowledged is kept and acted on, no key acts twice, and keys keep their order."""

import os
from pathlib import Path

import pytest
from chaos.campaign import campaign
from chaos.faults import FAULTS, OF_BROKER, OTHERS
from chaos.plan import Plan, script
from chaos.verdict import Report
from chaos.workloads.calls import Calls
from chaos.workloads.chains import Chains
from chaos.workloads.edits import Edits
from chaos.workloads.ordered import Ordered
from chaos.workloads.pairs import Pairs
from chaos.workloads.replays import Replays
from servers.kafka import KafkaBroker


def passed(report: Report) -> None:
    """Fail with the report where a promise was not kept, and in CI where a fault could not be had."""
    assert report.passed, report.text()
    assert not (report.missing and os.environ.get("CI") == "true"), report.text()
    assert report.firings > 50, report.text()


@pytest.mark.timeout(400)  # on a machine that is busy with other things
async def test_nothing_acknowledged_is_lost_doubled_or_done_out_of_order_under_kills_and_every_other_kind_of_fault(
    tmp_path: Path,
) -> None:
    faults = tuple(name for name in OTHERS if name not in OF_BROKER)
    plan = Plan(seed=3, kills=3, others=len(faults), faults=faults, longest_gap_s=0.3)
    pairs, chains, replays = Pairs(3, count=150, rate=10), Chains(3), Replays(3)
    report = await campaign(plan, tmp_path, [Calls(3), Ordered(3), Edits(3), pairs, chains, replays])
    passed(report)
    assert set(report.struck) | set(report.missing) == {"kill", *faults}
    assert pairs.sent == 150, report.text()
    assert report.edits.total() > 5, report.text()
    assert len(chains.at) > 10, report.text()
    assert len(replays.asked) >= 2, report.text()


@pytest.mark.timeout(200)
async def test_edits_good_and_broken_and_pauses_lose_and_double_nothing_under_concurrent_senders(tmp_path: Path) -> None:
    edits = Edits(1, count=20, senders=6, longest_gap_s=0.4)
    report = await campaign(Plan(seed=1, kills=0), tmp_path, [edits])
    passed(report)
    assert report.acknowledged > 100, report.text()
    assert {"pause", "resume", "no YAML", "a field that is none", "good"} <= set(report.edits), report.text()


@pytest.mark.kafka
@pytest.mark.timeout(400)
async def test_between_kafka_and_http_nothing_is_lost_doubled_or_out_of_order_when_service_and_broker_are_killed(
    tmp_path: Path, kafka_broker: KafkaBroker
) -> None:
    faults = ("broker killed", "pause", "terminate", "target drops the answer")
    plan = Plan(seed=1, kills=2, others=len(faults), faults=faults, workloads=("records", "published"), longest_gap_s=1.0)
    report = await campaign(plan, tmp_path, broker=kafka_broker)
    passed(report)
    assert report.struck.total() == 2 + len(faults), report.text()


def test_the_same_seed_is_the_same_script_and_another_seed_another() -> None:
    plan = Plan(seed=7, kills=20, others=20, faults=OTHERS)
    assert script(plan) == script(plan)
    assert [step.chance().random() for step in script(plan)] == [step.chance().random() for step in script(plan)]
    assert script(plan) != script(Plan(seed=8, kills=20, others=20, faults=OTHERS))
    assert {step.fault for step in script(plan)} == set(FAULTS)


@pytest.mark.parametrize("others", [0, 5, 13, 60])
def test_a_script_holds_what_the_plan_says_and_no_kind_of_fault_is_neglected(others: int) -> None:
    found = [step.fault for step in script(Plan(seed=1, kills=9, others=others, faults=OTHERS))]
    assert found.count("kill") == 9
    assert len(found) == 9 + others
    times = [found.count(name) for name in OTHERS]
    assert max(times) - min(times) <= 1
