"""The metrics page: our own names, and Argo Events' names beside them so that existing dashboards keep working."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from eventbus.contract import Health
from eventbus.journal import Tallies
from eventbus.retention import Kept
from tocsin import __version__
from tocsin.metrics import Histogram, Metrics, ReplaySeries

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
ROAD = ("namespace", "source", "name")
SENSOR = ("namespace", "sensor")
TRIGGER = ("namespace", "sensor", "trigger")
Labelled = Iterable[tuple[tuple[str, ...], float]]


def exposition(metrics: Metrics, tallies: Tallies, health: Health, kept: Kept) -> bytes:
    """The page in Prometheus' text format 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(metrics, tallies, health, kept))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, metrics: Metrics, tallies: Tallies, health: Health, kept: Kept) -> None:
        self._metrics, self._tallies, self._health, self._kept = metrics, tallies, health, kept

    def collect(self) -> Iterator[Metric]:
        yield from _build()
        yield from _sources(self._metrics)
        yield from _requests(self._metrics)
        yield from _actions(self._metrics)
        yield from _pauses(self._metrics)
        yield from _replays(self._metrics.replays_of())
        yield from _store(self._tallies, self._health)
        yield from _retention(self._kept)
        yield from _argo_sources(self._metrics)
        yield from _argo_sensors(self._metrics)


def _build() -> Iterator[Metric]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield _gauges("tocsin_build_info", "Version of the running service.", ("version", "python"), [((__version__, python), 1)])


def _sources(metrics: Metrics) -> Iterator[Metric]:
    roads = metrics.roads.items()
    yield _counters("tocsin_events_accepted", "Events made durable.", ROAD, ((r, s.accepted) for r, s in roads))
    yield _counters("tocsin_events_repeated", "Repeats answered with the first id.", ROAD, ((r, s.repeated) for r, s in roads))
    yield _counters("tocsin_events_refused", "Events that the log did not take.", ROAD, ((r, s.refused) for r, s in roads))
    yield _counters("tocsin_events_dropped", "Events dropped by a pause.", ROAD, ((r, s.dropped) for r, s in roads))
    yield _counters("tocsin_events_filtered", "Events left out by a filter.", ROAD, ((r, s.filtered) for r, s in roads))
    yield _histogram("tocsin_accept_seconds", "From a complete event to its durable record.", metrics.accept_s)
    yield _gauges("tocsin_objects", "Declared objects by state.", ("kind", "state"), metrics.objects.items())
    troubles = ((ref, count) for ref, count in metrics.troubles_of().items())
    yield _gauges("tocsin_troubles", "What does not go well about an object.", ("kind", "namespace", "name"), troubles)


def _requests(metrics: Metrics) -> Iterator[Metric]:
    of_roads = (((*road, kind), count) for road, answers in metrics.answers_of() for kind, count in _by_kind(answers))
    yield _counters("tocsin_http_requests", "Requests to an endpoint, by answer.", (*ROAD, "answer"), of_roads)
    of_ports = (
        ((str(port), kind), count) for port, answers in metrics.unrouted_of().items() for kind, count in _by_kind(answers)
    )
    yield _counters("tocsin_http_unrouted_requests", "Requests that no endpoint took.", ("port", "answer"), of_ports)


