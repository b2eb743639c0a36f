"""`config`: settings of another client, as far as they mean something here."""

from typing import Any

import pytest

from sources.kafka.settings import Settings, read_settings


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", Settings()),
        ("# nothing", Settings()),
        ("ClientID: shop\nRackID: eu-1a", Settings({"client_id": "shop", "client_rack": "eu-1a"})),
        (
            "consumer: {fetch: {min: 1024, default: 65536, max: 0}}",
            Settings({"fetch_min_bytes": 1024, "max_partition_fetch_bytes": 65536}),
        ),
        ("Consumer:\n  Fetch:\n    Max: '5000000'", Settings({"fetch_max_bytes": 5000000})),
        ("consumer.maxWaitTime: 250ms", Settings({"fetch_max_wait_ms": 250})),
        ("consumer: {maxWaitTime: 250000000}", Settings({"fetch_max_wait_ms": 250})),
        (
            "consumer: {isolationLevel: 1, retry: {backoff: 2s}}",
            Settings({"isolation_level": "read_committed", "retry_backoff_ms": 2000}),
        ),
        ("consumer: {offsets: {initial: -2}}", Settings(oldest=True)),
        ("consumer: {offsets: {initial: -1, autoCommit: {interval: 5s}}}", Settings(commit_s=5.0)),
        ("net: {tls: {enable: true}}", Settings(tls=True)),
        ("net: {dialTimeout: 1m, readTimeout: 20s}", Settings({"request_timeout_ms": 60_000})),
        ("metadata: {refreshFrequency: 1m30s}", Settings({"metadata_max_age_ms": 90_000})),
        (
            "consumer: {group: {session: {timeout: 30s}, heartbeat: {interval: 3s}, rebalance: {timeout: 60s}}}",
            Settings(
                {
                    "session_timeout_ms": 30_000,
                    "heartbeat_interval_ms": 3000,
                    "rebalance_timeout_ms": 60_000,
                    "request_timeout_ms": 65_000,
                }
            ),
        ),
        (
            "consumer: {group: {session: {timeout: 900ms}}}",
            Settings({"session_timeout_ms": 900, "heartbeat_interval_ms": 300, "request_timeout_ms": 5900}),
        ),
        ("consumer: {group: {instanceId: node-1}}", Settings({"group_instance_id": "node-1"})),
    ],
)
def test_what_has_an_equivalent_is_used(text: str, asked: Settings) -> None:
    assert read_settings(text) == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2.8.0", "version: client and broker agree on what both speak"),
        ("producer: {requiredAcks: -1, flush: {frequency: 1s}}", "producer: a source writes nothing"),
        ("admin: {timeout: 3s}", "admin: a source administers nothing"),
        (
            "consumer: {offsets: {retention: 24h}}",
            "consumer.offsets.retention: brokers since Kafka 2.1 do not let clients choose it",
        ),
        ("consumer: {offsets: {autoCommit: {enable: false}}}", "consumer.offsets.autocommit.enable: an offset is committed when"),
        ("net: {proxy: {enable: true}}", "net.proxy: this client has no such setting"),
    ],
)
def test_what_has_none_is_named_with_the_reason(text: str, said: str) -> None:
    asked = read_settings(text)
    assert asked.consumer == {}
    assert [idle[: len(said)] for idle in asked.idle] == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 2, column 1: did not find expected node content"),
        ("- 1", "expected settings by name, got a list"),
        ("just text", "expected settings by name, got text"),
        (
            "consumer:\n  fetch:\n    mni: 1",
            "line 3, column 10: consumer.fetch.mni: unknown setting (did you mean 'consumer.fetch.min'?)",
        ),
        ("consumer: {fetch: 5}", "line 1, column 19: consumer.fetch: expected settings by name below it"),
        ("consumer: {fetch: {min: 0}}", "consumer.fetch.min: expected a number from 1 to 2147483647, got 0"),
        ("consumer: {fetch: {min: a lot}}", "consumer.fetch.min: expected a whole number, got the text 'a lot'"),
        ("consumer: {fetch: {min: {a: 1}}}", "consumer.fetch.min: expected a whole number, got a mapping"),
        ("consumer: {maxWaitTime: 3 days}", "consumer.maxwaittime: expected a duration such as 30s, 5m or 1h30m"),
        ("consumer: {maxWaitTime: 10us}", "consumer.maxwaittime: expected 1 ms or more"),
        (
            "consumer: {offsets: {initial: 0}}",
            "consumer.offsets.initial: expected -2 for the oldest record or -1 for the newest, got 0",
        ),
        (
            "consumer: {group: {heartbeat: {interval: 10s}}}",
            "consumer.group.heartbeat.interval: must be less than consumer.group.session",
        ),
        ("consumer: {group: {instanceId: a b}}", "consumer.group.instanceid: expected 1 to 249 letters"),
        (
            "consumer: {group: {rebalance: {strategy: 1}}}",
            "consumer.group.rebalance.strategy: write consumerGroup.rebalanceStrategy",
        ),
        (
            "net: {sasl: {enable: true, password: hidden}}",
            "net.sasl.enable: write it into sasl of the event, where user and password",
        ),
        ("clientid: 7", "clientid: expected text, got the number 7"),
        ("net: {tls: {enable: 1}}", "net.tls.enable: expected true or false, got the number 1"),
        ("clientid: a\nClientId: ''", "clientid: expected text"),
        ("x: &a {y: *a}", "line 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_settings(text)
    assert said in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"line 1, .*line 2, "):
        read_settings("clientid: 7\nnet.readTimeout: soon")


def test_nothing_is_known_in_two_ways() -> None:
    from sources.kafka import settings

    known: list[Any] = [*settings._EFFECTIVE, *settings._IDLE, *settings._REFUSED]
    assert len(known) == len(set(known))
    assert not [name for name in settings._EFFECTIVE if settings._why_idle(name)]
