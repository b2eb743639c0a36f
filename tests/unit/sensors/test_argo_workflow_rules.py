"""What the argoWorkflow trigger makes of workflows, without a cluster."""

import base64
import gzip
import json
import sys
from typing import Any

import pytest
from kubernetes_rig import a_bound, compiled, set_from

from manifests.objects import Dialect
from sensors.errors import RenderError, TriggerRefused
from sensors.triggers.k8s.trigger import K8sKind
from sensors.triggers.trigger import TriggerKind
from sensors.triggers.workflows import control
from sensors.triggers.workflows.building import from_cron, from_template, overridden, resubmitted, submitted
from sensors.triggers.workflows.nodes import Selector, nodes_of, with_nodes
from sensors.triggers.workflows.options import Options, parse_args
from sensors.triggers.workflows.retrying import fnv32a, pod_name, retried
from sensors.triggers.workflows.trigger import ArgoWorkflowKind

NOW = "2026-11-24T00:00:00Z"


def a_workflow(name: str = "wf", *, spec: Any = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    made = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name, **metadata}, "spec": spec or {}}
    return made | ({"status": status} if status is not None else {})


def a_node(name: str, phase: str = "Succeeded", type: str = "Pod", **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "displayName": name, "phase": phase, "type": type, **more}


# args


def test_args_are_read_in_every_spelling() -> None:
    words = (
        "-n team --name=x --entrypoint main --serviceaccount=me --priority 5 -p a=1 --parameter b=x=y -l k=v,z= -o json --strict"
    )
    options = parse_args("submit", words.split())
    assert options == Options(
        namespace="team",
        name="x",
        entrypoint="main",
        service_account="me",
        priority=5,
        parameters={"a": "1", "b": "x=y"},
        labels={"k": "v", "z": ""},
    )


@pytest.mark.parametrize("args", [["-n", "team"], ["-nteam"], ["-n=team"], ["--namespace=team"]])
def test_short_options_hold_their_value_as_the_program_takes_it(args: list[str]) -> None:
    assert parse_args("submit", args) == Options(namespace="team")


def test_what_nodes_are_printed_says_nothing_about_a_workflow_that_is_made() -> None:
    assert parse_args("submit", ["--node-field-selector", "phase=abc", "--status=Failed"]) == Options()
    assert parse_args("retry", ["--node-field-selector", "phase=Failed"]) == Options(selector="phase=Failed")


@pytest.mark.parametrize(
    ("operation", "args", "why"),
    [
        ("submit", ["--wait"], "--wait is not supported; wait by policy.k8s"),
        ("submit", ["--parameter-file", "x"], "'--parameter-file' is not supported; expected one of --namespace, --name"),
        ("suspend", ["--priority", "5"], "--priority does not go with suspend; expected one of --namespace$"),
        ("submit", ["--priority", "high"], "--priority 'high' is no whole number"),
        ("submit", ["-p"], "-p needs a value"),
        ("submit", ["-p", "novalue"], "-p 'novalue' is no NAME=VALUE"),
        ("submit", ["--scheduled-time", "noon"], "--scheduled-time 'noon' is no RFC 3339 time"),
        ("resubmit", ["--memoized"], "'--memoized' is not supported"),
    ],
)
def test_args_that_cannot_be_used_are_named(operation: str, args: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_args(operation, args)


# New workflows


def test_overrides_come_first_and_the_rest_is_kept() -> None:
    spec = {"entrypoint": "a", "arguments": {"parameters": [{"name": "x", "value": "1"}, {"name": "y", "value": "2"}]}}
    options = Options(entrypoint="b", parameters={"y": "3", "z": "4"}, labels={"k": "v"}, priority=0)
    made = overridden(a_workflow(spec=spec, labels={"old": "1"}), options)
    assert made["spec"] == {
        "entrypoint": "b",
        "priority": 0,
        "arguments": {"parameters": [{"name": "y", "value": "3"}, {"name": "z", "value": "4"}, {"name": "x", "value": "1"}]},
    }
    assert made["metadata"]["labels"] == {"old": "1", "k": "v"}


def test_a_workflow_says_which_controller_runs_it_and_for_when() -> None:
    made = overridden(a_workflow(), Options(instance="blue", scheduled_time="2024-05-17T09:30:00Z"))
    assert made["metadata"]["labels"] == {"workflows.argoproj.io/controller-instanceid": "blue"}
    assert made["metadata"]["annotations"] == {"workflows.argoproj.io/scheduled-time": "2024-05-17T09:30:00Z"}


def test_only_a_workflow_can_be_submitted() -> None:
    with pytest.raises(TriggerRefused, match=r"submit takes a Workflow of argoproj\.io, not Job of batch/v1"):
        submitted({"apiVersion": "batch/v1", "kind": "Job"}, Options())


@pytest.mark.parametrize(
    ("kind", "label", "ref"),
    [
        ("WorkflowTemplate", "workflow-template", {"name": "t"}),
        ("ClusterWorkflowTemplate", "cluster-workflow-template", {"name": "t", "clusterScope": True}),
    ],
)
def test_a_workflow_from_a_template_refers_to_it(kind: str, label: str, ref: Any) -> None:
    made = from_template({"metadata": {"name": "t"}}, kind, Options(parameters={"a": "1"}))
    assert made["metadata"] == {"generateName": "t-", "labels": {f"workflows.argoproj.io/{label}": "t"}}
    assert made["spec"] == {"workflowTemplateRef": ref, "arguments": {"parameters": [{"name": "a", "value": "1"}]}}


def test_a_workflow_from_a_cron_workflow_is_owned_by_it() -> None:
    cron = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": "c", "uid": "u", "labels": {"workflows.argoproj.io/controller-instanceid": "i"}},
        "spec": {"workflowSpec": {"entrypoint": "m"}, "workflowMetadata": {"labels": {"a": "b"}, "finalizers": ["f"]}},
    }
    made = from_cron(cron, 1_700_000_000_000, Options())
    metadata = made["metadata"]
    assert metadata["labels"] == {
        "workflows.argoproj.io/cron-workflow": "c",
        "workflows.argoproj.io/controller-instanceid": "i",
        "a": "b",
    }
    assert metadata["annotations"] == {"workflows.argoproj.io/scheduled-time": "2023-11-14T22:13:20Z"}
    assert metadata["finalizers"] == ["f"]
    assert [(one["kind"], one["uid"], one["controller"]) for one in metadata["ownerReferences"]] == [("CronWorkflow", "u", True)]
    assert made["spec"] == {"entrypoint": "m"}


