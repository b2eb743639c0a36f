"""Reading and writing objects of a cluster."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from cluster.access import Access
from cluster.faults import ClusterRefused, ClusterUnavailable, NotFound
from cluster.kinds import Discovery, Kind
from cluster.transport import JSON, Json, Request, Transport

MANAGER = "tocsin"
"""Whose fields the cluster takes ours for."""


class PatchType(StrEnum):
    """How a patch is meant. Semantics: Kubernetes API concepts, "Updates to existing resources"."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class Cluster:
    """One cluster as one user sees it. Connects when first used. Close it with `aclose`.

    Every method raises `ClusterUnavailable` where a later try may do better, and `ClusterRefused` where it will not. If
    cancelled, a write may or may not have been carried out.
    """

    def __init__(self, access: Access | None = None) -> None:
        self.access = access or Access()
        self._transport = Transport(self.access)
        self._discovery = Discovery(self._document)

    async def kind(self, api_version: str, name: str) -> Kind:
        """The kind as the cluster serves it. Raises `UnknownKind`."""
        return await self._discovery.find(api_version, name)

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """One object. Raises `NotFound`."""
        return await self._send(kind, Request("GET", kind.path(namespace, name), f"get {said(kind, namespace, name)}"))

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        """Create an object and return it as it is stored. Raises `AlreadyExists`."""
        what = f"create {said(kind, namespace, name_of(body))}"
        return await self._send(kind, Request("POST", kind.path(namespace), what, _MANAGED, body))

    async def replace(self, kind: Kind, namespace: str, body: Json) -> Json:
        """Put an object in the place of the one of its name. Raises `Conflict` where that is not of its `resourceVersion`."""
        name = name_of(body)
        what = f"update {said(kind, namespace, name)}"
        return await self._send(kind, Request("PUT", kind.path(namespace, name), what, _MANAGED, body))

    async def patch(self, kind: Kind, namespace: str, name: str, body: Json | Sequence[Any], how: PatchType) -> Json:
        """Change an object. `APPLY` takes over fields that others own, and makes the object where there is none."""
        query = (*_MANAGED, ("force", "true")) if how is PatchType.APPLY else _MANAGED
        what = f"patch {said(kind, namespace, name)}"
        return await self._send(kind, Request("PATCH", kind.path(namespace, name), what, query, body, how.value))

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str = "") -> Json:
        """Delete an object, what it owns in the background after it. With `uid`: that one only. Raises `NotFound`, `Conflict`."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        what = f"delete {said(kind, namespace, name)}"
        return await self._send(kind, Request("DELETE", kind.path(namespace, name), what, (), options))

    async def changed(self, kind: Kind, namespace: str, seen: Json, *, timeout_s: float) -> Json:
        """The object once it is another than `seen`, or `seen` after `timeout_s`. Raises `NotFound` once it is deleted."""
        metadata = seen["metadata"]
        query = (
            ("watch", "true"),
            ("fieldSelector", f"metadata.name={metadata['name']}"),
            ("resourceVersion", str(metadata["resourceVersion"])),
        )
        what = f"watch {said(kind, namespace, str(metadata['name']))}"
        request = Request("GET", kind.path(namespace), what, query, timeout_s=timeout_s)
        try:
            async with self._transport.lines(request) as lines:
                async for line in lines:
                    if line.get("type") == "DELETED":
                        raise NotFound(f"{request.what}: it was deleted", status=404, reason="NotFound")
                    if line.get("type") in ("ADDED", "MODIFIED"):
                        changed: Json = line["object"]
                        return changed
        except ClusterUnavailable:
            return seen  # a watch that breaks off is no fault: whoever waits looks again
        except ClusterRefused as exc:
            if exc.status not in _NO_WATCH:
                raise
        return seen

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _send(self, kind: Kind, request: Request) -> Json:
        try:
            return await self._transport.send(request)
        except NotFound as exc:
            if not exc.reason:  # no `Status`: the path itself is not served, so what was discovered is old
                self._discovery.forget(kind.api_version)
                raise ClusterUnavailable(
                    f"{request.what}: the cluster does not serve {kind.plural} of {kind.api_version} (yet, or any more)",
                    status=404,
                ) from exc
            raise

    async def _document(self, path: str, what: str) -> Mapping[str, Any]:
        return await self._transport.send(Request("GET", path, what))


_NO_WATCH = frozenset({403, 405, 410})
"""Who may read an object may not always watch it, and an old version of it cannot be watched on from."""
_MANAGED = (("fieldManager", MANAGER),)


def name_of(body: Json) -> str:
    """The name of an object; what it is generated from where that comes later."""
    metadata = body.get("metadata") or {}
    return str(metadata.get("name") or metadata.get("generateName") or "")


def said(kind: Kind, namespace: str, name: str) -> str:
    """An object in words, such as `Deployment apps/web`."""
    return f"{kind.name} {namespace}/{name}" if kind.namespaced else f"{kind.name} {name}"


__all__ = ["JSON", "MANAGER", "Cluster", "Json", "PatchType", "name_of", "said"]
