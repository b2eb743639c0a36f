"""The metrics page."""

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eventbus.contract import Health
from eventbus.event import Road
from eventbus.firing import Attempt, OutcomeKind, TriggerRef
from eventbus.journal import Tallies
from eventbus.retention import Kept
from manifests.objects import ObjectRef
from tocsin.exposition import exposition
from tocsin.metrics import Histogram, Metrics, PauseSeries, ReplaySeries

NOTHING = Tallies(
    appended=0,
    repeats=0,
    last_position=0,
    undecided=0,
    oldest_undecided_us=None,
    open_firings=0,
    oldest_open_us=None,
    dead_letters=0,
    bytes_on_disk=0,
)
KEPT = Kept(data_since_us=None, since_us=None)
ROAD = Road("default", "github", "push")
TRIGGER = TriggerRef("default", "deploy", "call")


def attempt(seconds: float, *, succeeded: bool = True) -> Attempt:
    return Attempt(number=1, started_us=1, ended_us=1 + round(seconds * 1e6), succeeded=succeeded)


def samples(metrics: Metrics, tallies: Tallies = NOTHING, kept: Kept = KEPT) -> dict[str, float]:
    page = exposition(metrics, tallies, Health(True), kept).decode()
    return {
        f"{sample.name}{dict(sorted(sample.labels.items()))}": sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.declare_roads([ROAD])
    made.declare_triggers(ObjectRef("Sensor", *TRIGGER[:2]), [TRIGGER])
    made.listening = {("default", "github"): 1}
    return made


def test_requests_are_counted_by_kind_of_answer_and_who_left_is_not_answered(metrics: Metrics) -> None:
    metrics.answers_of = lambda: [(ROAD, {200: 5, 401: 2, 413: 1, 0: 9})]
    metrics.unrouted_of = lambda: {12000: {404: 4}}
    found = samples(metrics)
    for answer, count, nowhere in (("2xx", 5, 0), ("4xx", 3, 4), ("5xx", 0, 0)):
        labels = {"answer": answer, "name": "push", "namespace": "default", "source": "github"}
        assert found[f"tocsin_http_requests_total{labels}"] == count
        assert found[f"tocsin_http_unrouted_requests_total{ {'answer': answer, 'port': '12000'} }"] == nowhere


def test_every_series_of_a_configured_object_is_there_at_zero(metrics: Metrics) -> None:
    found = samples(metrics)
    road = {"name": "push", "namespace": "default", "source": "github"}
    argo_road = {"event_name": "push", "eventsource_name": "github", "namespace": "default"}
    argo_trigger = {"namespace": "default", "sensor_name": "deploy", "trigger_name": "call"}
    for name in ("tocsin_events_accepted_total", "tocsin_events_repeated_total", "tocsin_events_refused_total"):
        assert found[f"{name}{road}"] == 0
    for name in (
        "argo_events_events_sent_total",
        "argo_events_events_sent_failed_total",
        "argo_events_events_processing_failed_total",
        "argo_events_event_processing_duration_milliseconds_count",
        "argo_events_event_processing_duration_milliseconds_sum",
    ):
        assert found[f"{name}{argo_road}"] == 0
    for name in (
        "argo_events_action_triggered_total",
        "argo_events_action_failed_total",
        "argo_events_action_retries_failed_total",
        "argo_events_action_duration_milliseconds_count",
        "argo_events_action_duration_milliseconds_sum",
    ):
        assert found[f"{name}{argo_trigger}"] == 0
    assert found["argo_events_event_service_running_total{'eventsource_name': 'github', 'namespace': 'default'}"] == 1
    assert found["tocsin_events_undecided{}"] == found["tocsin_firings_open{}"] == found["tocsin_dead_letters{}"] == 0


def test_what_happens_is_counted(metrics: Metrics) -> None:
    series = metrics.roads[ROAD]
    metrics.accepted(series, 0.002, repeat=False)
    metrics.accepted(series, 0.002, repeat=True)
    metrics.attempted(TRIGGER, attempt(0.5, succeeded=False))
    metrics.attempted(TRIGGER, attempt(0.25))
    metrics.ended(TRIGGER, OutcomeKind.SUCCEEDED)
    metrics.ended(TRIGGER, OutcomeKind.DEAD_LETTERED)
    found = samples(metrics)
    assert found["tocsin_events_accepted_total{'name': 'push', 'namespace': 'default', 'source': 'github'}"] == 1
    assert found["tocsin_firings_closed_total{'outcome': 'dead-lettered'}"] == 1
    labels = "{'namespace': 'default', 'sensor_name': 'deploy', 'trigger_name': 'call'}"
    assert found[f"argo_events_action_triggered_total{labels}"] == 1
    assert found[f"argo_events_action_failed_total{labels}"] == 1
    assert found[f"argo_events_action_retries_failed_total{labels}"] == 1
    assert found[f"argo_events_action_duration_milliseconds_sum{labels}"] == 750
    assert found["tocsin_attempt_seconds_sum{}"] == 0.75
    assert found["tocsin_attempt_seconds_count{}"] == 2


def test_replays_are_counted_by_state_and_are_there_before_any_was_asked_for(metrics: Metrics) -> None:
    metrics.replays_of = lambda: ReplaySeries(states={"running": 1, "done": 2}, events=7, missing=3, remaining=5, firings=6)
    found = samples(metrics)
    assert found["tocsin_replays_asked_total{}"] == 3
    assert found["tocsin_replays{'state': 'done'}"] == 2
    assert found["tocsin_replay_events_total{}"] == 7
    assert found["tocsin_replay_missing_events_total{}"] == 3
    assert found["tocsin_replay_remaining_events{}"] == 5
    assert found["tocsin_replay_firings_total{}"] == 6


def test_buckets_are_cumulative() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 5.0):
        histogram.observe(value)
    assert histogram.counts == [2, 1, 1]
    metrics = Metrics()
    metrics.accept_s = histogram
    found = samples(metrics)
    assert found["tocsin_accept_seconds_bucket{'le': '0.1'}"] == 2
    assert found["tocsin_accept_seconds_bucket{'le': '1.0'}"] == 3
    assert found["tocsin_accept_seconds_bucket{'le': '+Inf'}"] == 4


