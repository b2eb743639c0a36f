"""Retention as a user meets it: the options, what the commands say of what is gone, and a disk that does not fill."""

from pathlib import Path
from typing import Any

import pytest
from service_process import Target, ask, calling, free_port, running, sent, tocsin, webhook


def post(port: int, ref: str, *, filler: int = 0) -> str:
    """Send an event; return its id."""
    return sent(port, {"ref": ref, "filler": "x" * filler})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--retain-age", "7", "is no duration such as 7d"),
        ("--retain-age", "0s", "not between 1ms and three centuries"),
        ("--retain-journal-age", "long", "is no duration such as 7d"),
        ("--retain-bytes", "10GB", "did you mean 10G?"),
        ("--retain-bytes", "1Mi", "the least is 64Mi"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_what_was_expected(
    option: str, value: str, message: str, tmp_path: Path
) -> None:
    done = tocsin("run", str(tmp_path), option, value)
    assert done.returncode == 2
    assert option in done.stderr
    assert message in done.stderr


def settled(found: dict[str, Any]) -> bool:
    return bool(found["items"]) and all(item["state"] == "succeeded" for item in found["items"])


def test_what_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as target:
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        options = ("--retain-age", "1s", "--retain-journal-age", "1h")
        with running(str(tmp_path / "m.yaml"), *options, data=data) as service:
            old, other = post(port, "refs/heads/main"), post(port, "refs/heads/dev")
            (firing,) = service.wait_for("/api/v1/firings", settled)["items"]
            new = post(port, "refs/heads/main")
            for event in (old, other):
                service.wait_for(f"/api/v1/events/{event}", lambda found: not found["data_kept"])
            service.wait_for(
                f"/api/v1/events/{new}/trace", lambda found: settled({"items": [b["firing"] for b in found["firings"]]})
            )
            _said(data, old, other, firing["id"])
            page = ask(f"{service.api}/metrics")[2].decode()
            assert 'tocsin_retention_removed_total{what="data"} 2.0' in page
        _said(data, old, other, firing["id"])
        shown = tocsin("events", "show", new, "--data", str(data))
        assert '"ref": "refs/heads/main"' in shown.stdout


def _said(data: Path, old: str, other: str, firing: str) -> None:
    """What the commands say of an event whose data is gone, from the service or from its folder."""

    def text(*args: str) -> str:
        done = tocsin(*args, "--data", str(data))
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "its data is no longer kept, only that of events since 20" in text("events", "show", old)
    assert old in text("events", "list")
    explained = text("explain", other)
    assert "cannot be recomputed: its data is no longer kept" in explained
    assert firing in text("explain", old)
    assert firing in text("trace", old)
    why = text("why", firing)
    assert f"matched event {old} from hooks/push, received 20" in why
    assert "what was sent is no longer kept" in why
    missing = tocsin("events", "show", "nothing", "--data", str(data))
    assert missing.returncode == 1
    assert "no event 'nothing'" in missing.stderr


def test_the_disk_does_not_fill(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    (tmp_path / "m.yaml").write_text(webhook("hooks", port))
    with running(str(tmp_path / "m.yaml"), "--retain-bytes", "64Mi", data=data) as service:
        first, *others = [post(port, "refs/heads/main", filler=1_000_000) for _ in range(90)]
        service.wait_for(f"/api/v1/events/{first}", lambda found: not found["data_kept"])
        assert "x" * 1000 in ask(f"{service.api}/api/v1/events/{others[-1]}")[2].decode()
        assert sum(file.stat().st_size for file in data.iterdir()) <= 64 << 20
        assert service.stop() == 0
    assert sum(file.stat().st_size for file in data.iterdir()) <= 64 << 20
