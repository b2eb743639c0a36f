"""The argoWorkflow trigger beside the controller of Argo Workflows: what triggers write, it takes and runs."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes_rig import CONTROLLER_KINDS, WORKFLOW_KINDS, Rig, define, rig_of, set_from
from servers.kubernetes import KubernetesServer
from servers.workflows import WorkflowController
from waiting import until

from manifests.fields import Backoff
from manifests.objects import K8sPolicy, Policy, TocsinTriggerHead
from sensors.errors import TriggerRefused
from sensors.triggers.workflows.trigger import ArgoWorkflowKind

pytestmark = pytest.mark.kubernetes

ARGO = "argoproj.io/v1alpha1"
RUNS_LIMIT_S = 60.0
APPROVAL = {
    "entrypoint": "main",
    "arguments": {"parameters": [{"name": "who", "value": "nobody"}]},
    "templates": [
        {"name": "main", "steps": [[{"name": "first", "template": "wait"}], [{"name": "second", "template": "wait"}]]},
        {"name": "wait", "suspend": {}},
    ],
}
"""Two steps that somebody has to let pass; no step needs a pod."""


@pytest.fixture(scope="module")
def cluster(kubernetes_server: KubernetesServer, workflow_controller: WorkflowController) -> KubernetesServer:
    define(kubernetes_server, *WORKFLOW_KINDS, *CONTROLLER_KINDS)
    workflow_controller.start()
    return kubernetes_server


@pytest.fixture
async def rig(cluster: KubernetesServer, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_of(cluster, tmp_path) as made:
        yield made


def workflow(name: str, spec: Any = APPROVAL, kind: str = "Workflow") -> dict[str, Any]:
    return {"apiVersion": ARGO, "kind": kind, "metadata": {"name": name}, "spec": spec}


async def do(rig: Rig, operation: str, resource: Any, *args: str, parameters: Any = (), **more: Any) -> Any:
    spec = {"operation": operation, "source": {"resource": resource}, "args": list(args), "parameters": list(parameters)}
    return await rig.fire(rig.trigger(ArgoWorkflowKind, spec, **more), who="ada")


async def workflow_once(rig: Rig, name: str, fact: Callable[[Any], bool]) -> Any:
    """The workflow once `fact` holds of it."""

    async def asked() -> Any:
        found = await rig.look(name, "workflows", ARGO)
        return found if fact(found) else None

    return await until(asked, timeout_s=RUNS_LIMIT_S, every_s=0.1)


def phase(found: Any) -> str:
    return str((found.get("status") or {}).get("phase", ""))


def waiting(found: Any) -> set[str]:
    """Names of the steps that wait."""
    nodes = (found.get("status") or {}).get("nodes") or {}
    return {node["displayName"] for node in nodes.values() if node["type"] == "Suspend" and node["phase"] == "Running"}


async def test_a_submitted_workflow_runs_and_each_step_is_let_pass(rig: Rig) -> None:
    parameters = [set_from("who", "spec.arguments.parameters.0.value")]
    await do(rig, "submit", workflow("approval"), parameters=parameters)
    found = await workflow_once(rig, "approval", lambda found: waiting(found) == {"first"})
    assert found["spec"]["arguments"]["parameters"] == [{"name": "who", "value": "ada"}]
    await do(rig, "resume", workflow("approval"), "--node-field-selector", "displayName=first")
    await workflow_once(rig, "approval", lambda found: waiting(found) == {"second"})
    await do(rig, "resume", workflow("approval"))
    await workflow_once(rig, "approval", lambda found: phase(found) == "Succeeded")
    with pytest.raises(TriggerRefused, match="has ended"):
        await do(rig, "suspend", workflow("approval"))


async def test_a_workflow_is_waited_for_until_it_has_succeeded(rig: Rig) -> None:
    once = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {"duration": "1"}}]}
    backoff = Backoff.model_validate({"duration": "200ms", "steps": 200, "jitter": 0})
    policy = K8sPolicy(labels={"workflows.argoproj.io/phase": "Succeeded"}, backoff=backoff, error_on_backoff_timeout=True)
    done = await do(rig, "submit", workflow("short", once), head=TocsinTriggerHead(policy=Policy(k8s=policy)))
    assert done.detail.endswith("the labels are there")
    assert phase(await rig.look("short", "workflows", ARGO)) == "Succeeded"


async def test_a_suspended_workflow_starts_nothing_until_it_is_resumed(rig: Rig) -> None:
    await do(rig, "submit", workflow("held", {**APPROVAL, "suspend": True}))
    await do(rig, "resume", workflow("held"))
    await workflow_once(rig, "held", lambda found: waiting(found) == {"first"})
    await do(rig, "suspend", workflow("held"))
    await do(rig, "resume", workflow("held"), "--node-field-selector", "displayName=first")
    await workflow_once(rig, "held", lambda found: not waiting(found))
    await do(rig, "resume", workflow("held"))
    await workflow_once(rig, "held", lambda found: waiting(found) == {"second"})


@pytest.mark.parametrize("operation", ["stop", "terminate"])
async def test_a_workflow_is_ended(rig: Rig, operation: str) -> None:
    await do(rig, "submit", workflow("ended"))
    await workflow_once(rig, "ended", lambda found: bool(waiting(found)))
    await do(rig, operation, workflow("ended"))
    await workflow_once(rig, "ended", lambda found: phase(found) == "Failed")


async def test_what_failed_is_run_again_and_what_succeeded_is_kept(rig: Rig) -> None:
    await do(rig, "submit", workflow("again"))
    await workflow_once(rig, "again", lambda found: waiting(found) == {"first"})
    await do(rig, "resume", workflow("again"))
    await workflow_once(rig, "again", lambda found: waiting(found) == {"second"})
    await do(rig, "stop", workflow("again"), "--node-field-selector", "displayName=second", "--message", "not yet")
    found = await workflow_once(rig, "again", lambda found: phase(found) == "Failed")
    assert {node.get("message") for node in found["status"]["nodes"].values()} >= {"not yet"}
    await do(rig, "retry", workflow("again"))
    await workflow_once(rig, "again", lambda found: phase(found) == "Running" and waiting(found) == {"second"})
    await do(rig, "resume", workflow("again"))
    await workflow_once(rig, "again", lambda found: phase(found) == "Succeeded")


async def test_a_workflow_runs_once_more(rig: Rig) -> None:
    await do(rig, "submit", workflow("former"))
    await workflow_once(rig, "former", lambda found: bool(waiting(found)))
    await do(rig, "terminate", workflow("former"))
    await workflow_once(rig, "former", lambda found: phase(found) == "Failed")
    await do(rig, "resubmit", workflow("former"), "-p", "who=eve")
    (again,) = [name for name in await rig.names("workflows", ARGO) if name != "former"]
    found = await workflow_once(rig, again, lambda found: waiting(found) == {"first"})
    assert found["spec"]["arguments"]["parameters"] == [{"name": "who", "value": "eve"}]


@pytest.mark.parametrize("kind", ["WorkflowTemplate", "CronWorkflow"])
async def test_a_workflow_from_a_template_runs(rig: Rig, kind: str) -> None:
    spec = APPROVAL if kind == "WorkflowTemplate" else {"schedule": "0 0 29 2 *", "workflowSpec": APPROVAL}
    await rig.call("POST", rig.path(f"{kind.lower()}s", group=ARGO), workflow("nightly", spec, kind))
    await do(rig, "submit-from", workflow("nightly", {}, kind), "-p", "who=eve")
    (name,) = await rig.names("workflows", ARGO)
    found = await workflow_once(rig, name, lambda found: waiting(found) == {"first"})
    assert found["spec"]["arguments"]["parameters"] == [{"name": "who", "value": "eve"}]


async def end_pod(rig: Rig, name: str, exit_code: int) -> None:
    """What a node says of a pod whose program has ended."""
    pod = await rig.look(name, "pods")
    terminated = {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed", "finishedAt": "2026-11-25T00:00:00Z"}
    ended = [
        {
            "name": one["name"],
            "ready": False,
            "restartCount": 0,
            "image": one["image"],
            "imageID": "",
            "state": {"terminated": terminated},
        }
        for one in pod["spec"]["containers"]
    ]
    status = {"phase": "Failed" if exit_code else "Succeeded", "containerStatuses": ended}
    path = f"{rig.path('pods', name)}/status"
    await rig.call("PATCH", path, {"status": status}, content_type="application/merge-patch+json")


async def pods_of(rig: Rig, count: int) -> dict[str, str]:
    """The pod of each step, once there are `count`."""

    async def asked() -> dict[str, str]:
        found = (await rig.call("GET", rig.path("pods")))["items"]
        named = "workflows.argoproj.io/node-name"
        names = {pod["metadata"]["annotations"][named].rpartition(".")[2]: pod["metadata"]["name"] for pod in found}
        return names if len(found) == count else {}

    pods: dict[str, str] = await until(asked, timeout_s=RUNS_LIMIT_S, every_s=0.1)
    return pods


async def test_only_the_pods_of_what_failed_are_made_anew(rig: Rig) -> None:
    container = {"name": "run", "container": {"image": "shop:1", "command": ["true"]}}
    tasks = [{"name": "good", "template": "run"}, {"name": "bad", "template": "run"}]
    spec = {"entrypoint": "main", "templates": [{"name": "main", "dag": {"tasks": tasks}}, container]}
    await do(rig, "submit", workflow("pods", spec))
    pods = await pods_of(rig, 2)
    await end_pod(rig, pods["good"], 0)
    await end_pod(rig, pods["bad"], 1)
    await workflow_once(rig, "pods", lambda found: phase(found) == "Failed")
    before = (await rig.look(pods["bad"], "pods"))["metadata"]["uid"]
    await do(rig, "retry", workflow("pods"))
    await workflow_once(rig, "pods", lambda found: phase(found) == "Running")

    async def made_anew() -> bool:
        return (await pods_of(rig, 2)) == pods and (await rig.look(pods["bad"], "pods"))["metadata"]["uid"] != before

    await until(made_anew, timeout_s=RUNS_LIMIT_S, every_s=0.1)
    await end_pod(rig, pods["bad"], 0)
    await workflow_once(rig, "pods", lambda found: phase(found) == "Succeeded")
