"""The API over HTTP, on a real store."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from eventbus.contract import Bus, Decisions
from eventbus.event import Event, Identity
from eventbus.firing import Attempt, Cause, Firing, FiringId, Outcome, OutcomeKind, TriggerRef, firing_id
from eventbus.journal import Scanned
from eventbus.sqlite import open_bus
from manifests.objects import ObjectRef
from sensors.report import Unwatched
from tocsin import exposition
from tocsin.acts import Acts
from tocsin.api import follow
from tocsin.api.access import load_token, read_token
from tocsin.api.server import ApiUnavailable, serving
from tocsin.changes import Changes
from tocsin.metrics import Metrics
from tocsin.replaying.replayer import Replayer
from tocsin.views import Json

TOKEN = "token-of-the-test"
TRIGGER = TriggerRef("default", "deploy", "call")


class Nobody:
    """A dispatcher that has nothing."""

    async def cancel(self, firing: FiringId, outcome: Outcome) -> bool:
        return False


class FakeService:
    """Only what the API asks for beside the bus."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.metrics = Metrics()
        self.changes = Changes()
        self.instance = "abc"
        self.ready = True
        self.viewed: list[ObjectRef] = []
        """What somebody asked the state of."""
        self.replayer = Replayer(bus)
        self.acts = Acts(bus, Nobody(), Unwatched())  # type: ignore[arg-type]

    def readiness(self) -> Json:
        return {"ready": self.ready, "not_ready": [] if self.ready else [{"name": "bus", "reason": "full"}], "degraded": []}

    async def count_pauses(self) -> None:
        return

    async def sources(self) -> list[Json]:
        return [await self.source(ref) for ref in self.source_refs()]

    async def sensors(self) -> list[Json]:
        return [await self.sensor(ref) for ref in self.sensor_refs()]

    async def source(self, ref: ObjectRef) -> Json:
        self.viewed.append(ref)
        return {"namespace": ref.namespace, "name": ref.name, "state": "running", "events": []}

    async def sensor(self, ref: ObjectRef) -> Json:
        self.viewed.append(ref)
        return {"namespace": ref.namespace, "name": ref.name, "state": "running"}

    def source_refs(self) -> list[ObjectRef]:
        return [ObjectRef("EventSource", namespace, "hooks") for namespace in ("a", "b")]

    def sensor_refs(self) -> list[ObjectRef]:
        return [ObjectRef("Sensor", "a", name) for name in ("one", "two")]


def an_event(id_: str, name: str = "push") -> Event:
    return Event(namespace="default", source="hooks", name=name, id=id_, type="webhook", time=None, data=b'{"a":1}')


def a_firing(position: int, id_: str) -> Firing:
    identity = Identity("default", "hooks", "push", id_)
    return Firing(
        id=firing_id(TRIGGER, [("d", identity)]),
        trigger=TRIGGER,
        revision="0" * 16,
        causes=(Cause("d", position, identity),),
        decided_us=1_700_000_000_000_000,
    )


