"""The nats trigger without a network: what it accepts, renders and shows."""

from typing import Any

import pytest
from pydantic import ValidationError
from trigger_rig import PAYLOAD, TriggerRig, a_bound, parameter, ref

from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers.nats import NatsKind

HERE: dict[str, Any] = {"url": "nats://a:4222", "subject": "orders.new", "payload": PAYLOAD}


@pytest.fixture
def rig() -> TriggerRig:
    return TriggerRig(NatsKind)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_sent_and_no_secret_is_read(rig: TriggerRig, dialect: Dialect) -> None:
    fields = HERE | {
        "auth": {"basic": {"username": ref("user"), "password": ref("password")}},
        "tls": {"caCertSecret": ref("ca")},
    }
    assert rig.shown(fields, dialect=dialect) == {"url": "nats://a:4222", "subject": "orders.new", "body": {"who": "me"}}
    assert rig.values.reads == 0


def test_a_password_in_the_url_is_not_shown(rig: TriggerRig) -> None:
    assert rig.shown(HERE | {"url": "nats://me:hush@a:4222, b:4222"})["url"] == "nats://a:4222,b:4222"


def test_own_parameters_set_the_subject_in_our_dialect(rig: TriggerRig) -> None:
    fields = HERE | {"parameters": [parameter("subject", dataKey="where")]}
    assert rig.shown(fields, {"who": "me", "where": "orders.old"})["subject"] == "orders.old"


def test_own_parameters_of_argo_manifests_change_all_but_the_subject(rig: TriggerRig) -> None:
    fields = HERE | {"parameters": [parameter("subject", dataKey="where"), parameter("url", dataKey="host")]}
    shown = rig.shown(fields, {"who": "me", "where": "orders.old", "host": "nats://b:4222"}, dialect=Dialect.ARGO)
    assert (shown["subject"], shown["url"]) == ("orders.new", "nats://b:4222")


def test_trigger_parameters_set_the_subject_in_both_dialects(rig: TriggerRig) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("nats.subject", dataKey="where")]})
    for dialect in Dialect:
        assert rig.shown(HERE, {"who": "me", "where": "x"}, dialect=dialect, head=head)["subject"] == "x"


def test_a_subject_made_from_an_event_is_checked(rig: TriggerRig) -> None:
    trigger = rig.trigger(HERE | {"parameters": [parameter("subject", dataKey="where")]})
    with pytest.raises(RenderError, match=r"^the parameters make a request that cannot be sent: '.*' has a wildcard"):
        trigger.render(a_bound({"who": "me", "where": "orders.*"}))


def test_an_event_without_the_value_is_an_error(rig: TriggerRig) -> None:
    with pytest.raises(RenderError, match="who"):
        rig.trigger(HERE).render(a_bound({}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"subject": "orders.>"}, "has a wildcard"),
        ({"subject": "orders..new"}, "is no subject"),
        ({"subject": "a b"}, "is no subject"),
        ({"subject": ""}, "at least 1 character"),
        ({"url": "http://a:1"}, "is not a NATS server"),
        ({"url": "nats://"}, "names no host"),
        ({"payload": []}, "at least 1 item"),
        ({"tls": {"clientCertSecret": {"name": "s", "key": "k"}}}, "come together"),
    ],
)
def test_what_cannot_work_is_refused(rig: TriggerRig, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rig.trigger(HERE | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {
            "jetstream": {},
        },
        {"headers": {"a": "b"}},
    ],
)
def test_what_argo_events_does_not_know_is_of_our_dialect(rig: TriggerRig, fields: dict[str, Any]) -> None:
    rig.trigger(HERE | fields)
    if fields == {"jetstream": {}}:
        fields = {"jetstream": {"stream": "S"}}
    with pytest.raises(ValueError, match=r"only in manifests of apiVersion tocsin\.dev/v1"):
        rig.trigger(HERE | fields, Dialect.ARGO)
