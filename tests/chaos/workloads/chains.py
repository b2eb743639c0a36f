"""Chains: what a first sensor did is the event that a second one acts on, once for each, whatever ends in between."""

import asyncio
import random
from collections import Counter
from string import Template
from uuid import UUID

from chaos.sending import manifests_of, push
from chaos.service import free_port
from chaos.verdict import Book, Kind
from chaos.workloads.workload import Workload, timely
from chaos.world import World

_MANIFESTS = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: begun}
spec:
  github:
    push:
      organizations: [o]
      webhook: {endpoint: /begun, port: "$port", method: POST}
      events: [push]
      webhookSecret: {name: begun, key: webhook}
---
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {name: ends}
spec:
  outcomes:
    built: {sensors: [build], outcomes: [succeeded]}
---
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: build}
spec:
  dependencies:
    - {name: begun, eventSourceName: begun, eventName: push}
  triggers:
    - template:
        name: build
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          payload: [{src: {dependencyName: begun, dataKey: body.n}, dest: number}]
      timeout: 1s
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
---
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: release}
spec:
  dependencies:
    - {name: built, eventSourceName: ends, eventName: built}
  triggers:
    - template:
        name: release
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          payload: [{src: {dependencyName: built, dataKey: firing}, dest: before}]
      timeout: 1s
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")
LONGEST_PAUSE_S = 0.15
"""Seconds between two deliveries of a sender."""


class Chains(Workload):
    """Two senders; for each push a build, and for each build a release."""

    name = "chains"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._port = free_port()
        self.at: dict[str, float] = {}
        """When each delivery was acknowledged."""

    def manifests(self, world: World) -> str:
        """A source, a sensor, its outcomes as a source, and a sensor on those."""
        return manifests_of("begun", _MANIFESTS, target=world.target.url, port=self._port)

    async def run(self, world: World) -> None:
        """Send with two at a time."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(2):
                tasks.create_task(self._send_on(world, number), name=f"chain-{number}")

    async def _send_on(self, world: World, sender: int) -> None:
        chance, n = random.Random(f"chains-{sender}-{self._seed}"), 0
        while not world.stopping.is_set():
            n += 1
            delivery = str(UUID(int=chance.getrandbits(128), version=4))
            url = f"http://127.0.0.1:{self._port}/begun"
            self.at[delivery] = await push(world.session, world.report, url, delivery, {"n": f"{sender}-{n}"})
            await asyncio.sleep(chance.uniform(0.0, LONGEST_PAUSE_S))

    def judge(self, world: World, book: Book) -> None:
        """Each push led to one build, and each build to one release that names it, in time."""
        builds, effects = book.fired("build"), world.target.effects
        released = {firing["id"] for firing in book.fired("release")}
        named = {str(effects[key].said["before"]): key for key in released if key in effects}
        for what, ids in (
            ("delivery {} was built", [build["causes"][0]["id"] for build in builds]),
            ("build {} was released", [str(effects[key].said["before"]) for key in released if key in effects]),
        ):
            for id_, times in Counter(ids).items():
                if times != 1:
                    world.report.add(Kind.DOUBLED, f"{what.format(id_)} {times} times")
        by_delivery = {build["causes"][0]["id"]: build["id"] for build in builds}
        for delivery, at in self.at.items():
            build = by_delivery.get(delivery)
            if build is None:
                world.report.add(Kind.LOST, f"delivery {delivery} was acknowledged and never built")
            elif build not in named:
                world.report.add(Kind.LOST, f"build {build} of delivery {delivery} was never released")
            else:
                timely(world, f"chain of {delivery}", at, effects[named[build]].at)
