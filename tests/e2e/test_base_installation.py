"""What needs no client library works without any: only who acts needs one."""

import json
import subprocess
import sys
from pathlib import Path

from service_process import QUIET_ENV, tocsin

ROOT = Path(__file__).resolve().parents[2]
TRIGGERS = ROOT / "examples" / "triggers"
LIBRARIES = (
    "_pulsar", "aiobotocore", "aiokafka", "aiosmtplib", "azure", "botocore", "cramjam", "cryptography", "fastavro", "google",
    "grpc", "jwt", "kubernetes", "nats", "pulsar", "slack_sdk", "watchfiles",
)  # fmt: skip
"""What `pip install tocsin` does not bring."""


def without_extras(*args: str) -> subprocess.CompletedProcess[str]:
    """A command where none of the extras is installed."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({LIBRARIES!r}))"
    program = f"{hide}; from tocsin.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *args], capture_output=True, text=True, timeout=60, env=QUIET_ENV, check=False
    )


def event(source: str, name: str, body: object) -> str:
    head = {"specversion": "1.0", "id": "1", "source": source, "subject": name, "type": "webhook"}
    return json.dumps(head | {"datacontenttype": "application/json", "data": {"body": body}})


def test_manifests_of_every_kind_of_trigger_are_valid() -> None:
    done = without_extras("validate", str(TRIGGERS))
    assert (done.returncode, done.stderr, "pip install" in done.stdout) == (0, "", False), done.stdout


PAYLOAD = [{"src": {"dependencyName": "d", "dataKey": "body.n"}, "dest": "n"}]
KINDS = {
    "k8s": {"operation": "create", "source": {"resource": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}}},
    "kafka": {"url": "a:9092", "topic": "t", "payload": PAYLOAD, "schemaRegistry": {"url": "http://r", "schemaId": 1}},
    "nats": {"url": "nats://a:4222", "subject": "t", "payload": PAYLOAD},
    "pulsar": {"url": "pulsar://a:6650", "topic": "t", "payload": PAYLOAD},
    "slack": {"slackToken": {"name": "s", "key": "k"}, "channel": "c", "message": "m"},
    "custom": {"serverURL": "a:1", "spec": {"x": "y"}, "payload": PAYLOAD},
    "email": {"host": "a", "port": 25, "to": ["a@b.example"], "from": "c@b.example", "subject": "s", "body": "b"},
    "awsLambda": {"functionName": "f", "region": "eu-west-1", "payload": PAYLOAD},
}


def test_requests_are_shown_as_where_everything_is_installed(tmp_path: Path) -> None:
    dependency = {"name": "d", "eventSourceName": "s", "eventName": "e"}
    triggers = [{"template": {"name": kind, kind: fields}} for kind, fields in KINDS.items()]
    spec = {"dependencies": [dependency], "triggers": triggers}
    sensor = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Sensor", "metadata": {"name": "s"}, "spec": spec}
    (tmp_path / "m.json").write_text(json.dumps(sensor))
    (tmp_path / "e.jsonl").write_text(event("s", "e", {"n": 5}))
    args = ("simulate", str(tmp_path / "m.json"), "--events", str(tmp_path / "e.jsonl"), "-o", "json")
    bare, whole = without_extras(*args), tocsin(*args)
    assert (bare.returncode, bare.stderr) == (0, ""), bare.stdout
    assert bare.stdout == whole.stdout
    shown = {firing["trigger"]: "request" in firing for firing in json.loads(bare.stdout)["firings"]}
    assert shown == dict.fromkeys(KINDS, True)


def test_a_service_that_is_to_act_says_what_to_install(tmp_path: Path) -> None:
    done = without_extras("run", str(TRIGGERS / "kafka.yaml"), "--strict", "--data", str(tmp_path / "data"), "--api", "off")
    assert done.returncode == 2
    assert "pip install 'tocsin[kafka]'" in done.stderr
