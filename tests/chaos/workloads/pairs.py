"""Pairs: what a joined condition pairs up under faults is what a run without any pairs up.

One sender sends a1, b1, a2, b2, … in that order, each until it is acknowledged, so an undisturbed run fires exactly (a1, b1),
(a2, b2), …
"""

import asyncio
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
metadata: {name: sides}
spec:
  github:
    a:
      organizations: [o]
      events: [push]
      webhookSecret: {name: sides, key: webhook}
      webhook: {endpoint: /a, port: "$port", method: POST}
    b:
      organizations: [o]
      events: [push]
      webhookSecret: {name: sides, key: webhook}
      webhook: {endpoint: /b, port: "$port", method: POST}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: pairs}
spec:
  dependencies:
    - {name: left-side, eventSourceName: sides, eventName: a}
    - {name: right-side, eventSourceName: sides, eventName: b}
  triggers:
    - template:
        name: pair
        conditions: left-side && right-side
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          timeout: 1
          payload:
            - {src: {dependencyName: left-side, dataKey: body.n}, dest: number}
            - {src: {dependencyName: right-side, dataKey: body.n}, dest: other}
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")


class Pairs(Workload):
    """One sender of both sides of each pair. With `count` it ends by itself after so many; else it is stopped."""

    name = "pairs"

    def __init__(self, seed: int, *, count: int = 0, rate: float = 100.0) -> None:
        """At most `rate` pairs a second."""
        self._count, self._rate = count, rate
        self._port = free_port()
        self._at: dict[int, float] = {}
        """When the second side of each pair was acknowledged."""

    @property
    def sent(self) -> int:
        """Pairs that were acknowledged."""
        return len(self._at)

    def manifests(self, world: World) -> str:
        """A source of both sides, and a sensor that joins them."""
        return manifests_of("sides", _MANIFESTS, target=world.target.url, port=self._port)

    async def run(self, world: World) -> None:
        """Send pair by pair; one that was begun is seen through."""
        loop = asyncio.get_running_loop()
        due, n = loop.time(), 0
        while n < self._count if self._count else not world.stopping.is_set():
            n += 1
            for side in "ab":
                url = f"http://127.0.0.1:{self._port}/{side}"
                self._at[n] = await push(world.session, world.report, url, _id(side, n), {"n": str(n)})
            due = max(due + 1 / self._rate, loop.time() - 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def judge(self, world: World, book: Book) -> None:
        """Every pair fired once, with its own two sides, and acted."""
        found: dict[int, str] = {}
        for firing in book.fired("pairs"):
            sides = {cause["dependency"]: UUID(cause["id"]).int & 0xFFFFFFFF for cause in firing["causes"]}
            left, right = sides.get("left-side"), sides.get("right-side")
            if left is None or left != right:
                world.report.add(Kind.OTHER, f"firing {firing['id']} pairs a{left} with b{right}")
            elif left in found:
                world.report.add(Kind.DOUBLED, f"pair {left} fired twice: {found[left]}, {firing['id']}")
            else:
                found[left] = firing["id"]
        for n, at in self._at.items():
            self._judge_pair(world, n, at, found.get(n))

    def _judge_pair(self, world: World, n: int, at: float, key: str | None) -> None:
        effect = world.target.effects.get(key or "")
        if key is None:
            world.report.add(Kind.LOST, f"pair {n} never fired")
        elif effect is None or effect.said.get("number") != str(n) or effect.said.get("other") != str(n):
            world.report.add(Kind.LOST, f"pair {n}: the target did not act on it")
        else:
            timely(world, f"pair {n}", at, effect.at)


def _id(side: str, n: int) -> str:
    return str(UUID(int=(ord(side) << 64) + n))
