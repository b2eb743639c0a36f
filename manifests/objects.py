"""The objects a user declares, after parsing: what the rest of the service is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field

from manifests.fields import Backoff, Duration, Spec

if TYPE_CHECKING:
    from manifests.scenario_fields import ScenarioSpec, Step


class Dialect(StrEnum):
    """The `apiVersion` an object was written in, and with it how strictly it is read."""

    ARGO = "argoproj.io/v1alpha1"
    TOCSIN = "tocsin.dev/v1"


class ObjectRef(NamedTuple):
    """Names one declared object."""

    kind: Literal["EventSource", "Sensor", "EventBus", "Secret", "ConfigMap", "Scenario"]
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class ContextFilter(Spec):
    """Equality on CloudEvents attributes; empty fields are ignored."""

    id: str = ""
    source: str = ""
    specversion: str = ""
    type: str = ""
    datacontenttype: str = ""
    subject: str = ""
    time: str | None = None


class DataFilter(Spec):
    """One clause over the event's data."""

    path: str = ""
    type: str = ""
    value: list[str] = []
    comparator: str = ""
    template: str = ""


class PayloadField(Spec):
    """A named value of an expression."""

    path: str = ""
    name: str = ""


class ExprFilter(Spec):
    """One expression over named values."""

    expr: str = ""
    fields: list[PayloadField] = []


class TimeFilter(Spec):
    """A daily window of time."""

    start: str = ""
    stop: str = ""
    timezone: str = ""


class Filters(Spec):
    """What an event must satisfy to count for a dependency."""

    exprs: list[ExprFilter] = []
    data: list[DataFilter] = []
    script: str = ""
    context: ContextFilter | None = None
    time: TimeFilter | None = None
    data_logical_operator: str = ""
    expr_logical_operator: str = ""


class Transform(Spec):
    """A program that changes the event's data before filters see it."""

    jq: str = ""
    script: str = ""


class Dependency(Spec):
    """A named subscription of a sensor to one event of one event source."""

    name: str = ""
    event_source_name: str = ""
    event_name: str = ""
    filters: Filters | None = None
    transform: Transform | None = None
    filters_logical_operator: str = ""


class ParameterSource(Spec):
    """Where a parameter's value comes from."""

    dependency_name: str = ""
    context_key: str = ""
    context_template: str = ""
    data_key: str = ""
    data_template: str = ""
    value: str | None = None
    use_raw_data: bool = False


class Parameter(Spec):
    """One value of an event and the place it goes to."""

    src: ParameterSource | None = None
    dest: str = ""
    operation: str = ""


class ByTime(Spec):
    """A reset by the clock."""

    cron: str = ""
    timezone: str = ""


class ConditionsReset(Spec):
    """When partial matches are forgotten."""

    by_time: ByTime | None = None


class RateLimit(Spec):
    """How many firings a unit of time are let through."""

    unit: str = "Second"
    requests_per_unit: int = Field(default=0, ge=-(2**31), le=2**31 - 1)


class K8sPolicy(Spec):
    """Labels that the created object must come to have."""

    labels: dict[str, str] | None = None
    backoff: Backoff | None = None
    error_on_backoff_timeout: bool = False


class StatusPolicy(Spec):
    """Status codes that count as success."""

    allow: list[Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]] = []


class Policy(Spec):
    """What counts as success."""

    k8s: K8sPolicy | None = Field(default=None, alias="k8s")
    status: StatusPolicy | None = None


class TriggerHead(Spec):
    """A trigger apart from its template's kind."""

    parameters: list[Parameter] = []
    policy: Policy | None = None
    retry_strategy: Backoff | None = None
    rate_limit: RateLimit | None = None
    at_least_once: bool | None = None
    """None where the manifest is silent: at least once, no order. True adds order by trigger; false records the start first."""


def _above_zero(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("expected a duration above 0")
    return value


class TocsinTriggerHead(TriggerHead):
    """What our dialect adds to a trigger."""

    order_by: str = ""
    """GJSON path into the first event's data; firings of one value run in order."""
    concurrency: int = Field(default=0, ge=0)
    """Attempts at a time; 0 means what is usual for the kind: 32, or 128 of `kafka`."""
    timeout: Annotated[Duration, AfterValidator(_above_zero)] | None = None
    """Deadline of one attempt; above zero."""
    max_hops: int = Field(default=0, ge=0)
    """Firings in a row, each caused by the one before, after which one of this trigger is stopped as a loop; 0 means the
    service's default, 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredEvent:
    """One named event of an event source."""

    kind: str
    name: str
    spec: Spec
    path: str
    """Where it stands in its object, such as `spec.webhook.push`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A declared origin of events: only what is valid and supported; problems tell the rest."""

    ref: ObjectRef
    dialect: Dialect
    events: tuple[DeclaredEvent, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    bus: str = "default"
    content: Mapping[str, Any] = field(default_factory=dict)
    """The object as parsed: its revision is the hash of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTrigger:
    """One trigger of a sensor. `template` is the JSON as written, because parameters may rewrite any of it."""

    name: str
    kind: str
    spec: Spec
    template: Mapping[str, Any]
    head: TriggerHead
    conditions: str = ""
    conditions_reset: tuple[ConditionsReset, ...] = ()
    dlq: "DeclaredTrigger | None" = None
    path: str = ""
    """Where it stands in its object, such as `spec.triggers[0]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """A declared sensor: dependencies and the triggers that can run; problems tell what was disabled and why."""

    ref: ObjectRef
    dialect: Dialect
    dependencies: tuple[Dependency, ...]
    triggers: tuple[DeclaredTrigger, ...]
    unusable: frozenset[str] = frozenset()
    """Names of the dependencies that no trigger waits for, because they cannot work. What they make of an event can be asked."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    bus: str = "default"
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """A declared event bus; on one machine it is accepted and the embedded store serves it."""

    ref: ObjectRef
    dialect: Dialect
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueObject:
    """A Secret or ConfigMap document. Values are bytes and never shown."""

    ref: ObjectRef
    data: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A test of manifests, as its author wrote it, with its steps in time."""

    ref: ObjectRef
    spec: "ScenarioSpec"
    steps: tuple["Planned", ...]
    until: timedelta | None
    """When to look at the end, after the start; None: as soon as nothing is open."""
    file: str


class Planned(NamedTuple):
    """A step of a scenario and when it is, after the start."""

    step: "Step"
    at: timedelta