class Client:
    """Asks the API."""

    def __init__(self, session: aiohttp.ClientSession, url: str, service: FakeService) -> None:
        self._session, self.url, self.service = session, url, service

    async def ask(self, path: str, *, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(method, self.url + path, headers=named, allow_redirects=False) as answer:
            text = await answer.text()
            return answer.status, answer.content_type, json.loads(text) if "json" in answer.content_type and text else text

    async def post(self, path: str, document: object) -> tuple[int, str, Any]:
        body = document if isinstance(document, bytes) else None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self._session.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, answer.content_type, await answer.json(content_type=None)

    async def ok(self, path: str) -> Any:
        status, _, document = await self.ask(path)
        assert status == 200, document
        return document


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    bus = await open_bus(tmp_path / "data")
    service = FakeService(bus)  # type: ignore[arg-type]
    try:
        async with serving(service, "127.0.0.1", 0, TOKEN) as url, aiohttp.ClientSession() as session:
            yield Client(session, url, service)
    finally:
        await bus.aclose()


async def a_dead_letter(bus: Bus) -> Firing:
    ((position, _, _),) = await bus.append([an_event("1")])
    await bus.read("sensors", limit=10, timeout_s=0)  # makes the group
    firing = a_firing(position, "1")
    await bus.commit(Decisions(group="sensors", position=position, firings=[firing]))
    (taken,) = await bus.outbox.take(limit=1, timeout_s=1)
    attempt = Attempt(number=1, started_us=1, ended_us=2, succeeded=False, reason="answered 400", status=400)
    outcome = Outcome(kind=OutcomeKind.DEAD_LETTERED, reason="answered 400")
    await bus.outbox.close(taken.firing.id, outcome, attempt=attempt, request=None)
    return firing


ROUTES = [
    "/api/v1/events/none",
    "/api/v1/firings/none",
    "/api/v1/dead-letters/none",
    "/api/v1/sources/none",
    "/api/v1/sensors/none",
    "/api/v1/why?id=none",
    "/api/v1/explain?id=none",
    "/api/v1/trace?id=none",
    "/api/v1/recording?id=none",
    "/api/v1/events/none/recording",
    "/api/v1/firings/none/why",
    "/api/v1/events/none/trace",
    "/api/v1/events/none/explain",
    "/api/v1",
    "/nonsense",
    "/livez/",
    "/api/v1/version/x",
]


@pytest.mark.parametrize("path", ROUTES)
async def test_what_is_not_there_is_a_404_problem_on_every_route(client: Client, path: str) -> None:
    status, content_type, document = await client.ask(path)
    assert (status, content_type) == (404, "application/problem+json")
    assert {"type", "title", "status", "detail"} <= set(document)
    assert document["status"] == 404


LISTS = ["/livez", "/readyz", "/metrics", "/api/v1/version", "/api/v1/events", "/api/v1/firings", "/api/v1/dead-letters"]


@pytest.mark.parametrize(
    "path", [*LISTS, "/api/v1/sources", "/api/v1/sensors", "/api/v1/why", "/api/v1/explain", "/api/v1/trace", "/api/v1/recording"]
)
async def test_a_wrong_method_is_a_405_problem_that_names_the_right_one(client: Client, path: str) -> None:
    status, content_type, document = await client.ask(path, method="DELETE", Authorization=f"Bearer {TOKEN}")
    assert (status, content_type) == (405, "application/problem+json")
    assert "GET" in document["detail"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/events?limit=0", "limit"),
        ("/api/v1/events?limit=1001", "limit"),
        ("/api/v1/events?limit=x", "limit"),
        ("/api/v1/events?limit=%D9%A1", "limit"),
        ("/api/v1/events?cursor=nonsense", "cursor"),
        ("/api/v1/firings?cursor=nonsense", "cursor"),
        ("/api/v1/events?after=yesterday", "after"),
        ("/api/v1/events?before=2026-01-01T00:00:00", "no zone"),
        ("/api/v1/events?before=2026-01-01", "no zone; write for instance 2026-01-01T00:00:00Z"),
        ("/api/v1/events?order=1;drop", "unknown parameter"),
        ("/api/v1/firings?state=nonsense", "state"),
        ("/api/v1/why", "'id' is missing"),
    ],
)
async def test_a_bad_parameter_is_a_400_problem_that_names_it(client: Client, path: str, said: str) -> None:
    status, content_type, document = await client.ask(path)
    assert (status, content_type) == (400, "application/problem+json")
    assert said in document["detail"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:7070", "localhost", "LOCALHOST:1", "[::1]:80", "127.9.9.9", "api.localhost"]
)
async def test_loopback_hosts_are_answered(client: Client, host: str) -> None:
    assert (await client.ask("/api/v1/events", Host=host))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7070", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil", "0.0.0.0"]
)
@pytest.mark.parametrize("path", ["/", "/readyz", "/metrics", "/api/v1/events", "/nonsense"])
async def test_a_foreign_host_is_refused_on_every_path(client: Client, host: str, path: str) -> None:
    status, content_type, _ = await client.ask(path, Host=host)
    assert (status, content_type) == (403, "application/problem+json")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN])
