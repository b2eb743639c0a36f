"""Rules of event sources, buses, secrets and config maps; times of day, zones and schedules."""

import pytest
from manifest_toys import OURS, read, source_text

from manifests.clock_rules import cron_fault, time_of_day, zone_fault
from manifests.features import Feature
from manifests.problems import Severity


@pytest.mark.parametrize(
    ("spec", "path", "words"),
    [
        ("", "spec", "expected a mapping of kinds to events, got nothing"),
        ("[webhook]", "spec", "expected a mapping of kinds to events, got a list"),
        ("{webhook: [x]}", "spec.webhook", "expected a mapping of event names to their settings, got a list"),
        ("{webhook: {push: text}}", "spec.webhook.push", "expected a mapping, got text"),
        ("{webhook: {push: }}", "spec.webhook.push.endpoint", "missing, and required"),
        ("{webhook: {x: {endpoint: /x}}, calendar: {x: {}}}", "spec.calendar.x", "the event name 'x' is taken by spec.webhook"),
        ("{webhook: {'': {endpoint: /x}}}", "spec.webhook['']", "an event needs a name"),
        ("{eventBusName: 5, webhook: {}}", "spec.eventBusName", "expected text in quotes"),
        ("{replicas: '2', webhook: {}}", "spec.replicas", "expected a whole number, got the text '2'; write it without quotes"),
        ("{template: x, webhook: {}}", "spec.template", "expected a mapping, got text"),
        ("{webhook: {x: {endpoint: /x, authSecret: {name: keys}}}}", "spec.webhook.x.authSecret.key", "missing, and required"),
    ],
)
def test_what_upstream_refuses_refuses_the_event_source(spec: str, path: str, words: str) -> None:
    loaded = read(source_text(spec))
    assert [(one.path, words in one.message) for one in loaded.errors] == [(path, True)], loaded.errors
    assert loaded.event_sources == {}
    assert len(loaded.failed) == 1


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{}", "declares no events"),
        ("{webhook: }", "declares no events"),
        ("{webhook: {x: {endpoint: /x}}, calendar: {y1: {}}}", "Argo Events refuses 'calendar' beside 'webhook' in one object"),
        ("{webhook: {a.b: {endpoint: /x}}}", "Argo Events cannot publish a name with '.'"),
        ("{webhook: {'*': {endpoint: /x}}}", "Argo Events cannot publish a name with '.'"),
    ],
)
def test_what_runs_here_but_not_upstream_is_a_warning(spec: str, words: str) -> None:
    loaded = read(source_text(spec))
    (problem,) = loaded.problems
    assert problem.severity is Severity.WARNING
    assert words in problem.message
    assert len(loaded.event_sources) == 1


def test_an_expression_filter_of_a_source_disables_its_event_where_it_is_not_built() -> None:
    text = source_text("{webhook: {x: {endpoint: /x, filter: {expression: a == 1}}, z: {endpoint: /y, filter: {}}}}")
    loaded = read(text, features=())
    (source,) = loaded.event_sources.values()
    assert [event.name for event in source.events] == ["z"]
    (problem,) = loaded.errors
    assert problem.path == "spec.webhook.x.filter.expression"
    assert problem.message.startswith("Unsupported: filter.expression is known but not built")
    assert read(text, features={Feature.SOURCE_FILTER}).problems == ()


def bus(spec: str, version: str = "argoproj.io/v1alpha1") -> str:
    return f"apiVersion: {version}\nkind: EventBus\nmetadata: {{name: default}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    "spec",
    [
        "{nats: {native: {replicas: 3, auth: token}}}",
        "{nats: {exotic: {url: nats://x, clusterID: c}}}",
        "{jetstream: {version: '2.10.29'}}",
        "{jetstream: {version: latest, replicas: 5, streamConfig: 'maxAge: 1h', persistence: {volumeSize: 1Gi}}}",
        "{jetstreamExotic: {url: nats://x, accessSecret: {name: a, key: b}, streamConfig: ''}}",
        "{kafka: {url: 'a:9092', topic: t, consumerGroup: {groupName: g}}}",
    ],
)
def test_a_valid_bus_is_accepted_without_a_word(spec: str) -> None:
    loaded = read(bus(spec))
    assert loaded.problems == ()
    (found,) = loaded.buses.values()
    assert found.content["kind"] == "EventBus"


