"""Hooks that are wanted no more: of repositories that left a list, of a URL that changed, of an event that was renamed."""

from typing import Any

import pytest
from aiohttp import web
from hook_rig import HUB, REF, SECRET, TOKEN, URL, Told, one_pass, provider, url_of
from http_rig import KnownValues

from eventbus.memory.bus import MemoryBus
from manifests.objects import DeclaredEvent, Dialect, EventSource, ObjectRef
from sources.github import Github, GithubSpec
from sources.gitlab import GitlabSpec
from sources.http import provider_api as api_module
from sources.http.listener import HttpListener
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.kinds import source_kinds
from tocsin.metrics import Metrics
from tocsin.pauses import Pauses
from tocsin.running_sources import RunningSources

WEB, TILL = "/api/v3/repos/shop/web/hooks", "/api/v3/repos/shop/till/hooks"
OTHER = {"id": 1, "config": {"url": "https://other"}, "events": ["fork"], "active": True}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_paused", {})


def github(told: Told, base: str, *names: str, url: str = "https://tocsin.example.net", **spec: Any) -> Github:
    fields = {
        "webhook": {"endpoint": "/push", "port": "0", "url": url},
        "repositories": [{"owner": "shop", "names": list(names)}],
        "events": ["push"],
        "active": True,
        "apiToken": REF,
        "webhookSecret": HUB,
        "githubBaseURL": base,
        "githubUploadURL": base,
    } | spec
    return Github(GithubSpec.model_validate(fields), told.context(KnownValues(token=TOKEN, hub=SECRET)))


async def test_a_repository_that_leaves_the_list_loses_our_hook_and_keeps_the_others() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [dict(OTHER)], TILL: [dict(OTHER)]}
        assert await one_pass(github(told, double.base, "web", "till"), told) == ""
        assert [url_of(hook) for hook in double.hooks[TILL]] == ["https://other", URL]
        assert await one_pass(github(told, double.base, "web"), told) == ""
        assert double.hooks[TILL] == [OTHER]
        assert [url_of(hook) for hook in double.hooks[WEB]] == ["https://other", URL]
        calls = len(double.calls)
        assert await one_pass(github(told, double.base, "web"), told) == ""
        assert not any(call.startswith("DELETE") or TILL in call for call in double.calls[calls:])


async def test_a_hook_of_somebody_elses_making_is_never_deleted_from_a_repository_that_was_not_listed() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [], TILL: [{"id": 5, "config": {"url": URL}}]}
        assert await one_pass(github(told, double.base, "web"), told) == ""
        assert len(double.hooks[TILL]) == 1


async def test_a_url_that_changed_takes_the_old_hook_away() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: []}
        await one_pass(github(told, double.base, "web", url="https://old.example.net"), told)
        await one_pass(github(told, double.base, "web"), told)
        assert [url_of(hook) for hook in double.hooks[WEB]] == [URL]


async def test_what_cannot_be_deleted_now_is_deleted_later_and_stops_nothing() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [], TILL: []}
        await one_pass(github(told, double.base, "web", "till"), told)
        answer = double.answer_to

        async def forbidden(request: web.Request) -> web.Response:
            if request.method == "DELETE":
                return web.json_response({}, status=403)
            return await answer(request)

        double.answer_to = forbidden  # type: ignore[method-assign]
        assert await one_pass(github(told, double.base, "web"), told) == ""
        assert len(double.hooks[TILL]) == 1
        double.answer_to = answer  # type: ignore[method-assign]
        assert await one_pass(github(told, double.base, "web"), told) == ""
        assert double.hooks[TILL] == []


async def test_a_repository_that_is_gone_is_given_up() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [], TILL: []}
        await one_pass(github(told, double.base, "web", "till"), told)
        del double.hooks[TILL]
        for _ in range(2):
            assert await one_pass(github(told, double.base, "web"), told) == ""
        assert sum(TILL in call and "GET" in call for call in double.calls) == 2, "once to register, once to find it gone"


async def test_the_hooks_of_repositories_that_were_dropped_before_go_with_the_declaration_too() -> None:
    told = Told()
    async with provider() as double:
        double.hooks = {WEB: [dict(OTHER)], TILL: [dict(OTHER)]}
        await one_pass(github(told, double.base, "web", "till"), told)
        await github(told, double.base, "web", deleteHookOnFinish=True).withdrawn([])
        assert double.hooks == {WEB: [OTHER], TILL: [OTHER]}


async def test_a_token_is_not_sent_to_another_host_to_delete_what_was_registered_there() -> None:
    told = Told()
    async with provider() as old, provider() as new:
        old.hooks, new.hooks = {WEB: []}, {WEB: []}
        await one_pass(github(told, old.base, "web"), told)
        calls = list(old.calls)
        await one_pass(github(told, new.base, "web"), told)
        assert old.calls == calls
        assert len(new.hooks[WEB]) == 1


def declared(base: str, name: str, *projects: str) -> EventSource:
    spec = {
        "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net"},
        "gitlabBaseURL": base,
        "accessToken": REF,
        "secretToken": HUB,
        "events": ["PushEvents"],
        "projects": list(projects),
        "deleteHookOnFinish": True,
    }
    event = DeclaredEvent(kind="gitlab", name=name, spec=GitlabSpec.model_validate(spec), path=f"spec.gitlab.{name}")
    return EventSource(ref=ObjectRef("EventSource", "default", "git"), dialect=Dialect.ARGO, events=(event,))


async def test_the_hook_of_an_event_that_was_renamed_is_never_away() -> None:
    bus, metrics = MemoryBus(), Metrics()
    seven, eight = "/api/v4/projects/7/hooks", "/api/v4/projects/8/hooks"
    service = RunningSources(
        bus,
        metrics,
        Changes(),
        Pauses(bus.state),
        kinds=source_kinds(),
        values=KnownValues(token=TOKEN, hub=SECRET),
        listener=HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False),
    )
    async with provider() as double, running(service):
        double.hooks = {seven: [], eight: []}
        for before, after in ((declared(double.base, "push", "7", "8"), declared(double.base, "pushes", "7")),):
            metrics.declare_roads([*_roads(before), *_roads(after)])
            await service.apply([before])
            await double.seen(f"POST {eight}")
            await service.apply([after])
        assert len(double.hooks[seven]) == 1
        assert double.hooks[eight] == []
        assert f"DELETE {seven}/100" not in double.calls


def _roads(source: EventSource) -> Any:
    from eventbus.event import Road

    return [Road("default", "git", event.name) for event in source.events]
