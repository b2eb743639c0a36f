"""Who may ask the API, route by route, and that no parameter reaches the store as anything but a value."""

import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import web
from http_rig import rigged
from test_tocsin_api import TOKEN, Client, FakeService, a_dead_letter, an_event
from yarl import URL

from eventbus.journal import EventFilter
from eventbus.sqlite import open_bus
from sources.http import route
from tocsin.api.access import OPEN_PATHS
from tocsin.api.routes import Routes
from tocsin.api.server import serving


@asynccontextmanager
async def served(folder: Path, host: str) -> AsyncIterator[Client]:
    bus = await open_bus(folder / "data")
    service = FakeService(bus)  # type: ignore[arg-type]
    try:
        async with serving(service, host, 0, TOKEN) as url, aiohttp.ClientSession() as session:
            yield Client(session, url.replace("0.0.0.0", "127.0.0.1"), service)
    finally:
        await bus.aclose()


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Client]:
    """The API on an address that others reach."""
    async with served(tmp_path, "0.0.0.0") as client:
        yield client


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Client]:
    """The API on loopback."""
    async with served(tmp_path, "127.0.0.1") as client:
        yield client


def every_route() -> list[tuple[str, str]]:
    """Method and path of whatever is served, so that a new route is asked too."""
    table = Routes(FakeService(Mock())).table()  # type: ignore[arg-type]
    found = [(one.method, re.sub(r"\{[^}]+\}", "x", one.path)) for one in table if isinstance(one, web.RouteDef)]
    return found + [("HEAD", path) for method, path in found if method == "GET"]


GARBAGE = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer garbage",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Basic {TOKEN}",
    TOKEN,
    "Bearer \xff",
]


@pytest.mark.parametrize(("method", "path"), every_route())
async def test_off_loopback_every_route_refuses_no_token_and_garbage(public: Client, method: str, path: str) -> None:
    if path in OPEN_PATHS:
        assert (await public.ask(path, method=method))[0] == 200
        return
    for given in GARBAGE:
        headers = {"Authorization": given} if given else {}
        assert (await public.ask(path, method=method, **headers))[0] == 401, given
        assert (await public.ask(f"{path}?token={TOKEN}", method=method, **headers))[0] == 401, given
    assert (await public.ask(path, method=method, Authorization=f"Bearer {TOKEN}"))[0] != 401


DISGUISES = [
    "/api/v1/events/livez",
    "/api/v1/events;/livez",
    "/api/v1/events/../livez",
    "/livez/../api/v1/events",
    "/livez%2f..%2fapi/v1/events",
    "/livez;x/../../api/v1/events",
    "//livez/../api/v1/events",
    "/readyz/",
    "/livez/api/v1/events",
    "/LIVEZ/../metrics",
    "/metrics?/livez",
    "/metrics%3f/livez",
    "/api/v1/firings#/livez",
    "/%6detrics",
    "/metrics/.",
    "/./metrics",
]


@pytest.mark.parametrize("path", DISGUISES)
async def test_a_path_that_only_looks_like_an_open_one_needs_the_token(public: Client, path: str) -> None:
    await public.service.bus.append([an_event("kept"), an_event("livez"), an_event("readyz")])
    async with (
        aiohttp.ClientSession() as session,
        session.get(URL(public.url + path, encoded=True), allow_redirects=False) as answer,
    ):
        text = await answer.text()
    assert answer.status == 401, "whatever is there, also nothing"
    assert not [word for word in ("kept", "hooks", "tocsin_") if word in text]


@pytest.mark.parametrize(("method", "path"), [one for one in every_route() if one[0] not in ("GET", "HEAD")])
async def test_on_loopback_every_write_refuses_no_token_and_garbage(local: Client, method: str, path: str) -> None:
    for given in GARBAGE:
        headers = {"Authorization": given} if given else {}
        assert (await local.ask(path, method=method, **headers))[0] == 401, given
        assert (await local.ask(path, method=method, X_HTTP_Method_Override="GET", **headers))[0] == 401, given


