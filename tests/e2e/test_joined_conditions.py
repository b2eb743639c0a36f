"""Joined conditions in a running service: what waits survives a kill, and can be asked about."""

import json
import signal
from pathlib import Path

from service_process import Target, free_port, running, sent, tocsin, webhook

SENSOR = """
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: pairs}}
spec:
  dependencies:
    - {{name: left-side, eventSourceName: lefts, eventName: left}}
    - {{name: right-side, eventSourceName: rights, eventName: right}}
  triggers:
    - template:
        name: pair
        {conditions}
        http:
          url: {target}
          method: POST
          payload:
            - {{src: {{dependencyName: left-side, dataKey: body.n}}, dest: left}}
            - {{src: {{dependencyName: right-side, dataKey: body.n}}, dest: right}}
"""


def send(port: int, side: str, n: int) -> str:
    return sent(port, {"n": n}, f"/{side}")


def test_what_waits_survives_a_kill_and_fires_with_all_that_came(tmp_path: Path) -> None:
    left, right = free_port(), free_port()
    with Target().serving() as target:
        manifests = tmp_path / "manifests.yaml"
        sensor = SENSOR.format(target=f"http://127.0.0.1:{target.port}/pair", conditions="conditions: left-side && right-side")
        manifests.write_text("\n---\n".join((webhook("lefts", left, "left"), webhook("rights", right, "right"), sensor)))
        with running(str(manifests), data=tmp_path / "data") as service:
            first = send(left, "left", 1)
            second = send(left, "left", 2)
            shown = service.wait_for(
                "/api/v1/sensors/pairs", lambda found: found["waiting"] and found["waiting"][0]["has"][0]["id"] == second
            )
            (waiting,) = shown["waiting"]
            assert (waiting["trigger"], waiting["waits_for"]) == ("pair", [["right-side"]])
            service.process.kill()
            service.process.wait(10)
        kept = tocsin("sensors", "show", "pairs", "--data", str(tmp_path / "data"))
        assert f"waiting     pair for right-side; it has left-side ({second}" in kept.stdout
        assert "pair waits for right-side" in tocsin("explain", second, "--data", str(tmp_path / "data")).stdout
        assert "a later event replaced it" in tocsin("explain", first, "--data", str(tmp_path / "data")).stdout
        with running(str(manifests), data=tmp_path / "data") as service:
            third = send(right, "right", 3)
            page = service.wait_for("/api/v1/firings", lambda found: found["items"] and found["items"][0]["state"] == "succeeded")
            (firing,) = page["items"]
            assert [(cause["dependency"], cause["id"]) for cause in firing["causes"]] == [
                ("left-side", second),
                ("right-side", third),
            ]
            assert service.get("/api/v1/sensors/pairs")["waiting"] == []
            said = tocsin("why", firing["id"], "--data", str(tmp_path / "data")).stdout
            assert f"left-side matched event {second}" in said
            assert f"right-side matched event {third}" in said
            assert f"fired pair: {firing['id']}" in tocsin("explain", third, "--data", str(tmp_path / "data")).stdout
            fourth = send(left, "left", 4)
            service.wait_for("/api/v1/sensors/pairs", lambda found: found["waiting"])
            assert "pair waits for right-side" in tocsin("explain", fourth, "--data", str(tmp_path / "data")).stdout
            manifests.write_text(manifests.read_text().replace("eventName: left}", "eventName: left, filters: {exprs: []}}"))
            service.process.send_signal(signal.SIGHUP)
            service.wait_for("/api/v1/sensors/pairs", lambda found: not found["waiting"])
            said = tocsin("explain", fourth, "--data", str(tmp_path / "data")).stdout
            assert "an edit forgot it" in said, "what it waited for then is not what counts now"
        assert [json.loads(body) for _, body in target.received] == [{"left": "2", "right": "3"}]


def test_without_conditions_all_dependencies_are_joined_in_a_simulation_too(tmp_path: Path) -> None:
    manifests, events = tmp_path / "sensor.yaml", tmp_path / "events.jsonl"
    manifests.write_text(SENSOR.format(target="http://127.0.0.1:9/pair", conditions=""))
    lines = [
        {
            "specversion": "1.0",
            "id": f"{side}{n}",
            "source": f"{side}s",
            "subject": side,
            "type": "webhook",
            "datacontenttype": "application/json",
            "data": {"body": {"n": n}},
        }
        for side, n in (("left", 1), ("left", 2), ("right", 3), ("right", 4))
    ]
    events.write_text("\n".join(map(json.dumps, lines)))
    done = tocsin("simulate", str(manifests), "--events", str(events), "-o", "json")
    assert done.returncode == 0, done.stderr
    (firing,) = json.loads(done.stdout)["firings"]
    assert firing["events"] == [{"source": "lefts", "id": "left2"}, {"source": "rights", "id": "right3"}]
    assert json.loads(done.stdout)["problems"] == []
    body = firing["request"]["body"]
    assert (json.loads(body) if isinstance(body, str) else body) == {"left": "2", "right": "3"}
