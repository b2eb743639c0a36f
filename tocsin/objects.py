"""Declared objects as they fare: what runs, what does not and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from eventbus.event import Road
from eventbus.journal import FiringFilter, Journal
from eventbus.retention import Gap
from manifests.objects import EventSource, ObjectRef, Sensor
from manifests.problems import Problem
from tocsin.pauses import Pause, pause_text, pause_view
from tocsin.queries import Ambiguous, NotFound
from tocsin.sensor_pauses import Paused, held_group
from tocsin.views import Json, state_of, when
from tocsin.waiting import waiting

if TYPE_CHECKING:
    from tocsin.source_filter import SourceFilter


class State(StrEnum):
    """How a declared object fares."""

    RUNNING = "running"
    PARTLY = "partly"
    """Some of its events or triggers do not run."""
    DEGRADED = "degraded"
    """All of it runs, and something about it does not go well."""
    LAST_GOOD = "last-good"
    """It became invalid; what was valid before runs on."""
    STOPPED = "stopped"
    """Nothing of it runs."""
    PAUSED = "paused"
    """It is held, or what comes is dropped, on purpose."""
    CATCHING_UP = "catching-up"
    """A sensor that was held decides what waited."""
    KEPT = "not-running"
    """Known from a data folder on which no service runs."""


@dataclass(slots=True)
class EventState:
    """One named event of an event source."""

    kind: str
    running: bool = False
    endpoint: str = ""
    message: str = ""
    """Why it does not run, or what about it does not go well."""
    since_us: int = 0
    """When it was first told so, microseconds since 1970 UTC."""
    filter: "SourceFilter | None" = None
    """What its events must pass."""
    refused: bool = False
    """It was not started at all. It is tried again by itself."""

    @property
    def state(self) -> State:
        """How it fares."""
        if not self.running:
            return State.STOPPED
        return State.DEGRADED if self.message else State.RUNNING


@dataclass(slots=True, kw_only=True)
class ObjectState:
    """One declared object."""

    ref: ObjectRef
    state: State
    message: str = ""
    revision: str | None = None
    """Of what runs."""
    problems: Sequence[Problem] = ()
    said: Sequence[Problem] = ()
    """Those of them that reading the manifests showed; the others come from compiling."""
    declared: EventSource | Sensor | None = None
    """What runs; None where nothing does."""
    events: dict[str, EventState] = field(default_factory=dict)
    kept: bool = False
    """Whether what runs is the last good revision of something that became invalid."""

    def unchanged(self, said: Sequence[Problem], *, kept: bool) -> bool:
        """Whether a sensor that is declared as before fares as before. Event sources change by themselves."""
        return self.ref.kind == "Sensor" and self.kept == kept and self.said == said and len(self.problems) == len(said)


async def source_view(state: ObjectState, journal: Journal, pause: Pause | None = None) -> Json:
    """An event source as JSON."""
    view = _head(state)
    view["paused"] = pause_view(pause)
    if pause is not None:
        view |= {"state": State.PAUSED.value, "message": pause_text(pause)}
    view["events"] = [
        {
            "name": name,
            "kind": event.kind,
            "state": event.state.value,
            "endpoint": event.endpoint or None,
            "message": event.message,
            "since": when(event.since_us or None),
            "filter": None if event.filter is None else event.filter.view(),
            "seen": await journal.seen(Road(state.ref.namespace, state.ref.name, name)),
        }
        for name, event in state.events.items()
    ]
    return view


async def sensor_view(state: ObjectState, journal: Journal, paused: Paused | None = None) -> Json:
    """A sensor as JSON."""
    view, sensor = _head(state), state.declared if isinstance(state.declared, Sensor) else None
    view["paused"] = None if paused is None else paused.view()
    if paused is not None:
        message = f"{paused.text()}; {state.message}" if state.message else paused.text()
        view |= {"state": paused.pause.state, "message": message}
    counts = await journal.matched(state.ref.namespace, state.ref.name)
    view["dependencies"] = [
        {
            "name": d.name,
            "source": d.event_source_name,
            "event": d.event_name,
            "matched": counts.get(d.name, (0, 0))[0],
            "errors": counts.get(d.name, (0, 0))[1],
        }
        for d in (sensor.dependencies if sensor else ())
    ]
    view["triggers"] = [{"name": t.name, "kind": t.kind, "conditions": t.conditions} for t in (sensor.triggers if sensor else ())]
    view["waiting"] = [] if sensor is None else await waiting(journal, sensor)
    view["gaps"] = [gap_view(gap) for gap in await journal.gaps(held_group(state.ref))]
    view["last_firing"] = await _last_firing(state.ref, journal)
    return view


def gone(ref: ObjectRef) -> ObjectState:
    """A sensor that holds events and is no longer declared."""
    message = "it is no longer declared; resumed, it decides what came before it went"
    return ObjectState(ref=ref, state=State.STOPPED, message=message)


def left_something(ref: ObjectRef) -> ObjectState:
    """An event source that left something elsewhere and is no longer declared."""
    message = "it is no longer declared, and left something that could not be undone"
    return ObjectState(ref=ref, state=State.STOPPED, message=message)


def gap_view(gap: Gap) -> Json:
    """A stretch of the log that was skipped."""
    return {"first": gap.first, "last": gap.last, "events": gap.last - gap.first + 1, "at": when(gap.at_us), "reason": gap.reason}


async def _last_firing(ref: ObjectRef, journal: Journal) -> Json | None:
    page = await journal.firings(FiringFilter(namespace=ref.namespace, sensor=ref.name), limit=1)
    if not page.items:
        return None
    last = page.items[0]
    return {
        "id": last.firing.id,
        "trigger": last.firing.trigger.trigger,
        "state": state_of(last),
        "decided": when(last.firing.decided_us),
    }


def _head(state: ObjectState) -> Json:
    return {
        "kind": state.ref.kind,
        "namespace": state.ref.namespace,
        "name": state.ref.name,
        "state": state.state.value,
        "message": state.message,
        "revision": state.revision,
        "problems": [problem_view(problem) for problem in state.problems],
        "troubles": [],
    }


def problem_view(problem: Problem) -> Json:
    """One problem, as every command prints it."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "severity": problem.severity.value,
        "message": problem.message,
    }


def pick(refs: Iterable[ObjectRef], name: str, kind: str) -> ObjectRef:
    """The object called `name` or `namespace/name`. Raises `QueryError` where it is none or several."""
    found = [ref for ref in refs if name in (ref.name, f"{ref.namespace}/{ref.name}")]
    if not found:
        raise NotFound(f"no {kind} {name!r}")
    if len(found) > 1:
        raise Ambiguous(f"several namespaces have a {kind} {name!r}; name it as namespace/name")
    return found[0]
