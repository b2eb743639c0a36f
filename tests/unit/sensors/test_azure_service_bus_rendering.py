"""The azureServiceBus trigger without a network: what it accepts, renders and shows, and connection strings."""

from typing import Any

import pytest
from trigger_rig import PAYLOAD, TriggerRig, parameter, ref

from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers.azure_connection import read_connection
from sensors.triggers.azure_service_bus import AzureServiceBusKind

HERE: dict[str, Any] = {"connectionString": ref("bus"), "queueName": "orders", "payload": PAYLOAD}


@pytest.fixture
def rig() -> TriggerRig:
    return TriggerRig(AzureServiceBusKind)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_sent_and_no_secret_is_read(rig: TriggerRig, dialect: Dialect) -> None:
    fields = HERE | {"tls": {"caCertSecret": ref("ca")}, "subscriptionName": "all"}
    assert rig.shown(fields, dialect=dialect) == {"queueName": "orders", "body": {"who": "me"}}
    topic = {"connectionString": ref("bus"), "topicName": "orders", "payload": PAYLOAD}
    assert rig.shown(topic, dialect=dialect) == {"topicName": "orders", "body": {"who": "me"}}
    assert rig.values.reads == 0


def test_own_parameters_change_everything_in_our_dialect(rig: TriggerRig) -> None:
    fields = HERE | {"parameters": [parameter("queueName", dataKey="where")]}
    assert rig.shown(fields, {"who": "me", "where": "late"})["queueName"] == "late"


def test_own_parameters_of_argo_manifests_change_the_payload_only(rig: TriggerRig) -> None:
    parameters = [parameter("queueName", dataKey="where"), parameter("payload.0.dest", dataKey="where")]
    shown = rig.shown(HERE | {"parameters": parameters}, {"who": "me", "where": "late"}, dialect=Dialect.ARGO)
    assert shown == {"queueName": "orders", "body": {"late": "me"}}


def test_trigger_parameters_change_everything_in_both_dialects(rig: TriggerRig) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("azureServiceBus.queueName", dataKey="where")]})
    for dialect in Dialect:
        assert rig.shown(HERE, {"who": "me", "where": "late"}, dialect=dialect, head=head)["queueName"] == "late"


def test_what_parameters_set_need_not_be_declared(rig: TriggerRig) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("azureServiceBus.queueName", dataKey="where")]})
    fields = {"connectionString": ref("bus"), "payload": PAYLOAD}
    assert rig.shown(fields, {"who": "me", "where": "late"}, dialect=Dialect.ARGO, head=head)["queueName"] == "late"
    with pytest.raises(RenderError, match="queueName or topicName is missing"):
        rig.shown(fields, {"who": "me", "where": ""}, dialect=Dialect.ARGO, head=head)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"queueName": ""}, "queueName or topicName is missing"),
        ({"connectionString": None}, "connectionString"),
        ({"payload": []}, "payload is missing"),
        ({"tls": {"clientKeySecret": ref("key")}}, "come together"),
    ],
)
def test_what_cannot_work_is_refused(rig: TriggerRig, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rig.trigger(HERE | fields)


def test_a_connection_string_is_read_in_any_case_and_order() -> None:
    read = read_connection(" sharedaccesskey=aHVzaA==;ENDPOINT=sb://bus.example.com/;SharedAccessKeyName=me;EntityPath=orders;\n")
    assert (read.host, read.entity, read.secret, read.plain) == ("bus.example.com", "orders", "aHVzaA==", False)
    assert read.text == "Endpoint=sb://bus.example.com/;SharedAccessKeyName=me;SharedAccessKey=aHVzaA=="
    assert read_connection(f"{read.text};TransportType=Amqp").text == read.text
    signed = read_connection(
        "Endpoint=sb://bus.example.com/;SharedAccessSignature=SharedAccessSignature sr=a&sig=b%3D&se=1&skn=me"
    )
    assert signed.secret == "SharedAccessSignature sr=a&sig=b%3D&se=1&skn=me"
    assert read_connection("Endpoint=sb://a:5672;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=True").plain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a part without an equals sign"),
        ("hush", "a part without an equals sign"),
        ("Endpoint=sb://a/;hush", "a part without an equals sign"),
        ("SharedAccessKeyName=me;SharedAccessKey=hush", "no Endpoint=sb://"),
        ("Endpoint=https://hush/;SharedAccessKeyName=me;SharedAccessKey=hush", "no Endpoint=sb://"),
        ("Endpoint=sb://a/;SharedAccessKey=hush", "only one of SharedAccessKeyName and SharedAccessKey"),
        ("Endpoint=sb://a/;SharedAccessKeyName=hush", "only one of"),
        ("Endpoint=sb://a/", "neither a key nor a signature"),
        ("Endpoint=sb://a/;SharedAccessKeyName=me;SharedAccessKey=hush;SharedAccessSignature=hush", "both a key and a signature"),
    ],
)
def test_a_connection_string_that_is_none_is_refused_without_quoting_it(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_connection(text)
    assert "hush" not in str(caught.value)
    assert "expected Endpoint=sb://" in str(caught.value)
