"""Bad neighbours of the running process: a target that hangs, one that fails, a rule that errs. Named, bounded, and alone."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from service_process import Service, Target, ask, calling, free_port, running, webhook
from waiting import wait_until

ERRING = """
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: erring}
spec:
  dependencies:
    - name: main
      eventSourceName: hooks
      eventName: push
      filters: {script: "return event.body.none.there == 1"}
  triggers:
    - template: {name: say, log: {}}
"""
JSON = {"Content-Type": "application/json"}
QUICK = '      retryStrategy: {steps: 3, duration: "1ms", factor: 1}\n'


def push(port: int) -> int:
    body = b'{"ref":"refs/heads/main"}'
    return ask(f"http://127.0.0.1:{port}/push", method="POST", body=body, headers=JSON)[0]


def degraded(service: Service) -> dict[str, dict[str, Any]]:
    """What `/readyz` names, by object. It must say ready all the same."""
    found = service.get("/readyz")
    assert found["ready"] is True
    return {one["name"]: one for one in found["degraded"]}


def listed(service: Service, plural: str) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in service.cli(plural, "list")["items"]}


def test_each_bad_neighbour_is_named_and_the_good_one_is_served(tmp_path: Path) -> None:
    port, manifest, going = free_port(), tmp_path / "m.yaml", threading.Event()
    with Target().serving() as good, Target().serving() as failing, Target().serving(going) as hanging:
        failing.status = 500
        urls = {name: f"http://127.0.0.1:{one.port}/" for name, one in (("good", good), ("hanging", hanging))}
        sensors = [calling(name, url) for name, url in urls.items()]
        sensors.append(calling("failing", f"http://127.0.0.1:{failing.port}/", more=QUICK))
        manifest.write_text("---".join([webhook("hooks", port), *sensors, ERRING]))
        with running(str(manifest), data=tmp_path / "data") as service:
            assert degraded(service) == {}
            assert {push(port) for _ in range(60)} == {200}
            found = service.wait_for("/readyz", lambda page: len(page["degraded"]) == 3)
            named = {one["name"]: one for one in found["degraded"]}
            assert found["ready"] is True
            assert set(named) == {"Sensor/default/failing", "Sensor/default/hanging", "Sensor/default/erring"}
            assert "answered 500" in named["Sensor/default/failing"]["reason"]
            assert "redrive" in named["Sensor/default/failing"]["hint"]
            assert "get no answer" in named["Sensor/default/hanging"]["reason"]
            assert "attempt to index" in named["Sensor/default/erring"]["reason"]
            assert all(one["state"] == "degraded" and one["since"] for one in named.values())
            items = listed(service, "sensors")
            assert {name: item["state"] for name, item in items.items()} == {
                "good": "running", "failing": "degraded", "hanging": "degraded", "erring": "degraded",
            }  # fmt: skip
            assert items["erring"]["dependencies"][0]["errors"] == 60
            assert [one["what"] for one in items["hanging"]["troubles"]] == ["hangs"]
            assert "trigger call" in service.cli("sensors", "show", "failing")["message"]
            service.wait_for("/api/v1/firings?sensor=good&limit=1000", _all_succeeded(60))
            page = ask(f"{service.api}/metrics")[2].decode()
            assert 'tocsin_troubles{kind="Sensor",name="hanging",namespace="default"} 1.0' in page
            assert 'tocsin_troubles{kind="Sensor",name="good",namespace="default"} 0.0' in page
            wait_until(lambda: service.said().count('"event":"trouble"') == 3, lambda: service.said()[-3000:])
            failing.status = 200
            going.set()
            assert push(port) == 200
            service.wait_for("/readyz", lambda page: [one["name"] for one in page["degraded"]] == ["Sensor/default/erring"])
            manifest.write_text(manifest.read_text().replace("event.body.none.there == 1", "true"))
            service.process.send_signal(1)
            service.wait_for("/readyz", lambda page: page["degraded"] == [])
            assert service.said().count("\n") < 400


COSTLY = """
    - name: d{n}
      eventSourceName: noise
      eventName: push
      filters:
        data:
          - path: body.pad
            type: string
            value: ["^never$"]
            template: '{{{{ .Input | upper | trimAll "X" | repeat 3 | sha256sum }}}}-{n}'"""


def test_a_flood_that_outruns_deciding_is_slowed_and_named_and_the_others_act_in_time(tmp_path: Path) -> None:
    port, noisy, manifest = free_port(), free_port(), tmp_path / "m.yaml"
    dependencies = "".join(COSTLY.format(n=n) for n in range(40))
    costly = f"""
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: costly}}
spec:
  dependencies:{dependencies}
  triggers:
    - template: {{name: say, log: {{}}}}
