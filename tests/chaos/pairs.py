"""Pairs under kills: what a joined condition pairs up is what a run without any kill pairs up.

One sender sends a1, b1, a2, b2, … in that order, each until it is acknowledged, so a run without kills fires exactly (a1, b1),
(a2, b2), …
"""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import aiohttp

from chaos.campaign import drained
from chaos.senders import SECRET, delivered
from chaos.service import Service, free_port
from chaos.target import Target
from chaos.verdict import Report

_MANIFESTS = """\
apiVersion: v1
kind: Secret
metadata: {{name: github}}
stringData: {{webhook: {secret}}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: sides}}
spec:
  github:
    a:
      organizations: [o]
      events: [push]
      webhookSecret: {{name: github, key: webhook}}
      webhook: {{endpoint: /a, port: "{port}", method: POST}}
    b:
      organizations: [o]
      events: [push]
      webhookSecret: {{name: github, key: webhook}}
      webhook: {{endpoint: /b, port: "{port}", method: POST}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: pairs}}
spec:
  dependencies:
    - {{name: left-side, eventSourceName: sides, eventName: a}}
    - {{name: right-side, eventSourceName: sides, eventName: b}}
  triggers:
    - template:
        name: pair
        conditions: left-side && right-side
        http:
          url: {target}
          method: POST
          headers: {{Content-Type: application/json}}
          payload:
            - {{src: {{dependencyName: left-side, dataKey: body.n}}, dest: number}}
            - {{src: {{dependencyName: right-side, dataKey: body.n}}, dest: other}}
      retryStrategy: {{steps: 1000, duration: 200ms, jitter: 0.5}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsPlan:
    """What a campaign does; the same plan makes the same choices."""

    seed: int
    pairs: int
    kills: int
    rate: float = 100.0
    """Pairs a second, at most."""


async def pairs_campaign(plan: PairsPlan, folder: Path) -> Report:
    """Run `plan` in the empty `folder` and return what was counted."""
    began, report = time.monotonic(), Report(seed=plan.seed)
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        Target(seed=plan.seed, faults=0.05).serving() as target,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        port = free_port()
        (folder / "manifests").mkdir()
        text = _MANIFESTS.format(secret=SECRET.decode(), port=port, target=f"http://127.0.0.1:{target.port}/act")
        (folder / "manifests" / "pairs.yaml").write_text(text)
        service = Service(folder / "manifests", folder / "data", folder / "service.log")
        try:
            await service.start()
            await service.ready(session)
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(_send(plan, session, port, report), name="sender")
                tasks.create_task(_kill(plan, service, session, report, sending), name="killer")
            await drained(service, session)
            await _judge(plan, report, service, session, target)
            if (code := await service.stop()) != 0:
                report.faults.append(f"the last stop ended with exit code {code}: {service.last_words()}")
        finally:
            await service.end()
    report.seconds = time.monotonic() - began
    return report


async def _send(plan: PairsPlan, session: aiohttp.ClientSession, port: int, report: Report) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    for n in range(1, plan.pairs + 1):
        for side in "ab":
            report.repeated_tries += await delivered(session, f"http://127.0.0.1:{port}/{side}", _id(side, n), {"n": str(n)})
            report.acknowledged += 1
        due = max(due + 1 / plan.rate, loop.time() - 1.0)
        await asyncio.sleep(max(0.0, due - loop.time()))


def _id(side: str, n: int) -> str:
    return str(UUID(int=(ord(side) << 64) + n))


async def _kill(
    plan: PairsPlan, service: Service, session: aiohttp.ClientSession, report: Report, sending: asyncio.Task[None]
) -> None:
    """Kill and start again at moments spread over the sending, as often as planned."""
    chance = random.Random(f"pairs-{plan.seed}")
    for _ in range(plan.kills):
        await asyncio.sleep(chance.uniform(0.05, 2 * plan.pairs / plan.rate / plan.kills))
        if sending.done():
            return
        await service.kill()
        report.kills += 1
        await service.start()
        await service.ready(session)


async def _judge(plan: PairsPlan, report: Report, service: Service, session: aiohttp.ClientSession, target: Target) -> None:
    found: dict[str, str] = {}
    async for item in service.items(session, "firings"):
        report.firings += 1
        report.outcomes[item["state"]] = report.outcomes.get(item["state"], 0) + 1
        sides = {cause["dependency"]: UUID(cause["id"]).int & 0xFFFFFFFF for cause in item["causes"]}
        left, right = sides.get("left-side"), sides.get("right-side")
        if left is None or left != right:
            report.faults.append(f"firing {item['id']} pairs a{left} with b{right}")
        elif str(left) in found:
            report.faults.append(f"pair {left} fired twice: {found[str(left)]}, {item['id']}")
        else:
            found[str(left)] = item["id"]
    report.calls, report.effects = target.calls.total(), len(target.effects)
    report.repeated_calls = report.calls - len(target.calls)
    report.faults += [f"pair {n} never fired" for n in range(1, plan.pairs + 1) if str(n) not in found]
    report.faults += [f"pair {n}: the target did not act on it" for n, key in found.items() if target.effects.get(key) != n]
    report.faults += [f"a repeat under the key {key} said something else" for key in target.disagreements]
