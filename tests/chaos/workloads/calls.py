"""Pushes and webhook calls, some of which a sensor wants: each of those acts once."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from string import Template
from typing import Any
from uuid import UUID

from chaos.sending import Acknowledged, delivered, manifests_of, push
from chaos.service import free_port
from chaos.target import Target
from chaos.verdict import Book, Broken, Kind
from chaos.workloads.workload import Workload, timely
from chaos.world import World

_MANIFESTS = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: pushes}
spec:
  github:
    push:
      repositories: [{owner: o, names: [r]}]
      webhook: {endpoint: /push, port: "$push_port", method: POST}
      events: [push]
      webhookSecret: {name: github, key: webhook}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
  webhook:
    hook: {endpoint: /hook, port: "$hook_port", method: POST}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: deploys}
spec:
  dependencies:
    - name: main
      eventSourceName: pushes
      eventName: push
      filters: {data: [{path: body.ref, type: string, value: ["^refs/heads/main$$"]}]}
  triggers:
    - template:
        name: deploy
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          timeout: 1
          payload:
            - {src: {dependencyName: main, dataKey: body.n}, dest: number}
            - {src: {dependencyName: main, dataKey: body.after}, dest: commit}
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: orders}
spec:
  dependencies:
    - name: order
      eventSourceName: hooks
      eventName: hook
      filters: {data: [{path: body.kind, type: string, value: [order]}]}
  triggers:
    - template:
        name: order
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          timeout: 1
          payload:
            - {src: {dependencyName: order, dataKey: body.n}, dest: number}
            - {src: {dependencyName: order, contextKey: id}, dest: event}
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")

SENSORS = {"pushes": "deploys", "hooks": "orders"}
"""The sensor that wants the events of a source."""


class Calls(Workload):
    """Eight senders to two sources, some with ids of their own and some without."""

    name = "calls"

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"senders-{seed}")
        self._next = 0
        self._push_port, self._hook_port = free_port(), free_port()
        self.acknowledged: list[Acknowledged] = []

    def manifests(self, world: World) -> str:
        """Two sources, and a sensor for each."""
        return manifests_of("github", _MANIFESTS, target=world.target.url, push_port=self._push_port, hook_port=self._hook_port)

    async def run(self, world: World) -> None:
        """Send with eight at a time."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(8):
                tasks.create_task(self._send_on(world), name=f"sender-{number}")

    async def _send_on(self, world: World) -> None:
        while not world.stopping.is_set():
            self._next += 1
            wanted = self._random.random() < 0.7
            await (self._push if self._random.random() < 0.6 else self._call)(world, str(self._next), wanted)
            await asyncio.sleep(self._random.uniform(0.0, 0.02))

    async def _push(self, world: World, n: str, wanted: bool) -> None:
        delivery = str(UUID(int=self._random.getrandbits(128), version=4))
        data = {"ref": f"refs/heads/{'main' if wanted else 'dev'}", "n": n, "after": f"{int(n):040x}"}
        at = await push(world.session, world.report, f"http://127.0.0.1:{self._push_port}/push", delivery, data)
        self.acknowledged.append(Acknowledged("pushes", delivery, n, wanted, at))

    async def _call(self, world: World, n: str, wanted: bool) -> None:
        body, url = (
            json.dumps({"kind": "order" if wanted else "other", "n": n}).encode(),
            f"http://127.0.0.1:{self._hook_port}/hook",
        )
        id_, at = await delivered(world.session, world.report, url, body, {"Content-Type": "application/json"})
        self.acknowledged.append(Acknowledged("hooks", id_, n, wanted, at))

    def judge(self, world: World, book: Book) -> None:
        """Everything acknowledged is kept; what is wanted acted once, and nothing else did."""
        for source, sensor in SENSORS.items():
            mine, fired = [one for one in self.acknowledged if one.source == source], book.fired(sensor)
            world.report.broken += compared(mine, book.kept(source), fired, world.target)
            keys = {firing["causes"][0]["id"]: firing["id"] for firing in fired}
            for one in mine:
                if (effect := world.target.effects.get(keys.get(one.id, ""))) is not None:
                    timely(world, f"{source}/{one.id}", one.at, effect.at)


def compared(
    acknowledged: Sequence[Acknowledged], kept: Counter[str], firings: Sequence[dict[str, Any]], target: Target
) -> Iterator[Broken]:
    """What is wrong with one source and its one sensor of one dependency, whose trigger says `number`."""
    keys = {firing["causes"][0]["id"]: firing["id"] for firing in firings}
    for id_, times in Counter(firing["causes"][0]["id"] for firing in firings).items():
        if times != 1:
            yield Broken(Kind.DOUBLED, f"{id_} fired {times} times")
    for one in acknowledged:
        name, key = f"{one.source}/{one.id} (n={one.n})", keys.get(one.id)
        if one.id not in kept:
            yield Broken(Kind.LOST, f"{name} was acknowledged and is not in the journal")
        if one.wanted and key is None:
            yield Broken(Kind.LOST, f"{name} matches and did not fire")
        if not one.wanted and key is not None:
            yield Broken(Kind.OTHER, f"{name} does not match and fired")
        if one.wanted and key is not None:
            effect = target.effects.get(key)
            if effect is None or effect.said.get("number") != one.n:
                yield Broken(Kind.LOST, f"{name}: the target did not act on it under the key {key}")
