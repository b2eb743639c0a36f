"""The service as a process: events in, calls out, and what it says about them."""

import json
import signal
import socket
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from service_process import Service, Target, all_ended, ask, calling, free_port, running, sent, tocsin, webhook
from waiting import wait_until

CANARY = "canary-5e1f"


def post(port: int, ref: str, path: str = "/push", event_id: str = "") -> str:
    """Send an event; return its id."""
    return sent(port, {"ref": ref}, path, {"Idempotency-Key": event_id} if event_id else None)


def test_an_event_becomes_a_call_and_every_question_is_answered(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        data = tmp_path / "data"
        with running(str(tmp_path / "m.yaml"), data=data) as service:
            event = post(port, "refs/heads/main")
            other = post(port, "refs/heads/dev")
            page = service.wait_for("/api/v1/firings", all_ended(1))
            (firing,) = page["items"]
            assert firing["state"] == "succeeded"
            ((headers, body),) = target.received
            assert json.loads(body) == {"ref": "refs/heads/main"}
            assert headers["Idempotency-Key"] == firing["id"]
            service.wait_for("/api/v1/sources/hooks", lambda found: found["events"][0]["seen"] == 2)
            _questions(data, event, other, firing["id"], "read from the service at")
            assert service.stop() == 0
        assert "Traceback" not in service.said()
        assert not (data / "service.json").exists()
        _questions(data, event, other, firing["id"], "read from the data folder")


def _questions(data: Path, event: str, other: str, firing: str, read_from: str) -> None:
    """The same questions, to the service or to its data folder."""

    def text(*args: str) -> str:
        done = tocsin(*args, "--data", str(data))
        assert done.returncode == 0, done.stderr
        assert read_from in done.stderr
        return done.stdout

    def document(*args: str) -> Any:
        return json.loads(text(*args, "-o", "json"))

    assert event in text("events")
    assert [item["id"] for item in document("events", "list")["items"]] == [other, event]
    assert "hooks/push" in text("events", "show", event)
    assert document("events", "show", event)["data"]["body"] == {"ref": "refs/heads/main"}
    assert firing in text("firings")
    shown = document("firings", "show", firing[:12])
    assert shown["request"]["body"] == {"ref": "refs/heads/main"}
    assert shown["attempts"][0]["status"] == 200
    assert "no dead letters" in text("dead-letters")

    why = document("why", firing)
    assert [cause["id"] for cause in why["causes"]] == [event]
    assert why["chain"] == []
    assert f"main matched event {event}" in text("why", firing[:8])

    explained = document("explain", other)
    (sensor,) = explained["sensors"]
    assert sensor["firings"] == []
    (verdict,) = sensor["verdicts"]
    assert verdict["matched"] is False
    assert '"refs/heads/dev"' in verdict["reason"]
    assert "did not match" in text("explain", other, "deploy")
    assert "fired call" in text("explain", f"hooks/push/{event}")

    traced = document("trace", event)
    assert traced["firings"][0]["firing"]["id"] == firing
    assert "fired nothing" in text("trace", other)

    (sensor,) = document("sensors")["items"]
    assert (sensor["dependencies"][0]["matched"], sensor["last_firing"]["id"]) == (1, firing)
    (source,) = document("sources")["items"]
    assert source["events"][0]["seen"] == 2
    assert "deploy" in text("sensors", "show", "default/deploy")
    assert "hooks" in text("sources")


def test_chained_events_are_traced_in_both_directions(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    loop = calling("loop", f"http://127.0.0.1:{second}/deploy")
    # This dialect names an event by the caller's idempotency key, which is the firing's id.
    deployments = webhook("deployments", second, "deploy").replace("argoproj.io/v1alpha1", "tocsin.dev/v1")
    end = calling("end", "http://127.0.0.1:9/", source="deployments", event="deploy", ref="nothing")
    (tmp_path / "m.yaml").write_text(
        "---".join([webhook("hooks", first), deployments, loop, end]),
    )
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        event = post(first, "refs/heads/main")
        (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
        traced = service.wait_for(f"/api/v1/trace?id={event}", lambda found: found["firings"][0]["events"])
        assert traced["firings"][0]["events"][0]["event"]["source"] == "deployments"
        assert "event" in tocsin("trace", event, "--data", str(service.data)).stdout.splitlines()[3]
        assert firing["causes"][0]["id"] == event


def test_what_was_accepted_before_a_kill_is_decided_and_done_after_the_restart(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        ids = set()
        for _ in range(3):
            with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
                ids |= {post(port, "refs/heads/main") for _ in range(10)}
                service.process.kill()
                service.process.wait(10)
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            page = service.wait_for("/api/v1/firings", all_ended(30))
            assert {item["causes"][0]["id"] for item in page["items"]} == ids
            assert {item["state"] for item in page["items"]} == {"succeeded"}
            assert {headers["Idempotency-Key"] for headers, _ in target.received} == {item["id"] for item in page["items"]}


def test_stopping_under_load_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "m.yaml").write_text(webhook("hooks", port))
    answered: list[str] = []

    def send() -> None:
        while True:
            try:
                answered.append(post(port, "x"))
            except (OSError, AssertionError):
                return

    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        wait_until(lambda: len(answered) >= 50)
        assert service.stop(signal.SIGINT) == 0
        for sender in senders:
            sender.join()
    kept = set()
    cursor: list[str] = []
    while True:
        page = json.loads(tocsin("events", "-o", "json", "--limit", "1000", "--data", str(tmp_path / "data"), *cursor).stdout)
        kept |= {item["id"] for item in page["items"]}
        if page["next"] is None:
            break
        cursor = ["--cursor", page["next"]]
    assert len(answered) >= 50
    assert set(answered) <= kept


def test_a_question_put_wrongly_exits_2_and_one_without_an_answer_1(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "m.yaml").write_text(webhook("hooks", port))
    data = tmp_path / "data"
    with running(str(tmp_path / "m.yaml"), data=data):
        _asked_wrongly(data)
    _asked_wrongly(data)


def _asked_wrongly(data: Path) -> None:
    for args in (["events", "--limit", "many"], ["firings", "--state", "odd"], ["events", "--cursor", "odd"]):
        done = tocsin(*args, "--data", str(data))
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
    for args in (["why", "none"], ["explain", "none"], ["trace", "none"], ["events", "show", "none"], ["sensors", "show", "x"]):
        done = tocsin(*args, "--data", str(data))
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "Traceback" not in done.stderr


def test_an_id_that_several_events_have_lists_them(tmp_path: Path) -> None:
    port = free_port()
    both = f"{webhook('hooks', port)}---{webhook('more', port, 'other')}".replace("argoproj.io/v1alpha1", "tocsin.dev/v1")
    (tmp_path / "m.yaml").write_text(both)
    data = tmp_path / "data"
    with running(str(tmp_path / "m.yaml"), data=data) as service:
        assert post(port, "x", "/push", event_id="same") == post(port, "y", "/other", event_id="same") == "same"
        _ambiguous(data)
        assert service.stop() == 0
    _ambiguous(data)


def _ambiguous(data: Path) -> None:
    done = tocsin("trace", "same", "--data", str(data))
    assert (done.returncode, done.stdout) == (1, "")
    assert "default/hooks/push/same" in done.stderr
    assert "default/more/other/same" in done.stderr
    assert tocsin("trace", "more/other/same", "--data", str(data)).returncode == 0


def test_a_second_run_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        done = tocsin("run", str(tmp_path / "m.yaml"), "--data", str(tmp_path / "data"), "--api", "off")
        assert done.returncode == 1
        assert str(service.process.pid) in done.stderr
        assert "Traceback" not in done.stderr
        assert service.get("/readyz")["ready"]


def test_an_api_port_that_is_taken_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = tocsin("run", str(tmp_path / "m.yaml"), "--data", str(tmp_path / "data"), "--api", address)
    assert done.returncode == 1
    assert address in done.stderr
    assert "--api" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("strict", [False, True])
def test_with_nothing_valid_every_problem_is_shown_and_the_exit_code_is_2(tmp_path: Path, strict: bool) -> None:
    (tmp_path / "a.yaml").write_text(webhook("hooks", 12000).replace("endpoint: /push", "endpoint: push"))
    (tmp_path / "b.yaml").write_text("kind: [\n")
    flags = ["--strict"] if strict else []
    done = tocsin("run", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--data", str(tmp_path / "data"), *flags)
    assert done.returncode == 2
    assert "a.yaml:" in done.stderr
    assert "b.yaml:" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "data").exists()


NOT_BUILT = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: queues}
spec: {sqs: {orders: {queue: a, region: b}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: idle}
spec:
  dependencies: [{name: order, eventSourceName: queues, eventName: orders}]
  triggers: [{template: {name: act, conditions: "order &&", log: {}}}]
"""


def test_objects_of_which_nothing_can_run_are_stopped_and_nothing_is_started_for_them_alone(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(NOT_BUILT)
    done = tocsin("run", str(tmp_path / "m.yaml"), "--data", str(tmp_path / "data"), "--api", "off")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing was started" in done.stderr
    (tmp_path / "m.yaml").write_text(f"{NOT_BUILT}---{webhook('hooks', free_port())}")
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        states = {
            one["name"]: one["state"] for plural in ("sources", "sensors") for one in service.get(f"/api/v1/{plural}")["items"]
        }
        assert states == {"queues": "stopped", "idle": "stopped", "hooks": "running"}


def test_one_bad_object_does_not_keep_the_good_one_from_running_unless_strict(tmp_path: Path) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    manifest.write_text(f"{webhook('hooks', port)}---{webhook('bad', 1).replace('endpoint: /push', 'endpoint: push')}")
    strict = tocsin("run", str(manifest), "--strict", "--data", str(tmp_path / "strict"))
    assert strict.returncode == 2
    with running(str(manifest), data=tmp_path / "data") as service:
        post(port, "x")
        states = {item["name"]: item["state"] for item in service.get("/api/v1/sources")["items"]}
        assert states == {"hooks": "running", "bad": "stopped"}
        degraded = service.get("/readyz")["degraded"]
        assert [item["name"] for item in degraded] == ["EventSource/default/bad"]
        assert "bad" in service.said()


def test_with_strict_a_source_that_cannot_start_keeps_everything_from_starting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        (tmp_path / "m.yaml").write_text(f"{webhook('good', free_port())}---{webhook('bad', number)}")
        done = tocsin("run", str(tmp_path / "m.yaml"), "--strict", "--data", str(tmp_path / "data"), "--api", "off")
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert "nothing was started: --strict" in last
    assert f"EventSource/default/bad push: port: default/bad/push cannot listen on 127.0.0.1:{number}: address already" in last
    assert "good" not in last


def test_a_missing_secret_stops_its_source_alone_and_is_named(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    secured = webhook("secured", other).replace("method: POST}", "method: POST, authSecret: {name: gate, key: token}}")
    (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{secured}")
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        post(port, "x")
        found = service.get("/api/v1/sources/secured")
        assert found["state"] == "stopped"
        assert "TOCSIN_SECRET_GATE_TOKEN" in found["message"]
        assert "TOCSIN_SECRET_GATE_TOKEN" in service.said()
    env = {"TOCSIN_SECRET_GATE_TOKEN": CANARY}
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data", env=env) as service:
        assert ask(f"http://127.0.0.1:{other}/push", method="POST", body=b"{}")[0] == 401
        headers = {"Authorization": f"Bearer {CANARY}", "Content-Type": "application/json"}
        assert ask(f"http://127.0.0.1:{other}/push", method="POST", body=b"{}", headers=headers)[0] == 200


def test_the_last_good_revision_runs_on_when_the_file_breaks_also_after_a_restart(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        good = f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}"
        manifest = tmp_path / "m.yaml"
        manifest.write_text(good)
        with running(str(manifest), data=tmp_path / "data") as service:
            post(port, "refs/heads/main")
            service.wait_for("/api/v1/firings", all_ended(1))
            manifest.write_text(good.replace("conditions", "x").replace("url:", "uri:"))
            service.process.send_signal(signal.SIGHUP)
            service.wait_for("/api/v1/sensors/deploy", lambda found: found["state"] == "last-good")
            post(port, "refs/heads/main")
            service.wait_for("/api/v1/firings", all_ended(2))
            assert service.stop() == 0
        manifest.write_text("kind: [\n")  # now nothing in the file can be read, not even a name
        with running(str(manifest), data=tmp_path / "data") as service:
            post(port, "refs/heads/main")
            service.wait_for("/api/v1/firings", all_ended(3))
            assert {item["state"] for item in service.get("/api/v1/sensors")["items"]} == {"last-good"}
            assert {item["state"] for item in service.get("/api/v1/sources")["items"]} == {"last-good"}
            assert len(service.get("/readyz")["degraded"]) == 2
            assert "last valid revision" in service.said()
            manifest.write_text(good)
            service.process.send_signal(signal.SIGHUP)
            service.wait_for("/readyz", lambda found: not found["degraded"])


def test_changed_manifests_are_applied_while_running(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    manifest = tmp_path / "m.yaml"
    manifest.write_text(webhook("hooks", port))
    with running(str(manifest), "--watch", data=tmp_path / "data") as service:
        post(port, "x")
        manifest.write_text(f"{webhook('hooks', port)}---{webhook('more', other)}")
        service.wait_for("/api/v1/sources", lambda page: len(page["items"]) == 2)
        post(other, "x")
        manifest.write_text(webhook("more", other))
        service.wait_for("/api/v1/sources", lambda page: len(page["items"]) == 1)
        with pytest.raises(OSError, match=r"refused"):
            post(port, "x")
        post(other, "x")


def test_a_public_endpoint_without_authentication_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    done = tocsin("run", str(tmp_path / "m.yaml"), "--host", "0.0.0.0", "--api", "off", "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "authSecret" in done.stderr
    assert "--allow-unauthenticated" in done.stderr


def test_an_api_that_others_can_reach_needs_a_token(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    done = tocsin("run", str(tmp_path / "m.yaml"), "--api", "0.0.0.0:0", "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "TOCSIN_API_TOKEN" in done.stderr


def test_a_dead_letter_is_listed_and_redriven_under_its_key(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        target.status = 400
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            post(port, "refs/heads/main")
            (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
            assert firing["state"] == "dead-lettered"
            assert service.cli("dead-letters")["items"][0]["id"] == firing["id"]
            target.status = 200
            assert service.cli("dead-letters", "redrive", firing["id"])["redriven"] == [firing["id"]]
            service.wait_for("/api/v1/firings", lambda page: page["items"][0]["state"] == "succeeded")
            again = tocsin("dead-letters", "redrive", firing["id"], "--data", str(service.data))
            assert again.returncode == 1
            assert "no dead letter" in again.stderr
            assert {headers["Idempotency-Key"] for headers, _ in target.received} == {firing["id"]}
            assert "tocsin_dead_letters 0.0" in ask(f"{service.api}/metrics")[2].decode()
        stopped = tocsin("dead-letters", "redrive", firing["id"], "--data", str(tmp_path / "data"))
        assert stopped.returncode == 1
        assert "needs a running service" in stopped.stderr


def test_a_dead_letter_is_dropped_and_a_waiting_firing_cancelled(tmp_path: Path) -> None:
    port = free_port()
    retries = '      retryStrategy: {steps: 5, duration: "1h"}\n'
    with Target().serving() as target:
        target.status = 400
        url = f"http://127.0.0.1:{target.port}/"
        (tmp_path / "m.yaml").write_text(
            f"{webhook('hooks', port)}---{calling('once', url)}---{calling('later', url, more=retries, ref='^refs/heads/later$')}"
        )
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            post(port, "refs/heads/main")
            (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
            assert service.cli("dead-letters", "drop", firing["id"][:12])["dropped"] == [firing["id"]]
            assert service.cli("dead-letters")["items"] == []
            shown = service.cli("firings", "show", firing["id"])
            assert (shown["state"], "; it had failed: " in shown["reason"]) == ("skipped", True)
            assert (
                "no dead letter: it is skipped"
                in tocsin("dead-letters", "drop", firing["id"], "--data", str(service.data)).stderr
            )
            target.status = 500
            post(port, "refs/heads/later")
            waits = service.wait_for("/api/v1/firings?sensor=later", lambda page: page["items"] and page["items"][0]["attempts"])
            waiting = waits["items"][0]["id"]
            assert service.cli("firings", "cancel", waiting)["cancelled"] == [waiting]
            assert service.cli("firings", "show", waiting)["state"] == "skipped"
            again = tocsin("firings", "cancel", waiting, "--data", str(service.data))
            assert (again.returncode, "not open: it is skipped" in again.stderr) == (1, True)
            assert "tocsin_firings_open 0.0" in ask(f"{service.api}/metrics")[2].decode()


def test_a_secret_is_in_no_answer_log_metric_or_journal(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        secret = f"""
apiVersion: v1
kind: Secret
metadata: {{name: gate}}
stringData: {{token: {CANARY}}}
"""
        more = """          secureHeaders: [{name: X-Token, valueFrom: {secretKeyRef: {name: gate, key: token}}}]
          basicAuth: {username: {name: gate, key: token}, password: {name: gate, key: token}}
"""
        secured = webhook("hooks", port).replace("method: POST}", "method: POST, authSecret: {name: gate, key: token}}")
        sensor = calling("deploy", f"http://127.0.0.1:{target.port}/", more=more)
        (tmp_path / "m.yaml").write_text("---".join([secret, secured, sensor]))
        target.status = 500
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            headers = {"Authorization": f"Bearer {CANARY}", "Content-Type": "application/json"}
            body = b'{"ref": "refs/heads/main"}'
            assert ask(f"http://127.0.0.1:{port}/push", method="POST", body=body, headers=headers)[0] == 200
            (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
            assert CANARY in target.received[0][0]["X-Token"]
            (event,) = service.get("/api/v1/events")["items"]
            paths = ["events", f"events/{event['id']}", "firings", f"firings/{firing['id']}", f"why?id={firing['id']}", "sensors"]
            paths += ["sources", "dead-letters", f"explain?id={event['id']}", f"trace?id={event['id']}"]
            pages = [ask(f"{service.api}/api/v1/{path}")[2] for path in paths] + [ask(f"{service.api}/metrics")[2]]
            assert service.stop() == 0
        assert not [page for page in pages if CANARY.encode() in page]
        assert CANARY not in service.said()
        simulated = tocsin("simulate", str(tmp_path / "m.yaml"), "--events", "-", "-o", "json", stdin=_recorded(event))
        assert "***" in simulated.stdout
        assert CANARY not in simulated.stdout + simulated.stderr
        for file in (tmp_path / "data").iterdir():
            assert CANARY.encode() not in file.read_bytes(), file


def _recorded(event: dict[str, Any]) -> str:
    data = {"body": {"ref": "refs/heads/main"}}
    head = {
        "specversion": "1.0",
        "id": event["id"],
        "source": "hooks",
        "subject": "push",
        "type": "webhook",
        "datacontenttype": "application/json",
    }
    return json.dumps(head | {"data": data})


def test_the_token_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        token = service.data / "api-token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert token.read_text().strip() not in service.said()


def test_a_healthy_idle_service_is_silent(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
        before = service.said()
        time.sleep(1.5)  # silence takes time to be observed
        assert service.said() == before


def test_an_address_left_behind_by_a_dead_service_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    data = tmp_path / "data"
    with running(str(tmp_path / "m.yaml"), data=data) as service:
        announced = (data / "service.json").read_text()
        service.process.kill()
        service.process.wait(10)
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "other", log=tmp_path / "other.log") as other:
        document = json.loads(announced) | {"url": other.api}
        (data / "service.json").write_text(json.dumps(document))
        done = tocsin("events", "--data", str(data))
        assert done.returncode == 0
        assert "another service answers" in done.stderr
        assert "read from the data folder" in done.stderr
    assert isinstance(service, Service)


def test_garbage_is_looked_for_once_everything_runs_and_not_in_what_a_start_made(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", free_port()))
    (tmp_path / "sitecustomize.py").write_text(
        "import gc, signal, sys\n"
        "def say(*_):\n"
        "    sys.stderr.write(f'collector: on {gc.isenabled()}, kept {gc.get_freeze_count() > 10_000}\\n')\n"
        "    sys.stderr.flush()\n"
        "signal.signal(signal.SIGUSR1, say)\n"
    )
    with running(str(tmp_path / "m.yaml"), data=tmp_path / "data", env={"PYTHONPATH": str(tmp_path)}) as service:
        until = time.monotonic() + 20
        while "listening on" not in service.said():  # the last that a start says; what follows takes no time
            assert time.monotonic() < until, service.said()
        while "collector: on True, kept True" not in service.said():
            assert time.monotonic() < until, service.said()
            service.process.send_signal(signal.SIGUSR1)
            ask(f"{service.api}/livez")  # one more turn of its loop
