"""How commands ask a service."""

from pathlib import Path

import pytest

from tocsin.cli.client import _headers  # what is sent to a stranger cannot be seen from outside
from tocsin.cli.settings import Settings


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", True), ("192.0.2.1", False), ("tocsin.example", False)],
)
def test_the_token_of_a_data_folder_is_sent_to_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, own: bool
) -> None:
    (tmp_path / "api-token").write_text("of-the-folder\n")
    settings = Settings()
    settings.data = str(tmp_path)
    monkeypatch.delenv("TOCSIN_API_TOKEN", raising=False)
    assert _headers(settings, host).get("Authorization") == ("Bearer of-the-folder" if own else None)
    monkeypatch.setenv("TOCSIN_API_TOKEN", "given")
    assert _headers(settings, host)["Authorization"] == "Bearer given"
