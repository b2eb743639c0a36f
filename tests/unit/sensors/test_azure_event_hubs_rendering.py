"""The azureEventHubs trigger without a network: what it accepts, renders and shows."""

from typing import Any

import pytest
from trigger_rig import PAYLOAD, TriggerRig, a_bound, parameter, ref

from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers import azure_sending
from sensors.triggers.azure_event_hubs import AzureEventHubsKind
from sensors.triggers.azure_service_bus import AzureServiceBusKind
from sensors.triggers.trigger import TriggerKind

HERE: dict[str, Any] = {
    "fqdn": "shop.servicebus.windows.net",
    "hubName": "orders",
    "sharedAccessKeyName": ref("name"),
    "sharedAccessKey": ref("key"),
    "payload": PAYLOAD,
}
FIELDS: dict[type[TriggerKind], dict[str, Any]] = {
    AzureEventHubsKind: HERE,
    AzureServiceBusKind: {"connectionString": ref("bus"), "queueName": "orders", "payload": PAYLOAD},
}
SHOWN = {"fqdn": "shop.servicebus.windows.net", "hubName": "orders", "body": {"who": "me"}}


@pytest.fixture
def rig() -> TriggerRig:
    return TriggerRig(AzureEventHubsKind)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_sent_and_no_secret_is_read(rig: TriggerRig, dialect: Dialect) -> None:
    assert rig.shown(HERE, dialect=dialect) == SHOWN
    assert rig.values.reads == 0


def test_own_parameters_change_everything_in_our_dialect(rig: TriggerRig) -> None:
    fields = HERE | {"parameters": [parameter("hubName", dataKey="where")]}
    assert rig.shown(fields, {"who": "me", "where": "late"})["hubName"] == "late"


def test_own_parameters_of_argo_manifests_change_the_payload_only(rig: TriggerRig) -> None:
    changed = ["fqdn", "hubName", "sharedAccessKey.key", "sharedAccessKeyName.key", "payload.0.dest"]
    fields = HERE | {"parameters": [parameter(dest, dataKey="where") for dest in changed]}
    shown = rig.shown(fields, {"who": "me", "where": "late"}, dialect=Dialect.ARGO)
    assert shown == SHOWN | {"body": {"late": "me"}}


def test_trigger_parameters_change_everything_in_both_dialects(rig: TriggerRig) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("azureEventHubs.hubName", dataKey="where")]})
    for dialect in Dialect:
        assert rig.shown(HERE, {"who": "me", "where": "late"}, dialect=dialect, head=head)["hubName"] == "late"


def test_a_host_made_from_an_event_is_checked(rig: TriggerRig) -> None:
    trigger = rig.trigger(HERE | {"parameters": [parameter("fqdn", dataKey="where")]})
    with pytest.raises(RenderError, match="is no host"):
        trigger.render(a_bound({"who": "me", "where": "evil;EntityPath=x"}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fqdn": ""}, "fqdn is missing"),
        ({"fqdn": "sb://shop.servicebus.windows.net/"}, "is no host"),
        ({"hubName": ""}, "hubName is missing"),
        ({"sharedAccessKey": None}, "sharedAccessKey"),
        ({"sharedAccessKeyName": None}, "sharedAccessKeyName"),
        ({"payload": []}, "payload is missing"),
    ],
)
def test_what_cannot_work_is_refused(rig: TriggerRig, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rig.trigger(HERE | fields)


@pytest.mark.parametrize("of", [AzureEventHubsKind, AzureServiceBusKind])
def test_a_library_that_is_missing_is_named(of: type[TriggerKind], monkeypatch: pytest.MonkeyPatch) -> None:
    rig = TriggerRig(of)
    rig.trigger(FIELDS[of])

    def nothing(library: str) -> None:
        raise ModuleNotFoundError(library)

    monkeypatch.setattr(azure_sending, "find_spec", nothing)
    with pytest.raises(ValueError, match=r"pip install 'tocsin\[azure\]'"):
        rig.trigger(FIELDS[of])
