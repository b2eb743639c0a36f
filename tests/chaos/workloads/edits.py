"""Manifests that are edited while events flow: what is accepted is acted on once, by revisions that only go forward."""

import asyncio
import math
import random
import time
from contextlib import suppress
from itertools import pairwise
from string import Template
from uuid import UUID

import aiohttp

from chaos.sending import manifests_of, push
from chaos.service import free_port
from chaos.verdict import Book, Kind
from chaos.workloads.workload import Workload, timely
from chaos.world import World

SEEN_S = 30.0
"""Until the last edit has to be in force."""

_SOURCE = Template("""\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: edited}
spec:
  github:
    push:
      organizations: [o]
      webhook: {endpoint: /edited, port: "$port", method: POST}
      events: [push]
      webhookSecret: {name: edited, key: webhook}
""")
_SENSOR = Template("""\
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: edited}
spec:
  dependencies:
    - {name: numbered, eventSourceName: edited, eventName: push}
  triggers:
    - template:
        name: act
        http:
          $url: $target
          method: POST
          headers: {Content-Type: application/json}
          timeout: 1
          payload:
            - {src: {dependencyName: numbered, dataKey: body.n}, dest: number}
            - {src: {dependencyName: numbered, value: "$revision"}, dest: revision}
      retryStrategy: {steps: 1000, duration: 200ms, jitter: 0.5}
""")
_BESIDE = Template("""\
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: beside}
spec:
  dependencies:
    - name: never
      eventSourceName: edited
      eventName: push
      filters: {data: [{path: body.n, type: string, value: ["^never-$revision$$"]}]}
  triggers:
    - template: {name: say, log: {}}
""")
CATCHES_UP_S = 10.0
"""What comes in for so long after it goes on again may wait behind what was held."""
PAUSED = 0.2
"""After so many of the edits somebody pauses the sensor, or resumes it."""
KINDS = ("good", "good", "good with one more", "a field that is none", "no YAML")


