"""The service that acts on a cluster, killed after it acted and before it could record that."""

import json
import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes_proxy import Proxy, proxying
from kubernetes_rig import WORKFLOW_KINDS, define
from servers.kubernetes import KubernetesServer
from service_process import Service, ask, free_port, running, tocsin, webhook
from waiting import wait_until

pytestmark = pytest.mark.kubernetes

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "triggers"


def making(namespace: str, resource: str, kind: str = "k8s: {operation: create, ") -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: builds, namespace: {namespace}}}
spec:
  dependencies: [{{name: push, eventSourceName: hooks, eventName: push}}]
  triggers:
    - template:
        name: build
        {kind}source: {{resource: {resource}}},
          parameters: [{{src: {{dependencyName: push, dataKey: body.sha}}, dest: data.sha}}]}}
      retryStrategy: {{steps: 10, duration: 200ms, factor: 1, jitter: 0}}
"""


NOTE = "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: build-}, data: {sha: none}}"


class Place:
    """Manifests, a namespace, and a proxy between the service and the cluster."""

    def __init__(self, server: KubernetesServer, proxy: Proxy, folder: Path) -> None:
        self.server, self.proxy, self.folder = server, proxy, folder
        self.namespace = f"t-{uuid.uuid4().hex[:10]}"
        assert server.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})[0] == 201
        self.port = free_port()
        self.manifests = folder / "manifests"
        self.manifests.mkdir()
        source = webhook("hooks", self.port).replace("name: hooks}", f"name: hooks, namespace: {self.namespace}}}")
        (self.manifests / "source.yaml").write_text(source)
        (self.manifests / "sensor.yaml").write_text(making(self.namespace, NOTE))
        self.arguments = (str(self.manifests), "--kubeconfig", str(server.kubeconfig(folder / "config", url=proxy.url)))
        self.data = folder / "data"

    def send(self, sha: str) -> str:
        headers = {"Content-Type": "application/json"}
        status, _, body = ask(
            f"http://127.0.0.1:{self.port}/push", method="POST", body=json.dumps({"sha": sha}).encode(), headers=headers
        )
        assert status == 200, body
        return str(json.loads(body)["id"])

    def made(self) -> list[str]:
        status, listed = self.server.call("GET", f"/api/v1/namespaces/{self.namespace}/configmaps")
        assert status == 200
        return [item["data"]["sha"] for item in listed["items"]]


@pytest.fixture
def place(kubernetes_server: KubernetesServer, tmp_path: Path) -> Iterator[Place]:
    with proxying(kubernetes_server) as proxy:
        yield Place(kubernetes_server, proxy, tmp_path)


def settled(service: Service) -> list[dict[str, object]]:
    def all_done(found: dict[str, list[dict[str, object]]]) -> bool:
        return bool(found["items"]) and all(item["state"] in ("succeeded", "dead-lettered") for item in found["items"])

    items: list[dict[str, object]] = service.wait_for("/api/v1/firings", all_done)["items"]
    return items


def test_a_service_killed_between_acting_and_recording_makes_one_object(place: Place) -> None:
    acted, released = threading.Event(), threading.Event()

    def hold(method: str, path: str) -> bool:
        if method == "POST":
            acted.set()
            released.wait(30)
        return False

    place.proxy.after = hold
    with running(*place.arguments, data=place.data) as service:
        place.send("abc")
        assert acted.wait(20)
        service.process.kill()
        service.process.wait(10)
    released.set()
    assert place.made() == ["abc"]
    place.proxy.after = lambda method, path: False
    with running(*place.arguments, data=place.data) as service:
        (firing,) = settled(service)
        assert firing["state"] == "succeeded"
        assert service.stop() == 0
    assert place.made() == ["abc"]
    assert [method for method, path in place.proxy.seen if path.endswith("/configmaps?fieldManager=tocsin")] == ["POST", "POST"]


def test_answers_that_are_lost_or_put_off_make_no_second_object(place: Place) -> None:
    lost: list[str] = []

    def lose_first(method: str, path: str) -> bool:
        if method == "POST" and not lost:
            lost.append(path)
            return True
        return False

    place.proxy.after = lose_first
    with running(*place.arguments, data=place.data) as service:
        for sha in ("a", "b", "c"):
            place.send(sha)
        firings = service.wait_for(
            "/api/v1/firings",
            lambda found: len(found["items"]) == 3 and all(one["state"] == "succeeded" for one in found["items"]),
        )
        assert len(firings["items"]) == 3
    assert sorted(place.made()) == ["a", "b", "c"]
    assert lost


def test_what_was_sent_can_be_asked_for_and_simulated(place: Place) -> None:
    with running(*place.arguments, data=place.data) as service:
        event = place.send("abc")
        (firing,) = settled(service)
        shown = service.cli("firings", "show", str(firing["id"]))
    assert shown["request"]["operation"] == "create"
    assert shown["request"]["resource"]["data"] == {"sha": "abc"}
    recorded = place.folder / "events.jsonl"
    told = {"specversion": "1.0", "id": event, "source": "hooks", "subject": "push", "type": "webhook"}
    recorded.write_text(json.dumps({**told, "datacontenttype": "application/json", "data": {"body": {"sha": "x"}}}) + "\n")
    done = tocsin("simulate", str(place.manifests), "--events", str(recorded), "-o", "json")
    assert done.returncode == 0, done.stderr
    (decided,) = json.loads(done.stdout)["firings"]
    assert decided["request"] == {
        "operation": "create",
        "resource": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "build-"}, "data": {"sha": "x"}},
    }


def test_a_service_without_a_cluster_says_what_to_do_and_runs_on(place: Place) -> None:
    arguments = (str(place.manifests), "--kubeconfig", str(place.folder / "nowhere"))
    sensor = place.manifests / "sensor.yaml"
    sensor.write_text(sensor.read_text().replace("steps: 10", "steps: 1"))
    with running(*arguments, data=place.data) as service:
        place.send("abc")
        (firing,) = settled(service)
        shown = service.cli("firings", "show", str(firing["id"]))
        assert shown["attempts"][0]["reason"].endswith("nowhere does not exist; name another with --kubeconfig")
        assert ask(f"{service.api}/readyz")[0] == 200


@pytest.mark.parametrize(
    ("example", "path", "made"),
    [
        ("k8s.yaml", "/apis/batch/v1/namespaces/default/jobs", "build-"),
        ("artifacts.yaml", "/apis/batch/v1/namespaces/default/jobs", "analyse-"),
        ("argo-workflow.yaml", "/apis/argoproj.io/v1alpha1/namespaces/default/workflows", "reindex-"),
    ],
)
def test_the_examples_make_what_they_say(
    kubernetes_server: KubernetesServer, tmp_path: Path, example: str, path: str, made: str
) -> None:
    define(kubernetes_server, *WORKFLOW_KINDS)
    text, port = (EXAMPLES / example).read_text(), free_port()
    (tmp_path / example).write_text(text.replace("12000", str(port)))
    sent = re.search(r"curl -d '(?P<body>[^']+)' .*:12000(?P<path>/\w+)", text)
    assert sent is not None
    kubeconfig = str(kubernetes_server.kubeconfig(tmp_path / "config"))
    with running(str(tmp_path / example), "--kubeconfig", kubeconfig, data=tmp_path / "data") as service:
        headers = {"Content-Type": "application/json"}
        assert ask(f"http://127.0.0.1:{port}{sent['path']}", method="POST", body=sent["body"].encode(), headers=headers)[0] == 200
        (firing,) = service.wait_for("/api/v1/firings", lambda found: found["items"])["items"]
        name = f"{made}{firing['id'][:10]}"
        merge, succeeded = "application/merge-patch+json", {"metadata": {"labels": {"workflows.argoproj.io/phase": "Succeeded"}}}
        wait_until(lambda: kubernetes_server.call("PATCH", f"{path}/{name}", succeeded, merge)[0] == 200, service.said)
        assert [item["state"] for item in settled(service)] == ["succeeded"]
    found = kubernetes_server.call("GET", f"{path}/{name}")[1]
    assert next(iter(json.loads(sent["body"]).values())) in json.dumps(found["spec"])
