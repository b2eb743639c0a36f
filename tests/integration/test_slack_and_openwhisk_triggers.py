"""The slack and openWhisk triggers on stand-ins that are as strict as the services' own descriptions."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from aiohttp import web
from servers.process import free_ports
from trigger_rig import PAYLOAD, RigValues, TriggerRig, ref, rig_of

from eventbus.errors import BusDamaged, BusError, BusUnavailable
from eventbus.sqlite import open_bus
from manifests.objects import TocsinTriggerHead
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers import slack_posting
from sensors.triggers.memory import Memory
from sensors.triggers.openwhisk import OpenWhiskKind
from sensors.triggers.slack import SlackKind
from sources.state import MemoryStore


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_ports(1)[0]
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class Slack:
    """`chat.postMessage`: takes the token `xoxb-1` and the channels `alerts` and `C1`."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: list[web.Response] = []

    async def handle(self, request: web.Request) -> web.Response:
        assert (request.method, request.path) == ("POST", "/api/chat.postMessage")
        if self.answers:
            return self.answers.pop(0)
        if request.headers.get("Authorization") != "Bearer xoxb-1":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        said = await request.json()
        if said["channel"] not in ("alerts", "C1"):
            return web.json_response({"ok": False, "error": "channel_not_found"})
        self.posts.append(said)
        await asyncio.sleep(0)
        return web.json_response({"ok": True, "channel": "C1", "ts": f"17.{len(self.posts):06}"})


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slack]:
    made = Slack()
    async with serving(made.handle) as url:
        monkeypatch.setattr(slack_posting, "API", f"{url}/api/")
        yield made


@pytest.fixture
async def rig() -> AsyncIterator[TriggerRig]:
    async with rig_of(SlackKind, RigValues({"token": "xoxb-1\n", "wrong": "xoxb-2", "empty": ""})) as made:
        yield made


POST = {"slackToken": ref("token"), "channel": "#alerts", "message": "It went out"}


async def test_a_message_has_all_that_is_declared_and_carries_the_key(rig: TriggerRig, slack: Slack) -> None:
    blocks = '[{"type":"divider"}]'
    fields = POST | {"blocks": blocks, "attachments": '[{"text":"x"}]', "sender": {"username": "Tocsin", "icon": ":bell:"}}
    assert (await rig.fire(rig.trigger(fields))).detail == "message 17.000001"
    (post,) = slack.posts
    assert post == {
        "channel": "alerts",
        "text": "It went out",
        "blocks": [{"type": "divider"}],
        "attachments": [{"text": "x"}],
        "username": "Tocsin",
        "icon_emoji": ":bell:",
        "metadata": {"event_type": "tocsin_firing", "event_payload": {"id": "f-1"}},
    }


async def test_messages_of_one_key_are_one_thread_even_at_once(rig: TriggerRig, slack: Slack) -> None:
    thread = {"messageAggregationKey": "deploy-7", "broadcastMessageToChannel": True}
    trigger = rig.trigger(POST | {"thread": thread})
    await asyncio.gather(*(rig.fire(trigger, key=f"f-{n}") for n in range(3)))
    await rig.fire(rig.trigger(POST | {"thread": {"messageAggregationKey": "deploy-8"}}))
    assert [post.get("thread_ts") for post in slack.posts] == [None, "17.000001", "17.000001", None]
    assert [post.get("reply_broadcast") for post in slack.posts] == [None, True, True, None]


@asynccontextmanager
async def a_service(folder: Path) -> AsyncIterator[TriggerRig]:
    """A rig whose triggers remember in a bus on disk."""
    bus = await open_bus(folder)
    try:
        async with rig_of(SlackKind, RigValues({"token": "xoxb-1"})) as rig:
            rig.shared.put(Memory(bus.state))
            yield rig
    finally:
        await bus.aclose()


async def test_a_thread_goes_on_after_a_restart(slack: Slack, tmp_path: Path) -> None:
    fields = POST | {"thread": {"messageAggregationKey": "deploy-7"}}
    for _ in range(3):
        async with a_service(tmp_path) as rig:
            await rig.fire(rig.trigger(fields))
            await rig.fire(rig.trigger(POST | {"channel": "C1", "thread": {"messageAggregationKey": "deploy-7"}}))
    threads = [(post["channel"], post.get("thread_ts")) for post in slack.posts]
    first, other = ("alerts", "17.000001"), ("C1", "17.000002")
    assert threads == [("alerts", None), ("C1", None), first, other, first, other]