async def test_a_read_cannot_be_turned_into_a_write(local: Client) -> None:
    firing = await a_dead_letter(local.service.bus)
    path = f"/api/v1/dead-letters/{firing.id}/redrive"
    for method in ("GET", "HEAD"):
        status, _, _ = await local.ask(path, method=method, X_HTTP_Method_Override="POST")
        assert status in (404, 405)
    assert [item["id"] for item in (await local.ok("/api/v1/dead-letters"))["items"]] == [firing.id]


async def test_secrets_are_compared_in_constant_time(local: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    compare = hmac.compare_digest

    def noted(left: Any, right: Any) -> bool:
        compared.append(right)
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    monkeypatch.setattr(route, "compare_digest", noted)
    await local.ask("/api/v1/dead-letters/x/redrive", method="POST", Authorization="Bearer wrong")
    assert len(compared) == 1
    async with rigged() as rig:
        await rig.serve(
            rig.webhook(authSecret={"name": "token", "key": "t"}), rig.github(webhookSecret={"name": "hub", "key": "k"})
        )
        assert (await rig.post(authorization="Bearer wrong")).status == 401
        assert len(compared) == 2
        headers = {"x_github_event": "push", "x_github_delivery": "1", "x_hub_signature_256": "sha256=" + "0" * 64}
        assert (await rig.post("/github", **headers)).status == 401
        assert len(compared) == 3


INJECTIONS = [
    "' OR '1'='1",
    '" OR "1"="1',
    "hooks' --",
    "x' UNION SELECT position, road, data, 1, 1, 1, 1, 1, 1 FROM events --",
    "'; DROP TABLE events; --",
    "'||(SELECT group_concat(sql) FROM sqlite_master)||'",
    "%",
    "_____",
    "*",
    "hooks\x00",
    ":namespace",
    "?1",
    "1e3",
    "coalesce(NULL)",
]
PARAMETERS = [
    *[
        ("events", name)
        for name in ("namespace", "source", "name", "type", "after", "before", "limit", "cursor", "order", "sort")
    ],
    *[(page, name) for page in ("firings", "dead-letters") for name in ("namespace", "sensor", "trigger", "state")],
    *[(page, name) for page in ("firings", "dead-letters") for name in ("after", "before", "limit", "cursor", "order")],
    *[(page, "id") for page in ("why", "explain", "trace")],
    ("explain", "sensor"),
]


async def test_no_parameter_is_read_as_sql_or_as_a_pattern(local: Client) -> None:
    bus = local.service.bus
    await bus.append([an_event("1"), an_event("2", "other")])
    firing = await a_dead_letter(bus)
    for page, name in PARAMETERS:
        for text in INJECTIONS:
            query = {name: text} | ({"id": "1"} if name == "sensor" and page == "explain" else {})
            status, _, found = await local.ask(str(URL(f"/api/v1/{page}").with_query(query)))
            assert status in (200, 400, 404), (page, name, text, found)
            assert status != 200 or found["items"] == [], (page, name, text, found)
    for page in ("events", "firings", "dead-letters", "sources", "sensors"):
        for text in INJECTIONS:
            path = URL("/api/v1").joinpath(page, text)
            status, _, found = await local.ask(str(path))
            assert status == 404, (page, text, found)
    for text in INJECTIONS:
        path = URL("/api/v1").joinpath("dead-letters", text, "redrive")
        assert (await local.ask(str(path), method="POST", Authorization=f"Bearer {TOKEN}"))[0] == 404
    assert [item.event.id for item in (await bus.journal.events(EventFilter())).items][-2:] == ["2", "1"]
    assert [item["id"] for item in (await local.ok("/api/v1/dead-letters"))["items"]] == [firing.id]


async def test_an_event_that_is_named_like_sql_is_found_by_that_name_alone(local: Client) -> None:
    bus = local.service.bus
    odd = [text for text in INJECTIONS if "\x00" not in text]
    await bus.append([an_event(text) for text in odd] + [an_event("plain")])
    for text in odd:
        assert (await local.ok(str(URL("/api/v1/events") / text)))["id"] == text
    await bus.append([an_event("n", "x' OR 1=1 --")])
    (found,) = (await local.ok(str(URL("/api/v1/events").with_query(name="x' OR 1=1 --"))))["items"]
    assert found["id"] == "n"
