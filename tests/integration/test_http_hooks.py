"""Hooks at GitHub and GitLab, against doubles that hold to the providers' rules: credentials, pages, no hook twice, pauses."""

import asyncio
from time import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hook_rig import HUB, REF, SECRET, TOKEN, URL, Told, one_pass, provider, url_of
from http_rig import KnownValues
from structlog.testing import capture_logs

from eventbus.event import Road
from eventbus.memory.bus import MemoryBus
from manifests.objects import DeclaredEvent, Dialect, EventSource, ObjectRef
from sources.bitbucket import Bitbucket, BitbucketSpec
from sources.github import Github, GithubSpec
from sources.gitlab import Gitlab, GitlabSpec
from sources.http import provider_api as api_module
from sources.http.listener import HttpListener
from sources.http.provider_api import HookProblem
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.kinds import source_kinds
from tocsin.metrics import Metrics
from tocsin.objects import State
from tocsin.pauses import Pauses
from tocsin.running_sources import RunningSources


def github(told: Told, base: str, token: str = TOKEN, **spec: Any) -> Github:
    fields = {
        "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net/"},
        "repositories": [{"owner": "shop", "names": ["web", "till"]}],
        "events": ["push", "release"],
        "active": True,
        "apiToken": REF,
        "webhookSecret": HUB,
        "githubBaseURL": base,
        "githubUploadURL": base,
    } | spec
    return Github(GithubSpec.model_validate(fields), told.context(KnownValues(token=token, hub=SECRET)))


def gitlab(told: Told, base: str, **spec: Any) -> Gitlab:
    fields = {
        "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net"},
        "gitlabBaseURL": base,
        "accessToken": REF,
        "secretToken": HUB,
        "events": ["PushEvents", "MergeRequestsEvents"],
        "projects": ["shop/web"],
        "groups": ["12"],
    } | spec
    return Gitlab(GitlabSpec.model_validate(fields), told.context(KnownValues(token=TOKEN, hub=SECRET)))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_paused", {})


WEB, TILL = "/api/v3/repos/shop/web/hooks", "/api/v3/repos/shop/till/hooks"


async def test_a_github_hook_is_made_for_each_repository_and_never_doubled() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [{"id": n, "config": {"url": f"https://other/{n}"}} for n in range(5)], TILL: []}
        for _ in range(2):
            assert await one_pass(github(told, double.base), told) == ""
        assert [url_of(hook) for hook in double.hooks[WEB]].count(URL) == 1
        (made,) = double.hooks[TILL]
    assert made["events"] == ["push", "release"]
    assert made["active"] is True
    assert made["config"] == {"url": URL, "insecure_ssl": "0", "secret": SECRET}


async def test_a_hook_that_is_as_it_is_wanted_is_not_written_again() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [], TILL: []}
        source = github(told, double.base)
        assert await one_pass(source, told) == ""
        assert sorted(double.calls) == sorted(f"{method} {place}" for method in ("GET", "POST") for place in (WEB, TILL))
        double.calls.clear()
        assert await one_pass(source, told) == ""
        assert sorted(double.calls) == sorted(f"GET {place}" for place in (WEB, TILL))


async def test_a_hook_of_ours_is_updated_and_others_are_left_alone() -> None:
    told = Told()
    other = {"id": 1, "config": {"url": "https://other"}, "events": ["fork"], "active": True}
    async with provider() as double:
        double.hooks = {WEB: [dict(other), {"id": 2, "config": {"url": URL}, "events": ["fork"], "active": False}], TILL: []}
        assert await one_pass(github(told, double.base), told) == ""
        assert double.hooks[WEB][0] == other
        assert double.hooks[WEB][1]["events"] == ["push", "release"]
        assert double.hooks[WEB][1]["id"] == 2


