"""The kind `k8s`: one write to one object of a cluster.

Semantics: Argo Events' `pkg/sensors/triggers/standard-k8s`; what differs is in `docs/triggers/k8s.md`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from manifests.fields import Spec
from manifests.objects import DeclaredTrigger
from sensors.triggers.fitted import Fitted
from sensors.triggers.k8s.acting import Acting, Change, Done
from sensors.triggers.k8s.object_trigger import ObjectTrigger
from sensors.triggers.k8s.rendering import Rendering, StoredObject
from sensors.triggers.k8s.spec import K8sSpec, check_usable
from sensors.triggers.trigger import Trigger, TriggerContext, triggers


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: K8sSpec, context: TriggerContext) -> None:
        check_usable(spec)
        self.rendering = Rendering(spec.source, spec.parameters, "template.k8s.parameters", context, live=spec.live_object)
        self._spec = spec
        self._how = spec.patch_type()

    def show(self) -> Mapping[str, Any]:
        operation = {"operation": self._spec.verb}
        return operation | {"patchStrategy": self._how.value} if self._spec.verb == "patch" else operation

    async def act(self, acting: Acting, kept: StoredObject) -> Done:
        body = await self.rendering.object_of(kept)
        match self._spec.verb:
            case "update":
                change: Change | None = partial(self.rendering.changed, kept) if self._spec.live_object else None
                return await acting.update(body, change)
            case "patch":
                return await acting.patch(body, self._how)
            case "delete":
                return await acting.delete(body)
        return await acting.create(body)


@triggers.register
class K8sKind:
    """The kind `k8s`."""

    key: ClassVar[str] = "k8s"
    spec: ClassVar[type[Spec]] = K8sSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        fitted = Fitted(declared, K8sSpec, lambda spec: _Parts(spec, context), dialect=context.dialect)
        return ObjectTrigger(declared, context, fitted)
