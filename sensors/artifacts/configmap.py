"""An object in a key of a ConfigMap: of the manifests, the environment, a mounted file, or else of the cluster."""

from typing import Any

from cluster.faults import NotFound
from manifests.fields import ConfigMapRef
from manifests.secrets import SecretMissing
from sensors.errors import TriggerUnavailable
from sensors.triggers.k8s.hand import Hand, told
from sensors.triggers.trigger import TriggerContext


class ConfigMapPlace:
    """A key of a ConfigMap in the sensor's own namespace."""

    def __init__(self, declared: ConfigMapRef, context: TriggerContext) -> None:
        if not declared.name:
            raise ValueError("name is missing; give the name of the ConfigMap")
        self._declared = declared
        self._namespace = context.namespace
        self._values = context.values
        self._hand = context.shared.get(Hand)

    @property
    def what(self) -> str:
        """Names it in errors."""
        return f"key {self._declared.key!r} of ConfigMap {self._namespace}/{self._declared.name}"

    def show(self) -> dict[str, Any]:
        """Which key of which ConfigMap."""
        return {"name": self._declared.name, "key": self._declared.key}

    async def read(self) -> bytes:
        """The text. Raises `TriggerUnavailable` where it is not there."""
        try:
            return self._values.config(self._namespace, self._declared.name, self._declared.key).encode()
        except SecretMissing as exc:
            missing = exc
        try:
            found = await self._of_cluster()
        except TriggerUnavailable as exc:
            raise TriggerUnavailable(f"{missing}; {exc}", retry_after_s=exc.retry_after_s, status=exc.status) from exc
        if found is None:
            raise TriggerUnavailable(f"{missing}, and the cluster has no such key")
        return found

    async def _of_cluster(self) -> bytes | None:
        cluster = self._hand.cluster
        with told():
            kind = await cluster.kind("v1", "ConfigMap")
            try:
                found = await cluster.get(kind, self._namespace, self._declared.name)
            except NotFound:
                return None
        text = (found.get("data") or {}).get(self._declared.key)
        return text.encode() if isinstance(text, str) else None
