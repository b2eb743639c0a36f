"""Lanes of numbered events: the firings of one order key act in the order in which their events were acknowledged."""

import asyncio
import random
from string import Template
from uuid import UUID

from chaos.sending import manifests_of, push
from chaos.service import free_port
from chaos.verdict import Book
from chaos.workloads.lanes import LANES, Lanes
from chaos.workloads.workload import Workload
from chaos.world import World

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


class Ordered(Workload):
    """One sender for each lane, which sends a number once the one before is acknowledged."""

    name = "ordered"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._port = free_port()
        self.lanes = Lanes()

    def manifests(self, world: World) -> str:
        """A source, and a sensor whose trigger is ordered by lane."""
        return manifests_of("lanes", _MANIFESTS, target=world.target.url, port=self._port)

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
            self.lanes.at[lane, n] = await push(world.session, world.report, url, delivery, {"lane": lane, "n": str(n)})
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    def judge(self, world: World, book: Book) -> None:
        """Each lane was done from 1 on, without a gap, in order."""
        self.lanes.judge(world, book, "lanes")
