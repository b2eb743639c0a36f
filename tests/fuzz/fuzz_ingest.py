"""Feed bytes to what reads requests: a refusal is an answer, anything else that is raised is a finding.

Coverage-guided with atheris where it is installed: `python -P tests/fuzz/fuzz_ingest.py [atheris options]`. Without it, and
with `--seconds N`, seeded random changes to real deliveries: repeatable, less clever.
"""

import argparse
import random
import sys
import time
import zlib
from importlib.util import find_spec
from pathlib import Path

from multidict import CIMultiDict, CIMultiDictProxy

from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.github import Github, GithubSpec
from sources.http.answers import Refused, accepted, problem
from sources.http.body import _inflate
from sources.http.payload import parse_json
from sources.http.source import HttpSource, Received
from sources.source import SourceContext
from sources.webhook import Webhook, WebhookSpec

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "github"
TYPES = (b"application/json", b"application/x-www-form-urlencoded", b"application/json; charset=utf-8", b"text/plain", b"")
CHANGES = (
    b"",
    b"\x00",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\\ud800",
    b"NaN",
    b"1e999",
    b"%FF",
    b"&payload=",
    b"payload=",
    b"\xed\xa0\x80",
)


class _NoValues:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


def _sources() -> list[HttpSource]:  # type: ignore[type-arg]
    here = {"endpoint": "/a", "port": "1"}
    context = SourceContext(road=Road("default", "s", "e"), dialect=Dialect.TOCSIN, values=_NoValues())
    github = GithubSpec.model_validate({"webhook": here, "organizations": ["o"], "metadata": {"a": "b"}})
    return [Webhook(WebhookSpec.model_validate(here), context), Github(github, context)]


SOURCES = _sources()


def one(data: bytes) -> None:
    """Read one input: two bytes choose, a line each is event, delivery and another header, the rest is the body."""
    choice, _, rest = data[:2].ljust(2, b"\0"), None, data[2:]
    event, _, rest = rest.partition(b"\n")
    delivery, _, rest = rest.partition(b"\n")
    other, _, body = rest.partition(b"\n")
    raw = (
        (b"Content-Type", TYPES[choice[0] % len(TYPES)]),
        (b"X-GitHub-Event", event),
        (b"X-GitHub-Delivery", delivery),
        (b"Idempotency-Key" if choice[1] % 2 else b"X-Other", other),
    )
    headers = CIMultiDictProxy(CIMultiDict([(name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in raw]))
    for source in SOURCES:
        try:
            result = source.receive(Received("POST", "", headers, raw, body))
        except Refused as refused:
            _check_refusal(refused)
        else:
            if isinstance(result, Event):
                if parse_json(result.data or b"").tree != result.tree:
                    raise AssertionError("the data and its tree differ")
                accepted(result.id, b"")
    try:
        for _ in zip(range(4), _inflate(body, "deflate" if choice[1] % 3 else "gzip", 65536), strict=False):
            pass
    except zlib.error:
        return


def _check_refusal(refused: Refused) -> None:
    if refused.status >= 500 or len(problem(refused).wire) > 1000:
        raise AssertionError(f"an answer like this should not come from bytes: {refused.status} {refused.detail}")


def _by_chance(seconds: float, seed: int) -> None:
    """Change real deliveries at random until the time is over."""
    chance = random.Random(seed)
    known = [path.read_bytes() for path in sorted(PAYLOADS.glob("*.json"))]
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        body = bytearray(chance.choice(known)[: chance.choice((100, 2000, 10_000_000))])
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(body) + 1)
            body[at : at + chance.randrange(4)] = chance.choice((*CHANGES, chance.randbytes(3)))
        names = b"\n".join(chance.choice((b"push", b"1", b"", chance.randbytes(4))) for _ in range(3))
        one(chance.randbytes(2) + names + b"\n" + bytes(body))
        count += 1
    print(f"{count} inputs, seed {seed}: no finding")


def main() -> None:
    """Fuzz with what is installed."""
    if find_spec("atheris") is None or "--seconds" in sys.argv:
        options = argparse.ArgumentParser(description=__doc__)
        options.add_argument("--seconds", type=float, default=30.0)
        options.add_argument("--seed", type=int, default=1)
        chosen = options.parse_args()
        _by_chance(chosen.seconds, chosen.seed)
        return
    import atheris

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
