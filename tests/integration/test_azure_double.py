"""What plays Azure does with messages what a broker of AMQP 1.0 does, asked by a plain client."""

import hashlib
import hmac
import itertools
import json
import os
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from servers.artemis import ArtemisBroker
from servers.azure import AzureServer, fetch
from servers.azure_facts import KEY, KEY_NAME

ACCEPTED = "36"  # AMQP 1.0, part 3, section 3.4.2
COUNT = 20
_CLIENT = Path(__file__).parents[1] / "servers" / "amqp_client.py"
_numbers = itertools.count()


@pytest.fixture
def queue() -> str:
    return f"plain{next(_numbers)}"


def ask(what: str, port: int, queue: str, count: int, *token: str) -> list[dict[str, Any]]:
    """What the plain client tells."""
    command = [sys.executable, str(_CLIENT), what, f"127.0.0.1:{port}", queue, str(count), *token]
    environment = os.environ | {"PYTHONPATH": str(fetch())}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def a_token(port: int, queue: str, key: str = KEY) -> str:
    """As Azure's documentation has it made."""
    resource, end = quote(f"amqp://127.0.0.1:{port}/{queue}", safe=""), int(time.time()) + 60
    signed = hmac.new(key.encode(), f"{resource}\n{end}".encode(), hashlib.sha256).digest()
    return f"SharedAccessSignature sr={resource}&sig={quote(b64encode(signed))}&se={end}&skn={KEY_NAME}"


@pytest.fixture(params=["artemis", "azure"])
def stored(request: pytest.FixtureRequest, queue: str) -> list[dict[str, Any]]:
    """What is in a queue to which the plain client has sent."""
    if request.param == "artemis":
        broker: ArtemisBroker = request.getfixturevalue("artemis_broker")
        assert ask("send", broker.port, queue, COUNT) == COUNT * [{"outcome": ACCEPTED}]
        return ask("receive", broker.port, queue, COUNT)
    server: AzureServer = request.getfixturevalue("azure_server")
    answer, *outcomes = ask("send", server.port, queue, COUNT, a_token(server.port, queue))
    assert (answer, outcomes) == ({"status": 202}, COUNT * [{"outcome": ACCEPTED}])
    return server.taken(queue)


def test_messages_are_accepted_and_there_as_they_were_sent_in_order(stored: list[dict[str, Any]]) -> None:
    assert [message["id"] for message in stored] == [f"m-{n}" for n in range(COUNT)]
    assert [message["properties"] for message in stored] == [{"n": str(n), "Idempotency-Key": f"m-{n}"} for n in range(COUNT)]
    assert [b64decode(message["body"]) for message in stored] == [bytes(range(n)) for n in range(COUNT)]


def test_who_signs_with_another_key_is_not_let_in(azure_server: AzureServer, queue: str) -> None:
    with pytest.raises(AssertionError, match="No token was put"):
        ask("send", azure_server.port, queue, 1, a_token(azure_server.port, queue, key="d3Jvbmc="))
    assert azure_server.taken(queue) == []
