"""The awsLambda trigger without a network: what it accepts, renders and shows."""

from typing import Any

import pytest
from trigger_rig import PAYLOAD, TriggerRig, a_bound, parameter, ref

from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers import aws_lambda
from sensors.triggers.aws_clients import LONGEST_RUN_S
from sensors.triggers.aws_lambda import AwsLambdaKind

HERE: dict[str, Any] = {"functionName": "shop", "region": "eu-central-1", "payload": PAYLOAD}
SHOWN = {"functionName": "shop", "region": "eu-central-1", "invocationType": "RequestResponse", "body": {"who": "me"}}


@pytest.fixture
def rig() -> TriggerRig:
    return TriggerRig(AwsLambdaKind)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_asked_and_no_secret_is_read(rig: TriggerRig, dialect: Dialect) -> None:
    role = "arn:aws:iam::123456789012:role/deployer"
    fields = HERE | {"accessKey": ref("id"), "secretKey": ref("secret"), "roleARN": role}
    assert rig.shown(fields, dialect=dialect) == SHOWN | {"roleARN": role}
    assert rig.values.reads == 0


def test_own_parameters_change_everything_in_our_dialect(rig: TriggerRig) -> None:
    fields = HERE | {"parameters": [parameter("functionName", dataKey="name"), parameter("region", dataKey="where")]}
    shown = rig.shown(fields, {"who": "me", "name": "pay", "where": "us-east-1"})
    assert (shown["functionName"], shown["region"]) == ("pay", "us-east-1")


def test_own_parameters_of_argo_manifests_change_no_region_and_no_identity(rig: TriggerRig) -> None:
    changes = {"functionName": "name", "region": "where", "roleARN": "role", "accessKey.name": "name", "invocationType": "how"}
    fields = HERE | {"parameters": [parameter(dest, dataKey=key) for dest, key in changes.items()]}
    data = {"who": "me", "name": "pay", "where": "us-east-1", "role": "arn:aws:iam::1:role/x", "how": "Event"}
    shown = rig.shown(fields, data, dialect=Dialect.ARGO)
    assert shown == SHOWN | {"functionName": "pay", "invocationType": "Event"}


def test_trigger_parameters_change_everything_in_both_dialects(rig: TriggerRig) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("awsLambda.region", dataKey="where")]})
    for dialect in Dialect:
        assert rig.shown(HERE, {"who": "me", "where": "us-east-1"}, dialect=dialect, head=head)["region"] == "us-east-1"


def test_a_region_made_from_an_event_is_checked(rig: TriggerRig) -> None:
    trigger = rig.trigger(HERE | {"parameters": [parameter("region", dataKey="where")]})
    with pytest.raises(RenderError, match="is no region"):
        trigger.render(a_bound({"who": "me", "where": "evil.example.com/"}))


def test_an_attempt_may_last_as_long_as_a_function_may_run(rig: TriggerRig) -> None:
    assert (rig.trigger(HERE).timeout_s or 0) > LONGEST_RUN_S
    assert rig.trigger(HERE | {"invocationType": "Event"}).timeout_s is None
    changed = HERE | {"invocationType": "Event", "parameters": [parameter("invocationType", dataKey="how")]}
    assert (rig.trigger(changed).timeout_s or 0) > LONGEST_RUN_S


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"functionName": ""}, "at least 1 character"),
        ({"region": ""}, "at least 1 character"),
        ({"region": "eu central"}, "is no region"),
        ({"region": "a.b"}, "is no region"),
        ({"payload": []}, "at least 1 item"),
        ({"accessKey": ref("id")}, "come together"),
        ({"secretKey": ref("secret")}, "come together"),
        ({"roleARN": "deployer"}, "is no role"),
        ({"invocationType": "Later"}, "RequestResponse"),
    ],
)
def test_what_cannot_work_is_refused(rig: TriggerRig, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rig.trigger(HERE | fields)


def test_a_library_that_is_missing_is_named(rig: TriggerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_lambda, "find_spec", lambda library: None)
    with pytest.raises(ValueError, match=r"pip install 'tocsin\[aws\]'"):
        rig.trigger(HERE)
