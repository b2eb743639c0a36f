"""The argoWorkflow trigger on a real API server that serves the kinds of Argo Workflows. No controller runs them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_rig import WORKFLOW_KINDS, Rig, define, firing_id, rig_of, set_from
from servers.kubernetes import KubernetesServer
from waiting import until

from cluster.marks import FIRINGS
from manifests.fields import Backoff
from manifests.objects import K8sPolicy, Policy, TocsinTriggerHead
from sensors.errors import RenderError, TriggerRefused
from sensors.triggers.workflows.retrying import fnv32a
from sensors.triggers.workflows.trigger import ArgoWorkflowKind

pytestmark = pytest.mark.kubernetes

ARGO = "argoproj.io/v1alpha1"


@pytest.fixture(scope="module")
def workflows(kubernetes_server: KubernetesServer) -> KubernetesServer:
    define(kubernetes_server, *WORKFLOW_KINDS)
    return kubernetes_server


@pytest.fixture
async def rig(workflows: KubernetesServer, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_of(workflows, tmp_path) as made:
        yield made


def named(name: str, kind: str = "Workflow", **more: Any) -> dict[str, Any]:
    return {"apiVersion": ARGO, "kind": kind, "metadata": {"name": name}, **more}


def doing(rig: Rig, operation: str, resource: Any, *args: str, parameters: Any = (), **more: Any) -> Any:
    spec = {"operation": operation, "source": {"resource": resource}, "args": list(args), "parameters": list(parameters)}
    return rig.trigger(ArgoWorkflowKind, spec, **more)


async def kept(rig: Rig, body: Any) -> Any:
    plural = f"{body['kind'].lower()}s"
    return await rig.call("POST", rig.path(plural, group=ARGO), body)


async def look(rig: Rig, name: str) -> Any:
    return await rig.look(name, "workflows", ARGO)


async def test_a_workflow_is_submitted_once(rig: Rig) -> None:
    resource = {
        "apiVersion": ARGO,
        "kind": "Workflow",
        "metadata": {"generateName": "reindex-"},
        "spec": {"workflowTemplateRef": {"name": "reindex"}, "arguments": {"parameters": [{"name": "shard", "value": "none"}]}},
    }
    parameters = [set_from("shard", "spec.arguments.parameters.0.value")]
    trigger = doing(rig, "submit", resource, "--priority", "5", "-l", "team=a", parameters=parameters)
    firing = firing_id()
    assert (await rig.fire(trigger, firing, shard=3)).status == 201
    assert (await rig.fire(trigger, firing, shard=3)).status == 200
    assert await rig.names("workflows", ARGO) == [f"reindex-{firing[:10]}"]
    found = await look(rig, f"reindex-{firing[:10]}")
    assert found["spec"]["priority"] == 5
    assert found["spec"]["arguments"]["parameters"] == [{"name": "shard", "value": "3"}]
    labels = found["metadata"]["labels"]
    assert (labels["team"], labels["events.argoproj.io/sensor"], labels["events.argoproj.io/trigger"]) == ("a", "shop", "act")


async def test_a_submitted_workflow_can_be_waited_for(rig: Rig) -> None:
    policy = K8sPolicy(
        labels={"workflows.argoproj.io/phase": "Succeeded"},
        backoff=Backoff.model_validate({"duration": "200ms", "steps": 200, "jitter": 0}),
        error_on_backoff_timeout=True,
    )
    trigger = doing(rig, "submit", named("wf", spec={}), head=TocsinTriggerHead(policy=Policy(k8s=policy)))
    firing = asyncio.create_task(rig.fire(trigger))
    await until(lambda: rig.has("wf", "workflows", ARGO), every_s=0.02)
    done = {"metadata": {"labels": {"workflows.argoproj.io/phase": "Succeeded"}}}
    await rig.call("PATCH", rig.path("workflows", "wf", ARGO), done, content_type="application/merge-patch+json")
    assert (await firing).detail.endswith("the labels are there")


@pytest.mark.parametrize("kind", ["WorkflowTemplate", "workflowtemplate", "CronWorkflow", "cronworkflow"])
async def test_a_workflow_is_submitted_from_what_is_in_the_cluster(rig: Rig, kind: str) -> None:
    real = {"workflowtemplate": "WorkflowTemplate", "cronworkflow": "CronWorkflow"}[kind.lower()]
    cron = {"workflowSpec": {"entrypoint": "m"}, "schedule": "* * * * *"}
    await kept(rig, named("nightly", real, spec=cron if real == "CronWorkflow" else {"entrypoint": "m"}))
    trigger = doing(rig, "submit-from", named("nightly", kind), "-p", "day=mon")
    firing = firing_id()
    await rig.fire(trigger, firing)
    await rig.fire(trigger, firing)
    (name,) = await rig.names("workflows", ARGO)
    assert name == f"nightly-{firing[:10]}"
    found = await look(rig, name)
    assert found["spec"]["arguments"]["parameters"] == [{"name": "day", "value": "mon"}]
    assert bool(found["metadata"].get("ownerReferences")) is (real == "CronWorkflow")


async def test_a_workflow_is_submitted_from_a_template_of_the_whole_cluster(rig: Rig) -> None:
    name = f"shared-{rig.namespace}"
    await rig.call("POST", f"/apis/{ARGO}/clusterworkflowtemplates", named(name, "ClusterWorkflowTemplate", spec={}))
    await rig.fire(doing(rig, "submit-from", named(name, "ClusterWorkflowTemplate")))
    (made,) = await rig.names("workflows", ARGO)
    assert (await look(rig, made))["spec"]["workflowTemplateRef"] == {"name": name, "clusterScope": True}


async def test_what_is_not_there_or_no_template_is_refused(rig: Rig) -> None:
    with pytest.raises(TriggerRefused, match=r"there is no WorkflowTemplate \S+/nothing"):
        await rig.fire(doing(rig, "submit-from", named("nothing", "WorkflowTemplate")))
    with pytest.raises(RenderError, match="submit-from takes one of CronWorkflow, WorkflowTemplate"):
        await rig.fire(doing(rig, "submit-from", named("nothing")))
    for operation in ("resubmit", "resume", "retry", "suspend", "stop", "terminate"):
        with pytest.raises(TriggerRefused, match=r"there is no Workflow \S+/nothing"):
            await rig.fire(doing(rig, operation, named("nothing")))


async def test_a_workflow_is_submitted_again(rig: Rig) -> None:
    await kept(rig, named("wf", spec={"entrypoint": "m", "shutdown": "Stop"}, status={"phase": "Failed"}))
    firing = firing_id()
    trigger = doing(rig, "resubmit", named("wf"))
    await rig.fire(trigger, firing)
    await rig.fire(trigger, firing)
    assert await rig.names("workflows", ARGO) == ["wf", f"wf-{firing[:10]}"]
    again = await look(rig, f"wf-{firing[:10]}")
    assert (again["spec"], again.get("status")) == ({"entrypoint": "m"}, None)


async def test_a_workflow_is_suspended_resumed_stopped_and_terminated(rig: Rig) -> None:
    waits = {"id": "a", "name": "a", "displayName": "approve", "type": "Suspend", "phase": "Running"}
    await kept(rig, named("wf", spec={"entrypoint": "m"}, status={"phase": "Running", "nodes": {"a": waits}}))
    assert (await rig.fire(doing(rig, "suspend", named("wf")))).detail == f"updated Workflow {rig.namespace}/wf"
    assert (await look(rig, "wf"))["spec"]["suspend"] is True
    assert (await rig.fire(doing(rig, "suspend", named("wf")))).detail == f"Workflow {rig.namespace}/wf is so already"
    await rig.fire(doing(rig, "resume", named("wf"), "--node-field-selector", "displayName=approve", "--message", "by me"))
    found = await look(rig, "wf")
    assert (found["status"]["nodes"]["a"]["phase"], found["status"]["nodes"]["a"]["message"]) == ("Succeeded", "by me")
    await rig.fire(doing(rig, "resume", named("wf")))
    assert "suspend" not in (await look(rig, "wf"))["spec"]
    await rig.fire(doing(rig, "stop", named("wf")))
    assert (await look(rig, "wf"))["spec"]["shutdown"] == "Stop"
    await rig.fire(doing(rig, "terminate", named("wf")))
    assert (await look(rig, "wf"))["spec"]["shutdown"] == "Terminate"


async def test_a_failed_workflow_is_retried_once_and_its_failed_pods_are_deleted_first(rig: Rig) -> None:
    nodes = {
        "wf": {"id": "wf", "name": "wf", "type": "DAG", "phase": "Failed", "children": ["x", "y"]},
        "x": {"id": "x", "name": "wf.x", "type": "Pod", "phase": "Succeeded", "templateName": "t"},
        "y": {"id": "y", "name": "wf.y", "type": "Pod", "phase": "Failed", "templateName": "t"},
    }
    labels = {"workflows.argoproj.io/completed": "true"}
    workflow = named("wf", spec={}, status={"phase": "Failed", "nodes": nodes})
    workflow["metadata"]["labels"] = labels
    await kept(rig, workflow)
    for name in ("wf.x", "wf.y"):
        pod = {"metadata": {"name": f"wf-t-{fnv32a(name)}"}, "spec": {"containers": [{"name": "main", "image": "shop:1"}]}}
        await rig.call("POST", rig.path("pods"), pod)
    trigger = doing(rig, "retry", named("wf"))
    firing = firing_id()
    await rig.fire(trigger, firing)
    found = await look(rig, "wf")
    assert {key: node["phase"] for key, node in found["status"]["nodes"].items()} == {"wf": "Running", "x": "Succeeded"}
    assert found["metadata"]["annotations"][FIRINGS] == firing
    assert await rig.names("pods") == [f"wf-t-{fnv32a('wf.x')}"]
    assert (await rig.fire(trigger, firing)).detail.endswith("was written by an earlier attempt")
    with pytest.raises(TriggerRefused, match="only one that failed can be retried"):
        await rig.fire(trigger)
    assert json.dumps(found)


async def test_a_workflow_goes_where_args_say_if_that_is_allowed(rig: Rig) -> None:
    with pytest.raises(TriggerRefused, match=r"rules may not create Workflow\.argoproj\.io in namespace default"):
        await rig.fire(doing(rig, "submit", named("wf", spec={}), "-n", "default"))