class Edits(Workload):
    """Senders, and one who edits: the revision that is written into the trigger's payload, and mistakes. Now and then the sensor
    is paused meanwhile, and catches up.
    """

    name = "edits"
    edits = True

    def __init__(self, seed: int, *, count: int | None = None, senders: int = 1, longest_gap_s: float = 2.0) -> None:
        """`count` edits, however long that takes; None: until the load ends. Up to `longest_gap_s` seconds lie between two."""
        self._seed, self._port = seed, free_port()
        self._count, self._senders, self._longest_gap_s = count, senders, longest_gap_s
        self._next = 0
        self._held: list[tuple[float, float]] = []
        """Stretches of `time.monotonic` in which the sensor may have been paused, or catching up."""
        self._good: set[int] = {0}
        """Revisions that were written without a mistake."""
        self._at: dict[int, float] = {}
        self._target = ""

    def manifests(self, world: World) -> str:
        """The first revision."""
        self._target = world.target.url
        return self._text(0, "good")

    async def run(self, world: World) -> None:
        """Send and edit; the last edit is a good one, and is waited for."""
        seen = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._senders):
                tasks.create_task(self._send_on(world, number, seen), name=f"edits-sender-{number}")
            last = await self._edit_on(world)
            await self._look_for(world, last, seen)

    async def _send_on(self, world: World, number: int, enough: asyncio.Event) -> None:
        chance = random.Random(f"edits-sender-{number}-{self._seed}")
        while not enough.is_set():
            n = self._next = self._next + 1
            url = f"http://127.0.0.1:{self._port}/edited"
            self._at[n] = await push(world.session, world.report, url, edited_id(n), {"n": str(n)})
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    async def _edit_on(self, world: World) -> int:
        """Edit until the load ends; return the last revision, which is a good one."""
        chance, revision = random.Random(f"edits-{self._seed}"), 0
        while revision < self._count if self._count is not None else not world.stopping.is_set():
            # Some come to rest, others are overtaken by the next.
            await asyncio.sleep(chance.uniform(0.1, self._longest_gap_s))
            revision += 1
            self._write(world, revision, chance.choice(KINDS))
            if chance.random() < PAUSED:
                await self._pause(world, chance)
        await self._resumed(world)
        self._write(world, revision + 1, "good")
        return revision + 1

    async def _pause(self, world: World, chance: random.Random) -> None:
        """Hold the sensor, or let it go on; where the service is away, nothing comes of it."""
        wish = chance.choice(("pause", "resume?rate=0", "resume?rate=30"))
        began = time.monotonic()
        self._held.append((began, math.inf if wish == "pause" else began + CATCHES_UP_S))
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            if await _asked(world, wish) == 200:
                world.report.edits[wish.partition("?")[0]] += 1
                if wish != "pause":
                    self._ended()

    def _ended(self) -> None:
        """It goes on, and has caught up in a while."""
        soon = time.monotonic() + CATCHES_UP_S
        self._held = [(began, min(ended, soon)) for began, ended in self._held]

    async def _resumed(self, world: World) -> None:
        """Let it go on for good."""
        async with asyncio.timeout(SEEN_S):
            while True:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    if await _asked(world, "resume?rate=0") in (200, 409):
                        self._ended()
                        return
                await asyncio.sleep(0.1)

    def _write(self, world: World, revision: int, kind: str) -> None:
        world.report.edits[kind] += 1
        if kind.startswith("good"):
            self._good.add(revision)
        path = world.folder / "manifests" / f"{self.name}.yaml"
        fresh = path.with_suffix(".swp")
        fresh.write_text(self._text(revision, kind))
        fresh.replace(path)  # in one go: a service that starts finds the one or the other

    def _text(self, revision: int, kind: str) -> str:
        url = "uri" if kind == "a field that is none" else "url"
        text = manifests_of("edited", _SOURCE, port=self._port) + _SENSOR.substitute(
            target=self._target, url=url, revision=revision
        )
        if kind == "good with one more":
            text += _BESIDE.substitute(revision=revision)
        return text.replace("dest: revision}", "dest: revision") if kind == "no YAML" else text

    async def _look_for(self, world: World, revision: int, seen: asyncio.Event) -> None:
        """Set `seen` once the target was told `revision`."""
        try:
            async with asyncio.timeout(SEEN_S):
                while not any(effect.said.get("revision") == str(revision) for effect in world.target.effects.values()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            world.report.add(Kind.OTHER, f"the last edit, revision {revision}, was not in force {SEEN_S:.0f} s later")
        seen.set()

    def judge(self, world: World, book: Book) -> None:
        """Every push acted once, each by a revision that was written and is not older than that of the push before."""
        keys: dict[int, str] = {}
        for firing in book.fired("edited"):
            n = UUID(firing["causes"][0]["id"]).int & 0xFFFFFFFF
            if n in keys:
                world.report.add(Kind.DOUBLED, f"edited push {n} fired twice: {keys[n]}, {firing['id']}")
            keys[n] = firing["id"]
        revisions: dict[int, int] = {}
        for n, at in self._at.items():
            effect = world.target.effects.get(keys.get(n, ""))
            if effect is None or effect.said.get("number") != str(n):
                world.report.add(Kind.LOST, f"edited push {n} was acknowledged and not done")
                continue
            if not any(began <= at <= ended for began, ended in self._held):
                timely(world, f"edited push {n}", at, effect.at)
            revisions[n] = int(effect.said["revision"])
            if revisions[n] not in self._good:
                world.report.add(Kind.OTHER, f"edited push {n} was done by revision {revisions[n]}, which is broken")
        inside = [UUID(event["id"]).int & 0xFFFFFFFF for event in reversed(book.events) if event["source"] == "edited"]
        for before, after in pairwise([n for n in inside if n in revisions]):
            if revisions[after] < revisions[before]:
                world.report.add(
                    Kind.DISORDERED,
                    f"push {after} was done by revision {revisions[after]}, {before} before it in the log by {revisions[before]}",
                )


async def _asked(world: World, wish: str) -> int:
    """The status of the answer to a wish about the sensor."""
    token = (world.disk.folder / "api-token").read_text().strip()
    url = f"http://{world.service.api}/api/v1/sensors/edited/{wish}"
    async with world.session.post(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status


def edited_id(n: int) -> str:
    """The id of a push, from which its number can be read."""
    return str(UUID(int=(ord("e") << 64) + n))
