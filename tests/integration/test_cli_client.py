"""What a command makes of a service that is there and does not answer, or is not there."""

import socket
from pathlib import Path

import pytest
from click import ClickException

from tocsin.cli import client
from tocsin.cli.settings import Settings


def settings(folder: Path, port: int) -> Settings:
    found = Settings()
    found.data, found.server = str(folder), f"http://127.0.0.1:{port}"
    return found


def test_a_service_that_does_not_answer_is_not_said_to_be_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ClickException) as failed:
            client.change(settings(tmp_path, port), "/api/v1/sensors/deploy/pause", {})
    assert failed.value.exit_code == 1
    assert failed.value.message.startswith(
        f"the service at http://127.0.0.1:{port} has not answered within 0.1s, and may still do"
    )
    with pytest.raises(ClickException, match="this needs a running service: no service answers at"):
        client.change(settings(tmp_path, port), "/api/v1/sensors/deploy/pause", {})
