"""The kind `argoWorkflow`: workflows made and steered through the API of the cluster, without the `argo` program.

Semantics: Argo Events' `pkg/sensors/triggers/argo-workflow`, and of what it runs, Argo Workflows' `util` and `submit`; what
differs is in `docs/triggers/argo-workflow.md`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from cluster.api import Json
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger
from sensors.errors import TriggerRefused
from sensors.triggers.fitted import Fitted
from sensors.triggers.k8s.acting import Acting, Done
from sensors.triggers.k8s.object_trigger import ObjectTrigger
from sensors.triggers.k8s.rendering import Rendering, StoredObject
from sensors.triggers.trigger import Trigger, TriggerContext, triggers
from sensors.triggers.workflows import control
from sensors.triggers.workflows.building import API_VERSION, TEMPLATES, from_cron, from_template, resubmitted, submitted
from sensors.triggers.workflows.nodes import Selector
from sensors.triggers.workflows.options import Options, parse_args
from sensors.triggers.workflows.retrying import retried
from sensors.triggers.workflows.spec import ArgoWorkflowSpec

_CHANGES: Mapping[str, Callable[[Json, Options, str], Json]] = {
    "suspend": control.suspended,
    "resume": control.resumed,
    "stop": control.stopped,
    "terminate": control.terminated,
}


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: ArgoWorkflowSpec, context: TriggerContext) -> None:
        self._spec = spec
        self.rendering = Rendering(
            spec.source, spec.parameters, "template.argoWorkflow.parameters", context, check=self._must_be_named
        )
        self._options = parse_args(spec.operation, spec.args)
        Selector(self._options.selector)

    def _must_be_named(self, body: Json) -> None:
        metadata, operation = body.get("metadata") or {}, self._spec.operation
        names = [metadata.get("name"), metadata.get("generateName") if operation == "submit" else None]
        if not any(name for name in names if isinstance(name, str)):
            named = "a name or a generateName" if operation == "submit" else "a name"
            raise ValueError(f"{operation} needs {named} in the metadata of its source")
        if operation == "submit-from":
            _template_kind(body)

    def show(self) -> Mapping[str, Any]:
        shown: dict[str, Any] = {"operation": self._spec.operation}
        return shown | {"args": self._spec.args} if self._spec.args else shown

    async def act(self, acting: Acting, kept: StoredObject) -> Done:
        body = await self.rendering.object_of(kept)
        if self._options.namespace:
            body = {**body, "metadata": {**(body.get("metadata") or {}), "namespace": self._options.namespace}}
        match self._spec.operation:
            case "submit":
                return await acting.create(submitted(body, self._options))
            case "submit-from":
                return await self._submit_from(acting, body, kept.at_ms)
            case "resubmit":
                former = await acting.read(_workflow(body))
                return await acting.create(_placed(resubmitted(former, self._options), former))
            case "retry":
                return await self._retry(acting, body)
        change = _CHANGES[self._spec.operation]
        return await acting.update(_workflow(body), lambda found: change(found, self._options, _now()))

    async def _submit_from(self, acting: Acting, body: Json, at_ms: int) -> Done:
        try:
            kind = _template_kind(body)
        except ValueError as exc:
            raise TriggerRefused(str(exc)) from exc
        template = await acting.read({**body, "apiVersion": API_VERSION, "kind": kind})
        if kind == "CronWorkflow":
            made = from_cron(template, at_ms, self._options)
        else:
            made = from_template(template, kind, self._options)
        return await acting.create(_placed(made, template, body))

    async def _retry(self, acting: Acting, body: Json) -> Done:
        """The pods of what is run again go first: a node finds the pod of its name and takes it for its own."""
        pods: list[Json] = []

        def change(found: Json) -> Json:
            again = retried(found, self._options, _now())
            namespace = str(found["metadata"]["namespace"])
            pods[:] = [
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": namespace}} for pod in again.pods
            ]
            return again.workflow

        async def clear() -> None:
            for pod in pods:
                await acting.delete(pod)

        return await acting.update(_workflow(body), change, before=clear)


@triggers.register
class ArgoWorkflowKind:
    """The kind `argoWorkflow`."""

    key: ClassVar[str] = "argoWorkflow"
    spec: ClassVar[type[Spec]] = ArgoWorkflowSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        fitted = Fitted(declared, ArgoWorkflowSpec, lambda spec: _Parts(spec, context), dialect=context.dialect)
        return ObjectTrigger(declared, context, fitted)


def _template_kind(body: Json) -> str:
    """What `submit-from` takes `body` for. Raises `ValueError`."""
    kind = TEMPLATES.get(str(body.get("kind")).lower())
    if kind is None:
        raise ValueError(f"submit-from takes one of {', '.join(TEMPLATES.values())}, not {body.get('kind')}")
    return kind


def _workflow(body: Json) -> Json:
    """The workflow of the name of `body`, whatever its kind is said to be."""
    return {"apiVersion": API_VERSION, "kind": "Workflow", "metadata": body.get("metadata") or {}}


def _placed(made: dict[str, Any], *owners: Json) -> dict[str, Any]:
    """`made` in the namespace of the first of `owners` that has one."""
    namespaces = [(owner.get("metadata") or {}).get("namespace") for owner in owners]
    namespace = made["metadata"].get("namespace") or next(filter(None, namespaces), None)
    return {**made, "metadata": {**made["metadata"], "namespace": namespace}} if namespace else made


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
