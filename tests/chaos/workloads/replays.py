"""Replays: what came in is decided again and again beside live work; each is done once and whole, however often it is cut off."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from string import Template
from typing import Any
from uuid import UUID

import aiohttp

from chaos.sending import manifests_of, push
from chaos.service import free_port
from chaos.verdict import Book, Kind
from chaos.workloads.workload import Workload
from chaos.world import World

_MANIFESTS = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: past}
spec:
  github:
    push:
      organizations: [o]
      webhook: {endpoint: /past, port: "$port", method: POST}
      events: [push]
      webhookSecret: {name: past, key: webhook}
---
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {name: past}
spec:
  dependencies:
    - {name: past, eventSourceName: past, eventName: push}
  triggers:
    - template:
        name: act
        http:
          url: $target
          method: POST
          headers: {Content-Type: application/json}
          payload: [{src: {dependencyName: past, dataKey: body.n}, dest: number}]
      timeout: 1s
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")
MOST = 40
"""Firings of one replay."""
RATE = 60.0
"""Firings a second of a replay: some of it is left when the next fault comes."""
LONGEST_GAP_S = 3.0


class Replays(Workload):
    """A sender, and somebody who has the past replayed now and then."""

    name = "replays"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._port = free_port()
        self._sent = 0
        self.asked: list[str] = []
        """The names of the replays that were acknowledged."""
        self._found: list[dict[str, Any]] = []

    def manifests(self, world: World) -> str:
        """A source and its sensor."""
        return manifests_of("past", _MANIFESTS, target=world.target.url, port=self._port)

    async def run(self, world: World) -> None:
        """Send, and ask."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_on(world), name="past")
            tasks.create_task(self._ask_on(world), name="replays")

    async def _send_on(self, world: World) -> None:
        chance = random.Random(f"past-{self._seed}")
        while not world.stopping.is_set():
            self._sent += 1
            delivery = str(UUID(int=chance.getrandbits(128), version=4))
            url = f"http://127.0.0.1:{self._port}/past"
            await push(world.session, world.report, url, delivery, {"n": str(self._sent)})
            await asyncio.sleep(chance.uniform(0.0, 0.3))

    async def _ask_on(self, world: World) -> None:
        chance = random.Random(f"replays-{self._seed}")
        while not world.stopping.is_set():
            await asyncio.sleep(chance.uniform(0.2, LONGEST_GAP_S))
            name = f"replay-{len(self.asked) + 1}"
            while not await _asked(world, name):
                await asyncio.sleep(0.05)
            self.asked.append(name)

    async def gather(self, world: World) -> None:
        """Let those that are left end, and read how all of them stand."""
        async with asyncio.timeout(120):
            while True:
                self._found = [item async for item in world.service.items(world.session, "replays")]
                if all(item["state"] != "running" for item in self._found) and not await world.service.work_left(world.session):
                    return
                await asyncio.sleep(0.2)

    def judge(self, world: World, book: Book) -> None:
        """Each replay that was asked for is there once, and opened one firing for each event that it covers, and all acted."""
        there = Counter(item["name"] for item in self._found)
        for name in sorted({*there, *self.asked}):
            if (times := there[name]) != 1:
                world.report.add(Kind.DOUBLED if times else Kind.LOST, f"{name} is there {times} times")
        events = sorted(event["position"] for event in book.events if event["source"] == "past")
        fired: defaultdict[int, list[int]] = defaultdict(list)
        for firing in book.fired("past"):
            fired[firing["replay"]].append(firing["causes"][0]["position"])
            if firing["id"] not in world.target.effects:
                world.report.add(Kind.LOST, f"firing {firing['id']} of replay {firing['replay']} never acted")
        _compare(world, "live deciding", events, fired[0])
        for replay in self._found:
            _compare(world, f"replay {replay['number']}", _covered(replay, events), fired[replay["number"]])
            if replay["state"] != "done" or replay["problem"]:
                world.report.add(Kind.OTHER, f"replay {replay['number']} is {replay['state']}: {replay['problem']}")


def _covered(replay: dict[str, Any], events: list[int]) -> list[int]:
    return [position for position in events if replay["first"] <= position <= replay["last"]][:MOST]


def _compare(world: World, who: str, wanted: list[int], fired: list[int]) -> None:
    if missing := sorted(set(wanted) - set(fired)):
        world.report.add(Kind.LOST, f"{who} fired nothing for the events at {missing[:5]}, {len(missing)} in all")
    if more := sorted(set(fired) - set(wanted)):
        world.report.add(Kind.OTHER, f"{who} fired for the events at {more[:5]}, which it does not cover")
    if twice := sorted(position for position, times in Counter(fired).items() if times > 1):
        world.report.add(Kind.DOUBLED, f"{who} fired more than once for the events at {twice[:5]}")


async def _asked(world: World, name: str) -> bool:
    """Ask once, under a name, so that asking again is no second replay; whether it was acknowledged."""
    token = (world.disk.folder / "api-token").read_text().strip()
    wanted = {"from": "2000-01-01T00:00:00Z", "sensor": "past", "limit": MOST, "rate": RATE, "name": name}
    url, headers = f"http://{world.service.api}/api/v1/replays", {"Authorization": f"Bearer {token}"}
    try:
        async with world.session.post(url, json=wanted, headers=headers) as answer:
            said = await answer.read()
            if answer.status not in (200, 202, 503):
                world.report.add(Kind.OTHER, f"{name} was answered {answer.status}: {json.loads(said).get('detail')}")
            return answer.status in (200, 202)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
