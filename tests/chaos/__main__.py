"""`make chaos`: campaigns with consecutive seeds, one of pairs, and one that no process dies in.

Prints each script before and each report after.
"""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chaos.campaign import campaign
from chaos.faults import LEAVING_IT_ALIVE, OF_BROKER, OTHERS
from chaos.plan import Plan, script
from chaos.verdict import Report
from chaos.workloads import WITH_BROKER, WORKLOADS
from chaos.workloads.edits import Edits
from chaos.workloads.pairs import Pairs
from chaos.workloads.workload import Workload

SOAK_STEP_S = 2.8
"""Seconds that a fault of the soak takes, with the peace before it; those to the service and those around it run side by side."""


def main() -> int:
    """Run the campaigns, print a report for each, and return 1 where a promise was not kept."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers that are away are the point
    args = _arguments().parse_args()
    failed, kills, others, seed = [], args.kills, args.others, args.seed
    loads = tuple(args.workload or WORKLOADS)
    alone = not set(loads) & WITH_BROKER
    faults = tuple(args.fault or [name for name in OTHERS if not (alone and name in OF_BROKER)])
    if args.soak:
        lived = tuple(name for name in LEAVING_IT_ALIVE if name in faults)
        plan = Plan(seed=seed, kills=0, others=round(args.soak / SOAK_STEP_S), faults=lived, workloads=loads, longest_gap_s=3.0)
        failed += _run(plan)
    if args.pairs:
        kills_of_pairs = max(1, args.kills // 10)
        gap_s = 2 * args.pairs / 100 / kills_of_pairs
        plan = Plan(seed=seed, kills=kills_of_pairs, longest_gap_s=gap_s, workloads=("pairs",), target_faults=0.05)
        failed += _run(plan, [Pairs(seed, count=args.pairs)])
    if args.edits:
        plan = Plan(seed=seed, kills=0, workloads=("edits",), target_faults=0.05)
        failed += _run(plan, [Edits(seed, count=args.edits, senders=8, longest_gap_s=0.8)])
    while kills > 0 or others > 0:
        plan = Plan(seed=seed, kills=min(kills, args.each), others=min(others, args.each // 4), faults=faults, workloads=loads)
        failed += _run(plan)
        kills, others, seed = kills - plan.kills, others - plan.others, seed + 1
    print("\n".join(failed) or "nothing lost, nothing doubled, nothing out of order, nothing late, nothing grown")
    return 1 if failed else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="kills in all")
    parser.add_argument("--others", type=int, default=60, help="faults of other kinds in all")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each campaign takes the next")
    parser.add_argument("--each", type=int, default=50, help="kills of one campaign")
    parser.add_argument(
        "--soak", type=float, default=180.0, help="seconds of a campaign without kills, whose one process must not grow"
    )
    parser.add_argument("--pairs", type=int, default=2500, help="pairs of a joined condition, sent beside a tenth as many kills")
    parser.add_argument(
        "--edits",
        type=int,
        default=0,
        help="edits of manifests, good and broken, with pauses of the sensor, beside eight senders",
    )
    parser.add_argument("--fault", action="append", choices=OTHERS, help="only this kind beside kills; may be repeated")
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="only this load; may be repeated")
    return parser


def _run(plan: Plan, workloads: Sequence[Workload] = ()) -> list[str]:
    """Run one campaign in a folder of its own, which is kept where a promise was not."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"seed {plan.seed}, {' and '.join(plan.workloads)}:", "; ".join(map(str, script(plan))), flush=True)
    try:
        report = asyncio.run(_stoppable(plan, folder, workloads))
    except BaseException:
        print(f"seed {plan.seed}: the campaign broke off; what it left is in {folder}", file=sys.stderr)
        raise
    print(report.text() + "\n", flush=True)
    if not report.passed:
        return [f"seed {report.seed}: what it left is in {folder}"]
    shutil.rmtree(folder)
    return []


async def _stoppable(plan: Plan, folder: Path, workloads: Sequence[Workload]) -> Report:
    """The campaign; on SIGTERM it puts its service and its disk away, as it does on Ctrl-C."""
    task = asyncio.ensure_future(campaign(plan, folder, workloads))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    sys.exit(main())
