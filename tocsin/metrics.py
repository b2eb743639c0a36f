"""Counters of the running service: plain numbers on the hot path, turned into Prometheus series when asked for."""

import copy
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from eventbus.event import Road
from eventbus.firing import Attempt, OutcomeKind, TriggerRef
from manifests.objects import ObjectRef

FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Buckets of what should take milliseconds, in seconds."""
SLOW_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets of what a target answers, in seconds."""


class Histogram:
    """Observations counted by bucket."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class RoadSeries:
    """What is counted for one named event of an event source."""

    __slots__ = ("accepted", "dropped", "duration_s", "filtered", "refused", "repeated")

    def __init__(self) -> None:
        self.accepted = 0
        self.repeated = 0
        self.refused = 0
        """Events that the bus could not or would not take."""
        self.dropped = 0
        """Events that were acknowledged and not kept, because the source is paused so."""
        self.filtered = 0
        """Events that were acknowledged and not kept, because the source's filter left them out."""
        self.duration_s = 0.0
        """Seconds from emit to durable, summed."""


class TriggerSeries:
    """What is counted for one trigger."""

    __slots__ = (
        "duration_s",
        "failed",
        "failed_in_a_row",
        "failed_us",
        "failing_since_us",
        "gave_up",
        "reason",
        "succeeded",
        "succeeded_us",
    )

    def __init__(self) -> None:
        self.succeeded = 0
        """Attempts that succeeded."""
        self.failed = 0
        self.gave_up = 0
        """Firings given up on."""
        self.duration_s = 0.0
        self.succeeded_us = 0
        """When the last attempt that succeeded had ended, microseconds since 1970 UTC."""
        self.failed_in_a_row = 0
        """Attempts that failed since then."""
        self.failing_since_us = 0
        self.failed_us = 0
        """When the last of them had ended."""
        self.reason = ""
        """Of the last of them."""

    def note(self, attempt: Attempt) -> None:
        """Count one attempt."""
        if attempt.succeeded:
            self.succeeded += 1
            self.succeeded_us = attempt.ended_us
            self.failed_in_a_row = 0
            return
        self.failed += 1
        if not self.failed_in_a_row:
            self.failing_since_us = attempt.ended_us
        self.failed_in_a_row += 1
        self.failed_us = attempt.ended_us
        self.reason = attempt.reason


class PauseSeries(NamedTuple):
    """What is told of one sensor and its pauses."""

    paused: bool
    """Also while it catches up."""
    waiting: int
    """Events that it has still to look at."""
    dropped: int
    """Events that it will never look at, of this process's time."""


class ReplaySeries(NamedTuple):
    """What is told of replays, over all time."""

    states: Mapping[str, int] = {}
    """How many there are, by state."""
    events: int = 0
    """Decided again."""
    missing: int = 0
    """Passed over."""
    remaining: int = 0
    """Not looked at yet, by those that are under way or wait for their turn."""
    firings: int = 0


class Metrics:
    """Everything that this process counts. Series exist from the moment their object is declared, and go with it."""

    def __init__(self) -> None:
        self.roads: dict[Road, RoadSeries] = {}
        self.triggers: dict[TriggerRef, TriggerSeries] = {}
        self._sensors: dict[ObjectRef, tuple[TriggerRef, ...]] = {}
        self.closed: dict[OutcomeKind, int] = dict.fromkeys(OutcomeKind, 0)
        self.listening: dict[tuple[str, str], int] = {}
        """Running named events by (namespace, event source)."""
        self.objects: dict[tuple[str, str], int] = {}
        """Declared objects by (kind, state)."""
        self.paused: dict[ObjectRef, PauseSeries] = {}
        """Every sensor, as it was when metrics were asked for."""
        self.paused_sources: dict[ObjectRef, bool] = {}
        """Every event source, and whether it was paused when metrics were asked for."""
        self.accept_s = Histogram(FAST_S)
        self.decide_s = Histogram(FAST_S)
        """Seconds from durable to decided."""
        self.attempt_s = Histogram(SLOW_S)
        self.in_flight_of: Callable[[], int] = lambda: 0
        """Asks the dispatcher how many attempts are under way."""
        self.answers_of: Callable[[], Iterable[tuple[Road, Mapping[int, int]]]] = tuple
        """Asks the listener for the answers of each endpoint by status; 0 is a client that left."""
        self.unrouted_of: Callable[[], Mapping[int, Mapping[int, int]]] = dict
        """Asks it for the answers that no endpoint gave, by port and status."""
        self.replays_of: Callable[[], ReplaySeries] = ReplaySeries
        """Asks how replays stand."""
        self.troubles_of: Callable[[], Mapping[ObjectRef, int]] = dict
        """Asks how many troubles each declared object has."""

    def copied(self) -> "Metrics":
        """As it is now, for another thread: its collections are copies, and what has to be asked for is asked for here."""
        made = copy.copy(self)
        made.roads, made.triggers, made.closed = dict(self.roads), dict(self.triggers), dict(self.closed)
        made.listening, made.objects = dict(self.listening), dict(self.objects)
        made.paused, made.paused_sources = dict(self.paused), dict(self.paused_sources)
        in_flight, replays, troubles = self.in_flight_of(), self.replays_of(), dict(self.troubles_of())
        answers = [(road, dict(counts)) for road, counts in self.answers_of()]
        unrouted = {port: dict(counts) for port, counts in self.unrouted_of().items()}
        made.in_flight_of, made.replays_of, made.troubles_of = lambda: in_flight, lambda: replays, lambda: troubles
        made.answers_of, made.unrouted_of = lambda: answers, lambda: unrouted
        return made

    def declare_roads(self, roads: Iterable[Road]) -> None:
        """Make the series of sources those of `roads`; what stays keeps its count."""
        self.roads = {road: self.roads.get(road) or RoadSeries() for road in roads}

    def declare_triggers(self, sensor: ObjectRef, triggers: Iterable[TriggerRef]) -> None:
        """Make the series of one sensor's triggers those of `triggers`; what stays keeps its count."""
        former = self._sensors.pop(sensor, ())
        kept = {ref: self.triggers.pop(ref) for ref in former}
        present = tuple(triggers)
        for ref in present:
            self.triggers[ref] = kept.get(ref) or TriggerSeries()
        if present:
            self._sensors[sensor] = present

    def accepted(self, series: RoadSeries, seconds: float, *, repeat: bool) -> None:
        """Count an event that the log answered for."""
        if repeat:
            series.repeated += 1
        else:
            series.accepted += 1
        series.duration_s += seconds
        self.accept_s.observe(seconds)

    def attempted(self, ref: TriggerRef, attempt: Attempt) -> None:
        """Count one attempt that ended."""
        seconds = max(0, attempt.ended_us - attempt.started_us) / 1e6
        self.attempt_s.observe(seconds)
        series = self.triggers.get(ref)
        if series is None:  # the sensor was withdrawn while its last firings end
            return
        series.note(attempt)
        series.duration_s += seconds

    def ended(self, ref: TriggerRef, kind: OutcomeKind) -> None:
        """Count a firing that was closed."""
        self.closed[kind] += 1
        series = self.triggers.get(ref)
        if series is not None and kind not in (OutcomeKind.SUCCEEDED, OutcomeKind.SKIPPED, OutcomeKind.SUPERSEDED):
            series.gave_up += 1
