"""`make bench`: runs the measures one after the other, prints a table and writes it as JSON."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import (
    accepting,
    acting,
    applying,
    backlog,
    bulk,
    fanout,
    footprint,
    history,
    hostile,
    joining,
    languages,
    matching,
    neighbours,
    soak,
    topics,
)
from benchmarks.scale import QUICK, Scale
from benchmarks.table import Row, markdown, write_json

MEASURES: dict[str, Callable[[Scale], list[Row]]] = {
    "accept": accepting.accept,
    "fire": acting.fire,
    "latency": acting.latency,
    "busy": accepting.accept_while_busy,
    "fan-out": fanout.fan_out,
    "dependencies": acting.many_dependencies,
    "joining": joining.joining,
    "topics": topics.topics,
    "matching": matching.matching,
    "memory": footprint.memory,
    "start": footprint.start,
    "applying": applying.applying,
    "backlog": backlog.backlog,
    "history": history.history,
    "bulk": bulk.bulk,
    "languages": languages.one_decision,
    "hostile": hostile.hostile,
    "neighbours": neighbours.neighbours,
    "soak": soak.soak,
}


def main() -> int:
    """Measure what was asked for; 1 where a measure could not be taken. A missed goal is shown, and is no failure."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each: some three minutes")
    parser.add_argument("--only", action="append", choices=MEASURES, help="only this measure; may be repeated")
    parser.add_argument("--rounds", type=int, help="rounds of each measure; the table shows medians")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    args = parser.parse_args()
    scale = QUICK if args.quick else Scale()
    if args.rounds:
        scale = replace(scale, rounds=args.rounds)
    began, rows, failed = time.monotonic(), [], []
    for name in args.only or MEASURES:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            rows += MEASURES[name](scale)
        except RuntimeError as exc:
            failed.append(name)
            print(f"{name} could not be measured: {exc}", file=sys.stderr, flush=True)
    print(markdown(rows))
    write_json(args.output, rows, time.monotonic() - began)
    return 1 if failed else 0
