"""The kind `k8s`: one write to one object of a cluster.

Semantics: Argo Events' `pkg/sensors/triggers/standard-k8s`; what differs is in `docs/triggers/k8s.md`.
"""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, ClassVar, cast

from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError
from sensors.triggers.k8s.acting import Acting, Author, Change, Done
from sensors.triggers.k8s.hand import Hand, told
from sensors.triggers.k8s.rendering import Rendering, StoredObject, TemplateRewriting, parse_spec, stored
from sensors.triggers.k8s.spec import K8sSpec, check_usable
from sensors.triggers.k8s.waiting import LabelPolicy
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

ACTING_S = 60.0
"""Seconds for reading the object and writing it."""


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: K8sSpec, context: TriggerContext) -> None:
        check_usable(spec)
        self.spec = spec
        self.rendering = Rendering(spec.source, spec.parameters, "template.k8s.parameters", context, live=spec.live_object)
        self.how = spec.patch_type()


class K8sTrigger:
    """One compiled k8s trigger. Its cluster is the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        spec = cast("K8sSpec", declared.spec)
        policy = declared.head.policy
        self._policy = LabelPolicy(policy.k8s) if policy is not None and policy.k8s is not None else None
        self._context = context
        self._name = declared.name
        self._hand = context.shared.get(Hand)
        self._rewriting = TemplateRewriting(declared)
        parse = partial(parse_spec, K8sSpec, lenient=context.dialect is Dialect.ARGO)
        self._parts = None if self._rewriting else _Parts(spec, context)
        self._rewritten = lru_cache(maxsize=64)(lambda text: _Parts(parse(text), context))

    @property
    def timeout_s(self) -> float:
        """Seconds for one attempt, waiting for labels included."""
        return ACTING_S + (self._policy.longest_s if self._policy is not None else 0.0)

    def render(self, bound: Bound) -> bytes:
        """Return the object, or what is needed to read it, as bytes to store."""
        try:
            if self._parts is not None:
                return self._parts.rendering.render(bound, None)
            spec = self._rewriting.apply(bound)
            return self._rewritten(spec).rendering.render(bound, spec)
        except (ParameterError, ValueError) as exc:
            raise RenderError(str(exc)) from exc

    def show(self, request: bytes) -> Mapping[str, Any]:
        """The operation and the object; where that is read when acting, from where, and what is set in it."""
        kept = stored(request)
        parts = self._of(kept)
        shown: dict[str, Any] = {"operation": parts.spec.verb, **parts.rendering.show(kept)}
        if parts.spec.verb == "patch":
            shown["patchStrategy"] = parts.how.value
        return shown

    async def fire(self, request: bytes, *, idempotency_key: str) -> Delivered:
        """Act once, and wait for the labels of the policy."""
        kept = stored(request)
        parts = self._of(kept)
        with told():
            done = await self._act(parts, kept, idempotency_key)
            if self._policy is None or done.found is None:
                return Delivered(status=done.status, detail=done.detail)
            said = await self._policy.wait(self._hand.cluster, done, done.found, idempotency_key)
            return Delivered(status=done.status, detail=f"{done.detail}; {said}")

    async def aclose(self) -> None:
        """Do nothing: connections are the service's."""

    async def _act(self, parts: _Parts, kept: StoredObject, firing: str) -> Done:
        context = self._context
        author = Author(namespace=context.namespace, sensor=context.sensor, trigger=self._name, firing=firing, at_ms=kept.at_ms)
        acting = Acting(self._hand, author)
        body = await parts.rendering.object_of(kept)
        match parts.spec.verb:
            case "update":
                change: Change | None = partial(parts.rendering.changed, kept) if parts.spec.live_object else None
                return await acting.update(body, change)
            case "patch":
                return await acting.patch(body, parts.how)
            case "delete":
                return await acting.delete(body)
        return await acting.create(body)

    def _of(self, kept: StoredObject) -> _Parts:
        return self._parts if self._parts is not None else self._rewritten(kept.spec)


@triggers.register
class K8sKind:
    """The kind `k8s`."""

    key: ClassVar[str] = "k8s"
    spec: ClassVar[type[Spec]] = K8sSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        return K8sTrigger(declared, context)
