"""Lanes of numbered events, each sent once the one before is acknowledged: done from 1 on, without a gap, in order."""

import itertools
from collections import defaultdict
from collections.abc import Collection

from chaos.verdict import Book, Kind
from chaos.workloads.workload import timely
from chaos.world import World

LANES = 6


class Lanes:
    """When each number of each lane was acknowledged."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, int], float] = {}

    def judge(self, world: World, book: Book, sensor: str) -> None:
        """Each lane was done by `sensor` once, in order, without a gap, in time."""
        done: dict[str, list[int]] = defaultdict(list)
        mine = {firing["id"] for firing in book.fired(sensor)}
        for key, effect in world.target.effects.items():
            if key in mine:
                lane, n = str(effect.said["lane"]), int(effect.said["number"])
                done[lane].append(n)
                timely(world, f"{lane}/{n}", self.at.get((lane, n), effect.at), effect.at)
        for lane in sorted({lane for lane, _ in self.at}):
            _judge_lane(world, lane, done[lane], {n for name, n in self.at if name == lane})


def _judge_lane(world: World, lane: str, done: list[int], sent: Collection[int]) -> None:
    for before, after in itertools.pairwise(done):
        if after < before:
            world.report.add(Kind.DISORDERED, f"{lane}: {after} was done after {before}")
    for n in sorted(set(sent) - set(done)):
        world.report.add(Kind.LOST, f"{lane}: {n} was acknowledged and not done")
    if len(done) != len(set(done)):
        twice = sorted(n for n in set(done) if done.count(n) > 1)
        world.report.add(Kind.DOUBLED, f"{lane}: {twice} were done under two keys")
