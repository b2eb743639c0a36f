"""Senders: each repeats a delivery until it is acknowledged, as GitHub's redelivery or any careful client does."""

import asyncio
import hashlib
import hmac
import json
import random
from dataclasses import dataclass, field
from uuid import UUID

import aiohttp

SECRET = b"a secret of the campaign"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A delivery that was answered 200: the id that the service gave it, and whether a sensor wants it."""

    source: str
    id: str
    n: str
    wanted: bool


@dataclass(slots=True)
class Sent:
    """What the senders did so far."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: int = 0
    """Tries that were not answered 200: the service was down, or said to come again."""
    mistaken: list[str] = field(default_factory=list)
    """Answers that no careful sender should get."""


class Senders:
    """Sends to both sources until told to stop; the delivery under way is always seen through."""

    def __init__(self, session: aiohttp.ClientSession, *, github_port: int, hook_port: int, seed: int) -> None:
        self._session = session
        self._github = f"http://127.0.0.1:{github_port}/push"
        self._hook = f"http://127.0.0.1:{hook_port}/hook"
        self._random = random.Random(f"senders-{seed}")
        self._next = 0
        self.stopping = False
        self.sent = Sent()

    async def run(self, senders: int) -> None:
        """Send with `senders` at a time until `stopping`, and return when each has its last answer."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(senders):
                tasks.create_task(self._send_on(), name=f"sender-{number}")

    async def _send_on(self) -> None:
        while not self.stopping:
            self._next += 1
            wanted = self._random.random() < 0.7
            await (self._push(self._next, wanted) if self._random.random() < 0.6 else self._call(self._next, wanted))
            await asyncio.sleep(self._random.uniform(0.0, 0.02))

    async def _push(self, n: int, wanted: bool) -> None:
        delivery = str(UUID(int=self._random.getrandbits(128), version=4))
        body = json.dumps({"ref": f"refs/heads/{'main' if wanted else 'dev'}", "n": str(n), "after": f"{n:040x}"}).encode()
        answer = await self._until_acknowledged(self._github, body, signed(delivery, body))
        if answer != delivery:
            self.sent.mistaken.append(f"delivery {delivery} was answered with the id {answer!r}")
        self.sent.acknowledged.append(Acknowledged("pushes", answer, str(n), wanted))

    async def _call(self, n: int, wanted: bool) -> None:
        body = json.dumps({"kind": "order" if wanted else "other", "n": str(n)}).encode()
        answer = await self._until_acknowledged(self._hook, body, {"Content-Type": "application/json"})
        self.sent.acknowledged.append(Acknowledged("hooks", answer, str(n), wanted))

    async def _until_acknowledged(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        while True:
            try:
                async with self._session.post(url, data=body, headers=headers) as answer:
                    text = await answer.read()
                    if answer.status == 200:
                        return str(json.loads(text)["id"])
                    if answer.status not in (429, 503):
                        self.sent.mistaken.append(f"{answer.status} {text[:200]!r}")
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass  # down, or cut off before the answer: the delivery is repeated below
            self.sent.refused += 1
            await asyncio.sleep(0.05)


def signed(delivery: str, body: bytes) -> dict[str, str]:
    """The headers of a push, as GitHub sends and signs them."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={hmac.new(SECRET, body, hashlib.sha256).hexdigest()}",
    }


async def delivered(session: aiohttp.ClientSession, url: str, delivery: str, data: dict[str, str]) -> int:
    """Send a push until it is acknowledged; return how many tries were not."""
    body, refused = json.dumps(data).encode(), 0
    while True:
        try:
            async with session.post(url, data=body, headers=signed(delivery, body)) as answer:
                await answer.read()
                if answer.status == 200:
                    return refused
                if answer.status not in (429, 503):
                    raise RuntimeError(f"a push was answered {answer.status}")
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass  # down, or cut off before the answer: the delivery is repeated below
        refused += 1
        await asyncio.sleep(0.02)