async def test_a_write_needs_the_token(client: Client, authorization: str) -> None:
    firing = await a_dead_letter(client.service.bus)
    path = f"/api/v1/dead-letters/{firing.id}/redrive"
    headers = {"Authorization": authorization} if authorization else {}
    status, content_type, document = await client.ask(path, method="POST", **headers)
    assert (status, content_type) == (401, "application/problem+json")
    assert document["detail"].startswith("this is another service's token; " if authorization else "a token is needed; ")
    assert "TOCSIN_API_TOKEN" in document["detail"]
    assert "api-token" in document["detail"]
    record = await client.service.bus.journal.firing(firing.id)
    assert record is not None
    assert record.outcome is OutcomeKind.DEAD_LETTERED


async def test_a_dead_letter_is_redriven_once(client: Client) -> None:
    firing = await a_dead_letter(client.service.bus)
    assert [item["id"] for item in (await client.ok("/api/v1/dead-letters"))["items"]] == [firing.id]
    path = f"/api/v1/dead-letters/{firing.id}/redrive"
    assert (await client.ask(path, method="POST", Authorization=f"Bearer {TOKEN}"))[0] == 202
    status, content_type, document = await client.ask(path, method="POST", Authorization=f"Bearer {TOKEN}")
    assert (status, content_type) == (409, "application/problem+json")
    assert "it is open" in document["detail"]
    assert (await client.ok("/api/v1/firings?state=open"))["items"][0]["id"] == firing.id


@pytest.mark.parametrize("path", ["/api/v1/why?id=1", "/api/v1/firings/1"])
async def test_who_names_an_event_for_a_firing_is_told_so(client: Client, path: str) -> None:
    await a_dead_letter(client.service.bus)
    status, _, document = await client.ask(path)
    assert status == 404
    assert "it is the id of an event: `tocsin trace`" in document["detail"]


async def test_no_more_digits_are_asked_for_than_an_id_has(client: Client) -> None:
    for name, more in (("0" * 31, True), ("0" * 32, False)):
        _, _, document = await client.ask(f"/api/v1/why?id={name}")
        assert ("give more digits" in document["detail"]) is more


async def write(client: Client, path: str, document: object = None) -> tuple[int, Any]:
    status, _, found = await client.post(path, document)
    return status, found


async def test_a_dropped_dead_letter_tells_who_dropped_it_and_why_it_was_given_up(client: Client) -> None:
    firing = await a_dead_letter(client.service.bus)
    status, found = await write(
        client, "/api/v1/dead-letters/drop", {"ids": [firing.id[:8]], "by": "ana", "reason": "a\nduplicate"}
    )
    assert (status, found["items"]) == (200, [{"name": firing.id[:8], "id": firing.id, "done": True, "detail": "dropped"}])
    shown = await client.ok(f"/api/v1/firings/{firing.id}")
    assert (shown["state"], shown["reason"]) == ("skipped", "dropped by ana: a duplicate; it had failed: answered 400")
    assert len(shown["attempts"]) == 1
    assert (await client.ok("/api/v1/dead-letters"))["items"] == []
    status, found = await write(client, f"/api/v1/dead-letters/{firing.id}/drop")
    assert (status, "it is skipped" in found["detail"]) == (409, True)