def _by_kind(answers: Mapping[int, int]) -> Iterable[tuple[str, int]]:
    return [(f"{kind}xx", sum(count for status, count in answers.items() if status // 100 == kind)) for kind in (2, 4, 5)]


def _actions(metrics: Metrics) -> Iterator[Metric]:
    triggers = metrics.triggers.items()
    attempts = CounterMetricFamily("tocsin_attempts", "Attempts of firings that ended.", labels=(*TRIGGER, "result"))
    for ref, series in triggers:
        attempts.add_metric((*ref, "succeeded"), series.succeeded)
        attempts.add_metric((*ref, "failed"), series.failed)
    yield attempts
    yield _counters(
        "tocsin_firings_given_up",
        "Firings that were given up on: dead letters, unknown, looped.",
        TRIGGER,
        ((r, s.gave_up) for r, s in triggers),
    )
    closed = (((kind.value,), count) for kind, count in metrics.closed.items())
    yield _counters("tocsin_firings_closed", "Firings closed, by outcome.", ("outcome",), closed)
    yield _histogram("tocsin_decide_seconds", "From a durable event to its decision.", metrics.decide_s)
    yield _histogram("tocsin_attempt_seconds", "One attempt at a target.", metrics.attempt_s)
    yield GaugeMetricFamily("tocsin_attempts_in_flight", "Attempts under way.", value=metrics.in_flight_of())


def _pauses(metrics: Metrics) -> Iterator[Metric]:
    sources = (((ref.namespace, ref.name), paused) for ref, paused in metrics.paused_sources.items())
    yield _gauges("tocsin_source_paused", "1 while paused.", ("namespace", "source"), sources)
    sensors = [((ref.namespace, ref.name), series) for ref, series in metrics.paused.items()]
    yield _gauges("tocsin_sensor_paused", "1 while paused or catching up.", SENSOR, ((r, s.paused) for r, s in sensors))
    yield _gauges(
        "tocsin_sensor_waiting_events",
        "Events that a held sensor has still to look at.",
        SENSOR,
        ((r, s.waiting) for r, s in sensors),
    )
    yield _counters(
        "tocsin_sensor_dropped_events", "Events that a paused sensor skipped.", SENSOR, ((r, s.dropped) for r, s in sensors)
    )


def _replays(series: ReplaySeries) -> Iterator[Metric]:
    states = (((state,), count) for state, count in series.states.items())
    yield CounterMetricFamily("tocsin_replays_asked", "Replays that were asked for.", value=sum(series.states.values()))
    yield _gauges("tocsin_replays", "Replays by state.", ("state",), states)
    yield CounterMetricFamily("tocsin_replay_events", "Events decided again.", value=series.events)
    yield CounterMetricFamily("tocsin_replay_missing_events", "Events that replays passed over.", value=series.missing)
    yield GaugeMetricFamily(
        "tocsin_replay_remaining_events", "Events that replays have still to look at.", value=series.remaining
    )
    yield CounterMetricFamily("tocsin_replay_firings", "Firings that replays opened.", value=series.firings)


def _store(tallies: Tallies, health: Health) -> Iterator[Metric]:
    yield CounterMetricFamily("tocsin_log_appended", "Events in the log since it was made.", value=tallies.appended)
    yield CounterMetricFamily("tocsin_log_repeats", "Repeats since the log was made.", value=tallies.repeats)
    values = {
        "tocsin_log_position": ("Position of the newest event.", tallies.last_position),
        "tocsin_events_undecided": ("Events that no sensor has decided yet.", tallies.undecided),
        "tocsin_oldest_undecided_seconds": ("Age of the oldest undecided event.", _age_s(tallies.oldest_undecided_us)),
        "tocsin_firings_open": ("Firings without an outcome.", tallies.open_firings),
        "tocsin_oldest_open_firing_seconds": ("Age of the oldest open firing.", _age_s(tallies.oldest_open_us)),
        "tocsin_dead_letters": ("Firings given up on and kept.", tallies.dead_letters),
        "tocsin_store_bytes": ("Bytes of the store on disk, its write-ahead log included.", tallies.bytes_on_disk),
        "tocsin_bus_healthy": ("1 while the log takes events.", int(health.ok)),
    }
    for name, (text, value) in values.items():
        yield GaugeMetricFamily(name, text, value=value)


def _retention(kept: Kept) -> Iterator[Metric]:
    removed = CounterMetricFamily("tocsin_retention_removed", "What was removed since the log was made.", labels=("what",))
    for what, count in (("data", kept.removed_data), ("event", kept.removed_events), ("firing", kept.removed_firings)):
        removed.add_metric((what,), count)
    yield removed
    yield CounterMetricFamily("tocsin_retention_skipped", "Events that held readers will never see.", value=kept.skipped)
    values = {
        "tocsin_store_used_bytes": ("Bytes of the store that hold something.", kept.bytes_used),
        "tocsin_store_limit_bytes": ("Bytes that the store may take.", kept.max_bytes or 0),
        "tocsin_oldest_data_seconds": ("Age of the oldest event that is kept with its data.", _age_s(kept.data_since_us)),
        "tocsin_oldest_record_seconds": ("Age of the oldest event that is on record.", _age_s(kept.since_us)),
        "tocsin_retention_pinned_events": ("Older events that are kept because open work needs them.", kept.pinned),
    }
    for name, (text, value) in values.items():
        yield GaugeMetricFamily(name, text, value=value)


def _argo_sources(metrics: Metrics) -> Iterator[Metric]:
    labels = ("namespace", "eventsource_name", "event_name")
    roads = metrics.roads.items()
    listening = metrics.listening.items()
    yield _gauges("argo_events_event_service_running_total", "Listening events.", ("namespace", "eventsource_name"), listening)
    yield _counters("argo_events_events_sent", "Published events.", labels, ((r, s.accepted + s.repeated) for r, s in roads))
    yield _counters("argo_events_events_sent_failed", "Publish failures.", labels, ((r, s.refused) for r, s in roads))
    yield _counters("argo_events_events_processing_failed", "Failures.", labels, ((r, s.refused) for r, s in roads))
    duration = SummaryMetricFamily("argo_events_event_processing_duration_milliseconds", "Receipt to publish.", labels=labels)
    for road, s in roads:
        duration.add_metric(road, count_value=s.accepted + s.repeated, sum_value=1000 * s.duration_s)
    yield duration


def _argo_sensors(metrics: Metrics) -> Iterator[Metric]:
    labels = ("namespace", "sensor_name", "trigger_name")
    triggers = metrics.triggers.items()
    yield _counters("argo_events_action_triggered", "Successful attempts.", labels, ((r, s.succeeded) for r, s in triggers))
    yield _counters("argo_events_action_failed", "Failed attempts.", labels, ((r, s.failed) for r, s in triggers))
    yield _counters("argo_events_action_retries_failed", "Exhausted actions.", labels, ((r, s.gave_up) for r, s in triggers))
    duration = SummaryMetricFamily("argo_events_action_duration_milliseconds", "Duration of attempts.", labels=labels)
    for ref, s in triggers:
        duration.add_metric(ref, count_value=s.succeeded + s.failed, sum_value=1000 * s.duration_s)
    yield duration


def _counters(name: str, text: str, labels: tuple[str, ...], series: Labelled) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in series:
        family.add_metric(values, count)
    return family


def _gauges(name: str, text: str, labels: tuple[str, ...], series: Labelled) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, count in series:
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    total, buckets = 0, []
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.total)


def _age_s(since_us: int | None) -> float:
    return 0.0 if since_us is None else max(0.0, time.time() - since_us / 1e6)
