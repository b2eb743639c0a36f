"""Print a request that sends the quickstart a GitHub push, signed as GitHub signs it. Needs only the standard library.

Every call makes a new delivery. Sending one delivery twice is answered with the first event's id: that is one event.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import shlex
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFESTS = HERE.parent / "manifests.yaml"
URL = "http://127.0.0.1:12000/push"
READY = "http://127.0.0.1:7070/readyz"


def secret() -> bytes:
    """The webhook's secret, from the Secret document of the quickstart."""
    found = re.search(r"^  webhook: (\S+)", MANIFESTS.read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{MANIFESTS}: no Secret with a value 'webhook'")
    return found[1].encode()


def command(url: str, ref: str = "") -> str:
    """A curl command line, in one line, that sends the push to `url` as a new delivery; with `ref`, a push to that."""
    body, data = (HERE / "push.json").read_bytes(), f"@{HERE / 'push.json'}"
    if ref:
        data = json.dumps(json.loads(body) | {"ref": ref}, separators=(",", ":"))
        body = data.encode()
    signature = hmac.new(secret(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    options = [text for name, value in headers.items() for text in ("-H", f"{name}: {value}")]
    return shlex.join(["curl", "-sS", "-w", r"\n", *options, "--data-binary", data, url])


def runs(process: int) -> bool:
    """Whether a process of this number is there; 0 stands for one that always is."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_ready(process: int, timeout_s: float = 20.0) -> bool:
    """Return whether the service said that it is ready within `timeout_s` seconds, and before `process` ended."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and runs(process):
        try:
            with urllib.request.urlopen(READY, timeout=1.0):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return False


def main() -> None:
    """Print the request, at once or when the service is ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ref", default="", help="push to this instead of refs/heads/main")
    parser.add_argument("--url", default=URL, help="where to send it")
    parser.add_argument("--when-ready", action="store_true", help="wait until the service runs, and say what to do next")
    parser.add_argument("--of", type=int, default=0, metavar="PID", help="of this process: where it ends, say nothing")
    args = parser.parse_args()
    line = command(args.url, args.ref)
    if not args.when_ready:
        print(line)
    elif wait_until_ready(args.of):
        print(f"\nSend it a signed GitHub push, from another terminal:\n\n{line}\n")
        print("It answers with the event's id. Then ask: .venv/bin/tocsin trace ID", flush=True)
    elif runs(args.of):
        sys.exit(f"the service is not ready: {READY} did not answer 200 in 20 s")


if __name__ == "__main__":
    main()
