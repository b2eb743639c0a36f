"""Triggers of any kind, compiled and fired outside of a service."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead, TriggerHead
from manifests.secrets import SecretMissing, SecretValue
from sensors.bound import Bound, EventView
from sensors.triggers.shared import Shared
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, TriggerKind

PAYLOAD = [{"src": {"dependencyName": "push", "dataKey": "who"}, "dest": "who"}]
"""Takes `who` from the event."""


def ref(key: str) -> dict[str, str]:
    """A reference to the secret value `key`."""
    return {"name": "s", "key": key}


def parameter(dest: str, **src: Any) -> dict[str, Any]:
    """A parameter that puts what `src` says of the event at `dest`."""
    return {"src": {"dependencyName": "push", **src}, "dest": dest}


def a_bound(data: Mapping[str, Any] | None = None) -> Bound:
    """One event `push` with `data`."""
    event = Event(
        namespace="default",
        source="hooks",
        name="push",
        id="e1",
        type="webhook",
        time=None,
        data=json.dumps({"who": "me"} if data is None else data).encode(),
        datacontenttype="application/json",
    )
    return Bound(events={"push": EventView(event)}, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"seed")


class RigValues:
    """Secret values by key, and how often they were read."""

    def __init__(self, values: Mapping[str, bytes | str] | None = None) -> None:
        self.values = {key: value.encode() if isinstance(value, str) else value for key, value in (values or {}).items()}
        self.reads = 0

    def add_files(self, folder: Path, *names: str) -> None:
        """Each file's content under its name."""
        self.values |= {name: (folder / name).read_bytes() for name in names}

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        self.reads += 1
        if key not in self.values:
            raise SecretMissing(f"Secret {namespace}/{name} key {key!r} is missing")
        return SecretValue(self.values[key])

    def config(self, namespace: str, name: str, key: str) -> str:
        return self.secret(namespace, name, key).text()


class TriggerRig:
    """Compiles and fires triggers of one kind, which share what triggers of a service share."""

    def __init__(self, kind: type[TriggerKind], values: RigValues | None = None) -> None:
        self._kind = kind
        self.values = values or RigValues()
        self.shared = Shared()

    def trigger(self, fields: Mapping[str, Any], dialect: Dialect = Dialect.TOCSIN, head: TriggerHead | None = None) -> Trigger:
        """One that is declared with `fields`."""
        declared = DeclaredTrigger(
            name="tell",
            kind=self._kind.key,
            spec=self._kind.spec.model_validate_json(json.dumps(fields)),
            template={"name": "tell", self._kind.key: dict(fields)},
            head=head or TocsinTriggerHead(),
        )
        context = TriggerContext(
            namespace="default",
            sensor="shop",
            dependencies=("push",),
            dialect=dialect,
            values=self.values,
            shared=self.shared,
        )
        return self._kind().compile(declared, context)

    async def fire(self, trigger: Trigger, data: Mapping[str, Any] | None = None, *, key: str = "f-1") -> Delivered:
        """Render and fire once."""
        request = trigger.render(a_bound(data))
        async with asyncio.timeout(60):
            return await trigger.fire(request, idempotency_key=key)

    def shown(self, fields: Mapping[str, Any], data: Mapping[str, Any] | None = None, **how: Any) -> Mapping[str, Any]:
        """What would be sent."""
        trigger = self.trigger(fields, **how)
        return trigger.show(trigger.render(a_bound(data)))


@asynccontextmanager
async def rig_of(kind: type[TriggerKind], values: RigValues | None = None) -> AsyncIterator[TriggerRig]:
    """A rig whose connections are closed at the end."""
    rig = TriggerRig(kind, values)
    try:
        yield rig
    finally:
        await rig.shared.aclose()
