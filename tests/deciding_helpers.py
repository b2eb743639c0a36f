"""Events, parameters and sensors as tests of deciding write them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from eventbus.chain import Chain
from eventbus.event import Event, Recorded
from manifests.fields import Spec
from manifests.objects import (
    DeclaredTrigger,
    Dependency,
    Dialect,
    ObjectRef,
    Parameter,
    Sensor,
    TocsinTriggerHead,
    TriggerHead,
)
from manifests.secrets import SecretMissing, SecretValue
from sensors.bound import Bound, EventView
from sensors.triggers.trigger import Delivered, TriggerContext, TriggerKinds

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
J = {"k": "v", "n": 5, "b": True, "z": None, "s": "5", "o": {"q": 1}}


NO_DATA = b"\x00 no data"
"""As `raw`: the event has no data at all."""


def an_event(data: object = None, *, raw: bytes | None = None, **changes: Any) -> Event:
    """An event of the road default/source/name whose data is `raw`, or `data` as JSON."""
    fields: dict[str, Any] = {
        "namespace": "default",
        "source": "source",
        "name": "name",
        "id": "1",
        "type": "webhook",
        "time": "2024-05-06T07:08:09.123456Z",
        "data": raw if raw is not None else json.dumps(data, separators=(",", ":")).encode(),
    }
    if raw is NO_DATA:
        fields["data"] = None
    return Event(**(fields | changes))


def recorded(event: Event, position: int = 1) -> Recorded:
    return Recorded(position, 1_700_000_000_000_000, event)


def a_parameter(dest: str = "a", *, operation: str = "", **src: Any) -> Parameter:
    """A parameter of the dependency `dep` unless told otherwise."""
    return Parameter.model_validate({"src": {"dependencyName": "dep"} | src, "dest": dest, "operation": operation})


def bound_to(event: Event | None = None, **others: Event) -> Bound:
    """A firing in which `dep` brought `event`."""
    events = ({"dep": event} if event is not None else {}) | others
    return Bound(events={name: EventView(each) for name, each in events.items()}, now=NOW, seed=b"seed")


class NoValues:
    """A resolver that has nothing."""

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(f"Secret {namespace}/{name} has no {key}")

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(f"ConfigMap {namespace}/{name} has no {key}")


class RecordSpec(Spec):
    """A trigger that does nothing."""

    broken: bool = False


@dataclass
class RecordTrigger:
    """Renders nothing and fires nothing."""

    fired: list[str] = field(default_factory=list)

    def render(self, bound: Bound) -> bytes:
        return b"{}"

    def show(self, request: bytes) -> Mapping[str, Any]:
        return {}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        self.fired.append(idempotency_key)
        return Delivered()

    async def aclose(self) -> None:
        self.fired.clear()


def trigger_kinds() -> TriggerKinds:
    kinds = TriggerKinds()

    @kinds.register
    class Record:
        key = "record"
        spec = RecordSpec

        def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> RecordTrigger:
            if isinstance(declared.spec, RecordSpec) and declared.spec.broken:
                raise ValueError("record.broken: cannot work")
            return RecordTrigger()

    return kinds


KINDS = trigger_kinds()


def a_dependency(name: str = "dep", *, data: list[dict[str, Any]] | None = None, **fields: Any) -> Dependency:
    """A dependency on default/source/name; `data` are its data clauses."""
    if data is not None:
        fields["filters"] = fields.get("filters", {}) | {"data": data}
    return Dependency.model_validate({"name": name, "eventSourceName": "source", "eventName": "name"} | fields)


def a_trigger(name: str = "act", conditions: str = "", *, index: int = 0, broken: bool = False, **head: Any) -> DeclaredTrigger:
    cls = TocsinTriggerHead if "orderBy" in head else TriggerHead
    return DeclaredTrigger(
        name=name,
        kind="record",
        spec=RecordSpec(broken=broken),
        template={},
        head=cls.model_validate(head),
        conditions=conditions,
        path=f"spec.triggers[{index}]",
    )


def a_sensor(
    *dependencies: Dependency,
    triggers: tuple[DeclaredTrigger, ...] | None = None,
    name: str = "sensor",
    namespace: str = "default",
    dialect: Dialect = Dialect.ARGO,
    content: Mapping[str, Any] | None = None,
) -> Sensor:
    """A sensor with one trigger, on any of its dependencies, unless told otherwise."""
    dependencies = dependencies or (a_dependency(),)
    any_of = " || ".join(dependency.name for dependency in dependencies)
    return Sensor(
        ref=ObjectRef("Sensor", namespace, name),
        dialect=dialect,
        dependencies=dependencies,
        triggers=(a_trigger(conditions=any_of),) if triggers is None else triggers,
        content=content if content is not None else {"name": name},
    )
