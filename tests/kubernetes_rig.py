"""What tests of a cluster share: a namespace of their own, custom kinds, triggers that act, and a look at what is there."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from servers.kubernetes import ADMIN, KubernetesServer
from waiting import wait_until

from cluster.access import Access
from cluster.allowed import Allowed, parse_rule
from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead, TriggerHead
from manifests.secrets import SecretMissing, SecretValue
from sensors.bound import Bound, EventView
from sensors.triggers.k8s.hand import Hand
from sensors.triggers.shared import Shared
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, TriggerKind

SECOND_MS = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp() * 1000)


class Given:
    """Values that a test gives."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        return SecretValue(self.config(namespace, name, key).encode())

    def config(self, namespace: str, name: str, key: str) -> str:
        try:
            return self.values[key]
        except KeyError:
            raise SecretMissing(f"{namespace}/{name} key {key!r} is missing") from None


def a_bound(**data: Any) -> Bound:
    """A firing of one event whose data is `data`."""
    event = Event(
        namespace="default", source="hooks", name="push", id="e1", type="webhook", time=None, data=json.dumps(data).encode()
    )
    return Bound(events={"push": EventView(event)}, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"seed")


def set_from(key: str, dest: str, **more: Any) -> dict[str, Any]:
    """A parameter from the data of the event."""
    operation = {"operation": more.pop("operation")} if "operation" in more else {}
    return {"src": {"dependencyName": "push", "dataKey": key, **more}, "dest": dest, **operation}


def compiled(
    kind: type[TriggerKind],
    spec: Mapping[str, Any],
    *,
    namespace: str = "default",
    shared: Shared | None = None,
    dialect: Dialect = Dialect.TOCSIN,
    head: TriggerHead | None = None,
    values: Any = None,
) -> Trigger:
    """A trigger `act` of a sensor `shop`, declared by `spec`."""
    declared = DeclaredTrigger(
        name="act",
        kind=kind.key,
        spec=kind.spec.model_validate(spec),
        template={"name": "act", kind.key: spec},
        head=head or TocsinTriggerHead(),
    )
    context = TriggerContext(
        namespace=namespace, sensor="shop", dialect=dialect, values=values or Given(), shared=shared or Shared()
    )
    return kind().compile(declared, context)


def firing_id(text: str = "") -> str:
    """An id as firings have it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, text).hex if text else uuid.uuid4().hex


class Rig:
    """A namespace of a server, and triggers that act on it as `token`."""

    def __init__(self, server: KubernetesServer, folder: Path, *, token: str = ADMIN, allow: tuple[str, ...] = ()) -> None:
        self.server = server
        self.namespace = f"t-{uuid.uuid4().hex[:10]}"
        self.kubeconfig = server.kubeconfig(folder / f"{token}.kubeconfig", token=token)
        self.shared = Shared()
        self.hand = Hand(Access(str(self.kubeconfig)), Allowed(parse_rule(rule) for rule in allow))
        self.shared.put(self.hand)

    def trigger(self, kind: type[TriggerKind], spec: Mapping[str, Any], **more: Any) -> Trigger:
        return compiled(kind, spec, namespace=self.namespace, shared=self.shared, **more)

    async def fire(self, trigger: Trigger, firing: str = "", **data: Any) -> Delivered:
        request = trigger.render(a_bound(**data))
        async with asyncio.timeout(60):
            return await trigger.fire(request, idempotency_key=firing or firing_id())

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer's body of a request that succeeds."""
        status, answer = await asyncio.to_thread(self.server.call, method, path, body, **more)
        assert status < 300, answer
        return answer

    def path(self, plural: str, name: str = "", group: str = "") -> str:
        root = f"/apis/{group}" if group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{plural}{f'/{name}' if name else ''}"

    async def config_map(self, name: str, **data: str) -> Any:
        body = {"metadata": {"name": name}, "data": data}
        return await self.call("POST", self.path("configmaps"), body)

    async def look(self, name: str, plural: str = "configmaps", group: str = "") -> Any:
        return await self.call("GET", self.path(plural, name, group))

    async def names(self, plural: str = "configmaps", group: str = "") -> list[str]:
        listed = await self.call("GET", self.path(plural, group=group))
        return [item["metadata"]["name"] for item in listed["items"]]

    async def has(self, name: str, plural: str = "configmaps", group: str = "") -> bool:
        return name in await self.names(plural, group)


@contextlib.asynccontextmanager
async def rig_of(server: KubernetesServer, folder: Path, **more: Any) -> AsyncIterator[Rig]:
    """A rig in a fresh namespace; its connections are closed at the end."""
    rig = Rig(server, folder, **more)
    await rig.call("POST", "/api/v1/namespaces", {"metadata": {"name": rig.namespace}})
    try:
        yield rig
    finally:
        await rig.shared.aclose()


class Custom(NamedTuple):
    """A kind of which every field is kept, `status` too."""

    api_version: str
    kind: str
    plural: str
    scope: str = "Namespaced"


WORKFLOW_KINDS = tuple(
    Custom("argoproj.io/v1alpha1", kind, f"{kind.lower()}s", scope)
    for kind, scope in (
        ("Workflow", "Namespaced"),
        ("WorkflowTemplate", "Namespaced"),
        ("CronWorkflow", "Namespaced"),
        ("ClusterWorkflowTemplate", "Cluster"),
    )
)
"""Kinds of Argo Workflows, which has no status subresources."""
CONTROLLER_KINDS = tuple(
    Custom("argoproj.io/v1alpha1", kind, f"{kind.lower()}s")
    for kind in ("WorkflowTaskResult", "WorkflowTaskSet", "WorkflowArtifactGCTask", "WorkflowEventBinding")
)
"""What its controller needs beside them."""


def define(server: KubernetesServer, *customs: Custom) -> None:
    """Make the server serve custom kinds, and return when it takes objects of them."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    for custom in customs:
        group, version = custom.api_version.split("/")
        body = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{custom.plural}.{group}"},
            "spec": {
                "group": group,
                "scope": custom.scope,
                "names": {"kind": custom.kind, "plural": custom.plural, "singular": custom.kind.lower()},
                "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
            },
        }
        status, answer = server.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
        assert status in (201, 409), answer
    for custom in customs:
        wait_until(partial(_is_served, server, custom), lambda kind=custom.kind: f"{kind} is not served", timeout_s=60.0)


def _is_served(server: KubernetesServer, custom: Custom) -> bool:
    return bool(server.call("GET", f"/apis/{custom.api_version}/{custom.plural}?limit=1")[0] == 200)