async def test_each_of_many_is_answered_for_by_itself(client: Client) -> None:
    firing = await a_dead_letter(client.service.bus)
    status, found = await write(client, "/api/v1/dead-letters/redrive", {"ids": [firing.id, "00000000", "short", firing.id]})
    assert status == 200
    assert [(item["name"], item["done"]) for item in found["items"]] == [(firing.id, True), ("00000000", False), ("short", False)]
    assert "at least 8 digits" in found["items"][2]["detail"]
    status, found = await write(client, "/api/v1/firings/cancel", {"ids": [firing.id]})
    assert found["items"][0]["detail"] == "cancelled after 1 failed attempt"
    assert (await client.ok(f"/api/v1/firings/{firing.id}"))["reason"] == "cancelled"
    status, found = await write(client, "/api/v1/firings/cancel", {"ids": [firing.id]})
    assert found["items"][0]["detail"] == "not open: it is skipped"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"ids": []}, "expected 1 to 256"),
        ({"ids": ["0" * 32] * 257}, "expected 1 to 256"),
        ({"ids": "x"}, "Expected `array`"),
        ({"ids": ["x"], "why": "?"}, "unknown field `why`"),
        ([], "Expected `object`"),
        (b"{", "body"),
        (b"[" * 60_000, "body"),
        (b"\xff", "body"),
    ],
)
async def test_a_write_that_is_put_wrongly_says_what_was_expected(client: Client, document: object, says: str) -> None:
    status, found = await write(client, "/api/v1/dead-letters/drop", document)
    assert status == 400
    assert says in found["detail"]


async def test_lists_are_paged_newest_first_without_gaps(client: Client) -> None:
    for n in range(7):
        await client.service.bus.append([an_event(str(n))])
    seen, path = [], "/api/v1/events?limit=3"
    while path:
        page = await client.ok(path)
        seen += [item["id"] for item in page["items"]]
        path = f"/api/v1/events?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == [str(n) for n in reversed(range(7))]


async def test_an_ambiguous_id_lists_its_candidates_and_a_full_name_is_enough(client: Client) -> None:
    await client.service.bus.append([an_event("1"), an_event("1", "release"), an_event("a/b c?")])
    status, _, document = await client.ask("/api/v1/events/1")
    assert status == 409
    assert [item["name"] for item in document["candidates"]] == ["push", "release"]
    for name in ("hooks%2Frelease%2F1", "hooks/release/1", "default/hooks/release/1"):
        assert (await client.ok(f"/api/v1/events/{name}"))["name"] == "release"
    assert (await client.ok("/api/v1/events/a%2Fb%20c%3F"))["id"] == "a/b c?"


async def test_data_is_json_or_base64(client: Client) -> None:
    odd = an_event("2")
    await client.service.bus.append(
        [an_event("1"), Event(**{**_fields(odd), "data": b"\xff\x00"}), Event(**{**_fields(odd), "id": "3", "data": None})]
    )
    assert (await client.ok("/api/v1/events/1"))["data"] == {"a": 1}
    assert (await client.ok("/api/v1/events/2"))["data_base64"] == "/wA="
    assert not {"data", "data_base64"} & set(await client.ok("/api/v1/events/3"))


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


async def test_integers_of_any_size_survive(client: Client) -> None:
    await client.service.bus.append([Event(**{**_fields(an_event("1")), "data": b'{"n":123456789012345678901234567890}'})])
    assert (await client.ok("/api/v1/events/1"))["data"]["n"] == 123456789012345678901234567890


async def test_readiness_names_what_is_not_ready(client: Client) -> None:
    assert (await client.ask("/readyz"))[0] == 200
    client.service.ready = False
    status, _, document = await client.ask("/readyz")
    assert (status, document["not_ready"][0]["name"]) == (503, "bus")
    assert (await client.ask("/livez"))[0] == 200


async def test_an_object_name_in_two_namespaces_is_ambiguous(client: Client) -> None:
    assert (await client.ask("/api/v1/sources/hooks"))[0] == 409
    assert (await client.ok("/api/v1/sources/a/hooks"))["namespace"] == "a"
    assert (await client.ok("/api/v1/sensors/two"))["name"] == "two"
    assert client.service.viewed == [ObjectRef("EventSource", "a", "hooks"), ObjectRef("Sensor", "a", "two")], "only these"


