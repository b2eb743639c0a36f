"""Sensors paused and resumed by a person, while events come in and the process is killed."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from service_process import Service, Target, ask, calling, free_port, running, sent, tocsin, webhook
from waiting import wait_until

JSON = {"Content-Type": "application/json"}


def send(port: int, number: int) -> None:
    sent(port, {"ref": f"refs/heads/main-{number}"})


def manifests(tmp_path: Path, port: int, *targets: tuple[str, Target]) -> str:
    path = tmp_path / "manifests.yaml"
    texts = [calling(name, f"http://127.0.0.1:{target.port}/{name}", ref="^refs/heads/main") for name, target in targets]
    path.write_text("\n---\n".join((webhook("hooks", port), *texts)))
    return str(path)


def sensor(service: Service, name: str = "slow") -> dict[str, Any]:
    return dict(service.get(f"/api/v1/sensors/{name}"))


def numbers(target: Target) -> list[int]:
    return [int(json.loads(body)["ref"].rsplit("-", 1)[1]) for _, body in list(target.received)]


def keys(target: Target) -> Counter[str]:
    return Counter(headers["Idempotency-Key"] for headers, _ in target.received)


def until(target: Target, count: int) -> None:
    wait_until(lambda: len(set(keys(target))) >= count, lambda: f"{len(target.received)} of {count}", timeout_s=30.0)


def metric(service: Service, line: str) -> float:
    page = ask(f"{service.api}/metrics")[2].decode()
    return next(float(one.rsplit(" ", 1)[1]) for one in page.splitlines() if one.startswith(line + " "))


def test_a_held_sensor_loses_and_doubles_nothing_though_the_process_is_killed_twice(tmp_path: Path) -> None:
    """Killed while it holds, and killed while it catches up; another sensor goes on all the time."""
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as slow, Target().serving() as other:
        path = manifests(tmp_path, port, ("slow", slow), ("other", other))
        with running(path, data=data) as service:
            assert metric(service, 'tocsin_sensor_paused{namespace="default",sensor="slow"}') == 0
            send(port, 0)
            until(slow, 1)
            said = tocsin("sensors", "pause", "slow", "--reason", "the target is away", "--data", str(data))
            assert said.stdout == "slow is paused\n", said.stderr
            for number in range(1, 31):
                send(port, number)
            until(other, 31)
            assert service.stop(signal.SIGKILL) != 0
        with running(path, data=data) as service:
            found = sensor(service)
            assert (found["state"], found["paused"]["mode"], found["paused"]["waiting"]) == ("paused", "hold", 30)
            assert found["paused"]["by"]
            assert found["message"].endswith("(the target is away): what comes waits, 30 events so far")
            assert [one["state"] for one in service.get("/readyz")["degraded"]] == ["paused"]
            assert metric(service, 'tocsin_sensor_waiting_events{namespace="default",sensor="slow"}') == 30
            assert metric(service, "tocsin_events_undecided") == 0
            assert len(slow.received) == 1
            assert metric(service, 'tocsin_objects{kind="Sensor",state="running"}') == 2
            # A series that never counts anything would hide what it is named after.
            assert 'state="paused"' not in ask(f"{service.api}/metrics")[2].decode()
            newest = service.get("/api/v1/events")["items"][0]["id"]
            explained = tocsin("explain", newest, "slow", "--data", str(data)).stdout
            assert "it waits: the sensor is paused since " in explained
            resumed = tocsin("sensors", "resume", "slow", "--rate", "40", "--data", str(data))
            assert resumed.stdout.startswith("slow catches up at 40 firings a second with 30 events held since "), resumed.stderr
            until(slow, 8)
            assert sensor(service)["state"] == "catching-up"
            assert service.stop(signal.SIGKILL) != 0
        assert len(keys(slow)) < 31
        with running(path, data=data) as service:
            send(port, 31)
            until(slow, 32)
            until(other, 32)
            service.wait_for("/api/v1/sensors/slow", lambda one: one["state"] == "running" and one["paused"] is None)
            assert service.get("/readyz")["degraded"] == []
            send(port, 32)
            until(slow, 33)
            assert len(service.get("/api/v1/firings?sensor=slow&limit=100")["items"]) == 33
    for target in (slow, other):
        assert sorted(set(numbers(target))) == list(range(33))
        assert len(keys(target)) == 33, "one key each, also where a kill made it say so twice"


def test_a_dropping_sensor_skips_what_comes_and_says_so(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as slow, Target().serving() as other:
        path = manifests(tmp_path, port, ("slow", slow), ("other", other))
        with running(path, data=data) as service:
            service.cli("sensors", "pause", "slow", "--drop")
            for number in range(3):
                send(port, number)
            until(other, 3)
            skipped = service.get("/api/v1/events")["items"][0]["id"]
            assert sensor(service)["paused"]["dropped"] == 3
            resumed = tocsin("sensors", "resume", "slow", "--data", str(data))
            assert resumed.stdout.startswith("slow goes on; since "), resumed.stderr
            assert resumed.stdout.endswith("it skipped 3 events\n")
            send(port, 3)
            until(slow, 1)
            assert numbers(slow) == [3]
            assert metric(service, 'tocsin_sensor_dropped_events_total{namespace="default",sensor="slow"}') == 3
            (gap,) = sensor(service)["gaps"]
            assert gap["events"] == 3
            assert "it was skipped: dropped while the sensor was paused" in tocsin("explain", skipped, "--data", str(data)).stdout
            assert "skipped     3 events" in tocsin("sensors", "show", "slow", "--data", str(data)).stdout


def test_a_held_sensor_that_is_removed_is_still_listed_and_can_be_resumed(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as slow, Target().serving() as other:
        path = manifests(tmp_path, port, ("slow", slow), ("other", other))
        with running(path, "--watch", data=data) as service:
            service.cli("sensors", "pause", "slow")
            send(port, 0)
            until(other, 1)
            manifests(tmp_path, port, ("other", other))
            found = service.wait_for("/api/v1/sensors/slow", lambda one: one["revision"] is None)
            assert (found["state"], found["paused"]["waiting"]) == ("paused", 1)
            assert "it is no longer declared" in found["message"]
            send(port, 1)
            until(other, 2)
            service.cli("sensors", "resume", "slow", "--rate", "0")
            until(slow, 1)
            service.wait_for("/api/v1/sensors", lambda page: [one["name"] for one in page["items"]] == ["other"])
            assert numbers(slow) == [0]


def test_what_is_wrong_with_a_wish_is_said(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as slow:
        with running(manifests(tmp_path, port, ("slow", slow)), data=data) as service:
            token = {"Authorization": f"Bearer {(data / 'api-token').read_text().strip()}"}
            for query, expected, words in (
                ("slow/pause?mode=x", 400, "mode: expected hold or drop, got 'x'"),
                ("slow/resume?rate=nan", 400, "rate: expected firings a second, 0 for no bound, got 'nan'"),
                ("slow/resume?rate=-1", 400, "got '-1'"),
                ("slow/resume", 409, "the sensor slow is not paused"),
                ("nowhere/pause", 404, "no sensor 'nowhere'"),
            ):
                status, _, body = ask(f"{service.api}/api/v1/sensors/{query}", method="POST", headers=token)
                assert (status, words in body.decode()) == (expected, True), body
            assert ask(f"{service.api}/api/v1/sensors/slow/pause", method="POST")[0] in (401, 403)
            service.cli("sensors", "pause", "slow")
        kept = tocsin("sensors", "show", "slow", "--data", str(data))
        assert "hold since " in kept.stdout
        stopped = tocsin("sensors", "pause", "slow", "--data", str(data))
        assert (stopped.returncode, "needs a running service" in stopped.stderr) == (1, True)
