"""The awsLambda trigger on a server that plays AWS, and on a double for what that cannot do."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aws_double import REFUSALS, ROLE_KEY, ROLE_TOKEN, STATUSES, AwsDouble, aws_double
from servers.aws import Asked, AwsServer
from trigger_rig import PAYLOAD, RigValues, TriggerRig, a_bound, ref, rig_of

from eventbus.chain import Chain
from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.aws_answer import LOG_CHARS
from sensors.triggers.aws_clients import AwsWay, LambdaClients
from sensors.triggers.aws_lambda import AwsLambdaKind

KEY, ROLE = "AKIAEXAMPLE", "arn:aws:iam::123456789012:role/deployer"
KEYS = {"accessKey": ref("id"), "secretKey": ref("secret")}
HERE: dict[str, Any] = {"functionName": "shop", "region": "eu-central-1", "payload": PAYLOAD}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing to be found of whoever runs the tests."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
async def rig() -> AsyncIterator[TriggerRig]:
    async with rig_of(AwsLambdaKind, RigValues({"id": f"{KEY}\n", "secret": "hush", "other": "AKIAOTHER"})) as made:
        yield made


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AwsDouble]:
    async with aws_double() as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made


@pytest.fixture(params=["moto", "double"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AwsServer | AwsDouble:
    made: AwsServer | AwsDouble = request.getfixturevalue("aws_server" if request.param == "moto" else "double")
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
    made.forget()
    return made


def scope(asked: Asked) -> tuple[str, str, str]:
    """Key, region and service that a request was signed for."""
    key, _, region, service, _ = asked.headers["authorization"].partition("Credential=")[2].partition(",")[0].split("/")
    return key, region, service


@pytest.mark.parametrize("invocation", STATUSES)
async def test_a_function_is_invoked_as_declared(rig: TriggerRig, aws: AwsServer | AwsDouble, invocation: str) -> None:
    delivered = await rig.fire(rig.trigger(HERE | KEYS | {"invocationType": invocation}))
    (asked,) = await aws.asked()
    assert (delivered.status, asked.headers["x-amz-invocation-type"]) == (STATUSES[invocation], invocation)
    assert (asked.path, json.loads(asked.body)) == ("2015-03-31/functions/shop/invocations", {"who": "me"})
    assert scope(asked) == (KEY, "eu-central-1", "lambda")
    assert "request " in delivered.detail


async def test_a_function_that_is_waited_for_finds_the_key_and_the_chain(rig: TriggerRig, aws: AwsServer | AwsDouble) -> None:
    trigger, chain = rig.trigger(HERE | KEYS), Chain(correlation="c-1", causation="f-1", hops=3)
    await trigger.fire(trigger.render(a_bound()), idempotency_key="f-1", chain=chain)
    (asked,) = await aws.asked()
    context = json.loads(b64decode(asked.headers["x-amz-client-context"]))
    assert context == {"custom": {"Idempotency-Key": "f-1", **dict(chain.headers())}}


async def test_a_role_is_taken_on_once_and_used(rig: TriggerRig, aws: AwsServer | AwsDouble) -> None:
    trigger = rig.trigger(HERE | KEYS | {"roleARN": ROLE})
    await rig.fire(trigger)
    await rig.fire(trigger)
    sts, *invocations = await aws.asked()
    assert scope(sts) == (KEY, "eu-central-1", "sts")
    assert parse_qs(sts.body)["RoleArn"] == [ROLE]
    assert len(invocations) == 2
    assert all("x-amz-security-token" in one.headers and scope(one)[0].startswith("ASIA") for one in invocations)


async def test_credentials_come_from_the_surroundings_without_a_key(
    rig: TriggerRig, aws: AwsServer | AwsDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAAROUND")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    await rig.fire(rig.trigger(HERE))
    await rig.fire(rig.trigger(HERE | KEYS | {"roleARN": ROLE}, Dialect.ARGO))  # there a role passes the key by
    first, sts, _ = await aws.asked()
    assert scope(first)[0] == scope(sts)[0] == "AKIAAROUND"


async def test_without_credentials_nothing_is_sent(rig: TriggerRig, aws: AwsServer | AwsDouble) -> None:
    with pytest.raises(TriggerUnavailable, match="no credentials: set accessKey and secretKey"):
        await rig.fire(rig.trigger(HERE))
    assert await aws.asked() == []
    assert len(rig.shared.get(LambdaClients)) == 0


async def test_equal_identities_share_a_client(rig: TriggerRig, aws: AwsServer | AwsDouble) -> None:
    trigger = [rig.trigger(HERE | KEYS | {"functionName": f"f{n}"}) for n in range(3)]
    await asyncio.gather(*(rig.fire(trigger[n % 3], key=f"f-{n}") for n in range(12)))
    assert len(await aws.asked()) == 12
    assert len(rig.shared.get(LambdaClients)) == 1


async def test_a_function_that_fails_has_failed(rig: TriggerRig, double: AwsDouble) -> None:
    with pytest.raises(TriggerUnavailable) as caught:
        await rig.fire(rig.trigger(HERE | KEYS | {"functionName": "failing"}))
    told = str(caught.value)
    assert (
        "function failing in eu-central-1 failed (Unhandled): KeyError: 'total' is missing; version 7; request r-1; log " in told
    )
    assert told.endswith("x END RequestId: r-1")
    assert len(told) < LOG_CHARS + 300
    assert caught.value.status == 200


async def test_an_error_that_cannot_be_read_is_one(rig: TriggerRig, double: AwsDouble) -> None:
    with pytest.raises(TriggerUnavailable, match=r"function garbled in eu-central-1 failed \(Unhandled\); version 7"):
        await rig.fire(rig.trigger(HERE | KEYS | {"functionName": "garbled"}))


async def test_what_a_function_did_is_recorded(rig: TriggerRig, double: AwsDouble) -> None:
    detail = (await rig.fire(rig.trigger(HERE | KEYS))).detail
    assert detail.startswith("version 7; request r-1; log xxx")
    assert len(detail) < LOG_CHARS + 100


@pytest.mark.parametrize("name", ["gone", "denied", "large", "loop"])
async def test_what_will_not_get_better_is_given_up(rig: TriggerRig, double: AwsDouble, name: str) -> None:
    status, code, said = REFUSALS[name]
    with pytest.raises(TriggerRefused) as caught:
        await rig.fire(rig.trigger(HERE | KEYS | {"functionName": name}))
    assert str(caught.value) == f"function {name} in eu-central-1 answered {status} {code}: {said}"
    assert caught.value.status == status


@pytest.mark.parametrize("name", ["busy", "changing", "broken", "cold"])
async def test_what_may_get_better_is_tried_again_by_the_outbox_alone(rig: TriggerRig, double: AwsDouble, name: str) -> None:
    with pytest.raises(TriggerUnavailable, match=REFUSALS[name][1]) as caught:
        await rig.fire(rig.trigger(HERE | KEYS | {"functionName": name}))
    assert caught.value.retry_after_s == (7 if name == "busy" else None)
    assert len(await double.asked()) == 1


async def test_no_answer_is_worth_another_try(rig: TriggerRig, double: AwsDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TriggerUnavailable, match="AWS in eu-central-1: "):
        await rig.fire(rig.trigger(HERE | KEYS | {"functionName": "hangup"}))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(TriggerUnavailable, match=r"Could not connect to the endpoint URL: \S+127\.0\.0\.1:1"):
        await rig.fire(rig.trigger(HERE | KEYS | {"region": "eu-west-1"}))


async def test_a_key_that_is_not_accepted_is_worth_another_try_and_a_rotated_one_is_used(
    rig: TriggerRig, double: AwsDouble
) -> None:
    double.right_keys = {"AKIAOTHER"}
    trigger = rig.trigger(HERE | KEYS)
    with pytest.raises(TriggerUnavailable, match="403 UnrecognizedClientException") as caught:
        await rig.fire(trigger)
    assert KEY not in str(caught.value)
    assert len(rig.shared.get(LambdaClients)) == 0
    rig.values.values["id"] = b"AKIAOTHER"
    await rig.fire(trigger)


async def test_surroundings_that_change_are_read_again_when_they_are_not_accepted(
    rig: TriggerRig, double: AwsDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOLD")
    trigger = rig.trigger(HERE)
    await rig.fire(trigger)
    double.right_keys = {"AKIANEW"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANEW")
    with pytest.raises(TriggerUnavailable):
        await rig.fire(trigger)
    await rig.fire(trigger)


async def test_a_running_function_is_not_cut_off_by_a_key_that_is_not_accepted_any_more(
    rig: TriggerRig, double: AwsDouble
) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(rig.fire(rig.trigger(HERE | KEYS | {"functionName": "slow"})))
        await double.waiting.wait()
        double.right_keys = set()
        with pytest.raises(TriggerUnavailable):
            await rig.fire(rig.trigger(HERE | KEYS))
        double.hold.set()
    assert running.result().status == 200


async def test_a_role_that_may_not_be_taken_on_is_refused(rig: TriggerRig, double: AwsDouble) -> None:
    rig.values.values["id"] = b"AKIAOUTSIDER"
    with pytest.raises(TriggerRefused, match="answered to AssumeRole 403 AccessDenied: not authorized"):
        await rig.fire(rig.trigger(HERE | KEYS | {"roleARN": ROLE}))


async def test_the_role_of_the_double_is_used(rig: TriggerRig, double: AwsDouble) -> None:
    await rig.fire(rig.trigger(HERE | KEYS | {"roleARN": ROLE}))
    _, invocation = await double.asked()
    assert (scope(invocation)[0], invocation.headers["x-amz-security-token"]) == (ROLE_KEY, ROLE_TOKEN)


async def test_a_policy_says_which_status_is_a_success(rig: TriggerRig, double: AwsDouble) -> None:
    head = TocsinTriggerHead.model_validate({"policy": {"status": {"allow": [202]}}})
    with pytest.raises(TriggerRefused, match="answered 200"):
        await rig.fire(rig.trigger(HERE | KEYS, head=head))
    await rig.fire(rig.trigger(HERE | KEYS | {"invocationType": "Event"}, head=head))


@pytest.mark.parametrize(("values", "message"), [({}, "'id' is missing"), ({"id": " ", "secret": "hush"}, "is empty")])
async def test_keys_that_are_none_are_worth_another_try(
    rig: TriggerRig, double: AwsDouble, values: dict[str, str], message: str
) -> None:
    rig.values.values = {name: value.encode() for name, value in values.items()}
    with pytest.raises(TriggerUnavailable, match=message):
        await rig.fire(rig.trigger(HERE | KEYS))


async def test_nothing_is_sent_after_the_end(rig: TriggerRig, double: AwsDouble) -> None:
    trigger = rig.trigger(HERE | KEYS)
    await rig.shared.aclose()
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(trigger)


def test_a_way_prints_no_secret() -> None:
    assert "hush" not in repr(AwsWay("eu-central-1", "hush", "hush"))
