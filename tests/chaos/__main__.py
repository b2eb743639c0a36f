"""`make chaos`: one long campaign, or several with consecutive seeds."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from chaos.campaign import Plan, campaign
from chaos.pairs import PairsPlan, pairs_campaign
from chaos.verdict import Report

PlanT = TypeVar("PlanT")


def main() -> int:
    """Run the campaigns, print a report for each, and return 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="kills in all")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each campaign takes the next")
    parser.add_argument("--kills-each", type=int, default=50, help="kills of one campaign")
    parser.add_argument("--pairs", type=int, default=2500, help="pairs of a joined condition, sent beside a tenth as many kills")
    args = parser.parse_args()
    failed, left, seed = [], args.kills, args.seed
    if args.pairs:
        pairs = PairsPlan(seed=args.seed, pairs=args.pairs, kills=max(1, args.kills // 10))
        failed += _run(pairs_campaign, pairs)
    while left > 0:
        failed += _run(campaign, Plan(seed=seed, kills=min(left, args.kills_each)))
        left -= args.kills_each
        seed += 1
    print("\n".join(failed) or f"{args.kills} kills, nothing lost, no key acted twice")
    return 1 if failed else 0


def _run(one: Callable[[PlanT, Path], Awaitable[Report]], plan: PlanT) -> list[str]:
    """Run one campaign in a folder of its own, which is kept where a promise was not."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))

    async def run() -> Report:
        return await one(plan, folder)

    report = asyncio.run(run())
    print(report.text() + "\n", flush=True)
    if report.faults:
        return [f"seed {report.seed}: what it left is in {folder}"]
    shutil.rmtree(folder)
    return []


if __name__ == "__main__":
    sys.exit(main())
