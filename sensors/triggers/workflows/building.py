"""New workflows: from the manifest, from a template, from a cron workflow, from a workflow that ran. Pure functions.

Semantics: `SubmitWorkflow`, `NewWorkflowFromWorkflowTemplate`, `ConvertCronWorkflowToWorkflow` and `FormulateResubmitWorkflow`
of Argo Workflows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cluster.api import Json, name_of
from cluster.marks import OURS, with_metadata
from sensors.errors import TriggerRefused
from sensors.triggers.workflows.options import Options

API_VERSION = "argoproj.io/v1alpha1"
PREFIX = "workflows.argoproj.io/"
COMPLETED = f"{PREFIX}completed"
PHASE = f"{PREFIX}phase"
ARCHIVING = f"{PREFIX}workflow-archiving-status"
_INSTANCE = f"{PREFIX}controller-instanceid"
_SCHEDULED = f"{PREFIX}scheduled-time"
_NOT_COPIED = frozenset({PHASE, COMPLETED, ARCHIVING})
_OURS = "events.argoproj.io/"

TEMPLATES: Mapping[str, str] = {kind.lower(): kind for kind in ("CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate")}
"""What a workflow can be submitted from, by its name in lower case."""


def submitted(body: Json, options: Options) -> dict[str, Any]:
    """The workflow of the manifest, with what `args` say. Raises `TriggerRefused`."""
    if body.get("kind") != "Workflow" or not str(body.get("apiVersion")).startswith("argoproj.io/"):
        raise TriggerRefused(f"submit takes a Workflow of argoproj.io, not {body.get('kind')} of {body.get('apiVersion')}")
    return overridden(body, options)


def from_template(template: Json, kind: str, options: Options) -> dict[str, Any]:
    """A workflow that refers to a template."""
    name = name_of(template)
    shared = kind == "ClusterWorkflowTemplate"
    label = f"{PREFIX}{'cluster-workflow-template' if shared else 'workflow-template'}"
    made = _new(f"{name}-", {label: name}, {"workflowTemplateRef": {"name": name, **({"clusterScope": True} if shared else {})}})
    return overridden(made, options)


def from_cron(cron: Json, at_ms: int, options: Options) -> dict[str, Any]:
    """A workflow as a cron workflow would start it now, owned by it."""
    name, metadata = name_of(cron), cron["metadata"]
    extra = (cron.get("spec") or {}).get("workflowMetadata") or {}
    made = _new(f"{name}-", {f"{PREFIX}cron-workflow": name}, dict((cron.get("spec") or {}).get("workflowSpec") or {}))
    instance = (metadata.get("labels") or {}).get(_INSTANCE)
    made = with_metadata(made, "labels", {**(extra.get("labels") or {}), **({_INSTANCE: instance} if instance else {})})
    scheduled = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = with_metadata(made, "annotations", {_SCHEDULED: scheduled, **(extra.get("annotations") or {})})
    if extra.get("finalizers"):
        made["metadata"]["finalizers"] = list(extra["finalizers"])
    owner = {"apiVersion": cron["apiVersion"], "kind": "CronWorkflow", "name": name, "uid": metadata["uid"]}
    made["metadata"]["ownerReferences"] = [{**owner, "controller": True, "blockOwnerDeletion": True}]
    return overridden(made, options)


def resubmitted(former: Json, options: Options) -> dict[str, Any]:
    """The same workflow again."""
    name, metadata = name_of(former), former["metadata"]
    spec = {key: value for key, value in (former.get("spec") or {}).items() if key != "shutdown"}
    if spec.get("activeDeadlineSeconds") == 0:
        del spec["activeDeadlineSeconds"]
    labels = {key: text for key, text in (metadata.get("labels") or {}).items() if _is_copied(key)}
    made = _new(str(metadata.get("generateName") or f"{name}-"), labels, spec)
    made = with_metadata(made, "labels", {f"{PREFIX}resubmitted-from-workflow": name})
    annotations = {key: text for key, text in (metadata.get("annotations") or {}).items() if not key.startswith(OURS)}
    if annotations:
        made = with_metadata(made, "annotations", annotations)
    if metadata.get("ownerReferences"):
        made["metadata"]["ownerReferences"] = list(metadata["ownerReferences"])
    return overridden(made, options)


def overridden(body: Json, options: Options) -> dict[str, Any]:
    """`body` with what `args` say in place of what it says."""
    metadata, spec = dict(body.get("metadata") or {}), dict(body.get("spec") or {})
    if options.name:
        metadata["name"] = options.name
    if options.generate_name:
        metadata["generateName"] = options.generate_name
    if options.namespace:
        metadata["namespace"] = options.namespace
    if options.entrypoint:
        spec["entrypoint"] = options.entrypoint
    if options.service_account:
        spec["serviceAccountName"] = options.service_account
    if options.priority is not None:
        spec["priority"] = options.priority
    if options.parameters:
        spec["arguments"] = with_parameters(spec.get("arguments"), options.parameters)
    made: dict[str, Any] = {**body, "metadata": metadata, "spec": spec}
    labels = {**options.labels, **({_INSTANCE: options.instance} if options.instance else {})}
    annotations = {**options.annotations, **({_SCHEDULED: options.scheduled_time} if options.scheduled_time else {})}
    for field, values in (("labels", labels), ("annotations", annotations)):
        if values:
            made = with_metadata(made, field, values)
    return made


def with_parameters(arguments: Json | None, given: Mapping[str, str]) -> dict[str, Any]:
    """Arguments with `given` first, and those of other names kept."""
    former = (arguments or {}).get("parameters") or []
    first = [{"name": name, "value": value} for name, value in given.items()]
    return {**(arguments or {}), "parameters": [*first, *(one for one in former if one.get("name") not in given)]}


def _new(prefix: str, labels: Mapping[str, str], spec: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"generateName": prefix, "labels": dict(labels)}
    return {"apiVersion": API_VERSION, "kind": "Workflow", "metadata": metadata, "spec": dict(spec)}


def _is_copied(label: str) -> bool:
    return label not in _NOT_COPIED and not label.startswith((f"{PREFIX}creator", _OURS))
