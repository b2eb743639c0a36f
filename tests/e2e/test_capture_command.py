"""`tocsin events capture`, from a running service and from its data folder."""

import json
from pathlib import Path

from service_process import Target, ask, calling, free_port, running, tocsin, webhook

SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: hooks}
stringData: {key: open-sesame-42}
"""
RETRY = "      retryStrategy: {steps: 3, duration: 50ms, jitter: 0}\n"


def test_what_a_service_recorded_becomes_a_scenario_that_passes(tmp_path: Path) -> None:
    port = free_port()
    target = Target()
    with target.serving():
        target.status = 503
        manifests = tmp_path / "manifests"
        manifests.mkdir()
        url = f"http://127.0.0.1:{target.port}/call"
        (manifests / "all.yaml").write_text("---".join([webhook("hooks", port), calling("main", url, more=RETRY), SECRET]))
        with running(str(manifests), data=tmp_path / "data") as service:
            sent = {"ref": "refs/heads/main", "note": "say open-sesame-42"}
            headers = {"Content-Type": "application/json", "X-Api-Key": "abc"}
            _, _, body = ask(f"http://127.0.0.1:{port}/push", method="POST", body=json.dumps(sent).encode(), headers=headers)
            id = json.loads(body)["id"]
            service.wait_for("/api/v1/dead-letters", lambda page: page["items"])
            out = tmp_path / "scenarios" / "captured.yaml"
            out.parent.mkdir()
            command = ["events", "capture", id, "--data", str(service.data), "--manifests", str(manifests)]
            done = tocsin(*command, "--output", str(out))
            assert done.returncode == 0, done.stderr
            assert "read from the service" in done.stderr
            assert "it passes as it is" in done.stderr
            service.stop()
        again = tocsin(*command)
        assert again.returncode == 0, again.stderr
        assert "read from the data folder" in again.stderr
    text = out.read_text()
    assert "open-sesame-42" not in text
    assert "abc" not in json.dumps(json.loads(tocsin(*command, "-o", "json").stdout))
    assert "manifests:\n    - ../manifests\n" in text
    assert "        times: 3\n" in text
    played = tocsin("test", str(out))
    assert (played.returncode, played.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed")
    refused = tocsin(*command, "--output", str(out))
    assert (refused.returncode, f"{out} is there already; --force writes over it" in refused.stderr) == (1, True)
    assert tocsin(*command, "--output", str(out), "--force").returncode == 0
    (manifests / "all.yaml").write_text((manifests / "all.yaml").read_text().replace("^refs/heads/main$", "^refs/heads/x$"))
    other = tocsin(*command)
    assert "it does not pass as it is" in other.stderr
    assert "matches none of" in other.stderr


def test_an_event_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = tocsin("events", "capture", "nothing", "--data", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "there is no data folder" in done.stderr
    assert tocsin("events", "capture").returncode == 2
