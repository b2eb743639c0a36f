"""What goes wrong around the running process: repeats, restarts, targets and disks that are away. Nothing lost, nothing twice."""

import json
import resource
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from service_process import Service, Target, all_ended, ask, calling, free_port, running, tocsin, webhook
from waiting import wait_until

from sources.http.signatures import hub_signature

RETRIES = '      retryStrategy: {steps: 100, duration: "100ms", factor: 1}\n'
PUSH = b'{"ref": "refs/heads/main"}'


def send(port: int, body: bytes = PUSH, path: str = "/push", **headers: str) -> tuple[int, bytes]:
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, said = ask(f"http://127.0.0.1:{port}{path}", method="POST", body=body, headers=named)
    return status, said


def decided(service: Service, count: int) -> None:
    """Wait until `count` events were taken in and every one of them is decided."""
    service.wait_for("/api/v1/events?limit=1000", lambda page: len(page["items"]) == count)
    wait_until(lambda: service.figure("tocsin_events_undecided") == 0, service.said)


def reapply(service: Service) -> None:
    """Have the manifests read again, and wait until that was done."""
    before = len(service.said())
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "manifests_applied" in service.said()[before:], lambda: service.said()[before:])


GITHUB = """
apiVersion: v1
kind: Secret
metadata: {{name: hub}}
stringData: {{key: s}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: hooks}}
spec:
  github:
    push:
      webhook: {{endpoint: /push, port: "{port}", method: POST}}
      organizations: [o]
      events: ["*"]
      webhookSecret: {{name: hub, key: key}}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_one_delivery_sent_five_times_over_restarts_acts_once(tmp_path: Path, number: int) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    headers = {"X_GitHub_Event": "push", "X_GitHub_Delivery": "d-1", "X_Hub_Signature_256": hub_signature("sha256", b"s", PUSH)}
    with Target().serving() as target:
        manifest.write_text(f"{GITHUB.format(port=port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        firings = []
        for times in (2, 2, 1):
            with running(str(manifest), data=tmp_path / "data") as service:
                for _ in range(times):
                    assert send(port, **headers) == (200, b'{"id":"d-1"}')
                (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
                firings.append(service.get(f"/api/v1/firings/{firing['id']}"))
                assert len(service.get("/api/v1/events")["items"]) == 1
                service.stop(number)
        assert len(target.received) == 1
        assert firings[0]["state"] == "succeeded"
        assert firings[1:] == firings[:1] * 2, "a restart changes nothing of what has ended"


def test_no_change_of_the_declarations_fires_anything_by_itself(tmp_path: Path) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    with Target().serving() as target:
        sensor = calling("deploy", f"http://127.0.0.1:{target.port}/")

        def declare(*objects: str) -> None:
            manifest.write_text("---".join([webhook("hooks", port), *objects]))

        declare(sensor)
        with running(str(manifest), data=tmp_path / "data") as service:
            for _ in range(3):
                assert send(port)[0] == 200
            service.wait_for("/api/v1/firings", all_ended(3))
            reapply(service)
            declare(f"# only a remark\n{sensor}")
            reapply(service)
            declare(sensor.replace("deploy", "renamed"))
            reapply(service)
            declare(sensor.replace("deploy", "renamed"), sensor)
            reapply(service)
            assert service.stop() == 0
        with running(str(manifest), data=tmp_path / "data") as service:
            decided(service, 3)
            assert len(target.received) == 3
            declare(sensor.replace("deploy", "renamed"))
            reapply(service)
            assert send(port)[0] == 200
            service.wait_for("/api/v1/firings", all_ended(4))
            declare()
            reapply(service)
            assert send(port)[0] == 200
            decided(service, 5)
            found = service.get("/api/v1/firings")["items"]
            assert Counter(item["sensor"] for item in found) == {"deploy": 3, "renamed": 1}
            assert len(target.received) == 4


def test_a_backlog_drains_by_itself_once_its_target_is_back(tmp_path: Path) -> None:
    port, away, other = free_port(), free_port(), free_port()
    sensor = calling("deploy", f"http://127.0.0.1:{away}/", more=RETRIES)
    stranger = calling("stranger", f"http://127.0.0.1:{away}/", source="others")
    manifest = tmp_path / "m.yaml"
    manifest.write_text("---".join([webhook("hooks", port), webhook("others", other), sensor, stranger]))
    with running(str(manifest), data=tmp_path / "data") as service:
        with ThreadPoolExecutor(16) as senders:
            ids = {json.loads(said)["id"] for _, said in senders.map(lambda _: send(port), range(80))}
        assert len(ids) == 80
        decided(service, 80)
        wait_until(lambda: "unavailable" in service.said() or "failed" in service.said(), service.said)
        with Target().serving(port=away) as target:
            found = service.wait_for("/api/v1/firings?limit=1000", all_ended(80))["items"]
        assert {item["state"] for item in found} == {"succeeded"}
        assert {item["sensor"] for item in found} == {"deploy"}
        assert {item["causes"][0]["id"] for item in found} == ids
        assert Counter(headers["Idempotency-Key"] for headers, _ in target.received) == {item["id"]: 1 for item in found}
        assert service.figure("argo_events_action_duration_milliseconds_sum") > 0
        assert service.figure("argo_events_event_processing_duration_milliseconds_sum") > 0


def test_a_disk_that_takes_nothing_for_long_refuses_with_503_and_goes_on_by_itself(tmp_path: Path) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    with Target().serving() as target:
        sensor = calling("deploy", f"http://127.0.0.1:{target.port}/", more=RETRIES.replace("steps: 100", "steps: 2"))
        manifest.write_text(f"{webhook('hooks', port)}---{sensor}")
        with running(str(manifest), data=tmp_path / "data") as service:
            pid = service.process.pid
            unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            answers = [send(port) for _ in range(20)]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
            until = time.monotonic() + 10
            refused: list[tuple[int, bytes]] = []
            while len(refused) < 20:
                assert time.monotonic() < until
                answer = send(port)
                (answers if answer[0] == 200 else refused).append(answer)
            assert {status for status, _ in refused} == {503}
            assert ask(f"{service.api}/readyz")[0] == 503
            assert ask(f"{service.api}/livez")[0] == 200
            asked = tocsin("sensors", "pause", "deploy", "--data", str(service.data))
            assert asked.returncode == 1
            assert "nothing was done: cannot use" in asked.stderr, asked.stderr
            time.sleep(2.5)  # longer than the two attempts of a firing and the second that a bus is given
            assert service.process.poll() is None
            resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
            service.ready()
            answers.append(wait_until(lambda: next((one for one in [send(port)] if one[0] == 200), None), every_s=0.05))
            accepted = {json.loads(said)["id"] for status, said in answers if status == 200}
            page = service.wait_for(
                "/api/v1/firings?limit=1000",
                lambda page: len(page["items"]) >= len(accepted) and all_ended(len(page["items"]))(page),
            )
            assert {item["state"] for item in page["items"]} == {"succeeded"}
            assert accepted <= {item["causes"][0]["id"] for item in page["items"]}
            assert Counter(headers["Idempotency-Key"] for headers, _ in target.received) == {i["id"]: 1 for i in page["items"]}
            assert [item["state"] for item in service.get("/api/v1/sensors")["items"]] == ["running"], (
                "it is not done later, unseen"
            )
            assert len(service.said()) < 100_000
            assert "log_not_written" in service.said(), "the log was on that disk, too"
            assert service.stop() == 0


def test_stopping_takes_nothing_new_and_records_the_call_in_flight(tmp_path: Path) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    going = threading.Event()
    with Target().serving(going) as target:
        manifest.write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        with running(str(manifest), data=tmp_path / "data") as service:
            assert send(port)[0] == 200
            wait_until(lambda: target.received, service.said)
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not _accepts(port), lambda: "intake is still open")
            assert service.process.poll() is None, "the call in flight is waited for"
            going.set()
            assert service.process.wait(20) == 0
        with running(str(manifest), data=tmp_path / "data") as service:
            (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
            assert firing["state"] == "succeeded"
        assert len(target.received) == 1


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_megabyte_goes_from_webhook_to_target_and_into_every_answer_unshortened(tmp_path: Path) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    with Target().serving() as target:
        whole = calling("whole", f"http://127.0.0.1:{target.port}/", ref="x+")
        manifest.write_text(f"{webhook('hooks', port)}---{whole}")
        with running(str(manifest), data=tmp_path / "data") as service:
            texts = ["x" * size + "end" for size in (10_000, 100_000, 1_000_000)]
            for text in texts:
                status, said = send(port, json.dumps({"ref": text}).encode())
                assert status == 200
                event = service.get(f"/api/v1/events/{json.loads(said)['id']}")
                assert event["data"]["body"]["ref"] == text
            found = service.wait_for("/api/v1/firings", all_ended(3))["items"]
            assert sorted(len(json.loads(body)["ref"]) for _, body in target.received) == [10_003, 100_003, 1_000_003]
            assert all(json.loads(body)["ref"] in texts for _, body in target.received)
            requests = [service.get(f"/api/v1/firings/{item['id']}")["request"] for item in found]
            assert {request["body"]["ref"] for request in requests} == set(texts)
            assert len(service.said()) < 10_000, "what passes through is not logged"


def test_a_failing_target_and_a_flood_of_what_matches_nothing_leave_a_bounded_log(tmp_path: Path) -> None:
    port = free_port()
    manifest = tmp_path / "m.yaml"
    with Target().serving() as target:
        target.status = 500
        quick = RETRIES.replace("steps: 100", "steps: 3").replace("100ms", "1ms")
        broken = calling("broken", f"http://127.0.0.1:{target.port}/", ref="dev", more=quick)
        template = calling("template", f"http://127.0.0.1:{target.port}/").replace(
            "value: [", 'template: "{{ .Input.no }}", value: ['
        )
        manifest.write_text("---".join([webhook("hooks", port), broken, template]))
        with running(str(manifest), data=tmp_path / "data") as service:
            before = len(service.said())
            with ThreadPoolExecutor(16) as senders:
                assert {status for status, _ in senders.map(lambda _: send(port, b'{"ref":"none"}'), range(600))} == {200}
            decided(service, 600)
            filtered = len(service.said())
            with ThreadPoolExecutor(16) as senders:
                assert {status for status, _ in senders.map(lambda _: send(port, b'{"ref":"dev"}'), range(300))} == {200}
            service.wait_for("/api/v1/dead-letters?limit=1000", lambda page: len(page["items"]) == 300)
            assert len(target.received) == 900
            assert filtered - before < 20_000
            assert len(service.said()) - filtered < 60_000
            assert service.figure("argo_events_action_retries_failed_total") == 300


def _waiting(name: str) -> str:
    return f"""
    - name: {name}
      eventSourceName: hooks
      eventName: push
      filters: {{data: [{{path: body.ref, type: string, value: ["^wide-{name}$"]}}]}}"""


def test_a_thousand_sensors_and_one_of_forty_nine_dependencies_stay_small(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        url = f"http://127.0.0.1:{target.port}/"
        (tmp_path / "many").mkdir()
        sensors = [calling(f"s{n}", url, ref=f"^refs/heads/b{n}$") for n in range(1000)]
        names = [f"d{n}" for n in range(49)]
        dependencies = "".join(_waiting(name) for name in names)
        wide = f"""
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: wide}}
spec:
  dependencies:{dependencies}
  triggers:
    - template: {{name: call, conditions: "{" || ".join(names)}", http: {{url: "{url}", method: POST}}}}
