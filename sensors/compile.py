"""A declared sensor made ready to decide and act, once, when it is applied.

A faulty part disables the triggers that need it and is named in `problems`; the rest runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eventbus.contract import DependencyRef
from eventbus.event import Road
from eventbus.firing import TriggerRef
from manifests.conditions import Condition, ConditionError, parse_conditions
from manifests.objects import DeclaredTrigger, Dependency, Dialect, ObjectRef, Sensor, TocsinTriggerHead
from manifests.problems import Problem, Severity
from manifests.revision import revision_of
from manifests.secrets import Values
from sensors.bound import EventView
from sensors.dead_letters import dead_letter_ref
from sensors.filters.check import check_dependency
from sensors.filters.combine import compile_filters
from sensors.filters.held import Clause
from sensors.joins import JoinedCondition, Reset, definition_of
from sensors.languages.gjson import Path, compile_path
from sensors.parameters import BadParameter
from sensors.resets import compile_resets
from sensors.transforms import Transform, Transforms, transformed
from sensors.triggers.broken import BrokenTrigger
from sensors.triggers.shared import Shared
from sensors.triggers.trigger import Trigger, TriggerContext, TriggerKinds
from sensors.web.client import Web

ORDERED = "trigger"
"""The order key of a trigger that runs its firings in order, one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledTrigger:
    """One trigger that can run."""

    ref: TriggerRef
    index: int
    declared: DeclaredTrigger
    acting: Trigger
    names: tuple[str, ...]
    """The dependencies that its condition mentions."""
    order_key: str | None
    transforms: Transforms
    """Those of the sensor's dependencies: a request is rendered from what they make of the events."""
    order_by: Path | None
    """Where in the first event's data the order key stands."""
    record_start: bool
    joined: JoinedCondition | None = None
    """The condition, where it may need several events; None where any one of the alternatives is a single dependency."""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """A hash of each dependency's declaration: partial matches survive an edit of what is not theirs."""
    resets: tuple[Reset, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledDependency:
    """One dependency and the triggers that need it: those it alone is enough for, and those that join."""

    ref: DependencyRef
    declared: Dependency
    index: int
    road: Road
    clause: Clause
    """Its filters, behind its transform where it has one."""
    transform: Transform | None
    triggers: tuple[CompiledTrigger, ...]
    joins: tuple[CompiledTrigger, ...] = ()
    """Triggers that need it and may need others."""
    searched: tuple[Path, ...] = ()
    """Paths of its filters that are searched for in the text, of what its transform makes of the event: a query takes long."""

    def seen(self, view: EventView) -> EventView:
        """The event as this dependency reads it, where its filters held."""
        return view if self.transform is None else self.transform.apply(view, view.now_us)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledSensor:
    """A sensor that decides."""

    ref: ObjectRef
    revision: str
    dependencies: tuple[CompiledDependency, ...]
    triggers: Mapping[str, CompiledTrigger]
    """By name; those that were disabled are not here."""
    dead_letters: Mapping[str, CompiledTrigger] = field(default_factory=dict)
    """Dead-letter triggers by the name of their `ref`."""
    problems: tuple[Problem, ...]
    """What does not work or is doubtful. `file` is empty: whoever loaded the manifest knows it."""

    @property
    def acting(self) -> Mapping[str, CompiledTrigger]:
        """Everything that can be fired, by the name of its `ref`."""
        return {**self.triggers, **self.dead_letters}


def compile_sensor(
    sensor: Sensor,
    triggers: TriggerKinds,
    values: Values,
    *,
    web: Web | None = None,
    shared: Shared | None = None,
    show_broken: bool = False,
    acts: bool = True,
) -> CompiledSensor:
    """Compile `sensor`. Never raises for what its author wrote: that is in `problems`.

    `web` is the HTTP client that its triggers share; None: each makes one of its own. `shared` is what else they share.
    `show_broken` keeps a trigger whose own part cannot work: it decides, and has no request. Without `acts` nothing will be
    fired, and what only firing needs is not asked for.
    """
    return _Compiler(sensor, triggers, values, web, shared or Shared(), acts=acts).compile(show_broken=show_broken)


class _Compiler:
    def __init__(
        self, sensor: Sensor, kinds: TriggerKinds, values: Values, web: Web | None, shared: Shared, *, acts: bool
    ) -> None:
        self._sensor = sensor
        self._acts = acts
        self._kinds = kinds
        self._values = values
        self._web = web
        self._shared = shared
        self._show_broken = False
        self._problems: list[Problem] = []
        # As upstream, the last of several dependencies of one name is the one that counts.
        self._dependencies = {dependency.name: dependency for dependency in sensor.dependencies}
        self._faulty: set[str] = set(sensor.unusable)
        self._clauses = {name: transformed(one.transform, compile_filters(one)) for name, one in self._dependencies.items()}
        self._definitions = {name: definition_of(one) for name, one in self._dependencies.items()}
        self._dead_letters: list[CompiledTrigger] = []
        self._transforms = {name: transform for name, (_, transform) in self._clauses.items() if transform is not None}

    def compile(self, *, show_broken: bool) -> CompiledSensor:
        self._show_broken = show_broken
        self._check_dependencies()
        compiled = list(self._triggers())
        return CompiledSensor(
            ref=self._sensor.ref,
            revision=revision_of(self._sensor.content),
            dependencies=tuple(
                self._dependency(index, dependency, compiled) for index, dependency in enumerate(self._dependencies.values())
            ),
            triggers={trigger.declared.name: trigger for trigger in compiled},
            dead_letters={one.ref.trigger: one for one in self._dead_letters},
            problems=tuple(self._problems),
        )

    def _report(self, path: str, message: str, severity: Severity = Severity.ERROR) -> None:
        self._problems.append(Problem(file="", path=path, message=message, severity=severity))

    def _check_dependencies(self) -> None:
        written = _names_as_written(self._sensor.content)
        for index, dependency in enumerate(self._sensor.dependencies):
            path = f"spec.dependencies[{written.get(dependency.name, index)}]"
            if self._dependencies[dependency.name] is not dependency:
                message = f"another dependency named {dependency.name!r} follows; that one counts, this one does not"
                self._report(f"{path}.name", message, Severity.WARNING)
                continue
            if dependency.name in self._faulty:
                continue  # the loader has said why
            for place, message, severity in check_dependency(dependency):
                self._report(f"{path}.{place}", message, severity)
                if severity is Severity.ERROR:
                    self._faulty.add(dependency.name)

    def _triggers(self) -> Iterator[CompiledTrigger]:
        for index, declared in enumerate(self._sensor.triggers):
            try:
                trigger = self._trigger(index, declared)
                if declared.dlq is not None:
                    self._dead_letters.append(self._dead_letter(trigger, declared.dlq))
                yield trigger
            except _Disabled as exc:
                self._report_disabled(declared, exc)

    def _report_disabled(self, declared: DeclaredTrigger, why: "_Disabled") -> None:
        self._report(why.path, f"{why}; the trigger {declared.name!r} is disabled")

    def _trigger(self, index: int, declared: DeclaredTrigger) -> CompiledTrigger:
        ref, head = self._sensor.ref, declared.head
        order_by = head.order_by if isinstance(head, TocsinTriggerHead) else ""
        ordered = self._sensor.dialect is Dialect.ARGO and head.at_least_once is True
        condition = self._condition(declared)
        return CompiledTrigger(
            ref=TriggerRef(ref.namespace, ref.name, declared.name),
            index=index,
            declared=declared,
            names=condition.names,
            acting=self._acting(declared),
            order_key=ORDERED if ordered else None,
            order_by=compile_path(order_by) if order_by else None,
            transforms=self._transforms,
            joined=JoinedCondition(condition) if condition.joins else None,
            definitions=self._definitions,
            resets=self._resets(declared),
            record_start=head.at_least_once is False,
        )

    def _dead_letter(self, trigger: CompiledTrigger, declared: DeclaredTrigger) -> CompiledTrigger:
        """The trigger that runs when `trigger` is given up: nothing decides it but that."""
        acting = self._acting(declared)
        ref = dead_letter_ref(trigger.ref)
        return replace(trigger, ref=ref, declared=declared, acting=acting, order_key=None, order_by=None, joined=None, resets=())

    def _resets(self, declared: DeclaredTrigger) -> tuple[Reset, ...]:
        try:
            return compile_resets(declared.conditions_reset)
        except ValueError as exc:
            raise _Disabled(f"{declared.path}.template.conditionsReset", str(exc)) from exc

    def _condition(self, declared: DeclaredTrigger) -> Condition:
        path = f"{declared.path}.template.conditions"
        try:
            condition = parse_conditions(declared.conditions, tuple(self._dependencies))
        except ConditionError as exc:
            raise _Disabled(path, str(exc)) from exc
        for name in condition.names:
            if name in self._faulty:
                raise _Disabled(path, f"needs the dependency {name!r}, which cannot be used")
        return condition

    def _acting(self, declared: DeclaredTrigger) -> Trigger:
        ref = self._sensor.ref
        context = TriggerContext(
            namespace=ref.namespace,
            sensor=ref.name,
            dependencies=tuple(self._dependencies),
            dialect=self._sensor.dialect,
            values=self._values,
            web=self._web,
            shared=self._shared,
            acts=self._acts,
        )
        try:
            return self._kinds.make(declared.kind).compile(declared, context)
        except KeyError as exc:
            raise _Disabled(declared.path, f"the kind {declared.kind!r} is not supported by this version") from exc
        except ValueError as exc:
            path = _place_of(exc, declared) if isinstance(exc, BadParameter) else declared.path
            disabled = _Disabled(path, str(exc))
            if not self._show_broken:
                raise disabled from exc
            self._report_disabled(declared, disabled)
            return BrokenTrigger(f"the trigger is disabled: {exc}")

    def _dependency(self, index: int, dependency: Dependency, triggers: Sequence[CompiledTrigger]) -> CompiledDependency:
        ref = self._sensor.ref
        needing = [trigger for trigger in triggers if dependency.name in trigger.names]
        clause, transform = self._clauses[dependency.name]
        return CompiledDependency(
            ref=DependencyRef(ref.namespace, ref.name, dependency.name),
            declared=dependency,
            index=index,
            road=Road(ref.namespace, dependency.event_source_name, dependency.event_name),
            clause=clause,
            transform=transform,
            triggers=tuple(trigger for trigger in needing if trigger.joined is None),
            joins=tuple(trigger for trigger in needing if trigger.joined is not None),
            searched=_searched(dependency),
        )


def _place_of(bad: BadParameter, declared: DeclaredTrigger) -> str:
    """Parameters of the trigger say where they stand in it, a kind's own lists where in the kind's declaration."""
    within = "" if bad.place.startswith(("parameters[", "template.")) else f"template.{declared.kind}."
    return f"{declared.path}.{within}{bad.place}"


def _searched(dependency: Dependency) -> tuple[Path, ...]:
    if dependency.filters is None:
        return ()
    texts = [clause.path for clause in dependency.filters.data or ()]
    texts += [field.path for item in dependency.filters.exprs or () for field in item.fields]
    paths = [compile_path(text) for text in dict.fromkeys(texts)]
    return tuple(path for path in paths if path.plain is None)


def _names_as_written(content: Mapping[str, Any]) -> dict[str, int]:
    """Where each dependency stands in the manifest, which also has those that the loader left out."""
    spec = content.get("spec")
    listed = spec.get("dependencies") if isinstance(spec, Mapping) else None
    named = enumerate(listed if isinstance(listed, list) else [])
    return {str(item["name"]): index for index, item in named if isinstance(item, Mapping) and "name" in item}


class _Disabled(Exception):
    """A trigger cannot run."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path
