"""Bitbucket Data Center: hooks, and pushes of several branches, against a double that holds to its REST API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hook_rig import HUB, REF, SECRET, TOKEN, URL, Provider, Told, one_pass, provider
from http_rig import KnownValues, Rig, rigged

from sources.bitbucketserver import BitbucketServer, BitbucketServerSpec
from sources.http import provider_api as api_module
from sources.http.signatures import hub_signature
from sources.marshalled import marshalled

PROJECTS = "/rest/api/1.0/projects"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_paused", {})


class Server:
    """Repositories by project, hooks by repository, pull requests by commit; pages of two."""

    def __init__(self, double: Provider) -> None:
        self.repositories: dict[str, list[str]] = {"SHOP": ["web", "till", "stock"], "~ann": ["notes"]}
        self.hooks: dict[str, list[dict[str, Any]]] = {}
        self.states: dict[str, list[str]] = {}
        self.ids = 0
        self.down = False
        double.answer_to = self.answer  # type: ignore[method-assign]

    async def answer(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=500)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"errors": [{"message": "Authentication failed"}]}, status=401)
        if request.method != "GET" and request.headers.get("X-Atlassian-Token") != "no-check":
            return web.Response(status=403, text="XSRF check failed")
        path = request.path.removeprefix(PROJECTS + "/").split("/")
        match (request.method, path):
            case "GET", [project, "repos"]:
                return self.page(request, [{"slug": slug, "id": 1} for slug in self.repositories[project]])
            case "GET", [_, "repos", _, "commits", commit, "pull-requests"]:
                return self.page(request, [{"id": n, "state": state} for n, state in enumerate(self.states.get(commit, []))])
            case method, [project, "repos", slug, "webhooks", *rest] if slug in self.repositories.get(project, []):
                return await self.hooked(method, request, f"{project}/{slug}", rest)
        return web.json_response({"errors": [{"message": "does not exist"}]}, status=404)

    def page(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        assert request.query["limit"] == "500"
        start = int(request.query.get("start", "0"))
        last = start + 2 >= len(rows)
        more = {"isLastPage": last} if last else {"isLastPage": False, "nextPageStart": start + 2}
        return web.json_response({"size": 2, "limit": 2, "start": start, "values": rows[start : start + 2], **more})

    async def hooked(self, method: str, request: web.Request, repository: str, rest: list[str]) -> web.Response:
        hooks = self.hooks.setdefault(repository, [])
        if method == "GET":
            return self.page(request, hooks)
        if method == "DELETE":
            hooks[:] = [hook for hook in hooks if str(hook["id"]) != rest[0]]
            return web.Response(status=204)
        body = await request.json()
        assert set(body) <= {"name", "url", "active", "events", "configuration"}
        assert body.get("configuration", {"secret": "x"})["secret"], "an empty secret makes the server answer 500"
        if method == "POST":
            self.ids += 1
            hooks.append({"id": self.ids, **body})
            return web.json_response(hooks[-1], status=201)
        (hook,) = [hook for hook in hooks if str(hook["id"]) == rest[0]]
        hook.update(body)
        return web.json_response(hook)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    async with provider() as double:
        yield Server(double), f"{double.base}/rest"


def spec(base: str, **given: Any) -> BitbucketServerSpec:
    fields = {
        "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net/"},
        "bitbucketserverBaseURL": base,
        "accessToken": REF,
        "webhookSecret": HUB,
        "events": ["repo:refs_changed", "pr:opened"],
    } | given
    return BitbucketServerSpec.model_validate(fields)


def source(told: Told, base: str, **given: Any) -> BitbucketServer:
    return BitbucketServer(spec(base, **given), told.context(KnownValues(token=TOKEN, hub=SECRET)))


async def test_hooks_are_made_for_named_repositories_and_for_all_of_a_project_once(server: tuple[Server, str]) -> None:
    double, base = server
    told = Told()
    declared = {"repositories": [{"projectKey": "~ann", "repositorySlug": "notes"}], "projects": ["SHOP"]}
    for _ in range(2):
        assert await one_pass(source(told, base, **declared), told) == ""
    assert {repository: len(hooks) for repository, hooks in double.hooks.items()} == {
        "~ann/notes": 1,
        "SHOP/web": 1,
        "SHOP/till": 1,
        "SHOP/stock": 1,
    }
    (hook,) = double.hooks["SHOP/stock"]
    assert hook == {
        "id": hook["id"],
        "name": "Tocsin",
        "url": URL,
        "active": True,
        "events": ["pr:opened", "repo:refs_changed"],
        "configuration": {"secret": SECRET},
    }


async def test_a_repository_that_is_new_in_a_project_gets_its_hook_and_one_that_left_loses_it(server: tuple[Server, str]) -> None:
    double, base = server
    told = Told()
    await one_pass(source(told, base, projects=["SHOP", "~ann"]), told)
    double.repositories["SHOP"].append("new")
    assert await one_pass(source(told, base, projects=["SHOP"]), told) == ""
    assert [len(double.hooks[name]) for name in ("SHOP/new", "SHOP/web", "~ann/notes")] == [1, 1, 0]


async def test_a_project_that_cannot_be_listed_is_said_and_none_of_its_hooks_is_lost(server: tuple[Server, str]) -> None:
    double, base = server
    told = Told()
    await one_pass(source(told, base, projects=["SHOP", "~ann"]), told)
    double.repositories.pop("SHOP")

    said = await one_pass(source(told, base, projects=["SHOP", "~ann"]), told)
    assert "/projects/SHOP/repos" in said
    assert len(double.hooks["SHOP/web"]) == len(double.hooks["~ann/notes"]) == 1


async def test_a_hook_on_a_later_page_is_found_and_one_that_differs_is_updated(server: tuple[Server, str]) -> None:
    double, base = server
    told = Told()
    others = [{"id": 100 + n, "url": f"https://other/{n}", "events": [], "active": True} for n in range(3)]
    double.hooks["SHOP/web"] = [*others, {"id": 7, "url": URL, "events": ["pr:merged"], "active": False}]
    assert await one_pass(source(told, base, projectKey="SHOP", repositorySlug="web", webhookSecret=None), told) == ""
    assert double.hooks["SHOP/web"][:3] == others
    assert double.hooks["SHOP/web"][3]["events"] == ["pr:opened", "repo:refs_changed"]
    assert double.hooks["SHOP/web"][3]["id"] == 7


async def test_hooks_go_with_the_declaration_where_it_says_so(server: tuple[Server, str]) -> None:
    double, base = server
    told = Told()
    declared = {"projects": ["SHOP"], "deleteHookOnFinish": True}
    await one_pass(source(told, base, **declared), told)
    await source(told, base, **declared).withdrawn([])
    assert set(map(len, double.hooks.values())) == {0}


PUSH: dict[str, Any] = {
    "eventKey": "repo:refs_changed",
    "date": "2024-07-05T13:00:00+0000",
    "actor": {"name": "ann", "id": 12345678901234567890},
    "repository": {"slug": "web", "project": {"key": "SHOP"}},
    "changes": [
        {"ref": {"id": "refs/heads/a", "displayId": "a", "type": "BRANCH"}, "toHash": "aaa", "type": "UPDATE"},
        {"ref": {"id": "refs/heads/b", "displayId": "b", "type": "BRANCH"}, "toHash": "bbb", "type": "ADD"},
        {"ref": {"id": "refs/tags/t", "displayId": "t", "type": "TAG"}, "toHash": "aaa", "type": "ADD"},
        {"ref": {"id": "refs/heads/d", "displayId": "d", "type": "BRANCH"}, "toHash": "aaa", "type": "DELETE"},
    ],
}


async def push(rig: Rig, body: Any = PUSH, key: str = "repo:refs_changed") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = hub_signature("sha256", SECRET.encode(), raw)
    return await rig.post("/push", raw, X_Hub_Signature=signature, X_Event_Key=key, X_Request_Id="r-1")


async def serve(rig: Rig, base: str, **given: Any) -> None:
    rig.values.secrets |= {"token": TOKEN, "hub": SECRET}
    await rig.serve(BitbucketServer(spec(base, **given), rig.context("push")))


def names(rig: Rig) -> list[list[str]]:
    return [[change["ref"]["displayId"] for change in json.loads(event.data or b"")["body"]["changes"]] for event in rig.events]


async def test_each_change_can_be_an_event_of_its_own_with_an_id_that_a_repeat_has_too() -> None:
    async with rigged() as rig:
        await serve(rig, "https://nowhere.example.net/rest", oneEventPerChange=True, metadata={"team": "a"})
        for _ in range(2):
            assert (await push(rig)).json == {"ids": ["r-1-1", "r-1-2", "r-1-3", "r-1-4"]}
        assert names(rig) == [["a"], ["b"], ["t"], ["d"]]
        data = json.loads(rig.events[0].data or b"")
        assert data == rig.events[0].tree
        assert data["metadata"] == {"team": "a"}
        assert data["body"]["actor"] == PUSH["actor"]


async def test_other_events_and_connection_tests_come_through_whole() -> None:
    async with rigged() as rig:
        await serve(rig, "https://nowhere.example.net/rest", oneEventPerChange=True, skipBranchRefsChangedOnOpenPR=True)
        assert (await push(rig, {"test": True}, "diagnostics:ping")).json == {"id": "r-1"}


async def test_branches_with_an_open_pull_request_are_left_out(server: tuple[Server, str]) -> None:
    double, base = server
    async with rigged() as rig:
        await serve(rig, base, skipBranchRefsChangedOnOpenPR=True)
        double.states["aaa"] = ["MERGED", "DECLINED", "open"]
        assert (await push(rig)).json == {"id": "r-1"}
        assert names(rig) == [["b", "t", "d"]], "tags and deletions have no pull requests"


async def test_both_options_together(server: tuple[Server, str]) -> None:
    double, base = server
    async with rigged() as rig:
        await serve(rig, base, skipBranchRefsChangedOnOpenPR=True, oneEventPerChange=True)
        double.states["aaa"] = ["OPEN"]
        assert (await push(rig)).json == {"ids": ["r-1-2", "r-1-3", "r-1-4"]}


async def test_nothing_left_is_answered_200_without_an_event(server: tuple[Server, str]) -> None:
    double, base = server
    async with rigged() as rig:
        await serve(rig, base, skipBranchRefsChangedOnOpenPR=True)
        double.states |= {"aaa": ["OPEN"], "bbb": ["OPEN"]}
        said = await push(rig, {**PUSH, "changes": PUSH["changes"][:2]})
        assert (said.status, said.json["id"]) == (200, None)
        assert "pull request" in said.json["reason"]
        assert rig.events == []


async def test_nothing_left_out_keeps_the_order_as_sent(server: tuple[Server, str]) -> None:
    _, base = server
    async with rigged() as rig:
        await serve(rig, base, skipBranchRefsChangedOnOpenPR=True)
        raw = json.dumps(PUSH, indent=3).encode()
        await push(rig, raw)
        assert marshalled(raw) in (rig.events[0].data or b"")


async def test_a_server_that_cannot_be_asked_is_a_503_and_nothing_is_lost_silently(server: tuple[Server, str]) -> None:
    double, base = server
    async with rigged() as rig:
        await serve(rig, base, skipBranchRefsChangedOnOpenPR=True)
        double.down = True
        said = await push(rig)
        assert (said.status, said.headers["retry-after"]) == (503, "30")
        assert "did not say" in said.json["detail"]
        assert TOKEN not in said.body.decode()
        assert rig.events == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        ({**PUSH, "changes": 5}, 400),
        ({**PUSH, "changes": ["x"]}, 400),
        ({**PUSH, "repository": None}, 400),
        ({**PUSH, "changes": PUSH["changes"][2:3] * 501}, 413),
    ],
)
async def test_a_push_that_cannot_be_read_is_refused(body: Any, status: int) -> None:
    async with rigged() as rig:
        await serve(rig, "https://nowhere.example.net/rest", oneEventPerChange=True)
        assert (await push(rig, body)).status == status
