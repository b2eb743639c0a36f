"""Sending as careful clients do: a delivery is repeated until it is acknowledged, as GitHub's redelivery does."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from string import Template
from typing import NamedTuple

import aiohttp

from chaos.verdict import Kind, Report

SECRET = b"a secret of the campaign"

_SECRET_DOCUMENT = Template("""\
apiVersion: v1
kind: Secret
metadata: {name: $name}
stringData: {webhook: $secret}
---
""")


def manifests_of(secret: str, documents: Template, **values: object) -> str:
    """`documents` with `values` filled in, after the Secret of that name with which pushes are signed."""
    return _SECRET_DOCUMENT.substitute(name=secret, secret=SECRET.decode()) + documents.substitute(values)


class Acknowledged(NamedTuple):
    """A delivery that was answered 200: the id that it was given, its number, whether a sensor wants it, and when that was."""

    source: str
    id: str
    n: str
    wanted: bool
    at: float = 0.0
    """`time.monotonic`."""


def signed(delivery: str, body: bytes) -> dict[str, str]:
    """The headers of a push, as GitHub sends and signs them."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={hmac.new(SECRET, body, hashlib.sha256).hexdigest()}",
    }


async def delivered(
    session: aiohttp.ClientSession, report: Report, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[str, float]:
    """Send until it is acknowledged; return the id that it was given, and when."""
    while True:
        try:
            async with session.post(url, data=body, headers=headers) as answer:
                text = await answer.read()
                if answer.status == 200:
                    report.acknowledged += 1
                    return str(json.loads(text)["id"]), time.monotonic()
                if answer.status not in (429, 503):
                    report.add(Kind.OTHER, f"a careful sender was answered {answer.status} {text[:200]!r}")
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass  # down, or cut off before the answer: the delivery is repeated below
        report.repeated_tries += 1
        await asyncio.sleep(0.05)


async def push(session: aiohttp.ClientSession, report: Report, url: str, delivery: str, data: Mapping[str, str]) -> float:
    """Send a push until it is acknowledged under its own id; return when it was."""
    body = json.dumps(data).encode()
    answer, at = await delivered(session, report, url, body, signed(delivery, body))
    if answer != delivery:
        report.add(Kind.OTHER, f"delivery {delivery} was answered with the id {answer!r}")
    return at