async def test_an_event_that_no_sensor_wants_says_so(client: Client) -> None:
    await client.service.bus.append([an_event("0")])
    await client.service.bus.commit(Decisions(group="sensors", position=1))
    await client.service.bus.append([an_event("1")])
    assert "not decided yet" in (await client.ok("/api/v1/explain?id=1"))["note"]
    await client.service.bus.commit(Decisions(group="sensors", position=2))
    explained = await client.ok("/api/v1/explain?id=1")
    assert explained["sensors"] == []
    assert "no sensor in force" in explained["note"]


async def test_a_sensor_that_waits_for_a_near_name_is_a_hint(client: Client) -> None:
    spec = {"dependencies": [{"name": "d", "eventSourceName": "hook", "eventName": "push"}], "triggers": []}
    content = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Sensor", "metadata": {"name": "deploy"}, "spec": spec}
    await client.service.bus.declarations.put("Sensor/default/deploy", "r1", json.dumps(content).encode())
    await client.service.bus.append([an_event("1")])
    (hint,) = (await client.ok("/api/v1/explain?id=1"))["hints"]
    assert "deploy depends on default/hook/push" in hint
    assert (await client.ask("/api/v1/explain?id=1&sensor=nobody"))[0] == 404


async def test_every_answer_names_the_run_and_forbids_keeping_it(client: Client) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{client.url}/api/v1/version") as answer:
        assert answer.headers["Tocsin-Instance"] == "abc"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_off_loopback_everything_but_probes_needs_the_token(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path / "data")
    try:
        service = FakeService(bus)  # type: ignore[arg-type]
        async with serving(service, "0.0.0.0", 0, TOKEN) as url, aiohttp.ClientSession() as session:
            client = Client(session, url.replace("0.0.0.0", "127.0.0.1"), service)
            assert (await client.ask("/readyz", Host="tocsin.example"))[0] == 200
            for path in ("/metrics", "/api/v1/events", "/nonsense"):
                assert (await client.ask(path))[0] == 401
                assert (await client.ask(path, Authorization=f"Bearer {TOKEN}"))[0] != 401
    finally:
        await bus.aclose()


async def test_a_port_that_is_taken_says_what_to_do(client: Client) -> None:
    port = int(client.url.rsplit(":", 1)[1])
    with pytest.raises(ApiUnavailable, match=r"--api"):
        async with serving(client.service, "127.0.0.1", port, TOKEN):
            raise AssertionError("it listens twice")


def test_the_token_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_API_TOKEN", raising=False)
    assert read_token(tmp_path) is None
    made = load_token(tmp_path)
    assert len(made) >= 32
    assert load_token(tmp_path) == read_token(tmp_path) == made
    assert (tmp_path / "api-token").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("TOCSIN_API_TOKEN", "given")
    assert load_token(tmp_path) == "given"


async def following(client: Client, path: str, count: int, then: Any, **headers: str) -> list[dict[str, str]]:
    """Follow `path`, do `then` once it is followed, and return the first `count` items."""
    found: list[dict[str, str]] = []
    named = {"Accept": "text/event-stream"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession() as session,
        session.get(client.url + path, headers=named) as answer,
    ):
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        await answer.content.readuntil(b"\n\n")
        await then()
        while len(found) < count:
            block = (await answer.content.readuntil(b"\n\n")).decode().strip()
            if not block.startswith(":"):
                found.append(dict(line.split(": ", 1) for line in block.splitlines()))  # type: ignore[misc]
    return found