"""
    with Target().serving() as target:
        sensor = calling("deploy", f"http://127.0.0.1:{target.port}/")
        manifest.write_text("---".join([webhook("hooks", port), webhook("noise", noisy), sensor, costly]))
        with running(str(manifest), data=tmp_path / "data") as service:
            pid, body = service.process.pid, json.dumps({"pad": "x" * 1000}).encode()
            assert push(port) == 200
            with flooding(noisy, body, senders=12) as answers:
                wait_until(lambda: len(answers) > 100, lambda: service.said()[-3000:])
                before, waiting, overtaken = _rss_kib(pid), 0.0, 0
                until = time.monotonic() + 5
                while time.monotonic() < until:
                    taken = len(answers)
                    _acted(port, target)
                    overtaken = max(overtaken, len(answers) - taken)
                    waiting = max(waiting, service.figure("tocsin_events_undecided"))
                named = service.wait_for("/readyz", lambda page: page["degraded"])
                assert listed(service, "sources")["noise"]["troubles"][0]["what"] == "floods"
                assert listed(service, "sources")["hooks"]["state"] == "running"
            assert named["ready"] is True
            assert named["degraded"][0]["name"] == "EventSource/default/noise"
            assert set(answers) == {200}, "slowed down, not turned away"
            assert waiting < 100
            assert overtaken < 30, "without turns it would wait behind all that came before"
            assert _rss_kib(pid) - before < 30 * 1024
            assert service.said().count("\n") < 600


@contextmanager
def flooding(port: int, body: bytes, *, senders: int) -> Iterator[list[int]]:
    """Send `body` again and again on some connections beside the block; gives the answers so far."""
    answers: list[int] = []
    over = threading.Event()

    def send() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            while not over.is_set():
                connection.request("POST", "/push", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                answers.append(answer.status)

    with ThreadPoolExecutor(senders) as pool:
        done = [pool.submit(send) for _ in range(senders)]
        try:
            yield answers
        finally:
            over.set()
        for one in done:
            one.result()


ENDLESS = ERRING.replace("event.body.none.there == 1", "{rule}")
WITHOUT_END = "while true do end"


def test_a_rule_without_end_is_asked_beside_the_service_which_outlives_it_and_leaves_nothing(tmp_path: Path) -> None:
    port, manifest = free_port(), tmp_path / "m.yaml"
    manifest.write_text("---".join([webhook("hooks", port), ENDLESS.replace("return {rule}", WITHOUT_END)]))
    with running(str(manifest), data=tmp_path / "data") as service:
        helper = _helper_after(service, port, 0)
        os.kill(helper, signal.SIGKILL)
        again = _helper_after(service, port, helper)
        assert "helper_ended" in service.said()
        assert degraded(service)["Sensor/default/erring"]["reason"].startswith("dependency main: its rule")
        counted = len(service.get("/api/v1/events?limit=1000")["items"])
        service.wait_for("/api/v1/sensors/erring", lambda page: page["dependencies"][0]["errors"] == counted)
        service.process.kill()
        wait_until(lambda: not Path(f"/proc/{again}").exists(), lambda: service.said()[-3000:])


def _helper_after(service: Service, port: int, former: int) -> int:
    """The helper that asks rules, once there is one other than `former`; until then events come in."""
    found: list[int] = []

    def is_there() -> bool:
        assert push(port) == 200
        lines = [json.loads(line) for line in service.said().splitlines() if '"helper_started"' in line]
        found[:] = [line["pid"] for line in lines if line["pid"] != former]
        return bool(found)

    wait_until(is_there, lambda: service.said()[-3000:])
    return found[-1]


def _acted(port: int, target: Target) -> None:
    """Send an event, and return when its target has it."""
    count = len(target.received)
    assert push(port) == 200
    wait_until(lambda: len(target.received) > count, every_s=0.002)


def _rss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _all_succeeded(count: int) -> Any:
    return lambda page: len(page["items"]) == count and all(item["state"] == "succeeded" for item in page["items"])


def test_a_flipped_bit_on_disk_is_named_with_its_place_and_the_rest_is_served(tmp_path: Path) -> None:
    port, manifest, data = free_port(), tmp_path / "m.yaml", tmp_path / "data"
    manifest.write_text(webhook("hooks", port))
    with running(str(manifest), data=data) as service:
        for n in range(5):
            body = json.dumps({"ref": f"payload-{n}"}).encode()
            assert ask(f"http://127.0.0.1:{port}/push", method="POST", body=body, headers=JSON)[0] == 200
        assert service.stop() == 0
    content = bytearray((data / "tocsin.db").read_bytes())
    content[content.index(b"payload-3")] ^= 0x10
    (data / "tocsin.db").write_bytes(content)
    with running(str(manifest), data=data) as service:
        assert len(service.get("/api/v1/events")["items"]) == 4, "what is damaged is not served"
        found = service.wait_for("/readyz", lambda page: page["degraded"])
        assert found["ready"] is True
        assert found["degraded"][0]["name"] == "bus"
        assert "position 4 does not match its checksum" in found["degraded"][0]["reason"]
        assert "restore the data folder from a backup" in found["degraded"][0]["hint"]
        assert push(port) == 200
        assert service.said().count("store_damaged") == 1
        assert service.stop() == 0
