"""Manifests that are edited while events flow: what is accepted is acted on once, by revisions that only go forward."""

import asyncio
import random
from itertools import pairwise
from string import Template
from uuid import UUID

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
KINDS = ("good", "good", "good with one more", "a field that is none", "no YAML")


class Edits(Workload):
    """One sender, and one who edits: the revision that he writes into the trigger's payload, and mistakes."""

    name = "edits"
    edits = True

    def __init__(self, seed: int) -> None:
        self._seed, self._port = seed, free_port()
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
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_on(world, world.stopping), name="edits-sender")
            last = await self._edit_on(world)
        seen = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_on(world, seen), name="edits-last-sender")
            tasks.create_task(self._look_for(world, last, seen), name="edits-looking")

    async def _send_on(self, world: World, enough: asyncio.Event) -> None:
        chance = random.Random(f"edits-sender-{self._seed}")
        while not enough.is_set():
            n = len(self._at) + 1
            url = f"http://127.0.0.1:{self._port}/edited"
            self._at[n] = await push(world.session, world.report, url, edited_id(n), {"n": str(n)})
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    async def _edit_on(self, world: World) -> int:
        """Edit until the load ends; return the last revision, which is a good one."""
        chance, revision = random.Random(f"edits-{self._seed}"), 0
        while not world.stopping.is_set():
            await asyncio.sleep(chance.uniform(0.1, 2.0))  # some come to rest, others are overtaken by the next
            revision += 1
            self._write(world, revision, chance.choice(KINDS))
        self._write(world, revision + 1, "good")
        return revision + 1

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
            timely(world, f"edited push {n}", at, effect.at)
            revisions[n] = int(effect.said["revision"])
            if revisions[n] not in self._good:
                world.report.add(Kind.OTHER, f"edited push {n} was done by revision {revisions[n]}, which is broken")
        for before, after in pairwise(sorted(revisions)):
            if revisions[after] < revisions[before]:
                world.report.add(
                    Kind.DISORDERED,
                    f"push {after} was done by revision {revisions[after]}, and {before} before it by {revisions[before]}",
                )


def edited_id(n: int) -> str:
    """The id of a push, from which its number can be read."""
    return str(UUID(int=(ord("e") << 64) + n))