@pytest.mark.parametrize(
    ("spec", "path", "words"),
    [
        ("", "spec", "a bus needs one of"),
        ("{}", "spec", "a bus needs one of"),
        ("5", "spec", "expected a mapping, got a number"),
        ("{nats: {}}", "spec.nats", "expected exactly one of 'native' and 'exotic'"),
        ("{nats: {native: {}, exotic: {url: u, clusterID: c}}}", "spec.nats", "expected exactly one of"),
        ("{nats: {exotic: {url: u}}}", "spec.nats.exotic.clusterID", "missing"),
        ("{nats: {exotic: {clusterID: c}}}", "spec.nats.exotic.url", "missing"),
        ("{jetstream: {}}", "spec.jetstream.version", "missing"),
        ("{jetstream: {version: '2', replicas: 2}}", "spec.jetstream.replicas", "expected 1 or at least 3, got 2"),
        ("{jetstream: {version: 2.10}}", "spec.jetstream.version", "expected text in quotes, got the number 2.1"),
        ("{kafka: {topic: t}}", "spec.kafka.url", "missing"),
        ("{jetstreamExotic: {}}", "spec.jetstreamExotic.url", "missing"),
    ],
)
def test_a_bus_that_upstream_refuses_is_refused(spec: str, path: str, words: str) -> None:
    loaded = read(bus(spec))
    assert [(one.path, words in one.message) for one in loaded.problems] == [(path, True)], loaded.problems
    assert loaded.buses == {}


def test_a_bus_of_our_dialect_refuses_unknown_fields() -> None:
    (problem,) = read(bus("{kafka: {url: u, tpoic: t}}", OURS)).problems
    assert problem.message == "unknown field (did you mean 'topic'?)"


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("kind: Secret\ndata: {a: '%%%'}", "data.a", "expected base64"),
        ("kind: Secret\ndata: {a: aGk}", "data.a", "expected base64"),
        ("kind: Secret\ndata: {a: ü}", "data.a", "expected base64"),
        ("kind: Secret\ndata: {a: yes}", "data.a", "expected text in quotes, got true or false"),
        ("kind: Secret\nstringData: {a: 5}", "stringData.a", "expected text in quotes, got a number"),
        ("kind: Secret\ndata: [a]", "data", "expected a mapping, got a list"),
        ("kind: ConfigMap\ndata: {a: 5}", "data.a", "expected text in quotes, got a number"),
        ("kind: ConfigMap\nbinaryData: {a: x}", "binaryData.a", "expected base64"),
        ("kind: Secret\nimmutable: 5", "immutable", "expected true or false"),
    ],
)
def test_a_value_object_that_cannot_be_read_is_refused(text: str, path: str, words: str) -> None:
    loaded = read(f"apiVersion: v1\nmetadata: {{name: x}}\n{text}\n")
    assert [(one.path, words in one.message) for one in loaded.problems] == [(path, True)], loaded.problems
    assert len(loaded.failed) == 1


def test_a_misspelled_field_of_a_secret_is_a_warning_with_the_right_word() -> None:
    (problem,) = read("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringdata: {a: b}\n").problems
    assert problem.message == "unknown field (did you mean 'stringData'?); ignored"


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "30 2 * * 1-5",
        "*/15 0-23/2 1,15 JAN-mar MON",
        "0 0 ? * sun,Tue",
        "TZ=Asia/Singapore 0 9 * * *",
        "CRON_TZ=UTC 0 9 * * *",
        "5/10 * * * *",
    ],
)
def test_five_field_schedules_are_accepted(text: str) -> None:
    assert cron_fault(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@daily",
        "0 0 0 * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 7",
        "* * * * L",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/x * * * *",
        ", * * * *",
        "- * * * *",
        "TZ=No/Where 0 9 * * *",
        "TZ=",
        "٣ * * * *",
        "9999999999999999999999 * * * *",
        "* * * * mo",
    ],
)
def test_other_schedules_are_refused(text: str) -> None:
    assert cron_fault(text)


def test_times_of_day_are_compared_by_value() -> None:
    assert time_of_day("9:05:00") == time_of_day("09:05:00") == (9, 5, 0.0)
    assert time_of_day(" 09:05:00") == (9, 5, 0.0)
    assert time_of_day("23:59:59.5") == time_of_day("23:59:59,5") == (23, 59, 59.5)
    assert [time_of_day(text) for text in ("", "24:00:00", "9:5:00", "09:05", "09:60:00", "٠٩:05:00")] == [None] * 6


@pytest.mark.parametrize("name", ["", "UTC", "Local", "Europe/Lisbon", "Etc/GMT+5"])
def test_known_zones_are_accepted(name: str) -> None:
    assert zone_fault(name) is None


@pytest.mark.parametrize("name", ["Mars/Phobos", "America", "../../etc/passwd", "/etc/localtime", "\0", "Europe/Lisbon "])
def test_other_zones_are_refused(name: str) -> None:
    assert zone_fault(name)
