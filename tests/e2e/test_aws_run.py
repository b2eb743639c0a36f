"""The service that invokes functions, as a process: what people see of it."""

import json
from pathlib import Path

from servers.aws import AwsServer
from service_process import ask, free_port, running, tocsin

MANIFEST = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: hooks}}
spec:
  webhook:
    orders: {{port: "{port}", endpoint: /orders, method: POST}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: shop}}
spec:
  dependencies: [{{name: order, eventSourceName: hooks, eventName: orders}}]
  triggers:
    - template:
        name: large-order
        awsLambda:
          functionName: large-order
          region: eu-central-1
          payload: [{{src: {{dependencyName: order, dataKey: body.id}}, dest: id}}]
"""


def test_an_order_invokes_a_function_and_what_it_said_is_told(aws_server: AwsServer, tmp_path: Path) -> None:
    manifest, port = tmp_path / "shop.yaml", free_port()
    manifest.write_text(MANIFEST.format(port=port))
    env = {"AWS_ENDPOINT_URL": aws_server.url, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush"}
    with running(str(manifest), data=tmp_path / "data", env=env) as service:
        ask(f"http://127.0.0.1:{port}/orders", method="POST", body=b'{"id": "o-7"}', headers={"Content-Type": "application/json"})
        (firing,) = service.wait_for("/api/v1/firings", lambda found: [f for f in found["items"] if f["state"] != "open"])[
            "items"
        ]
        assert service.stop() == 0
    assert (firing["state"], firing["attempts"][0]["status"]) == ("succeeded", 200), firing
    said = firing["attempts"][0]["reason"]
    assert said.startswith("request ")
    told = tocsin("why", firing["id"], "--data", str(tmp_path / "data")).stdout
    assert f"succeeded (200): {said}" in told
    assert json.dumps({"id": "o-7"}, separators=(",", ":")) in "".join(told.split())