def test_a_workflow_is_submitted_again_without_what_belongs_to_its_first_run() -> None:
    labels = {
        "app": "x",
        "workflows.argoproj.io/phase": "Failed",
        "workflows.argoproj.io/completed": "true",
        "workflows.argoproj.io/creator": "me",
        "events.argoproj.io/sensor": "s",
    }
    former = a_workflow(
        "wf-1",
        generateName="wf-",
        labels=labels,
        annotations={"a": "b", "tocsin.dev/firings": "f"},
        uid="u",
        spec={"entrypoint": "m", "shutdown": "Stop", "activeDeadlineSeconds": 0},
        status={"phase": "Failed"},
    )
    assert resubmitted(former, Options()) == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "generateName": "wf-",
            "labels": {"app": "x", "workflows.argoproj.io/resubmitted-from-workflow": "wf-1"},
            "annotations": {"a": "b"},
        },
        "spec": {"entrypoint": "m"},
    }


# Steering


def test_suspending_stopping_and_terminating_set_one_field_once() -> None:
    running = a_workflow(spec={"entrypoint": "m"}, status={"phase": "Running"})
    for change, field in (
        (control.suspended, {"suspend": True}),
        (control.stopped, {"shutdown": "Stop"}),
        (control.terminated, {"shutdown": "Terminate"}),
    ):
        changed = change(running, Options(), NOW)
        assert changed["spec"] == {"entrypoint": "m", **field}
        assert change(changed, Options(), NOW) is changed


@pytest.mark.parametrize("change", [control.suspended, control.stopped, control.terminated])
def test_a_workflow_that_has_ended_cannot_be_steered(change: Any) -> None:
    with pytest.raises(TriggerRefused, match="workflow wf has ended and cannot be"):
        change(a_workflow(status={"phase": "Succeeded"}), Options(), NOW)


def waiting_nodes() -> dict[str, Any]:
    supplied = {"parameters": [{"name": "who", "valueFrom": {"supplied": {}, "default": "nobody"}}, {"name": "x", "value": "1"}]}
    return {
        "a": a_node("a", "Running", "Suspend", outputs=supplied),
        "b": a_node("b", "Running", "Suspend", templateName="wait"),
        "c": a_node("c", "Running"),
    }


def test_resuming_lets_every_waiting_node_go_on() -> None:
    workflow = a_workflow(spec={"suspend": True}, status={"phase": "Running", "nodes": waiting_nodes()})
    resumed = control.resumed(workflow, Options(message="ok"), NOW)
    assert resumed["spec"] == {}
    nodes = resumed["status"]["nodes"]
    assert [(nodes[key]["phase"], nodes[key].get("finishedAt")) for key in "abc"] == [
        ("Succeeded", NOW),
        ("Succeeded", NOW),
        ("Running", None),
    ]
    assert nodes["a"]["outputs"]["parameters"] == [{"name": "who", "value": "nobody"}, {"name": "x", "value": "1"}]
    assert nodes["a"]["message"] == "ok"
    assert control.resumed(resumed, Options(), NOW) is resumed


