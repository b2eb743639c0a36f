"""The github kind over real sockets, with GitHub's real payloads."""

import asyncio
import json
from pathlib import Path
from urllib.parse import quote_plus

import msgspec
import pytest
from http_rig import SECRET, Rig, Said, connected, read_answer, request, rigged

from sources.http.signatures import Digest, hub_signature
from sources.marshalled import marshalled

PAYLOADS = sorted((Path(__file__).parents[1] / "fixtures" / "github").glob("*.json"))
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
HUB = {"name": "hub", "key": "k"}
PUSH = (PAYLOADS[0].parent / "push.1.json").read_bytes()
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def signed(body: bytes, secret: str = SECRET, digest: Digest = "sha256") -> str:
    return hub_signature(digest, secret.encode(), body)


async def deliver(
    rig: Rig, body: bytes, *, event: str | None = "push", guid: str | None = GUID, kind: str = JSON, **extra: str
) -> Said:
    named = {"X_GitHub_Event": event, "X_GitHub_Delivery": guid, "Content_Type": kind}
    return await rig.post("/github", body, **{name: value for name, value in named.items() if value is not None}, **extra)


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
async def test_real_payloads_become_events_in_both_content_types(path: Path) -> None:
    name, payload = path.name.partition(".")[0], path.read_bytes()
    form = b"payload=" + quote_plus(payload).encode()
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB, metadata={"team": "a"}))
        for number, (body, kind) in enumerate([(payload, JSON), (payload, JSON + "; charset=utf-8"), (form, FORM)]):
            said = await deliver(rig, body, event=name, guid=f"{number}-{GUID}", kind=kind, X_Hub_Signature_256=signed(body))
            assert said.json == {"id": f"{number}-{GUID}"}
        for number, event in enumerate(rig.events):
            data = json.loads(event.data or b"")
            assert list(data) == ["headers", "body", "metadata"]
            assert data["headers"]["X-Github-Event"] == [name]
            names = {"X-GitHub-Event": name, "X-GitHub-Delivery": f"{number}-{GUID}"}
            assert data["body"] == json.loads(payload) | names
            assert event.tree == msgspec.json.decode(event.data or b"")
            assert marshalled(payload)[1:-1] in (event.data or b""), "the order is kept"


@pytest.mark.parametrize("path", PAYLOADS[::5], ids=lambda path: path.stem)
async def test_a_tampered_payload_is_answered_401_and_no_event(path: Path) -> None:
    payload = path.read_bytes()
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        for tampered in (payload[:-1] + b" }", payload.replace(b'"', b"'", 1), b"", payload[:-10]):
            said = await deliver(rig, tampered, event=path.name.partition(".")[0], X_Hub_Signature_256=signed(payload))
            assert said.status == 401
            assert SECRET not in said.body.decode()
        assert rig.events == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, 401, id="none"),
        pytest.param({"X_Hub_Signature_256": ""}, 401, id="empty"),
        pytest.param({"X_Hub_Signature_256": "sha256="}, 401, id="no digest"),
        pytest.param({"X_Hub_Signature_256": "sha256=" + "0" * 64}, 401, id="wrong"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH)[7:]}, 401, id="no prefix"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH).upper()}, 401, id="upper case"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH, "other")}, 401, id="another secret"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH, "")}, 401, id="empty secret"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH, digest="sha1")}, 401, id="sha1 in the place of sha256"),
        pytest.param({"X_Hub_Signature_256": "sha256=é" + "0" * 63}, 401, id="not ASCII"),
        pytest.param({"X_Hub_Signature_256": "md5=" + "0" * 32}, 401, id="another digest"),
        pytest.param(
            {"X_Hub_Signature_256": "sha256=" + "0" * 64, "X_Hub_Signature": signed(PUSH, digest="sha1")}, 401, id="downgrade"
        ),
        pytest.param(
            {"X_Hub_Signature_256": "", "X_Hub_Signature": signed(PUSH, digest="sha1")}, 401, id="downgrade by an empty one"
        ),
        pytest.param({"X_Hub_Signature_256": signed(PUSH)}, 200, id="sha256"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH, digest="sha512")}, 200, id="sha512"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH), "X_Hub_Signature": "sha1=" + "0" * 40}, 200, id="sha256 decides"),
        pytest.param({"X_Hub_Signature": signed(PUSH, digest="sha1")}, 200, id="sha1 alone"),
        pytest.param({"X_Hub_Signature": "sha1=" + "0" * 40}, 401, id="wrong sha1"),
        pytest.param({"X_Hub_Signature_256": signed(PUSH, "another secret")}, 200, id="second secret"),
    ],
)
async def test_who_is_let_in(headers: dict[str, str], expected: int) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB, webhookSecrets=[{"name": "next", "key": "k"}]))
        assert (await deliver(rig, PUSH, **headers)).status == expected
        assert len(rig.events) == (expected == 200)


