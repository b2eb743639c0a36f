"""Lanes of numbered events: the firings of one order key act in the order in which their events were acknowledged."""

import asyncio
import itertools
import random
from collections import defaultdict
from string import Template
from uuid import UUID

from chaos.sending import manifests_of, push
from chaos.service import free_port
from chaos.verdict import Book, Kind
from chaos.workloads.workload import timely
from chaos.world import World

LANES = 6

_MANIFESTS = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: lanes}
spec:
  github:
    push:
      organizations: [o]
      webhook: {endpoint: /lanes, port: "$port", method: POST}
      events: [push]
      webhookSecret: {name: lanes, key: webhook}
---
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: lanes}
spec:
  dependencies:
    - {name: numbered, eventSourceName: lanes, eventName: push}
  triggers:
    - template:
        name: in-order
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          payload:
            - {src: {dependencyName: numbered, dataKey: body.lane}, dest: lane}
            - {src: {dependencyName: numbered, dataKey: body.n}, dest: number}
      orderBy: body.lane
      timeout: 1s
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")


class Ordered:
    """One sender for each lane, which sends a number once the one before is acknowledged."""

    name = "ordered"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._port = free_port()
        self._at: dict[tuple[str, int], float] = {}
        """When each number of each lane was acknowledged."""

    def manifests(self, target: str) -> str:
        """A source, and a sensor whose trigger is ordered by lane."""
        return manifests_of("lanes", _MANIFESTS, target=target, port=self._port)

    async def run(self, world: World) -> None:
        """Send on every lane."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(LANES):
                tasks.create_task(self._send_on(world, f"lane-{number}"), name=f"lane-{number}")

    async def _send_on(self, world: World, lane: str) -> None:
        chance, n = random.Random(f"{lane}-{self._seed}"), 0
        while not world.stopping.is_set():
            n += 1
            delivery = str(UUID(int=chance.getrandbits(128), version=4))
            url = f"http://127.0.0.1:{self._port}/lanes"
            self._at[lane, n] = await push(world.session, world.report, url, delivery, {"lane": lane, "n": str(n)})
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    def judge(self, world: World, book: Book) -> None:
        """Each lane was done from 1 on, without a gap, in order."""
        done: dict[str, list[int]] = defaultdict(list)
        mine = {firing["id"] for firing in book.fired("lanes")}
        for key, effect in world.target.effects.items():
            if key in mine:
                lane, n = str(effect.said["lane"]), int(effect.said["number"])
                done[lane].append(n)
                timely(world, f"{lane}/{n}", self._at.get((lane, n), effect.at), effect.at)
        for lane in {lane for lane, _ in self._at}:
            self._judge_lane(world, lane, done[lane])

    def _judge_lane(self, world: World, lane: str, done: list[int]) -> None:
        last = max(n for name, n in self._at if name == lane)
        for before, after in itertools.pairwise(done):
            if after < before:
                world.report.add(Kind.DISORDERED, f"{lane}: {after} was done after {before}")
        for n in sorted(set(range(1, last + 1)) - set(done)):
            world.report.add(Kind.LOST, f"{lane}: {n} was acknowledged and not done")
        if len(done) != len(set(done)):
            world.report.add(
                Kind.DOUBLED, f"{lane}: {sorted(n for n in set(done) if done.count(n) > 1)} were done under two keys"
            )