"""
        (tmp_path / "many" / "m.yaml").write_text("---".join([webhook("hooks", port), *sensors, wide]))
        began = time.monotonic()
        with running(str(tmp_path / "many"), data=tmp_path / "data") as service:
            assert time.monotonic() - began < 15
            assert send(port, b'{"ref":"refs/heads/b500"}')[0] == 200
            assert send(port, b'{"ref":"wide-d48"}')[0] == 200
            found = service.wait_for("/api/v1/firings", all_ended(2))["items"]
            assert {item["sensor"] for item in found} == {"s500", "wide"}
            assert len(target.received) == 2
            status = Path(f"/proc/{service.process.pid}/status").read_text()
            resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
            assert resident < 200, "MiB"
            assert len(service.said()) < 50_000


def test_what_nobody_knows_the_end_of_is_not_repeated_and_is_said_counted_and_shown(tmp_path: Path) -> None:
    port, going, target = free_port(), threading.Event(), Target()
    with target.serving(going):
        sensor = calling("deploy", f"http://127.0.0.1:{target.port}/", more="      atLeastOnce: false\n")
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{sensor}")
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            assert send(port)[0] == 200
            wait_until(lambda: target.received, service.said)
            service.process.kill()
        going.set()
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
            assert firing["state"] == "unknown"
            assert "may have acted" in firing["reason"]
            assert service.figure('tocsin_firings_closed_total{outcome="unknown"}') == 1
            assert service.figure("tocsin_firings_given_up_total") == 1
            assert "firing_unknown" in service.said()
            assert service.stop() == 0
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            assert service.figure("tocsin_firings_given_up_total") == 0, "it is of the start before"
    assert len(target.received) == 1


SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: target}
stringData: {token: hush}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: shop}
spec:
  dependencies: [{name: push, eventSourceName: hooks, eventName: push}]
  triggers:
    - template:
        name: call
        http:
          url: TARGET
          method: POST
          secureHeaders: [{name: X-Token, valueFrom: {secretKeyRef: {name: target, key: token}}}]
          payload: [{src: {dependencyName: push, dataKey: body.ref}, dest: ref}]
"""


def test_what_was_under_way_at_a_kill_finds_the_secrets_of_its_manifest_at_the_start(tmp_path: Path) -> None:
    port, going, target = free_port(), threading.Event(), Target()
    with target.serving(going):
        manifests = tmp_path / "all.yaml"
        manifests.write_text(webhook("hooks", port) + "---" + SECRET.replace("TARGET", f"http://127.0.0.1:{target.port}/"))
        with running(str(manifests), data=tmp_path / "data") as service:
            assert send(port)[0] == 200
            wait_until(lambda: target.received, service.said)
            service.process.kill()
        going.set()
        with running(str(manifests), data=tmp_path / "data") as service:
            (firing,) = service.wait_for("/api/v1/firings", all_ended(1))["items"]
            assert (firing["state"], len(firing["attempts"])) == ("succeeded", 1), firing
            assert service.stop() == 0
    assert [headers["X-Token"] for headers, _ in target.received] == ["hush", "hush"]
