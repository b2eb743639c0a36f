"""Suspending, resuming, stopping and ending a workflow: what each makes of it. Pure functions of the workflow and the time.

One that is so already is returned as it is. Semantics: `SuspendWorkflow`, `ResumeWorkflow`, `StopWorkflow` and
`TerminateWorkflow` of Argo Workflows.
"""

from typing import Any

from cluster.api import Json, name_of
from sensors.errors import TriggerRefused
from sensors.triggers.workflows.building import COMPLETED
from sensors.triggers.workflows.nodes import Selector, is_waiting, nodes_of, with_nodes
from sensors.triggers.workflows.options import Options

FINISHED = frozenset({"Succeeded", "Failed", "Error"})


def suspended(workflow: Json, _options: Options, _now: str) -> Json:
    """No new nodes are started."""
    _refuse_finished(workflow, "suspended")
    return workflow if _spec(workflow).get("suspend") is True else _with_spec(workflow, suspend=True)


def stopped(workflow: Json, options: Options, now: str) -> Json:
    """It is shut down and its exit handlers run; with a selector, waiting nodes fail and the rest goes on."""
    _refuse_finished(workflow, "stopped")
    selector = Selector(options.selector)
    if not selector:
        return workflow if _spec(workflow).get("shutdown") == "Stop" else _with_spec(workflow, shutdown="Stop")
    return _settled(workflow, selector, "Failed", options.message, now)


def terminated(workflow: Json, _options: Options, _now: str) -> Json:
    """It is shut down and no exit handler runs."""
    _refuse_finished(workflow, "terminated")
    return workflow if _spec(workflow).get("shutdown") == "Terminate" else _with_spec(workflow, shutdown="Terminate")


def resumed(workflow: Json, options: Options, now: str) -> Json:
    """Nodes that wait go on, those that a selector chooses or all; and, without one, so does the workflow."""
    selector = Selector(options.selector)
    if not selector and _spec(workflow).get("suspend"):
        spec = {key: value for key, value in _spec(workflow).items() if key != "suspend"}
        workflow = {**workflow, "spec": spec}
    return _settled(workflow, selector, "Succeeded", options.message, now)


def is_finished(workflow: Json) -> bool:
    """Whether it has ended."""
    labels = workflow["metadata"].get("labels") or {}
    return labels.get(COMPLETED) == "true" or (workflow.get("status") or {}).get("phase") in FINISHED


def _settled(workflow: Json, selector: Selector, phase: str, message: str, now: str) -> Json:
    """Waiting nodes come to `phase`."""
    if not selector and not (workflow.get("status") or {}):
        return workflow
    nodes = nodes_of(workflow)
    chosen = [key for key, node in nodes.items() if is_waiting(node) and selector.matches(node)]
    if selector and not chosen:
        raise TriggerRefused(f"no waiting node of workflow {name_of(workflow)} matches {selector.text!r}")
    for key in chosen:
        nodes[key] = _node(nodes[key], phase, message, now)
    return with_nodes(workflow, nodes) if chosen else workflow


def _node(node: dict[str, Any], phase: str, message: str, now: str) -> dict[str, Any]:
    settled = {**node, "phase": phase, "finishedAt": now}
    if message:
        settled["message"] = "; ".join(filter(None, (node.get("message"), message)))
    outputs = node.get("outputs") or {}
    if phase == "Succeeded" and outputs.get("parameters"):
        settled["outputs"] = {**outputs, "parameters": [_supplied(one, node) for one in outputs["parameters"]]}
    return settled


def _supplied(parameter: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """An output that somebody was to supply takes its default."""
    source = parameter.get("valueFrom") or {}
    if "supplied" not in source:
        return parameter
    if "default" not in source:
        raise TriggerRefused(
            f"output {parameter.get('name')!r} of node {node.get('displayName')!r} was not set and has no default; set it first"
        )
    return {key: value for key, value in parameter.items() if key != "valueFrom"} | {"value": source["default"]}


def _refuse_finished(workflow: Json, how: str) -> None:
    if is_finished(workflow):
        raise TriggerRefused(f"workflow {name_of(workflow)} has ended and cannot be {how}")


def _spec(workflow: Json) -> Json:
    spec: Json = workflow.get("spec") or {}
    return spec


def _with_spec(workflow: Json, **fields: Any) -> Json:
    return {**workflow, "spec": {**_spec(workflow), **fields}}