def test_a_selector_chooses_among_waiting_nodes() -> None:
    workflow = a_workflow(spec={"suspend": True}, status={"phase": "Running", "nodes": waiting_nodes()})
    chosen = control.resumed(workflow, Options(selector="templateName=wait"), NOW)
    assert [chosen["status"]["nodes"][key]["phase"] for key in "ab"] == ["Running", "Succeeded"]
    assert chosen["spec"] == {"suspend": True}
    stopped = control.stopped(workflow, Options(selector="displayName!=b", message="no"), NOW)
    assert [stopped["status"]["nodes"][key]["phase"] for key in "ab"] == ["Failed", "Running"]
    with pytest.raises(TriggerRefused, match="no waiting node of workflow wf matches 'name=z'"):
        control.resumed(workflow, Options(selector="name=z"), NOW)


def test_an_output_that_has_to_be_supplied_keeps_its_node_waiting() -> None:
    outputs = {"parameters": [{"name": "who", "valueFrom": {"supplied": {}}}]}
    workflow = a_workflow(status={"nodes": {"a": a_node("a", "Running", "Suspend", outputs=outputs)}})
    with pytest.raises(TriggerRefused, match="output 'who' of node 'a' was not set and has no default"):
        control.resumed(workflow, Options(), NOW)


def test_packed_nodes_are_unpacked_and_packed_again() -> None:
    packed = base64.b64encode(gzip.compress(json.dumps(waiting_nodes()).encode())).decode()
    workflow = a_workflow(status={"phase": "Running", "compressedNodes": packed})
    resumed = control.resumed(workflow, Options(), NOW)
    assert "nodes" not in resumed["status"]
    assert {node["phase"] for node in nodes_of(resumed).values()} == {"Succeeded", "Running"}
    assert with_nodes(resumed, nodes_of(resumed)) == resumed


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"offloadNodeStatusVersion": "fnv:1"}, "kept in a database; ask the Argo Server"),
        ({"compressedNodes": "!"}, "cannot be unpacked"),
        ({"compressedNodes": base64.b64encode(gzip.compress(b"0" * (33 << 20))).decode()}, "unpack to more than 32 MiB"),
    ],
)
def test_nodes_that_cannot_be_had_are_an_error(status: Any, why: str) -> None:
    with pytest.raises(TriggerRefused, match=why):
        control.resumed(a_workflow(status=status), Options(), NOW)


@pytest.mark.parametrize("text", ["x", "colour=red", "=1"])
def test_a_selector_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="--node-field-selector"):
        Selector(text)


def test_a_selector_sees_inputs_and_references() -> None:
    node = a_node("a", inputs={"parameters": [{"name": "env", "value": "prod"}]}, templateRef={"name": "lib", "template": "t"})
    assert Selector("inputs.parameters.env.value=prod,templateRef.template==t").matches(node)
    assert not Selector("inputs.parameters.env.value=dev").matches(node)


# Retrying


def failed_workflow() -> dict[str, Any]:
    nodes = {
        "wf": a_node("wf", "Failed", "Steps", children=["wf[0]"], outboundNodes=["wf[1].b"], message="child failed"),
        "wf[0]": a_node("wf[0]", "Succeeded", "StepGroup", boundaryID="wf", children=["wf[0].a"]),
        "wf[0].a": a_node("wf[0].a", "Succeeded", boundaryID="wf", templateName="step", children=["wf[1]"]),
        "wf[1]": a_node("wf[1]", "Failed", "StepGroup", boundaryID="wf", children=["wf[1].b"]),
        "wf[1].b": a_node("wf[1].b", "Failed", boundaryID="wf", templateName="step"),
        "wf.onExit": a_node("wf.onExit", "Succeeded", templateName="bye"),
    }
    labels = {"workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": "Failed", "app": "x"}
    status = {
        "phase": "Failed",
        "message": "no",
        "finishedAt": NOW,
        "nodes": nodes,
        "conditions": [{"type": "Completed", "status": "True"}],
    }
    return a_workflow(spec={"entrypoint": "m", "shutdown": "Stop"}, status=status, labels=labels, namespace="n")


