"""Hooks that are wanted no more: of repositories that left a list, of a URL that changed, of an event that was renamed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hook_rig import HUB, REF, SECRET, TOKEN, URL, Provider, Told, one_pass, provider, url_of
from http_rig import KnownValues
from waiting import until

from eventbus.memory.bus import MemoryBus
from manifests.load import load_text
from manifests.objects import DeclaredEvent, Dialect, EventSource, ObjectRef
from sources.github import Github, GithubSpec
from sources.gitlab import GitlabSpec
from sources.http import provider_api as api_module
from sources.http.listener import HttpListener
from sources.webhook import WebhookSpec
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.kinds import BuiltKinds, source_kinds
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


def loaded(base: str, name: str, *projects: str, **spec: Any) -> EventSource:
    """As `declared`, with the text that it was declared by."""
    fields = declared(base, name, *projects).events[0].spec.model_dump(by_alias=True, exclude_unset=True) | spec
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": "git"},
        "spec": {"gitlab": {name: fields}},
    }
    found = load_text(msgspec.json.encode(manifest).decode(), kinds=BuiltKinds())
    assert not found.problems
    (source,) = found.event_sources.values()
    return source


class Life:
    """One process after another on one log; each is told what was in force before and what is wanted now."""

    def __init__(self) -> None:
        self.bus, self.values = MemoryBus(), KnownValues(token=TOKEN, hub=SECRET)

    @contextlib.asynccontextmanager
    async def of(self, *wanted: EventSource, former: Sequence[EventSource] = ()) -> AsyncIterator[RunningSources]:
        metrics = Metrics()
        metrics.declare_roads([road for source in wanted for road in _roads(source)])
        listener = HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False)
        service = RunningSources(
            self.bus,
            metrics,
            Changes(),
            Pauses(self.bus.state),
            kinds=source_kinds(),
            values=self.values,
            listener=listener,
        )
        async with running(service):
            await service.part(former, wanted)
            await service.apply(wanted)
            yield service


SEVEN = "/api/v4/projects/7/hooks"


async def until_deleted(double: Provider) -> None:
    async with asyncio.timeout(10):
        while not any(call.startswith("DELETE") for call in double.answered):
            double.more.clear()
            await double.more.wait()


async def test_the_hooks_of_a_declaration_that_went_while_no_service_ran_are_deleted() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: [{"id": 1, "url": "https://other"}]}
        source = loaded(double.base, "push", "7")
        async with life.of(source):
            await double.seen(f"POST {SEVEN}")
        async with life.of(former=[source]) as service:
            await until_deleted(double)
            assert double.hooks[SEVEN] == [{"id": 1, "url": "https://other"}]
            await until(lambda: not service.left.roads())
            assert list(service.left.troubles(0)) == []
        assert await life.bus.journal.records("left/") == []


async def test_without_its_credentials_a_hook_is_named_until_they_are_back() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: []}
        source = loaded(double.base, "push", "7")
        async with life.of(source):
            await double.seen(f"POST {SEVEN}")
        del life.values.secrets["token"]
        async with life.of(former=[source]) as service:
            await until(service.left.refs)
            (trouble,) = service.left.troubles(0)
            assert str(trouble.ref) == "EventSource/default/git"
            assert trouble.part == "event push"
            assert trouble.reason == (
                "accessToken: Secret default/token, key k: not found; "
                f"these hooks may still be there: {double.base}{SEVEN} to {URL}"
            )
            assert "give back the Secret" in trouble.hint
        life.values.secrets["token"] = TOKEN
        async with life.of():  # nobody tells this one what was in force: it was noted
            await until_deleted(double)
        assert double.hooks[SEVEN] == []


async def test_the_hook_of_an_event_that_was_renamed_while_no_service_ran_is_never_away() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: []}
        source, renamed = loaded(double.base, "push", "7"), loaded(double.base, "pushes", "7")
        async with life.of(source):
            await double.seen(f"POST {SEVEN}")
        async with life.of(renamed, former=[source]) as service:
            await until(lambda: not service.left.roads())
        assert len(double.hooks[SEVEN]) == 1
        assert not any(call.startswith("DELETE") for call in double.calls)


async def test_what_is_declared_again_or_keeps_its_hooks_leaves_nothing() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: []}
        source, keeping = loaded(double.base, "push", "7"), loaded(double.base, "push", "7", deleteHookOnFinish=False)
        del life.values.secrets["token"]
        async with life.of(former=[keeping]) as service:
            assert service.left.roads() == set()
        async with life.of(former=[source]) as service:
            assert len(service.left.roads()) == 1
        async with life.of(source, former=[]) as service:
            assert service.left.roads() == set()
        assert await life.bus.journal.records("left/") == []


async def test_what_a_live_edit_could_not_undo_is_undone_by_the_next_process() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: []}
        source = loaded(double.base, "push", "7")
        async with life.of(source) as service:
            await double.seen(f"POST {SEVEN}")
            del life.values.secrets["token"]
            await service.part([source], [])
            await service.apply([])
            assert [str(ref) for ref in service.left.refs()] == ["EventSource/default/git"]
        life.values.secrets["token"] = TOKEN
        async with life.of():
            await until_deleted(double)
        assert double.hooks[SEVEN] == []


def plain(name: str) -> EventSource:
    """A webhook in the place of a `gitlab` event."""
    event = DeclaredEvent(
        kind="webhook", name=name, spec=WebhookSpec(endpoint="/push", port="0", method="POST"), path=f"spec.webhook.{name}"
    )
    return EventSource(ref=ObjectRef("EventSource", "default", "git"), dialect=Dialect.ARGO, events=(event,))


async def test_the_hooks_of_an_event_that_became_one_of_another_kind_are_deleted() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: []}
        source = loaded(double.base, "push", "7")
        async with life.of(source) as service:
            await double.seen(f"POST {SEVEN}")
            await service.part([source], [plain("push")])
            await service.apply([plain("push")])
            assert service.left.roads() == set()
        assert double.hooks[SEVEN] == []


async def test_the_hooks_of_an_event_that_became_one_of_another_kind_while_no_service_ran_are_deleted() -> None:
    life = Life()
    async with provider() as double:
        double.hooks = {SEVEN: []}
        source = loaded(double.base, "push", "7")
        async with life.of(source):
            await double.seen(f"POST {SEVEN}")
        del life.values.secrets["token"]
        async with life.of(plain("push"), former=[source]) as service:
            await until(service.left.refs)
        life.values.secrets["token"] = TOKEN
        async with life.of(plain("push"), former=[plain("push")]):
            await until_deleted(double)
        assert double.hooks[SEVEN] == []