async def test_the_metrics_page_is_made_beside_the_loop(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by: list[threading.Thread] = []

    def noted(*args: Any) -> bytes:
        made_by.append(threading.current_thread())
        return real(*args)

    real = exposition.exposition
    monkeypatch.setattr(exposition, "exposition", noted)
    assert "tocsin_build_info" in (await client.ask("/metrics"))[2]
    assert len(made_by) == 1
    assert made_by[0] is not threading.main_thread()


async def test_new_events_are_followed_and_a_client_that_comes_back_misses_none(client: Client) -> None:
    bus, changes = client.service.bus, client.service.changes
    await bus.append([an_event("before")])

    async def more() -> None:
        for n in range(3):
            await bus.append([an_event(str(n))])
            changes.appended()

    found = await following(client, "/api/v1/events", 3, more)
    assert [json.loads(item["data"])["id"] for item in found] == ["0", "1", "2"]

    async def nothing() -> None:
        return

    again = await following(client, "/api/v1/events", 2, nothing, Last_Event_ID=found[0]["id"])
    assert [json.loads(item["data"])["id"] for item in again] == ["1", "2"]


async def test_a_follower_has_each_event_read_once_and_much_in_parts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    bus, changes, read = client.service.bus, client.service.changes, list[int]()
    await bus.append([an_event(str(n), "push" if n % 2 else "other") for n in range(1000)])
    scan = bus.journal.scan

    async def noted(after: int, *, until: int, limit: int) -> Scanned:
        found = await scan(after, until=until, limit=limit)
        assert len(found.events) <= 32
        read.extend([one.position for one in found.events])
        return found

    async def one_more() -> None:
        await bus.append([an_event("last")])
        changes.appended()

    monkeypatch.setattr(bus.journal, "scan", noted)
    monkeypatch.setattr(bus.journal, "events", None)
    found = await following(client, "/api/v1/events?name=push", 501, one_more, Last_Event_ID="0")
    assert [json.loads(item["data"])["id"] for item in found] == [*map(str, range(1, 1000, 2)), "last"]
    assert read == list(range(1, 1002))


async def test_closed_firings_are_followed(client: Client) -> None:
    async def close() -> None:
        client.service.changes.closed((await a_dead_letter(client.service.bus)).id)

    (found,) = await following(client, "/api/v1/firings?sensor=deploy", 1, close)
    assert json.loads(found["data"])["state"] == "dead-lettered"


async def test_only_so_many_clients_follow_at_a_time_and_who_leaves_makes_room(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "QUIET_S", 0.01)  # writing is how it is noticed that somebody has left
    headers = {"Accept": "text/event-stream"}
    async with asyncio.timeout(30), aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        answers = [await session.get(f"{client.url}/api/v1/{page}", headers=headers) for page in ["events", "firings"] * 16]
        assert {answer.status for answer in answers} == {200}
        assert (await client.ask("/api/v1/events", Accept="text/event-stream"))[0] == 503
        answers.pop().close()
        while (status := (refused := await session.get(f"{client.url}/api/v1/events", headers=headers)).status) == 503:
            refused.release()
        assert status == 200
        for answer in [*answers, refused]:
            answer.close()


async def test_a_follower_that_is_too_far_behind_is_told_how_many_firings_it_missed(client: Client) -> None:
    async def close() -> None:
        changes, firing = client.service.changes, (await a_dead_letter(client.service.bus)).id
        for _ in range(1500):
            changes.closed(firing)

    missed, *rest = await following(client, "/api/v1/firings", 1001, close)
    assert (missed["event"], json.loads(missed["data"])) == ("missed", {"firings": 500})
    assert {item["event"] for item in rest} == {"firing"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [("events?x=1", {}), ("firings?x=1", {}), ("firings?replay=x", {}), ("events", {"Last_Event_ID": "x"})],
)
async def test_following_refuses_what_it_does_not_know(client: Client, path: str, headers: dict[str, str]) -> None:
    status, content_type, _ = await client.ask(f"/api/v1/{path}", Accept="text/event-stream", **headers)
    assert (status, content_type) == (400, "application/problem+json")


async def test_streams_end_when_the_service_stops(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path / "data")
    try:
        async with aiohttp.ClientSession() as session:
            async with serving(FakeService(bus), "127.0.0.1", 0, TOKEN) as url:  # type: ignore[arg-type]
                answer = await session.get(f"{url}/api/v1/events", headers={"Accept": "text/event-stream"})
                await answer.content.readuntil(b"\n\n")
            # Ended, not broken off: reading a body that was cut after the time that a stop may take would raise.
            assert await answer.content.read() == b""
            answer.close()
    finally:
        await bus.aclose()
