"""A dlqTrigger runs once after its trigger was given up, through crashes, and never otherwise."""

import json
import signal
import time
from pathlib import Path

from service_process import Target, free_port, running, sent, tocsin, webhook

SENSOR = """
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: deploy}}
spec:
  dependencies:
    - {{name: push, eventSourceName: hooks, eventName: push}}
  triggers:
    - atLeastOnce: true
      retryStrategy: {{steps: 2, duration: 10ms, jitter: 0}}
      template:
        name: call
        http:
          url: {failing}
          method: POST
          payload: [{{src: {{dependencyName: push, dataKey: body.n}}, dest: number}}]
      dlqTrigger:
        atLeastOnce: true
        retryStrategy: {{steps: 20, duration: 50ms, jitter: 0}}
        template:
          name: tell
          http:
            url: {told}
            method: POST
            payload: [{{src: {{dependencyName: push, dataKey: body.n}}, dest: lost}}]
"""


def written(folder: Path, port: int, failing: Target, told: Target) -> str:
    file = folder / "manifests.yaml"
    urls = {"failing": f"http://127.0.0.1:{failing.port}/do", "told": f"http://127.0.0.1:{told.port}/told"}
    file.write_text(f"{webhook('hooks', port)}\n---\n{SENSOR.format(**urls)}")
    return str(file)


def test_it_runs_once_with_the_same_events_after_the_last_attempt(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as failing, Target().serving() as told:
        failing.status = 503
        with running(written(tmp_path, port, failing, told), data=tmp_path / "data") as service:
            sent(port, {"n": 7})
            page = service.wait_for("/api/v1/firings", lambda page: [one["state"] for one in page["items"]].count("succeeded"))
            last, first = page["items"]
            assert (first["trigger"], first["state"], last["trigger"]) == ("call", "dead-lettered", "call/dlqTrigger")
            assert [json.loads(body) for _, body in told.received] == [{"lost": "7"}]
            assert len(failing.received) == 2
            assert last["causes"] == first["causes"]
            assert told.received[0][0]["Idempotency-Key"] == last["id"]
            failing.status = 200
            sent(port, {"n": 8})
            service.wait_for("/api/v1/firings", lambda page: [one["state"] for one in page["items"]].count("succeeded") == 2)
        assert len(told.received) == 1, "what succeeds is not followed"
        why = tocsin("why", str(last["id"]), "--data", str(tmp_path / "data")).stdout
        assert f"runs because firing {first['id']} of deploy/call was given up" in why
        assert '"lost": "7"' in why


def test_a_kill_at_any_time_loses_none_and_runs_none_twice(tmp_path: Path) -> None:
    port, many = free_port(), 30
    with Target().serving() as failing, Target().serving() as told:
        failing.status = 503
        manifests = written(tmp_path, port, failing, told)
        for round_ in range(3):
            with running(manifests, data=tmp_path / "data") as service:
                for n in range(many // 3):
                    sent(port, {"n": round_ * many // 3 + n})
                until = time.monotonic() + 0.05 * round_
                while time.monotonic() < until:
                    time.sleep(0.005)
                service.stop(signal.SIGKILL)
        with running(manifests, data=tmp_path / "data") as service:
            service.wait_for(
                "/api/v1/firings?limit=1000", lambda page: [one["state"] for one in page["items"]].count("succeeded") == many
            )
        keys = {headers["Idempotency-Key"]: json.loads(body)["lost"] for headers, body in told.received}
        assert sorted(keys.values(), key=int) == [str(n) for n in range(many)]
