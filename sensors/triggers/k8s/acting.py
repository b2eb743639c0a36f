"""Making, changing and deleting one object, so that doing it again for the same firing does no more.

Semantics: Argo Events' `pkg/sensors/triggers/standard-k8s`; what differs is in `docs/triggers/k8s.md`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cluster.api import Json, PatchType, said
from cluster.faults import AlreadyExists, ClusterRefused, Conflict, NotFound
from cluster.kinds import Kind
from cluster.marks import Written, annotations_of, firings_of, generated_name, labelled, marked, written_by
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.k8s.hand import Hand

TRIES = 5
"""Of a change that meets another writer's."""
_PAUSES_S = (0.05, 0.5)

Change = Callable[[Json], Json]
"""Makes of an object, as the cluster has it, what it is to be; the same object where it is so already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who acts: what objects are marked with."""

    namespace: str
    sensor: str
    trigger: str
    written: Written
    at_ms: int
    """When it was decided."""

    @property
    def firing(self) -> str:
        """The id of the firing."""
        return self.written.firing


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What is there now."""

    kind: Kind
    namespace: str
    found: Json | None
    """The object; None where there is none any more."""
    detail: str
    status: int = 200


class Acting:
    """Acts for one firing."""

    def __init__(self, hand: Hand, author: Author) -> None:
        self._hand = hand
        self._cluster = hand.cluster
        self._author = author

    async def create(self, body: Json) -> Done:
        """Create the object. One of its name that this firing made is as good; any other is an error, as upstream."""
        kind, namespace = await self._target(body, "create")
        return await self._create(kind, namespace, self._named(body))

    async def update(
        self, body: Json, change: Change | None = None, *, before: Callable[[], Awaitable[None]] | None = None
    ) -> Done:
        """Put `body` over what is there, lists replaced, and create it where there is none.

        With `change`: what that makes of what is there, which has to be there. `before` is awaited before that is written.
        """
        kind, namespace = await self._target(body, "update")
        name = self._name(body)
        for attempt in range(TRIES):
            found = await self._get(kind, namespace, name)
            if found is None:
                return await self._missing(kind, namespace, body, change)
            if written_by(found, self._author.firing):
                return self._again(kind, namespace, found)
            wanted = change(found) if change is not None else merged(found, body)
            if wanted is found:
                return Done(kind=kind, namespace=namespace, found=found, detail=f"{said(kind, namespace, name)} is so already")
            if before is not None:
                await before()
            try:
                stored = await self._cluster.replace(kind, namespace, marked(wanted, found, self._author.written))
            except Conflict:
                await _pause(attempt)
                continue
            return Done(kind=kind, namespace=namespace, found=stored, detail=f"updated {said(kind, namespace, name)}")
        raise self._contended(kind, namespace, name)

    async def patch(self, body: Json, how: PatchType) -> Done:
        """Send `body` as a patch, or, as a JSON patch, the operations in its `patch`. Create it where there is none.

        Raises `TriggerRefused` or `TriggerUnavailable`.
        """
        if how is PatchType.JSON and not isinstance(body.get("patch"), list):
            raise TriggerRefused("a JSON patch needs its operations, a list, as `patch` beside the metadata of the object")
        kind, namespace = await self._target(body, "patch")
        name = self._name(body)
        for attempt in range(TRIES):
            found = await self._get(kind, namespace, name)
            if found is None and how is PatchType.JSON:
                raise TriggerRefused(f"there is no {said(kind, namespace, name)} to patch", status=404)
            if found is None and how is not PatchType.APPLY:
                return await self._missing(kind, namespace, body, None)
            if found is None:
                self._hand.allow("create", kind, namespace, self._author.namespace)
            elif written_by(found, self._author.firing):
                return self._again(kind, namespace, found)
            changes = _operations(body, found, self._author.written) if how is PatchType.JSON and found is not None else None
            try:
                sent = changes or marked(body, found, self._author.written)
                stored = await self._cluster.patch(kind, namespace, name, sent, how)
            except ClusterRefused as exc:
                if changes is None or not await self._moved(kind, namespace, name, found, exc):
                    raise
                await _pause(attempt)
                continue
            return Done(kind=kind, namespace=namespace, found=stored, detail=f"patched {said(kind, namespace, name)}")
        raise self._contended(kind, namespace, name)

    async def delete(self, body: Json) -> Done:
        """Delete the object. None there is as good. Raises `TriggerUnavailable` where it was replaced meanwhile."""
        kind, namespace = await self._target(body, "delete")
        name = self._name(body)
        gone = Done(kind=kind, namespace=namespace, found=None, detail=f"{said(kind, namespace, name)} was not there")
        found = await self._get(kind, namespace, name)
        if found is None:
            return gone
        try:
            await self._cluster.delete(kind, namespace, name, uid=str(found["metadata"].get("uid") or ""))
        except NotFound:
            return gone
        except Conflict as exc:
            raise TriggerUnavailable(f"{exc}; it was replaced meanwhile", status=exc.status) from exc
        return Done(kind=kind, namespace=namespace, found=None, detail=f"deleted {said(kind, namespace, name)}")

    async def read(self, body: Json) -> Json:
        """The object of the kind, namespace and name of `body`, as the cluster has it.

        Raises `TriggerRefused` where there is none.
        """
        kind, namespace = await self._place(body)
        name = self._name(body)
        found = await self._get(kind, namespace, name)
        if found is None:
            raise TriggerRefused(f"there is no {said(kind, namespace, name)}", status=404)
        return found

    async def _place(self, body: Json) -> tuple[Kind, str]:
        kind = await self._cluster.kind(str(body["apiVersion"]), str(body["kind"]))
        own = self._author.namespace
        return kind, str((body.get("metadata") or {}).get("namespace") or own) if kind.namespaced else ""

    async def _target(self, body: Json, verb: str) -> tuple[Kind, str]:
        kind, namespace = await self._place(body)
        self._hand.allow(verb, kind, namespace, self._author.namespace)
        return kind, namespace

    async def _missing(self, kind: Kind, namespace: str, body: Json, change: Change | None) -> Done:
        if change is not None:
            raise TriggerRefused(f"there is no {said(kind, namespace, self._name(body))}; it has to be there", status=404)
        self._hand.allow("create", kind, namespace, self._author.namespace)
        return await self._create(kind, namespace, body)

    async def _create(self, kind: Kind, namespace: str, body: Json) -> Done:
        author, name = self._author, self._name(body)
        whole = labelled(body, sensor=author.sensor, trigger=author.trigger, at_ms=author.at_ms)
        try:
            made = await self._cluster.create(kind, namespace, marked(whole, None, author.written))
        except AlreadyExists as exc:
            found = await self._get(kind, namespace, name)
            if found is None:
                raise TriggerUnavailable(f"{said(kind, namespace, name)} was there and is gone", status=exc.status) from exc
            if not written_by(found, author.firing):
                by = ", ".join(firings_of(found)[-1:]) or "someone else"
                raise TriggerRefused(f"{said(kind, namespace, name)} exists already, made by {by}", status=exc.status) from exc
            return self._again(kind, namespace, found)
        return Done(kind=kind, namespace=namespace, found=made, detail=f"created {said(kind, namespace, name)}", status=201)

    async def _get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        try:
            return await self._cluster.get(kind, namespace, name)
        except NotFound:
            return None

    async def _moved(self, kind: Kind, namespace: str, name: str, seen: Json | None, exc: ClusterRefused) -> bool:
        """Whether a JSON patch failed because another writer was faster, and not for what it says."""
        if exc.status not in (409, 422):
            return False
        now = await self._get(kind, namespace, name)
        return _version(now) != _version(seen)

    def _named(self, body: Json) -> Json:
        metadata = body.get("metadata") or {}
        if metadata.get("name") or not metadata.get("generateName"):
            return body
        name = generated_name(str(metadata["generateName"]), self._author.firing)
        kept = {key: value for key, value in metadata.items() if key != "generateName"}
        return {**body, "metadata": {**kept, "name": name}}

    def _name(self, body: Json) -> str:
        name = (body.get("metadata") or {}).get("name")
        if not isinstance(name, str) or not name:
            raise TriggerRefused(f"the {body['kind']} has no metadata.name")
        return name

    def _again(self, kind: Kind, namespace: str, found: Json) -> Done:
        name = str(found["metadata"]["name"])
        detail = f"{said(kind, namespace, name)} was written by an earlier attempt"
        return Done(kind=kind, namespace=namespace, found=found, detail=detail)

    def _contended(self, kind: Kind, namespace: str, name: str) -> TriggerUnavailable:
        return TriggerUnavailable(f"{said(kind, namespace, name)} was changed by others {TRIES} times meanwhile", status=409)


def merged(found: Any, wanted: Any) -> Any:
    """`wanted` put over `found`: mappings member by member, anything else replaced."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {**found, **{key: merged(found.get(key), value) for key, value in wanted.items()}}
    return wanted


def _operations(body: Json, found: Json, written: Written) -> list[Any]:
    """The operations of a JSON patch, behind a test that the object is as it was seen, and our marks."""
    metadata, where = found["metadata"], "/metadata/annotations"
    marks: dict[str, Any] = dict(annotations_of(found, written))
    adding = {f"{where}/{name.replace('/', '~1')}": text for name, text in marks.items()}
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        *(
            {"op": "add", "path": at, "value": value}
            for at, value in (adding if metadata.get("annotations") else {where: marks}).items()
        ),
        *body["patch"],
    ]


def _version(found: Json | None) -> str:
    return "" if found is None else str(found["metadata"].get("resourceVersion"))


async def _pause(attempt: int) -> None:
    shortest, longest = _PAUSES_S
    await asyncio.sleep(random.uniform(shortest, min(longest, shortest * 4 ** (attempt + 1))))  # noqa: S311 - no secret