async def test_a_secret_that_disappears_lets_nobody_in() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        for value in (None, ""):
            rig.values.secrets |= {"hub": value or ""}
            if value is None:
                del rig.values.secrets["hub"]
            said = await deliver(rig, PUSH, X_Hub_Signature_256=signed(PUSH, ""))
            assert (said.status, rig.events) == (503, [])


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 10_000])
async def test_nothing_is_read_before_it_is_verified(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        assert (await deliver(rig, body, guid=None, kind="text/plain")).status == 401
        assert (await deliver(rig, body, X_Hub_Signature_256=signed(body))).status == 400


async def test_a_redelivery_is_the_same_event_and_gets_the_first_id() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        said = [await deliver(rig, PUSH, X_Hub_Signature_256=signed(PUSH)) for _ in range(5)]
        assert {(answer.status, answer.json["id"]) for answer in said} == {(200, GUID)}
        assert len(rig.events) == 1


async def test_a_delivery_without_a_secret_configured_is_taken_unsigned() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github())
        assert (await deliver(rig, b'{"ref":"refs/heads/main"}')).status == 200


async def test_other_events_are_answered_and_left_out_but_a_ping_comes_through() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(events=["push"]))
        ignored = await deliver(rig, b'{"action":"created"}', event="star")
        assert (ignored.status, ignored.json["id"]) == (200, None)
        assert (await deliver(rig, b'{"zen":"z","hook_id":1}', event="ping", guid="1")).status == 200
        assert (await deliver(rig, PUSH, guid="2")).status == 200
        assert [event.tree["body"]["X-GitHub-Event"] for event in rig.events] == ["ping", "push"]  # type: ignore[index]


async def test_a_star_takes_all_events() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(events=["push", "*"]))
        assert (await deliver(rig, b"{}", event="star")).json == {"id": GUID}


@pytest.mark.parametrize("guid", [None, "", " ", "x" * 129, "a b", 'a"b', "é", "../../x", "a\tb"])
async def test_a_missing_or_odd_delivery_id_is_answered_400(guid: str | None) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github())
        assert (await deliver(rig, PUSH, guid=guid)).status == 400


@pytest.mark.parametrize("event", [None, "", "push,star", "x" * 129, 'p"', "пуш"])
async def test_a_missing_or_odd_event_name_is_answered_400(event: str | None) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github())
        assert (await deliver(rig, PUSH, event=event)).status == 400


async def test_two_delivery_ids_are_answered_400() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github())
        raw = request("/github", PUSH, X_GitHub_Event="push", X_GitHub_Delivery="1", Content_Type=JSON)
        assert (
            await rig.send(raw.replace(b"X-GitHub-Delivery: 1\r\n", b"X-GitHub-Delivery: 1\r\nx-github-delivery: 2\r\n"))
        ).status == 400


@pytest.mark.parametrize(
    ("event", "other"), [("pull_request", "push"), ("push", "release"), ("workflow_run", "issues"), ("ping", "push")]
)
async def test_a_signed_body_cannot_be_passed_off_as_another_event(event: str, other: str) -> None:
    body = next(path for path in PAYLOADS if path.name.startswith(other + ".")).read_bytes()
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        said = await deliver(rig, body, event=event, X_Hub_Signature_256=signed(body))
        assert (said.status, rig.events) == (400, [])