def test_what_failed_is_forgotten_and_the_groups_above_it_go_on() -> None:
    again, pods = retried(failed_workflow(), Options(parameters={"a": "1"}), NOW)
    nodes = again["status"]["nodes"]
    assert {key: node["phase"] for key, node in nodes.items()} == {
        "wf": "Running",
        "wf[0]": "Succeeded",
        "wf[0].a": "Succeeded",
        "wf[1]": "Running",
    }
    assert nodes["wf[1]"]["children"] == []
    assert nodes["wf"]["outboundNodes"] == []
    assert "message" not in nodes["wf"]
    assert set(pods) == {f"wf-step-{fnv32a('wf[1].b')}", f"wf-bye-{fnv32a('wf.onExit')}"}
    assert again["metadata"]["labels"] == {"app": "x"}
    assert again["spec"] == {"entrypoint": "m", "arguments": {"parameters": [{"name": "a", "value": "1"}]}}
    status = again["status"]
    assert (status["phase"], status["message"], status["finishedAt"]) == ("", "", None)
    assert status["conditions"] == [{"type": "Completed", "status": "False"}]


def test_what_succeeded_can_be_run_again_on_demand() -> None:
    workflow = failed_workflow()
    options = Options(selector="displayName=wf[0].a", restart_successful=True)
    again, pods = retried(workflow, options, NOW)
    assert {key: node["phase"] for key, node in again["status"]["nodes"].items()} == {"wf": "Running", "wf[0]": "Running"}
    assert f"wf-step-{fnv32a('wf[0].a')}" in pods
    workflow["status"]["phase"] = "Succeeded"
    assert retried(workflow, options, NOW).pods == pods
    with pytest.raises(TriggerRefused, match="no node matches 'displayName=z'"):
        retried(workflow, Options(selector="displayName=z", restart_successful=True), NOW)


def test_only_what_failed_can_be_retried() -> None:
    for phase in ("Succeeded", "Running", ""):
        with pytest.raises(TriggerRefused, match="only one that failed can be retried"):
            retried(a_workflow(status={"phase": phase}), Options(), NOW)
    workflow = failed_workflow()
    workflow["status"]["nodes"]["wf[1].b"]["phase"] = "Running"
    with pytest.raises(TriggerRefused, match=r"cannot be retried while node 'wf\[1\]\.b' is Running"):
        retried(workflow, Options(), NOW)


def test_pods_are_named_as_the_controller_names_them() -> None:
    assert (fnv32a(""), fnv32a("a")) == (2166136261, 0xE40C292C)
    workflow = a_workflow("my-wf")
    assert pod_name(workflow, a_node("my-wf[0].a", templateName="step")) == "my-wf-step-4289984342"
    assert pod_name(workflow, a_node("my-wf")) == "my-wf"
    old = a_workflow("my-wf", annotations={"workflows.argoproj.io/pod-name-format": "v1"})
    assert pod_name(old, a_node("my-wf[0].a", id="my-wf-123")) == "my-wf-123"


# The trigger itself


def test_what_is_shown_is_the_operation_the_workflow_and_the_args() -> None:
    spec = {
        "operation": "submit",
        "source": {"resource": a_workflow(spec={"arguments": {"parameters": [{"name": "n", "value": "none"}]}})},
        "parameters": [set_from("n", "spec.arguments.parameters.0.value")],
        "args": ["--priority", "5"],
    }
    trigger = compiled(ArgoWorkflowKind, spec)
    shown = trigger.show(trigger.render(a_bound(n=7)))
    assert (shown["operation"], shown["args"]) == ("submit", ["--priority", "5"])
    assert shown["resource"]["spec"]["arguments"]["parameters"] == [{"name": "n", "value": "7"}]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"args": ["--wait"]}, "--wait is not supported"),
        ({"source": {}}, "source names no place"),
        ({"operation": "retry", "args": ["--node-field-selector", "colour=red"]}, "'colour=red' is none"),
        ({"source": {"resource": {"kind": "Workflow"}}}, "apiVersion is missing"),
        ({"source": {"inline": "- 1"}}, "is a mapping with apiVersion"),
    ],
)
def test_a_declaration_that_cannot_work_says_why(fields: Any, why: str) -> None:
    spec = {"operation": "submit", "source": {"resource": a_workflow()}} | fields
    with pytest.raises(ValueError, match=why):
        compiled(ArgoWorkflowKind, spec, dialect=Dialect.ARGO)


def test_a_parameter_without_a_value_ends_the_firing() -> None:
    spec = {"operation": "submit", "source": {"resource": a_workflow()}, "parameters": [set_from("missing", "spec.x")]}
    with pytest.raises(RenderError, match=r"template\.argoWorkflow\.parameters\[0\] \(dest 'spec\.x'\)"):
        compiled(ArgoWorkflowKind, spec).render(a_bound())


@pytest.mark.parametrize("kind", [ArgoWorkflowKind, K8sKind])
def test_without_the_library_the_declaration_says_how_to_get_it(kind: type[TriggerKind], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(ValueError, match=r"pip install 'tocsin\[k8s\]'"):
        compiled(kind, {"operation": "create" if kind is K8sKind else "submit", "source": {"resource": a_workflow()}})
