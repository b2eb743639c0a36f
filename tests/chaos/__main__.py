"""`make chaos`: one long campaign, or several with consecutive seeds."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from chaos.campaign import Plan, campaign


def main() -> int:
    """Run the campaigns, print a report for each, and return 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="kills in all")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each campaign takes the next")
    parser.add_argument("--kills-each", type=int, default=50, help="kills of one campaign")
    args = parser.parse_args()
    failed, left, seed = [], args.kills, args.seed
    while left > 0:
        folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        report = asyncio.run(campaign(Plan(seed=seed, kills=min(left, args.kills_each)), folder))
        print(report.text() + "\n", flush=True)
        if report.faults:
            failed.append(f"seed {seed}: what it left is in {folder}")
        else:
            shutil.rmtree(folder)
        left -= args.kills_each
        seed += 1
    print("\n".join(failed) or f"{args.kills} kills, nothing lost, no key acted twice")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