async def test_hooks_that_send_the_same_twice_are_said_once_and_left() -> None:
    told = Told()
    wanted = {"events": ["push", "release"], "active": True}
    async with provider() as double:
        double.hooks = {WEB: [{"id": 1, "config": {"url": URL}, "events": ["fork"]}, {"id": 2, "config": {"url": URL}, **wanted}]}
        double.hooks[TILL] = []
        source = github(told, double.base)
        with capture_logs() as logs:
            for _ in range(2):
                assert await one_pass(source, told) == ""
        assert [hook["events"] for hook in double.hooks[WEB]] == [["fork"], ["push", "release"]], "the one that fits is kept up"
    assert [(one["place"], one["hooks"]) for one in logs if one["event"] == "hooks_doubled"] == [(WEB[len("/api/v3") :], 2)]


async def test_a_repository_that_was_renamed_keeps_its_hook() -> None:
    told, new = Told(), "/api/v3/repositories/7/hooks"
    async with provider() as double:
        double.hooks = {new: [], TILL: []}
        double.moved = {WEB: new}
        for events in (["push"], ["fork"]):
            source = github(told, double.base, events=events, deleteHookOnFinish=True)
            assert await one_pass(source, told) == ""
            (made,) = double.hooks[new]
            assert made["events"] == events
        await source.withdrawn([])
        assert double.hooks[new] == []


async def test_a_repository_that_moved_to_another_host_is_named_and_that_host_gets_no_token() -> None:
    told = Told()
    async with provider() as double, provider() as other:
        double.hooks, other.hooks = {TILL: []}, {WEB: []}
        double.moved = {WEB: other.base + WEB}
        assert "answered 301; it has moved: write its new name" in await one_pass(github(told, double.base), told)
        assert other.calls == []


async def test_gitlab_hooks_are_made_for_projects_and_groups_with_every_event_said() -> None:
    told = Told()
    project, group = "/api/v4/projects/shop%2Fweb/hooks", "/api/v4/groups/12/hooks"
    async with provider() as double:
        double.hooks = {project: [], group: []}
        for _ in range(2):
            assert await one_pass(gitlab(told, double.base), told) == ""
        (made,), (other,) = double.hooks[project], double.hooks[group]
    assert made["push_events"]
    assert made["merge_requests_events"]
    assert made["issues_events"] is False
    assert made["url"] == URL == other["url"]
    assert made["token"] == SECRET


async def test_hooks_are_deleted_when_the_declaration_goes_and_asks_for_it() -> None:
    told = Told()
    other = {"id": 7, "config": {"url": "https://other"}}
    async with provider() as double:
        double.hooks = {WEB: [other], TILL: []}
        await one_pass(github(told, double.base), told)
        await github(told, double.base).withdrawn([])
        assert len(double.hooks[WEB]) == 2
        await github(told, double.base, deleteHookOnFinish=True).withdrawn([])
        assert double.hooks == {WEB: [other], TILL: []}


async def test_one_repository_that_fails_is_named_and_the_others_get_their_hooks() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {TILL: []}
        said = await one_pass(github(told, double.base), told)
        assert WEB.removeprefix("/api/v3") in said
        assert "404" in said
        assert len(double.hooks[TILL]) == 1


async def test_a_wrong_token_is_said_without_the_token() -> None:
    told = Told()
    async with provider() as double:
        said = await one_pass(github(told, double.base, token="ghp_wrong"), told)
    assert "401" in said
    assert "check the token" in said
    assert "ghp_wrong" not in said


async def test_a_pause_that_a_provider_asks_for_holds_for_every_source() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [], TILL: []}
        double.pause = "120"
        assert "429" in await one_pass(github(told, double.base), told)
        assert len(double.calls) == 1
        assert "pause" in await one_pass(github(told, double.base), told)
        with pytest.raises(HookProblem, match="pause"):
            await github(told, double.base, deleteHookOnFinish=True).withdrawn([])
        assert len(double.calls) == 1


SPENT = {"X-RateLimit-Remaining": "0"}


