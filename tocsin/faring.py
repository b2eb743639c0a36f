"""How all declared objects fare, counted as it changes: ten thousand are not counted anew because one was edited."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from eventbus.event import Road
from manifests.objects import ObjectRef
from tocsin.metrics import Metrics
from tocsin.objects import EventState, ObjectState, State

_OF_NO_DECLARATION = (State.PAUSED, State.CATCHING_UP, State.KEPT)
"""States that say nothing of how a declaration runs; pauses have series of their own."""


class Faring:
    """Every declared object with its state."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.states: dict[ObjectRef, ObjectState] = {}
        self._counts: Counter[tuple[str, State]] = Counter()
        self._sources: Sequence[ObjectRef] = ()

    def replace(self, states: dict[ObjectRef, ObjectState]) -> None:
        """From now on these are all."""
        self.states = states
        self._counts = Counter([(ref.kind, state.state) for ref, state in states.items()])
        self._sources = [ref for ref in states if ref.kind == "EventSource"]

    def update(self, some: Mapping[ObjectRef, ObjectState]) -> None:
        """Some of those that are known fare so now."""
        for ref, state in some.items():
            if (former := self.states.get(ref)) is not None:
                self._counts[ref.kind, former.state] -= 1
            self._counts[ref.kind, state.state] += 1
            self.states[ref] = state

    def tell(self, events: Mapping[Road, EventState]) -> int:
        """Tell the metrics; how many objects do not run as they are declared."""
        kinds: Sequence[Literal["EventSource", "Sensor"]] = ("EventSource", "Sensor")
        states = [state for state in State if state not in _OF_NO_DECLARATION]
        self._metrics.objects = {(kind, state.value): self._counts[kind, state] for kind in kinds for state in states}
        listening = {(ref.namespace, ref.name): 0 for ref in self._sources}
        for road, event in events.items():
            listening[road.namespace, road.source] += event.running
        self._metrics.listening = listening
        return sum(count for (_, state), count in self._counts.items() if state is not State.RUNNING)
