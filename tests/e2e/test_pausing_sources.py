"""Event sources paused and resumed by a person, over a restart too."""

import json
import signal
from pathlib import Path

from service_process import Service, Target, ask, calling, free_port, running, tocsin, webhook

PUSH = b'{"ref": "refs/heads/main"}'
JSON = {"Content-Type": "application/json"}


def send(port: int) -> tuple[int, bytes]:
    status, _, body = ask(f"http://127.0.0.1:{port}/push", method="POST", body=PUSH, headers=JSON)
    return status, body


def source(service: Service) -> dict[str, object]:
    return dict(service.get("/api/v1/sources/hooks"))


def test_a_held_source_turns_senders_away_until_it_is_resumed(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as target:
        manifests = tmp_path / "manifests.yaml"
        manifests.write_text("\n---\n".join((webhook("hooks", port), calling("call", f"http://127.0.0.1:{target.port}/x"))))
        with running(str(manifests), data=data) as service:
            assert send(port)[0] == 200
            assert service.cli("sources", "pause", "hooks")["paused"][0]["paused"]["mode"] == "hold"
            status, answer = send(port)
            assert (status, json.loads(answer)["detail"]) == (503, "this event source is paused; try again later")
            assert 'tocsin_source_paused{namespace="default",source="hooks"} 1.0' in ask(f"{service.api}/metrics")[2].decode()
            found = source(service)
            assert (found["state"], found["paused"]["held"]) == ("paused", 1)  # type: ignore[index]
            degraded = service.get("/readyz")["degraded"]
            assert [(one["name"], one["state"]) for one in degraded] == [("EventSource/default/hooks", "paused")]
            assert service.stop(signal.SIGKILL) != 0
        with running(str(manifests), data=data) as service:
            assert send(port)[0] == 503, "a restart forgets no pause"
            said = tocsin("sources", "resume", "hooks", "--data", str(data))
            assert said.stdout.startswith("hooks goes on; since ")
            assert send(port)[0] == 200
            assert source(service)["state"] == "running"
            service.wait_for("/api/v1/firings", lambda page: len(page["items"]) == 2)
            again = tocsin("sources", "resume", "hooks", "--data", str(data))
            assert (again.returncode, "is not paused" in again.stderr) == (1, True)


def test_each_of_several_is_paused_and_resumed_whatever_becomes_of_the_others(tmp_path: Path) -> None:
    data, manifests = tmp_path / "data", tmp_path / "manifests.yaml"
    manifests.write_text(webhook("hooks", free_port()))
    with running(str(manifests), data=data) as service:
        for word, state in (("pause", "paused"), ("resume", "running")):
            done = tocsin("sources", word, "none", "hooks", "-o", "json", "--data", str(data))
            assert (done.returncode, done.stderr) == (1, "Error: no event source 'none'\n")
            found = json.loads(done.stdout)
            assert [one["name"] for one in found[f"{word.rstrip('e')}ed"]] == ["hooks"]
            assert found["failed"] == [{"name": "none", "reason": "no event source 'none'"}]
            assert source(service)["state"] == state


def test_a_pause_keeps_its_reason_until_another_is_given(tmp_path: Path) -> None:
    data, manifests = tmp_path / "data", tmp_path / "manifests.yaml"
    manifests.write_text("\n---\n".join((webhook("hooks", free_port()), calling("call", "http://127.0.0.1:9/x"))))
    with running(str(manifests), data=data) as service:
        for plural, name in (("sources", "hooks"), ("sensors", "call")):
            for reason, shown in (("moving", "moving"), ("", "moving"), ("again", "again")):
                service.cli(plural, "pause", name, *(("--reason", reason) if reason else ()))
                assert service.get(f"/api/v1/{plural}/{name}")["paused"]["reason"] == shown


def test_a_dropping_source_acknowledges_counts_and_keeps_nothing(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(webhook("hooks", port))
    with running(str(manifests), data=data) as service:
        service.cli("sources", "pause", "default/hooks", "--drop")
        status, body = send(port)
        assert (status, len(json.loads(body)["id"])) == (200, 32)
        assert service.get("/api/v1/events")["items"] == []
        assert source(service)["paused"]["dropped"] == 1  # type: ignore[index]
        page = ask(f"{service.api}/metrics")[2].decode()
        assert 'tocsin_events_dropped_total{name="push",namespace="default",source="hooks"} 1.0' in page
        service.cli("sources", "resume", "hooks")
        assert send(port)[0] == 200
        assert len(service.get("/api/v1/events")["items"]) == 1


def test_pausing_what_is_not_there_says_so(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(webhook("hooks", port))
    with running(str(manifests), data=data) as service:
        missing = tocsin("sources", "pause", "nowhere", "--data", str(data))
        assert (missing.returncode, "no event source 'nowhere'" in missing.stderr) == (1, True)
        token = {"Authorization": f"Bearer {(data / 'api-token').read_text().strip()}"}
        assert ask(f"{service.api}/api/v1/sources/hooks/pause?mode=x", method="POST", headers=token)[0] == 400
        assert ask(f"{service.api}/api/v1/sources/hooks/pause", method="POST")[0] in (401, 403)
    stopped = tocsin("sources", "pause", "hooks", "--data", str(data))
    assert (stopped.returncode, "needs a running service" in stopped.stderr) == (1, True)