@pytest.mark.parametrize(
    ("status", "headers", "text", "pause_s"),
    [
        (429, {}, "{}", 60),
        (429, {"Retry-After": "7"}, "{}", 7),
        (503, {"Retry-After": "7"}, "", 7),
        (403, SPENT, "{}", 60),
        (403, SPENT | {"X-RateLimit-Reset": "+300"}, "{}", 300),
        (429, SPENT | {"X-RateLimit-Reset": "+99999"}, "{}", 3600),
        (403, {}, '{"message": "You have exceeded a secondary rate limit."}', 60),
        (403, {"X-RateLimit-Remaining": "5"}, '{"message": "Resource not accessible"}', 0),
        (500, {}, "", 0),
    ],
)
async def test_a_provider_is_left_alone_as_long_as_it_asks(status: int, headers: dict[str, str], text: str, pause_s: int) -> None:
    told, reset = Told(), headers.get("X-RateLimit-Reset", "+0")
    async with provider() as double:
        absolute = {"X-RateLimit-Reset": str(int(time()) + int(reset))} if reset != "+0" else {}
        double.refusal = (status, headers | absolute, text)
        assert str(status) in await one_pass(github(told, double.base), told)
        assert api_module.paused_s(double.base) == pytest.approx(pause_s, abs=2)
        assert len(double.calls) == (1 if pause_s else 2), "the other repository is asked unless there is a pause"


async def test_pauses_that_are_not_told_grow_while_they_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told, now = Told(), [0.0]
    monkeypatch.setattr(api_module, "monotonic", lambda: now[0])
    async with provider() as double:
        double.refusal, pauses = (429, {}, ""), []
        for _ in range(8):
            await one_pass(github(told, double.base), told)
            pauses.append(api_module.paused_s(double.base))
            now[0] += pauses[-1]
        assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
        double.refusal, double.hooks = None, {WEB: [], TILL: []}
        assert await one_pass(github(told, double.base), told) == ""
        double.refusal = (429, {}, "")
        await one_pass(github(told, double.base), told)
        assert api_module.paused_s(double.base) == 60, "and begin anew once all was well"


async def test_a_next_page_on_another_host_does_not_get_the_token() -> None:
    told = Told()
    async with provider() as double, provider() as thief:
        double.hooks = {WEB: [{"id": n, "config": {"url": f"https://other/{n}"}} for n in range(3)], TILL: []}
        at, double.base = double.base, thief.base
        said = await one_pass(github(told, at), told)
        assert "another host" in said
        assert thief.calls == []


async def test_a_provider_that_does_not_answer_is_said() -> None:
    told = Told()
    async with provider() as double:
        gone = double.base
    assert "hooks are not registered" in await one_pass(github(told, gone), told)


@pytest.mark.parametrize("base", ["gitlab.com", "ftp://gitlab.com", "https://"])
async def test_a_base_url_that_is_none_is_said(base: str) -> None:
    told = Told()
    assert "expected one that starts with https://" in await one_pass(gitlab(told, base), told)


