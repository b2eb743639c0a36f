"""What triggers of a cluster have in common: an object is rendered, something is done with it, and labels are waited for."""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from cluster.access import NOT_INSTALLED, is_installed
from cluster.marks import Written
from eventbus.chain import Chain
from manifests.objects import DeclaredTrigger
from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError
from sensors.triggers.fitted import Fitted
from sensors.triggers.k8s.acting import Acting, Author, Done
from sensors.triggers.k8s.hand import Hand, told
from sensors.triggers.k8s.rendering import Rendering, StoredObject, stored
from sensors.triggers.k8s.waiting import LabelPolicy
from sensors.triggers.trigger import Delivered, TriggerContext

ACTING_S = 60.0
"""Seconds for reading the object and writing it."""


class Parts(Protocol):
    """One declaration compiled."""

    rendering: Rendering

    def show(self) -> Mapping[str, Any]:
        """What to print beside the object."""

    async def act(self, acting: Acting, kept: StoredObject) -> Done:
        """Do it. Raises faults of the cluster and errors of a trigger."""


PartsT = TypeVar("PartsT", bound=Parts)


class ObjectTrigger(Generic[PartsT]):
    """One compiled trigger. Its cluster is the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext, fitted: Fitted[PartsT]) -> None:
        """`fitted` makes the parts of the declaration. Raises `ValueError` where the library is missing."""
        if context.acts and not is_installed():
            raise ValueError(NOT_INSTALLED)
        policy = declared.head.policy
        self._policy = LabelPolicy(policy.k8s) if policy is not None and policy.k8s is not None else None
        self._context = context
        self._name = declared.name
        self._hand = context.shared.get(Hand)
        self._fitted = fitted

    @property
    def timeout_s(self) -> float:
        """Seconds for one attempt, waiting for labels included."""
        return ACTING_S + (self._policy.longest_s if self._policy is not None else 0.0)

    def render(self, bound: Bound) -> bytes:
        """Return the object, or what is needed to read it, as bytes to store. Raises `RenderError`."""
        parts, spec = self._fitted.for_firing(bound)
        try:
            return parts.rendering.render(bound, spec)
        except (ParameterError, ValueError) as exc:
            raise RenderError(str(exc)) from exc

    def show(self, request: bytes) -> Mapping[str, Any]:
        """What is done, and the object; where that is read when acting, from where, and what is set in it."""
        kept = stored(request)
        parts = self._fitted.stored(kept.spec)
        return {**parts.show(), **parts.rendering.show(kept)}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Act once, and wait for the labels of the policy."""
        kept = stored(request)
        author = Author(
            namespace=self._context.namespace,
            sensor=self._context.sensor,
            trigger=self._name,
            written=_written(kept, idempotency_key, chain),
            at_ms=kept.at_ms,
        )
        with told():
            done = await self._fitted.stored(kept.spec).act(Acting(self._hand, author), kept)
            if self._policy is None or done.found is None:
                return Delivered(status=done.status, detail=done.detail)
            said = await self._policy.wait(self._hand.cluster, done, done.found, idempotency_key)
            return Delivered(status=done.status, detail=f"{done.detail}; {said}")

    async def aclose(self) -> None:
        """Do nothing: connections are the service's."""


def _written(kept: StoredObject, firing: str, chain: Chain | None) -> Written:
    told = chain or Chain("", firing, 0)
    return Written(firing, tuple(kept.events), told.correlation, told.hops)
