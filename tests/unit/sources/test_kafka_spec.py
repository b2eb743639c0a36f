"""What a `kafka` event source accepts, and what its records become."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from manifests.load import load_text
from sources.kafka import pace
from sources.kafka.pace import Pace
from sources.kafka.records import Reader, Unreadable, timestamp
from sources.kafka.spec import KafkaSpec
from tocsin.kinds import BuiltKinds

REF = {"name": "s", "key": "k"}
HERE: dict[str, Any] = {"url": "a:9092, b:9093", "topic": "orders", "consumerGroup": {"groupName": "g"}}


def problems(**fields: Any) -> list[str]:
    """What is said about an event with `fields`; a field that is None is left out."""
    given = {name: value for name, value in (HERE | fields).items() if value is not None}
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": "k"},
        "spec": {"kafka": {"orders": given}},
    }
    loaded = load_text(msgspec.json.encode(manifest).decode(), kinds=BuiltKinds())
    return [f"{problem.path}: {problem.message}" for problem in loaded.problems]


def test_every_field_is_accepted() -> None:
    spec = KafkaSpec.model_validate(
        HERE
        | {
            "partition": "1",
            "consumerGroup": {"groupName": "g", "oldest": True, "rebalanceStrategy": "sticky"},
            "limitEventsPerSecond": 5,
            "version": "2.5.0",
            "sasl": {"mechanism": "SCRAM-SHA-512", "userSecret": REF, "passwordSecret": REF},
            "tls": {"caCertSecret": REF},
            "jsonBody": True,
            "metadata": {"a": "b"},
            "connectionBackoff": {"duration": "5s", "factor": 2, "jitter": 0.5, "steps": 3},
            "filter": {"expression": ""},
            "config": "consumer: {fetch: {min: 1}}",
            "schemaRegistry": {"url": "http://r:8081", "schemaId": 7, "auth": {"username": REF, "password": REF}},
        }
    )
    assert spec.consumer_group is not None
    assert spec.consumer_group.strategy == "sticky"


@pytest.mark.parametrize(
    "login",
    [
        {"sasl": {"mechanism": "OAUTHBEARER", "passwordSecret": REF}},
        {"sasl": {"mechanism": "OAUTHBEARER", "userSecret": REF, "passwordSecret": REF, "oauth": {"tokenUrl": "https://l/t"}}},
        {"awsMskIamAuth": {"region": "us-gov-west-1"}},
    ],
)
def test_tokens_are_accepted(login: dict[str, Any]) -> None:
    assert problems(**login) == []


def test_an_unknown_strategy_is_range() -> None:
    spec = KafkaSpec.model_validate(HERE | {"consumerGroup": {"groupName": "g", "rebalanceStrategy": "fair"}})
    assert spec.consumer_group is not None
    assert spec.consumer_group.strategy == "range"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "kafka://a:9092"}, ["url: 'kafka://a:9092' is not an address of a broker", "(without kafka://)"]),
        ({"url": "a:9092,,b:1"}, ["url: '' is not an address of a broker; write HOST:PORT, several separated by commas"]),
        ({"url": "a"}, ["url: 'a' is not an address", "(did you mean a:9092?)"]),
        ({"url": "a:70000"}, ["url: 'a:70000' is not an address"]),
        ({"url": None}, ["url: missing"]),
        ({"topic": "a b"}, ["topic: 'a b' cannot be a topic"]),
        ({"consumerGroup": None}, ["names neither a consumerGroup nor a partition"]),
        ({"consumerGroup": {}}, ["consumerGroup.groupName: missing"]),
        ({"partition": "one"}, ["partition: 'one' is not the number of a partition"]),
        ({"version": "new"}, ["version: 'new' is no version of Kafka"]),
        ({"sasl": {"mechanism": "scram-sha-256", "userSecret": REF}}, ["sasl.mechanism: ", "did you mean 'SCRAM-SHA-256'"]),
        ({"sasl": {"userSecret": REF}}, ["sasl: sasl needs a user and a password; passwordSecret is missing"]),
        ({"tls": {}}, ["tls: set caCertSecret, or a client certificate and its key, or insecureSkipVerify, or enabled"]),
        ({"tls": {"clientCertSecret": REF}}, ["tls: clientCertSecret and clientKeySecret come together"]),
        (
            {"sasl": {"mechanism": "GSSAPI"}},
            ["sasl.mechanism: Unsupported: the mechanism GSSAPI of sasl (use SCRAM-SHA-512, or OAUTHBEARER with tokens"],
        ),
        ({"awsMskIamAuth": {"region": "x"}}, ["awsMskIamAuth.region: 'x' is no region of AWS; write one such as eu-central-1"]),
        ({"awsMskIamAuth": {}}, ["awsMskIamAuth.region: missing"]),
        (
            {"sasl": {"mechanism": "OAUTHBEARER"}},
            ["sasl: sasl needs a token, or oauth, which fetches some; passwordSecret is missing"],
        ),
        (
            {"sasl": {"mechanism": "OAUTHBEARER", "passwordSecret": REF, "oauth": {"tokenUrl": "https://l/token"}}},
            ["sasl: sasl needs a user and a password; userSecret is missing"],
        ),
        (
            {"sasl": {"userSecret": REF, "passwordSecret": REF, "oauth": {"tokenUrl": "https://l/token"}}},
            ["sasl: oauth is only for the mechanism OAUTHBEARER"],
        ),
        (
            {"sasl": {"mechanism": "OAUTHBEARER", "passwordSecret": REF, "oauth": {"tokenUrl": "login/token"}}},
            ["sasl.oauth.tokenUrl: 'login/token' is not the address of a token endpoint"],
        ),
        ({"schemaRegistry": {}}, ["schemaRegistry.url: missing"]),
        ({"schemaRegistry": {"url": "r:8081"}}, ["schemaRegistry.url: 'r:8081' is not the address of a registry"]),
        ({"schemaRegistry": {"url": "http://u:p@r"}}, ["schemaRegistry.url: the address holds a login; it belongs into auth"]),
        ({"config": "a: 1\nb: 2"}, ["config: line 1, column 4: a: unknown setting; line 2, column 4: b: unknown setting"]),
    ],
)
def test_what_cannot_run_is_named_with_its_place(fields: dict[str, Any], said: list[str]) -> None:
    found = problems(**fields)
    assert found, "nothing was said"
    for part in said:
        assert any(part in problem and problem.startswith("spec.kafka.orders") for problem in found), found


def record(**fields: Any) -> Any:
    given = {"topic": "t", "key": None, "partition": 3, "value": b"1", "timestamp": 1714557600123, "headers": ()} | fields
    return SimpleNamespace(**given)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (1714557600000, "2024-05-01 10:00:00 +0000 UTC"),
        (1714557600123, "2024-05-01 10:00:00.123 +0000 UTC"),
        (1714557600120, "2024-05-01 10:00:00.12 +0000 UTC"),
        (0, "1970-01-01 00:00:00 +0000 UTC"),
        (-1, "0001-01-01 00:00:00 +0000 UTC"),
        (1 << 62, "0001-01-01 00:00:00 +0000 UTC"),
    ],
)
def test_a_timestamp_is_written_as_go_writes_it(milliseconds: int, text: str) -> None:
    assert timestamp(milliseconds) == text


@pytest.mark.parametrize("value", [b'{"a": 1.0, "b":[1e2]}', b"null", b'"x"', b" 7 ", None])
@pytest.mark.parametrize("metadata", [{}, {"a": "b"}])
def test_the_data_and_its_tree_are_the_same(value: bytes | None, metadata: dict[str, str]) -> None:
    reader = Reader(json_body=True, metadata=metadata)
    data, tree = reader.read(record(value=value, key=b"\xffk", headers=(("n", b"0"), ("h", b"1"), ("n", None))))
    assert msgspec.json.decode(data) == tree
    assert b'"headers":{"h":"1","n":""}' in data, "by name, the last of each"
    assert ("metadata" in tree) == bool(metadata)


def test_a_json_body_keeps_its_text() -> None:
    data, _ = Reader(json_body=True, metadata={}).read(record(value=b'{"n": 1.0, "n": 2e0}'))
    assert b'"body":{"n": 1.0, "n": 2e0},' in data


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_unreadable_and_not_shown(value: bytes) -> None:
    with pytest.raises(Unreadable, match="jsonBody: the value is not JSON"):
        Reader(json_body=True, metadata={}).read(record(value=value))


def test_a_pace_makes_each_partition_wait_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(pace, "monotonic", lambda: now)
    limited: Pace[str] = Pace(10)
    assert limited.share(512) == 1
    limited.took("a", 5)
    assert limited.ready(["a", "b"]) == ["b"]
    assert limited.wait_s(["a", "b"], 2.0) == pytest.approx(0.5)
    now += 0.5
    assert limited.ready(["a", "b"]) == ["a", "b"]
    limited.took("a", 5)
    limited.forget(["a"])
    assert limited.ready(["a"]) == ["a"]


def test_without_a_limit_nothing_waits() -> None:
    free: Pace[str] = Pace(0)
    free.took("a", 1_000_000)
    assert (free.ready(["a"]), free.share(512), free.wait_s(["a"], 2.0)) == (["a"], 512, 2.0)
