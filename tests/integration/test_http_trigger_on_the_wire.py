"""The http trigger against real servers: what is sent, what follows a redirect, where it may go."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import pytest
from acting_fakes import FixedValues, Seen, Target, a_target, an_event_bound, http_trigger
from aiohttp import web

from manifests.objects import Parameter, ParameterSource, TocsinTriggerHead
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.web.client import Web
from sensors.web.egress import Egress

SECRET_HEADER = {"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}


async def fire(spec: Mapping[str, object], client: Web, *, values: FixedValues | None = None, head: object = None) -> None:
    trigger = http_trigger(spec, web=client, values=values, head=head)  # type: ignore[arg-type]
    await trigger.fire(trigger.render(an_event_bound()), idempotency_key="k" * 32)


def names(seen: Seen) -> list[str]:
    return [name.decode() for name, _ in seen.raw_headers]


async def test_header_names_are_sent_as_written_and_nothing_is_guessed_about_the_body(target: Target, client: Web) -> None:
    payload = [{"src": {"dependencyName": "push", "dataKey": "n", "useRawData": True}, "dest": "n"}]
    await fire({"url": target.url, "headers": {"x-lower": "1", "X_Odd-CASE": "2"}, "payload": payload}, client)
    (seen,) = target.seen
    assert {"x-lower", "X_Odd-CASE"} <= set(names(seen))
    assert "Content-Type" not in seen.headers
    assert seen.headers["User-Agent"].startswith("tocsin/")
    assert seen.body == b'{"n":7}'


async def test_later_headers_replace_earlier_ones_whatever_their_case(target: Target, client: Web) -> None:
    spec = {
        "url": target.url,
        "headers": {"a": "static", "b": "static", "authorization": "static", "Idempotency-Key": "mine"},
        "dynamicHeaders": [
            {"src": {"dependencyName": "push", "dataKey": "n"}, "dest": "A"},
            {"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": "b"},
        ],
        "secureHeaders": [SECRET_HEADER | {"name": "B"}],
        "basicAuth": {"username": {"name": "api", "key": "user"}, "password": {"name": "api", "key": "token"}},
    }
    await fire(spec, client, values=FixedValues({"api/token": b"s3cret\n", "api/user": b"bob"}))
    headers = target.seen[0].headers
    assert (headers["a"], headers["b"], headers["Authorization"]) == ("7", "s3cret", "Basic Ym9iOnMzY3JldA==")
    assert headers["Idempotency-Key"] == "mine"
    assert len(names(target.seen[0])) == len({name.lower() for name in names(target.seen[0])})


async def test_a_secret_is_read_for_every_request_so_that_a_rotated_one_is_used_at_once(target: Target, client: Web) -> None:
    values = FixedValues({"api/token": b"old"})
    trigger = http_trigger({"url": target.url, "secureHeaders": [SECRET_HEADER]}, values=values, web=client)
    request = trigger.render(an_event_bound())
    await trigger.fire(request, idempotency_key="k")
    values.values["api/token"] = b"new"
    await trigger.fire(request, idempotency_key="k")
    assert [seen.headers["X-Key"] for seen in target.seen] == ["old", "new"]


async def test_a_secret_that_is_missing_is_worth_trying_again(target: Target, client: Web) -> None:
    with pytest.raises(TriggerUnavailable, match=r"Secret default/api has no key 'token'"):
        await fire({"url": target.url, "secureHeaders": [SECRET_HEADER]}, client)
    assert target.seen == []


async def test_host_replaces_the_header_and_not_the_address(target: Target, client: Web) -> None:
    await fire({"url": target.url, "host": "billing.example.net"}, client)
    assert target.seen[0].headers.getall("Host") == ["billing.example.net"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "POST", "PUT"])
async def test_the_payload_is_sent_with_every_method(target: Target, client: Web, method: str) -> None:
    payload = [{"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": ""}]
    await fire({"url": target.url, "method": method, "payload": payload}, client)
    assert (target.seen[0].method, target.seen[0].body) == (method, b"refs/heads/main")


async def test_a_body_of_several_megabytes_arrives_whole(client: Web) -> None:
    async with a_target(client_max_size=1 << 24) as target:
        payload = [{"src": {"dependencyName": "push", "value": "x" * 3_000_000}, "dest": ""}]
        payload[0]["src"]["dependencyName"] = "absent"  # type: ignore[index]
        await fire({"url": target.url, "payload": payload}, client)
        assert len(target.seen[0].body) == 3_000_000


async def test_connections_are_kept_and_used_again(target: Target, client: Web) -> None:
    ports = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(status=500, text="x" * 10_000) if len(target.seen) % 2 else web.Response(text="ok")

    target.answer = answer
    trigger = http_trigger({"url": target.url}, web=client)
    request = trigger.render(an_event_bound())
    for _ in range(6):
        try:
            await trigger.fire(request, idempotency_key="k")
        except TriggerUnavailable as exc:
            assert len(str(exc)) < 300  # noqa: PT017 every second answer is a 500
    assert len(ports) == 1


# Redirects


async def test_a_redirect_within_the_origin_keeps_everything(target: Target, client: Web) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/there"}) if request.path == "/hook" else web.Response()

    target.answer = answer
    payload = [{"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": ""}]
    spec = {"url": target.url, "payload": payload, "secureHeaders": [SECRET_HEADER]}
    await fire(spec, client, values=FixedValues({"api/token": b"s"}))
    first, second = target.seen
    assert (second.path, second.method, second.body, second.headers["X-Key"]) == ("/there", "POST", first.body, "s")


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_older_redirects_turn_into_a_get_without_body(target: Target, client: Web, status: int) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "/there"}) if request.path == "/hook" else web.Response()

    target.answer = answer
    payload = [{"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": ""}]
    await fire({"url": target.url, "payload": payload}, client)
    assert (target.seen[1].method, target.seen[1].body) == ("GET", b"")


async def test_another_origin_never_sees_a_credential(target: Target, client: Web) -> None:
    async with a_target() as stranger:

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=308, headers={"Location": stranger.url})

        target.answer = answer
        spec = {
            "url": target.url.replace("//", "//user:pass@"),
            "headers": {"Cookie": "c", "X-Plain": "p"},
            "secureHeaders": [SECRET_HEADER],
            "host": "billing.example.net",
        }
        await fire(spec, client, values=FixedValues({"api/token": b"s"}))
    assert target.seen[0].headers["Authorization"] == "Basic dXNlcjpwYXNz"
    headers = stranger.seen[0].headers
    assert not {"Authorization", "Cookie", "X-Key"} & set(headers)
    assert headers["X-Plain"] == "p"
    assert headers["Host"] == f"127.0.0.1:{stranger.port}"


async def test_a_redirect_loop_ends_after_ten(target: Target, client: Web) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/again"})

    target.answer = answer
    with pytest.raises(TriggerRefused, match="more than 10 times"):
        await fire({"url": target.url}, client)
    assert len(target.seen) == 11


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("file:///etc/passwd", "redirected to 'file', which is not HTTP"),
        ("ftp://x/", "redirected to 'ftp', which is not HTTP"),
        ("http://[::1", "redirected to something that is no URL"),
        ("http://169.254.169.254/latest", "metadata, link-local or otherwise denied addresses are denied"),
    ],
)
async def test_a_redirect_to_where_no_call_may_go_is_refused(target: Target, client: Web, location: str, why: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    target.answer = answer
    with pytest.raises(TriggerRefused, match=why):
        await fire({"url": target.url}, client)
    assert len(target.seen) == 1


# Where it may go


async def test_a_name_that_resolves_to_a_denied_address_is_refused_before_connecting(
    client: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [("93.184.216.34", 80), ("169.254.169.254", 80)]
    asked: list[object] = []

    async def rebound(host: object, port: object, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers[-1])]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
    with pytest.raises(TriggerRefused, match="denied"):
        await fire({"url": "http://rebound.example/"}, client)
    assert asked == ["rebound.example"]


async def test_a_denied_network_is_not_called_and_an_allowed_one_in_it_is(target: Target) -> None:
    strict = Web(Egress(deny=["127.0.0.0/8"]))
    with pytest.raises(TriggerRefused, match="denied"):
        await fire({"url": target.url}, strict)
    listed = Web(Egress(deny=["0.0.0.0/0", "::/0"], allow=["127.0.0.1/32"]))
    await fire({"url": target.url}, listed)
    await strict.aclose()
    await listed.aclose()
    assert len(target.seen) == 1


# What parameters may change


async def test_trigger_level_parameters_change_url_and_method_for_one_firing(target: Target, client: Web) -> None:
    head = TocsinTriggerHead(
        parameters=[
            Parameter(src=ParameterSource(dependency_name="push", data_key="n"), dest="http.url", operation="append"),
            Parameter(src=ParameterSource(dependency_name="absent", value="PUT"), dest="http.method"),
        ]
    )
    await fire({"url": f"{target.url}/"}, client, head=head)
    assert (target.seen[0].method, target.seen[0].path) == ("PUT", "/hook/7")


async def test_a_target_that_is_no_http_server_is_unavailable(client: Web) -> None:
    async def gibber(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(gibber, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TriggerUnavailable, match=r"^http://127.0.0.1:\d+: "):
            await fire({"url": f"http://127.0.0.1:{port}/"}, client)


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_a_target_that_sends_interim_answers_for_ever_is_left_and_a_few_do_no_harm(client: Web) -> None:
    left = asyncio.Event()
    kept = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                if request.startswith(b"POST /few"):
                    kept[0] += 1
                    writer.write(20 * INTERIM + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    continue
                while True:
                    writer.write(1000 * INTERIM)
                    await writer.drain()
        left.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for _ in range(8):
            await fire({"url": f"{url}/few"}, client)
        assert kept == [8]
        for _ in range(2):  # on a connection that was kept, and on a new one
            left.clear()
            with pytest.raises(TriggerUnavailable, match=r"sent more than 100 interim answers"):
                await fire({"url": f"{url}/many"}, client)
            await left.wait()