async def test_the_record_of_a_thread_shows_no_token(slack: Slack, tmp_path: Path) -> None:
    async with a_service(tmp_path) as rig:
        await rig.fire(rig.trigger(POST | {"thread": {"messageAggregationKey": "deploy-7"}}))
    assert all(b"xoxb-1" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


async def test_a_thread_in_which_nobody_can_reply_any_more_makes_room_for_another(rig: TriggerRig, slack: Slack) -> None:
    trigger = rig.trigger(POST | {"thread": {"messageAggregationKey": "k"}})
    await rig.fire(trigger)
    slack.answers.append(web.json_response({"ok": False, "error": "thread_not_found"}))
    await rig.fire(trigger)
    await rig.fire(trigger)
    assert [post.get("thread_ts") for post in slack.posts] == [None, None, "17.000002"]


@pytest.mark.parametrize("error", [BusUnavailable, BusDamaged])
async def test_a_message_is_posted_where_its_thread_cannot_be_recorded(
    rig: TriggerRig, slack: Slack, error: type[BusError]
) -> None:
    class Full(MemoryStore):
        async def put(self, *args: Any, **kwargs: Any) -> bool:
            raise error("the disk is full")

    rig.shared.put(Memory(Full()))
    trigger = rig.trigger(POST | {"thread": {"messageAggregationKey": "k"}})
    with structlog.testing.capture_logs() as logs:
        await rig.fire(trigger)
    await rig.fire(trigger)
    assert [(log["event"], log["reason"]) for log in logs] == [("trigger_memory_not_written", "the disk is full")]
    assert [post.get("thread_ts") for post in slack.posts] == [None, "17.000001"]


async def test_a_thread_that_could_not_be_started_is_started_by_the_next(rig: TriggerRig, slack: Slack) -> None:
    trigger = rig.trigger(POST | {"thread": {"messageAggregationKey": "k"}})
    slack.answers.append(web.Response(status=500, text="oops"))
    with pytest.raises(TriggerUnavailable):
        await rig.fire(trigger)
    await rig.fire(trigger)
    assert "thread_ts" not in slack.posts[0]


async def test_one_of_several_starts_a_thread_when_the_first_could_not(rig: TriggerRig, slack: Slack) -> None:
    trigger = rig.trigger(POST | {"thread": {"messageAggregationKey": "k"}})
    slack.answers.append(web.Response(status=500, text="oops"))
    said = await asyncio.gather(*(rig.fire(trigger, key=f"f-{n}") for n in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, TriggerUnavailable) for answer in said) == 1
    assert [post.get("thread_ts") for post in slack.posts] == [None, *["17.000001"] * 4]


async def test_slack_says_when_to_try_again(rig: TriggerRig, slack: Slack) -> None:
    limited = {"status": 429, "headers": {"Retry-After": "7"}}
    slack.answers.append(web.json_response({"ok": False, "error": "ratelimited"}, **limited))
    with pytest.raises(TriggerUnavailable, match="Slack answered 429: ratelimited") as caught:
        await rig.fire(rig.trigger(POST))
    assert caught.value.retry_after_s == 7


async def test_who_stands_before_slack_can_say_so_too_and_nonsense_is_no_time(rig: TriggerRig, slack: Slack) -> None:
    for asked, expected in (("9", 9.0), ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None)):
        slack.answers.append(web.Response(status=503, text="away", headers={"Retry-After": asked}))
        with pytest.raises(TriggerUnavailable, match="Slack answered 503 without JSON") as caught:
            await rig.fire(rig.trigger(POST))
        assert caught.value.retry_after_s == expected


async def test_a_channel_that_is_not_there_is_refused(rig: TriggerRig, slack: Slack) -> None:
    with pytest.raises(TriggerRefused, match="channel_not_found"):
        await rig.fire(rig.trigger(POST | {"channel": "nowhere"}))


@pytest.mark.parametrize(("token", "message"), [("wrong", "invalid_auth"), ("gone", "'gone' is missing")])
async def test_a_token_can_be_put_right(rig: TriggerRig, slack: Slack, token: str, message: str) -> None:
    with pytest.raises(TriggerUnavailable, match=message):
        await rig.fire(rig.trigger(POST | {"slackToken": ref(token)}))


async def test_slack_that_is_not_there_is_worth_another_try(rig: TriggerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_posting, "API", "http://127.0.0.1:1/api/")
    for token in ("token", "empty"):
        with pytest.raises(TriggerUnavailable, match="Slack: Cannot connect to host"):
            await rig.fire(rig.trigger(POST | {"slackToken": ref(token)}))


class Whisk:
    """Runs the action `tell`."""

    def __init__(self) -> None:
        self.status = 200
        self.calls: list[tuple[str, str, Any]] = []
        self.keys: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.calls.append((str(request.rel_url), request.headers.get("Authorization", ""), await request.json()))
        self.keys.append(request.headers["Idempotency-Key"])
        return web.json_response({"ok": True}, status=self.status, headers={"X-OpenWhisk-Activation-Id": "a1"})


@pytest.fixture
async def whisk() -> AsyncIterator[tuple[Whisk, TriggerRig, dict[str, Any]]]:
    made = Whisk()
    async with serving(made.handle) as url, rig_of(OpenWhiskKind, RigValues({"token": "me:hush"})) as rig:
        yield made, rig, {"host": url, "actionName": "tools/tell", "authToken": ref("token"), "payload": PAYLOAD}


async def fire(rig: TriggerRig, fields: dict[str, Any], head: TocsinTriggerHead | None = None) -> str:
    trigger = rig.trigger(fields, head=head)
    try:
        return (await rig.fire(trigger)).detail
    finally:
        await trigger.aclose()


async def test_an_action_is_run_with_its_arguments(whisk: tuple[Whisk, TriggerRig, dict[str, Any]]) -> None:
    made, rig, fields = whisk
    assert await fire(rig, fields) == "activation a1"
    assert await fire(rig, {**fields, "payload": [], "namespace": "shop", "version": "v2"}) == "activation a1"
    basic = f"Basic {b64encode(b'me:hush').decode()}"
    assert made.calls == [
        ("/api/v1/namespaces/_/actions/tools/tell?blocking=true&result=true", basic, {"who": "me"}),
        ("/api/v2/namespaces/shop/actions/tools/tell?blocking=true&result=true", basic, {}),
    ]
    assert made.keys == ["f-1", "f-1"]


async def test_an_action_that_fails_is_no_success_unless_the_policy_allows_it(
    whisk: tuple[Whisk, TriggerRig, dict[str, Any]],
) -> None:
    made, rig, fields = whisk
    made.status = 502
    with pytest.raises(TriggerUnavailable, match="answered 502"):
        await fire(rig, fields)
    await fire(rig, fields, TocsinTriggerHead.model_validate({"policy": {"status": {"allow": [502]}}}))
    made.status = 404
    with pytest.raises(TriggerRefused, match="answered 404"):
        await fire(rig, fields)