async def test_names_that_stand_in_the_payload_already_are_replaced_by_the_real_ones() -> None:
    body = b'{"X-GitHub-Event":"star","ref":"refs/heads/main","big":12345678901234567890123,"X-GitHub-Delivery":{"a":1}}'
    async with rigged() as rig:
        await rig.serve(rig.github())
        assert (await deliver(rig, body)).status == 200
        (event,) = rig.events
        assert event.data is not None
        assert event.data.count(b"X-GitHub-Event") == 1
        assert json.loads(event.data)["body"] == json.loads(body) | {"X-GitHub-Event": "push", "X-GitHub-Delivery": GUID}


@pytest.mark.parametrize("body", [b"{}", b" { } ", b'{"a":{}}\n', b'{"a":"}"}'])
async def test_the_names_are_added_to_any_object(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github())
        assert (await deliver(rig, body)).status == 200
        (event,) = rig.events
        assert json.loads(event.data or b"")["body"] == json.loads(body) | {"X-GitHub-Event": "push", "X-GitHub-Delivery": GUID}
        assert event.tree == json.loads(event.data or b"")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"1", b'"x"', b"{", b"[" * 100_000, b'{"a":NaN}', b"\xff"])
async def test_a_payload_that_is_no_object_is_answered_400(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        assert (await deliver(rig, body, X_Hub_Signature_256=signed(body))).status == 400


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain", PUSH, 415),
        ("", PUSH, 415),
        ("application/json, text/plain", PUSH, 415),
        ("multipart/form-data; boundary=x", PUSH, 415),
        ("application/vnd.github+json", PUSH, 415),
        (FORM, b"", 400),
        (FORM, b"other=1", 400),
        (FORM, b"payload=%7B%7D&payload=%7B%7D", 400),
        (FORM, b"payload=%FF", 400),
        (FORM, b"payload", 400),
        (FORM, PUSH, 400),
    ],
)
async def test_other_content_types_and_forms_are_refused(kind: str, body: bytes, expected: int) -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        assert (await deliver(rig, body, kind=kind, X_Hub_Signature_256=signed(body))).status == expected
        assert rig.events == []


async def test_a_badly_signed_large_body_costs_at_most_the_limit() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        oversized = b'{"a":"' + b"x" * 2_000_000 + b'"}'
        assert (await deliver(rig, oversized, X_Hub_Signature_256=signed(oversized))).status == 413
        form = b"payload=" + b"x" * 2_000_000
        assert (await deliver(rig, form, kind=FORM, X_Hub_Signature_256=signed(form))).status == 413
        assert (await deliver(rig, b"x" * 1_000_000, X_Hub_Signature_256="sha256=" + "0" * 64)).status == 401


async def test_a_compressed_delivery_is_refused_before_it_is_inflated() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        assert (await deliver(rig, PUSH, Content_Encoding="gzip", X_Hub_Signature_256=signed(PUSH))).status == 415


async def test_only_posts_are_deliveries() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github())
        assert (await rig.send(b"GET /github HTTP/1.1\r\nHost: h\r\n\r\n")).status == 405


async def test_deliveries_on_one_connection_do_not_mix() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(webhookSecret=HUB))
        async with connected(rig.port) as (reader, writer):
            for number, path in enumerate(PAYLOADS):
                body, name = path.read_bytes(), path.name.partition(".")[0]
                headers = {"X_GitHub_Event": name, "X_GitHub_Delivery": f"d{number}", "Content_Type": JSON}
                writer.write(request("/github", body, X_Hub_Signature_256=signed(body), **headers))
            ids = [(await asyncio.wait_for(read_answer(reader), 5)).json["id"] for _ in PAYLOADS]
        assert ids == [f"d{number}" for number in range(len(PAYLOADS))]


async def test_a_delivery_reaches_two_event_names_as_two_events() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github("one", "/github"), rig.github("two", "/two"))
        await deliver(rig, PUSH)
        await rig.post("/two", PUSH, X_GitHub_Event="push", X_GitHub_Delivery=GUID, Content_Type=JSON)
        assert [(event.name, event.id) for event in rig.events] == [("one", GUID), ("two", GUID)]