def test_series_go_with_their_object_and_stay_with_what_stays(metrics: Metrics) -> None:
    metrics.accepted(metrics.roads[ROAD], 0.001, repeat=False)
    other = Road("default", "github", "release")
    metrics.declare_roads([ROAD, other])
    metrics.declare_triggers(ObjectRef("Sensor", *TRIGGER[:2]), [])
    found = samples(metrics)
    assert found["tocsin_events_accepted_total{'name': 'push', 'namespace': 'default', 'source': 'github'}"] == 1
    assert found["tocsin_events_accepted_total{'name': 'release', 'namespace': 'default', 'source': 'github'}"] == 0
    assert not [name for name in found if "deploy" in name]


def test_a_withdrawn_trigger_may_still_end(metrics: Metrics) -> None:
    metrics.declare_roads([])
    metrics.attempted(TRIGGER, attempt(0.1))
    metrics.ended(TRIGGER, OutcomeKind.SUCCEEDED)
    assert metrics.closed[OutcomeKind.SUCCEEDED] == 1


def test_a_copy_is_of_its_moment_and_asks_nobody_later(metrics: Metrics) -> None:
    metrics.answers_of = lambda: [(ROAD, {200: 5})]
    metrics.in_flight_of = lambda: 3
    before = samples(metrics)
    made = metrics.copied()
    metrics.answers_of, metrics.unrouted_of, metrics.in_flight_of = list, lambda: {1: {404: 1}}, lambda: 9
    metrics.replays_of, metrics.troubles_of = lambda: ReplaySeries(events=7), lambda: {ObjectRef("Sensor", "a", "b"): 1}
    metrics.declare_triggers(ObjectRef("Sensor", "default", "more"), [TRIGGER._replace(sensor="more")])
    metrics.declare_roads([ROAD, ROAD._replace(name="other")])
    metrics.closed[OutcomeKind.LOOPED] += 1
    metrics.objects["Sensor", "running"] = metrics.listening["default", "other"] = 1
    metrics.paused_sources[ObjectRef("EventSource", "a", "b")] = True
    metrics.paused[ObjectRef("Sensor", "a", "b")] = PauseSeries(paused=True, waiting=1, dropped=1)
    process = {name for name in before if name.startswith("process_")}
    assert {name: value for name, value in samples(made).items() if name not in process} == {
        name: value for name, value in before.items() if name not in process
    }


def test_hostile_names_cannot_break_the_page() -> None:
    metrics = Metrics()
    metrics.declare_roads([Road("default", 'a"b\nc\\', "x")])
    assert any('a"b\\nc' in name for name in samples(metrics))


def test_what_was_removed_and_what_is_left_is_shown(metrics: Metrics) -> None:
    kept = Kept(
        data_since_us=time.time_ns() // 1000 - 60_000_000,
        since_us=time.time_ns() // 1000 - 600_000_000,
        removed_data=30,
        removed_events=20,
        removed_firings=10,
        skipped=5,
        pinned=2,
        bytes_used=1000,
        max_bytes=2000,
    )
    found = samples(metrics, kept=kept)
    assert found["tocsin_retention_removed_total{'what': 'data'}"] == 30
    assert found["tocsin_retention_removed_total{'what': 'event'}"] == 20
    assert found["tocsin_retention_removed_total{'what': 'firing'}"] == 10
    assert found["tocsin_retention_skipped_total{}"] == 5
    assert (found["tocsin_store_used_bytes{}"], found["tocsin_store_limit_bytes{}"]) == (1000, 2000)
    assert 60 <= found["tocsin_oldest_data_seconds{}"] < 90
    assert 600 <= found["tocsin_oldest_record_seconds{}"] < 630
    assert found["tocsin_retention_pinned_events{}"] == 2
