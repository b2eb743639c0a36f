"""How one object fares, from what became of its parts."""

from collections.abc import Mapping, Sequence

from eventbus.event import Road
from manifests.objects import EventSource, ObjectRef, Sensor
from manifests.problems import Problem
from manifests.revision import revision_of
from sensors.compile import CompiledSensor
from tocsin.declared import Declarations
from tocsin.objects import EventState, ObjectState, State


def begun(ref: ObjectRef, obj: EventSource | Sensor, last_good: bool, problems: Sequence[Problem]) -> ObjectState:
    """As if all of it ran; `last_good`: in its last valid revision."""
    if last_good:
        reason = first_error(problems) or "its file cannot be read"
        message = f"the last valid revision runs on: {reason}"
        return ObjectState(
            ref=ref, state=State.LAST_GOOD, message=message, problems=problems, said=problems, declared=obj, kept=True
        )
    return ObjectState(ref=ref, state=State.RUNNING, problems=problems, said=problems, declared=obj)


def judge_source(state: ObjectState, source: EventSource, events: Mapping[Road, EventState]) -> None:
    """Note how the events of an event source fare."""
    state.revision = revision_of(source.content)
    state.events = {event.name: events[Road(source.ref.namespace, source.ref.name, event.name)] for event in source.events}
    stopped = [f"{name}: {event.message}" for name, event in state.events.items() if not event.running]
    _worsen(state, stopped, runs=any(event.running for event in state.events.values()))
    if state.state is State.RUNNING:
        unwell = [f"{name}: {event.message}" for name, event in state.events.items() if event.message]
        if unwell:
            state.state, state.message = State.DEGRADED, unwell[0]


def judge_sensor(state: ObjectState, sensor: Sensor, ready: CompiledSensor, declared: Declarations) -> None:
    """Note what of a sensor could not be compiled."""
    state.revision = ready.revision
    found = declared.placed([(sensor, problem) for problem in ready.problems]) if state.state is not State.LAST_GOOD else ()
    state.problems = [*state.problems, *found]
    stopped = [problem.message for problem in ready.problems if problem.is_error]
    _worsen(state, stopped, runs=bool(ready.triggers))


def _worsen(state: ObjectState, stopped: Sequence[str], *, runs: bool) -> None:
    """Note what does not run; `runs` says whether anything does."""
    wrong = stopped or [problem.message for problem in state.problems if problem.is_error]
    if wrong and state.state is State.RUNNING:
        state.state, state.message = State.PARTLY, wrong[0]
    if wrong and not runs:
        state.state, state.message = State.STOPPED, wrong[0]


def first_error(problems: Sequence[Problem]) -> str:
    """The first problem that keeps something from running; nothing where there is none."""
    return next((str(problem) for problem in problems if problem.is_error), "")
