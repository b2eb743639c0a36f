"""Retrying a workflow that failed: what becomes of its nodes, and which pods have to go. Pure functions.

Semantics: `FormulateRetryWorkflow` of Argo Workflows: what succeeded is kept, what failed is forgotten as if it had never run,
and the groups on the way to it go on.
"""

from typing import Any, NamedTuple

from cluster.api import Json, name_of
from sensors.errors import TriggerRefused
from sensors.triggers.workflows.building import ARCHIVING, COMPLETED, PHASE, with_parameters
from sensors.triggers.workflows.nodes import Nodes, Selector, nodes_of, with_nodes
from sensors.triggers.workflows.options import Options

_GROUPS = frozenset({"Steps", "StepGroup", "DAG", "TaskGroup", "Retry"})
_KEPT = frozenset({"Succeeded", "Skipped"})
_FORGOTTEN = frozenset({"Failed", "Error", "Omitted"})
_POD_PREFIX = 242
"""Characters of a pod's name before the hash of its node's name."""
_FORMAT = "workflows.argoproj.io/pod-name-format"


class Retried(NamedTuple):
    """A workflow to go on, and the pods that must not be there any more."""

    workflow: dict[str, Any]
    pods: tuple[str, ...]


def retried(workflow: Json, options: Options, now: str) -> Retried:
    """Raises `TriggerRefused` where it cannot be retried."""
    phase, name = (workflow.get("status") or {}).get("phase"), name_of(workflow)
    again = phase == "Succeeded" and options.restart_successful and bool(options.selector)
    if phase not in ("Failed", "Error") and not again:
        raise TriggerRefused(f"workflow {name} is {phase or 'not started'}; only one that failed can be retried")
    nodes = nodes_of(workflow)
    chosen = _chosen(nodes, options)
    kept: Nodes = {}
    pods: list[str] = []
    for key, node in nodes.items():
        what = _judged(node, key in chosen, name)
        if what == "keep":
            kept[key] = node
        elif what == "go on":
            kept[key] = _running(node, now)
        elif node.get("type") == "Pod":
            pods.append(pod_name(workflow, node))
    for key in _ancestors(kept, set(nodes) - set(kept)):
        kept[key] = _running(kept[key], now)
    for key, node in kept.items():
        kept[key] = _pruned(node, kept)
    return Retried(with_nodes(_reset(workflow, options, now), kept), tuple(pods))


def pod_name(workflow: Json, node: Json) -> str:
    """What the pod of a node is called."""
    name = name_of(workflow)
    if (workflow["metadata"].get("annotations") or {}).get(_FORMAT) == "v1":
        return str(node["id"])
    if node.get("name") == name:
        return name
    template = node.get("templateName") or (node.get("templateRef") or {}).get("template") or ""
    prefix = f"{name}-{template}" if template else name
    return f"{prefix[:_POD_PREFIX]}-{fnv32a(str(node.get('name')))}"


def fnv32a(text: str) -> int:
    """The hash FNV-1a with 32 bits."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def _judged(node: Json, chosen: bool, workflow: str) -> str:
    """What becomes of one node: `keep`, `go on` or `forget`."""
    phase = node.get("phase")
    if phase not in _KEPT | _FORGOTTEN:
        raise TriggerRefused(f"workflow {workflow} cannot be retried while node {node.get('name')!r} is {phase or 'pending'}")
    if str(node.get("name", "")).startswith(f"{workflow}.onExit") or chosen:
        return "forget"
    if phase in _KEPT:
        return "keep"
    return "go on" if node.get("type") in _GROUPS or node.get("name") == workflow else "forget"


def _chosen(nodes: Nodes, options: Options) -> set[str]:
    """Nodes that are run again though they succeeded: those of the selector, and all below them."""
    if not options.restart_successful or not options.selector:
        return set()
    selector = Selector(options.selector)
    open_ = [key for key, node in nodes.items() if selector.matches(node)]
    if not open_:
        raise TriggerRefused(f"no node matches {options.selector!r}")
    chosen: set[str] = set()
    while open_:
        key = open_.pop()
        if key not in chosen:
            chosen.add(key)
            open_ += list((nodes.get(key) or {}).get("children") or ())
    return chosen


def _ancestors(kept: Nodes, gone: set[str]) -> set[str]:
    """Groups that have something gone below them, at whatever depth."""
    parents: dict[str, set[str]] = {}
    for key, node in kept.items():
        for child in node.get("children") or ():
            parents.setdefault(child, set()).add(key)
        if node.get("boundaryID"):
            parents.setdefault(key, set()).add(str(node["boundaryID"]))
    found: set[str] = set()
    open_ = [parent for key in gone for parent in parents.get(key, ())]
    while open_:
        key = open_.pop()
        if key not in found and key in kept and kept[key].get("type") in _GROUPS:
            found.add(key)
            open_ += parents.get(key, ())
    return found


def _running(node: dict[str, Any], now: str) -> dict[str, Any]:
    rest = {key: value for key, value in node.items() if key not in ("message", "finishedAt", "outputs")}
    return {**rest, "phase": "Running", "startedAt": now, "finishedAt": None}


def _pruned(node: dict[str, Any], kept: Nodes) -> dict[str, Any]:
    pruned = dict(node)
    for field in ("children", "outboundNodes"):
        if node.get(field):
            pruned[field] = [key for key in node[field] if key in kept]
    return pruned


def _reset(workflow: Json, options: Options, now: str) -> dict[str, Any]:
    """The workflow apart from its nodes."""
    status, spec, metadata = dict(workflow["status"]), dict(workflow.get("spec") or {}), dict(workflow["metadata"])
    status |= {"phase": "", "message": "", "startedAt": now, "finishedAt": None, "persistentVolumeClaims": []}
    others = [one for one in status.get("conditions") or () if one.get("type") != "Completed"]
    status["conditions"] = [*others, {"type": "Completed", "status": "False"}]
    spec.pop("shutdown", None)
    if spec.get("activeDeadlineSeconds") == 0:
        del spec["activeDeadlineSeconds"]  # it was ended by that
    if status.get("storedWorkflowTemplateSpec"):
        status["storedWorkflowTemplateSpec"] = {
            key: value for key, value in status["storedWorkflowTemplateSpec"].items() if key != "shutdown"
        }
    if options.parameters:
        spec["arguments"] = with_parameters(spec.get("arguments"), options.parameters)
        if stored := status.get("storedWorkflowTemplateSpec"):
            arguments = with_parameters(stored.get("arguments"), options.parameters)
            status["storedWorkflowTemplateSpec"] = {**stored, "arguments": arguments}
    labels = {key: text for key, text in (metadata.get("labels") or {}).items() if key not in (COMPLETED, ARCHIVING, PHASE)}
    metadata["labels"] = labels
    return {**workflow, "metadata": metadata, "spec": spec, "status": status}