@pytest.mark.parametrize("auth", [{"oauthToken": REF}, {"basic": {"username": HUB, "password": REF}}])
async def test_bitbucket_hooks_are_found_on_every_page_and_deleted_by_uuid(
    auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, Any]] = [{"uuid": "{0}", "url": "https://other"}]
    given: set[str] = set()

    async def answer(request: web.Request) -> web.Response:
        given.add(request.headers["Authorization"])
        if request.method == "GET":
            last = "page" in request.query
            more = {} if last else {"next": f"http://{request.host}{request.path}?page=2"}
            return web.json_response({"values": rows[1:] if last else rows[:1], **more})
        if request.method == "POST":
            rows.append({"uuid": "{1}", **await request.json()})
            return web.json_response({}, status=201)
        hook = next(row for row in rows if request.path.endswith(f"/hooks/{row['uuid']}"))
        if request.method == "DELETE":
            rows.remove(hook)
            return web.Response(status=204)
        hook.update(await request.json())
        return web.json_response({})

    told = Told()
    async with provider() as double:
        double.answer_to = answer  # type: ignore[method-assign]
        monkeypatch.setattr(Bitbucket, "api", double.base)
        fields = {
            "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net"},
            "repositories": [{"owner": "shop", "repositorySlug": "web"}],
            "events": ["repo:push"],
            "auth": auth,
            "webhookSecret": HUB,
            "deleteHookOnFinish": True,
        }
        source = Bitbucket(BitbucketSpec.model_validate(fields), told.context(KnownValues(token=TOKEN, hub=SECRET)))
        for _ in range(2):
            assert await one_pass(source, told) == ""
        assert [row["url"] for row in rows] == ["https://other", URL]
        assert rows[1]["secret"] == SECRET
        await source.withdrawn([])
    assert [row["uuid"] for row in rows] == ["{0}"]
    (sent,) = given
    assert sent in (f"Bearer {TOKEN}", "Basic aG9vay1zZWNyZXQ6Z2xwYXQtc2VjcmV0")


def declared(base: str, *events: str) -> EventSource:
    """GitLab's pushes, for a service."""
    spec = {
        "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net"},
        "gitlabBaseURL": base,
        "accessToken": REF,
        "secretToken": HUB,
        "events": list(events),
        "projects": ["7"],
        "deleteHookOnFinish": True,
    }
    event = DeclaredEvent(kind="gitlab", name="push", spec=GitlabSpec.model_validate(spec), path="spec.gitlab.push")
    return EventSource(ref=ObjectRef("EventSource", "default", "git"), dialect=Dialect.ARGO, events=(event,))


async def test_a_changed_declaration_keeps_its_hook_a_stop_too_and_only_a_withdrawn_one_loses_it() -> None:
    bus, metrics = MemoryBus(), Metrics()
    metrics.declare_roads([Road("default", "git", "push")])
    place = "/api/v4/projects/7/hooks"

    def service() -> RunningSources:
        return RunningSources(
            bus,
            metrics,
            Changes(),
            Pauses(bus.state),
            kinds=source_kinds(),
            values=KnownValues(token=TOKEN, hub=SECRET),
            listener=HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False),
        )

    async with provider() as double:
        double.hooks = {place: []}
        first = service()
        async with running(first), asyncio.timeout(20):
            (state,) = (await first.apply([declared(double.base, "PushEvents")])).values()
            await double.seen(f"POST {place}")
            assert state.running
            await first.apply([declared(double.base, "PushEvents", "JobEvents")])
            await double.seen(f"PUT {place}/100")
        (hook,) = double.hooks[place]
        assert hook["job_events"]
        second = service()
        async with running(second), asyncio.timeout(20):
            await second.apply([declared(double.base, "PushEvents")])
            await second.apply([])
            assert double.hooks[place] == []


async def test_a_source_whose_hooks_cannot_be_registered_says_why_and_serves() -> None:
    bus, metrics = MemoryBus(), Metrics()
    metrics.declare_roads([Road("default", "git", "push")])
    listener = HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False)
    values = KnownValues(token=TOKEN, hub=SECRET)
    service = RunningSources(bus, metrics, Changes(), Pauses(bus.state), kinds=source_kinds(), values=values, listener=listener)
    told = asyncio.Event()
    service.changed = lambda road: told.set()
    async with provider() as double, running(service), asyncio.timeout(20):
        (state,) = (await service.apply([declared(double.base, "PushEvents")])).values()
        await told.wait()
        assert "hooks are not registered" in state.message
        assert "404" in state.message
        assert state.state is State.DEGRADED, "it listens"
        assert state.since_us > 0
        async with (
            aiohttp.ClientSession() as client,
            client.post(state.endpoint, data=b"{}", headers={"X-Gitlab-Token": SECRET}) as answer,
        ):
            assert answer.status == 200
