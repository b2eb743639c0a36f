"""The kafka trigger without a network: what it accepts, renders and shows."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from clients.kafka import connection
from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Dialect, TocsinTriggerHead, TriggerHead
from sensors.bound import Bound, EventView
from sensors.errors import RenderError
from sensors.triggers.kafka import KafkaKind, _decode
from sensors.triggers.kafka_record import cloud_record
from sensors.triggers.trigger import Trigger, TriggerContext

REF = {"name": "s", "key": "k"}
PAYLOAD = [{"src": {"dependencyName": "push", "dataKey": "who"}, "dest": "who"}]
HERE: dict[str, Any] = {"url": "a:9092, b:9092", "topic": "orders", "payload": PAYLOAD}


class NoValues:
    """Reading a secret where none may be read is an error."""

    def secret(self, namespace: str, name: str, key: str) -> object:
        raise AssertionError("a secret was read")

    config = secret


def compiled(dialect: Dialect = Dialect.TOCSIN, head: TriggerHead | None = None, **fields: Any) -> Trigger:
    spec = {name: value for name, value in (HERE | fields).items() if value is not None}
    declared = DeclaredTrigger(
        name="tell",
        kind="kafka",
        spec=KafkaKind.spec.model_validate(spec),
        template={"name": "tell", "kafka": spec},
        head=head or TocsinTriggerHead(),
    )
    context = TriggerContext(namespace="default", sensor="shop", dialect=dialect, values=NoValues())  # type: ignore[arg-type]
    return KafkaKind().compile(declared, context)


def bound(data: Mapping[str, Any] | None = None, **event: Any) -> Bound:
    fields = {"namespace": "default", "source": "hooks", "name": "push", "id": "e1", "type": "webhook", "time": None} | event
    made = Event(**fields, data=json.dumps(data or {"who": "me", "topic": "invoices"}).encode())
    return Bound(events={"push": EventView(made)}, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"s")


def parameter(dest: str, **src: Any) -> dict[str, Any]:
    return {"src": {"dependencyName": "push", **src}, "dest": dest}


def test_what_is_shown_is_what_would_be_sent_with_secrets_masked_and_unread() -> None:
    trigger = compiled(
        partitioningKey="k",
        partition=1,
        headers={"kind": "order"},
        secureHeaders=[{"name": "token", "valueFrom": {"secretKeyRef": REF}}],
        sasl={"userSecret": REF, "passwordSecret": REF},
        tls={"caCertSecret": REF},
    )
    assert trigger.show(trigger.render(bound())) == {
        "url": "a:9092, b:9092",
        "topic": "orders",
        "partition": 1,
        "key": "k",
        "headers": {"kind": "order", "token": "***"},
        "body": {"who": "me"},
    }


def test_rendering_twice_gives_the_same_bytes() -> None:
    trigger = compiled(cloudEvents={})
    assert trigger.render(bound()) == trigger.render(bound())


@pytest.mark.parametrize("dialect", list(Dialect))
def test_parameters_set_topic_and_key(dialect: Dialect) -> None:
    trigger = compiled(
        dialect,
        topic="TOPIC TO BE SET",
        parameters=[parameter("topic", dataKey="topic"), parameter("partitioningKey", dataKey="who")],
    )
    shown = trigger.show(trigger.render(bound()))
    assert (shown["topic"], shown["key"], shown["body"]) == ("invoices", "me", {"who": "me"})


def test_parameters_that_make_no_topic_are_an_error_of_that_firing() -> None:
    trigger = compiled(parameters=[parameter("topic", dataKey="topic")])
    with pytest.raises(RenderError, match="topic: 'a b' cannot be a topic"):
        trigger.render(bound({"who": "me", "topic": "a b"}))


def test_argo_events_manifests_write_to_any_partition() -> None:
    trigger = compiled(Dialect.ARGO, partition=1)
    assert trigger.show(trigger.render(bound()))["partition"] is None


def test_a_cloud_event_carries_the_chain_on() -> None:
    trigger = compiled(cloudEvents={"source": "/shop"})
    event = {"time": "2026-11-24T10:00:00Z", "correlation": "c-1", "hops": 2}
    request = trigger.render(bound(**event))
    assert trigger.show(request)["headers"] == {
        "ce_specversion": "1.0",
        "ce_type": "tocsin.firing",
        "ce_source": "/shop",
        "ce_time": "2026-11-24T10:00:00+00:00",
        "ce_correlationid": "c-1",
        "ce_hops": "3",
        "content-type": "application/json",
    }
    value, headers = cloud_record(_decode(request), id="f-1", structured=False)
    assert value == b'{"who":"me"}'
    assert headers["ce_id"] == headers["ce_causationid"] == b"f-1"
    assert headers["ce_time"] == b"2026-11-24T10:00:00Z"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "kafka://a:9092"}, "url: 'kafka://a:9092' is not an address of a broker"),
        ({"topic": "a b"}, "topic: 'a b' cannot be a topic"),
        ({"tls": {}}, "tls: set caCertSecret, or a client certificate and its key"),
        ({"schemaRegistry": {"url": "http://r"}}, "schemaRegistry.schemaId: missing"),
        ({"schemaRegistry": {"url": "http://r", "schemaId": 1}, "cloudEvents": {}}, "schemaRegistry and cloudEvents: not both"),
        ({"sasl": {"mechanism": "GSSAPI"}}, "sasl.mechanism: Unsupported: the mechanism GSSAPI"),
        ({"secureHeaders": [{"name": "a"}]}, "secureHeaders[0].valueFrom: name a secretKeyRef or a configMapKeyRef"),
        ({"secureHeaders": [{"valueFrom": {"secretKeyRef": REF}}]}, "secureHeaders[0].name: a header needs a name"),
        ({"headers": {"": "x"}}, "headers: a header needs a name"),
        ({"payload": [parameter("a", dataTemplate="{{")]}, "payload[0]"),
    ],
)
def test_what_cannot_work_is_named_with_its_field(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        compiled(**fields)
    assert said in str(refused.value)


def test_cloud_events_are_of_our_dialect() -> None:
    with pytest.raises(ValueError, match="cloudEvents: only in manifests of apiVersion"):
        compiled(Dialect.ARGO, cloudEvents={})


def test_logins_to_msk_are_of_our_dialect() -> None:
    with pytest.raises(ValueError, match="awsMskIamAuth: only in manifests of apiVersion"):
        compiled(Dialect.ARGO, awsMskIamAuth={"region": "eu-central-1"})
    compiled(awsMskIamAuth={"region": "eu-central-1"})


def test_a_login_to_msk_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda name: None if name == "botocore" else name)
    with pytest.raises(ValueError, match=r"pip install 'tocsin\[msk\]'"):
        compiled(awsMskIamAuth={"region": "eu-central-1"})


@pytest.mark.parametrize("fields", [{"payload": None}, {"payload": []}, {"topic": ""}, {"url": None}, {"requiredAcks": 2}])
def test_what_is_missing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        compiled(**fields)
