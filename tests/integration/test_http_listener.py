"""The shared listener: routes, ports, live changes, draining, TLS."""

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from http_rig import Rig, connected, read_answer, request, rigged
from waiting import until

from eventbus.event import Event, Road
from manifests.objects import Dialect
from sources.http.limits import Limits
from sources.http.listener import HttpListener
from sources.http.source import Received
from sources.source import SourceRefused
from sources.webhook import Webhook, WebhookSpec


async def test_only_the_exact_path_is_the_endpoint() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(endpoint="/a/hook", authSecret={"name": "token", "key": "t"}))
        assert (await rig.post("/a/hook")).status == 401
        assert (await rig.post("/a/hook?x=1")).status == 401
        assert (await rig.post("http://anywhere/a/hook")).status == 401
        for path in (
            "/",
            "/a/hook/",
            "/a//hook",
            "//a/hook",
            "/A/hook",
            "/a/hook;x",
            "/a%2fhook",
            "/a/hook%00",
            "/a/./hook",
            "/a/../a/hook",
            "/x/../a/hook",
            "/a/hook.json",
            "/a/hook/health",
            "/a/hoo%6b",
            "/a/hook%3f",
            "/health/",
            "/Health",
            "/a/hook\\",
        ):
            said = await rig.post(path)
            assert said.status == 404, path
            assert said.headers["content-type"] == "application/problem+json"
        assert rig.events == []


async def test_of_overlapping_templates_the_more_literal_one_is_asked_first_in_any_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoints = {"by-number": "/x/{id:[0-9]+}/y", "all": "/x/{id}/{what}", "rest": "/{rest:.+}", "one": "/x/7/y"}
    for order in (list(endpoints), list(reversed(endpoints))):
        async with rigged() as rig:
            await rig.serve(*(rig.webhook(name, endpoint=endpoints[name]) for name in order))
            for path in ("/x/7/y", "/x/8/y", "/health", "/x/a/y", "/x/a"):
                assert (await rig.post(path)).status == 200
            assert [event.name for event in rig.events] == ["one", "by-number", "all", "rest"]
            # By its number is it gone, the next one takes it.
            await rig.listener.remove(Road("default", "src", "by-number"))
            assert (await rig.post("/x/8/y")).status == 200
            assert rig.events[-1].name == "all"


async def test_a_template_is_matched_with_the_whole_decoded_path() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(endpoint="/x/{id:[0-9]{3}}.{kind:a|b}/{rest:.*}"))
        for path, expected in (
            ("/x/123.a/", 200),
            ("/x/123.b/c/d", 200),
            ("/x/12%33.a/c", 200),
            ("/x/123.a/c%20d?q=1", 200),
            ("/x/123.a%2Fc", 200),
            ("/x/1234.a/c", 404),
            ("/x/123.c/c", 404),
            ("/x/123xa/c", 404),
            ("/x/123.a", 404),
            ("/y/x/123.a/c", 404),
            ("/x/123.a//c", 404),
            ("/x/123.a/../c", 404),
            ("/x/123.a/%2e%2e/c", 404),
            ("/x/123.a/./c", 404),
            ("/x/{id:[0-9]{3}}.{kind:a|b}/{rest:.*}", 404),
        ):
            assert (await rig.post(path)).status == expected, path


async def test_templates_that_differ_in_names_only_are_one_endpoint() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("one", endpoint="/x/{id:[0-9]+}"))
        with pytest.raises(SourceRefused, match=r"endpoint: /x/\{n:\[0-9\]\+\} on port 0 belongs to default/src/one"):
            await rig.serve(rig.webhook("two", endpoint="/x/{n:[0-9]+}"))
        await rig.serve(rig.webhook("one", endpoint="/x/{n}"))
        assert (await rig.post("/x/a")).status == 200


@pytest.mark.parametrize("target", ["hook", "*", "http://", "/hook\x80"])
async def test_an_odd_request_target_is_refused(target: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        said = await rig.send(f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert said.status in (400, 404)


async def test_a_named_segment_stands_for_one_segment() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("any", endpoint="/x/{id}/y"), rig.webhook("exact", endpoint="/x/1/y"))
        for path, expected in (("/x/1/y", 200), ("/x/2/y", 200), ("/x//y", 404), ("/x/1/2/y", 404), ("/x/1/y/", 404)):
            assert (await rig.post(path)).status == expected, path
        assert [event.name for event in rig.events] == ["exact", "any"]


async def test_health_is_answered_unless_an_event_uses_it() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        said = await rig.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (said.status, said.body) == (200, b"OK")
        await rig.serve(rig.webhook("other", endpoint="/health"))
        assert (await rig.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")).status == 405


async def test_a_second_event_of_the_same_port_and_endpoint_is_refused_by_name() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("first"))
        with pytest.raises(SourceRefused, match="belongs to default/src/first"):
            await rig.listener.add(rig.webhook("second"), rig.emit)
        assert (await rig.post()).status == 200
        assert rig.events[0].name == "first"


async def test_a_taken_port_is_refused_by_name_and_the_others_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        async with rigged() as rig:
            with pytest.raises(SourceRefused, match=rf"default/src/bad cannot listen on 127.0.0.1:{number}"):
                await rig.listener.add(rig.webhook("bad", port=str(number)), rig.emit)
            await rig.serve(rig.webhook("good"))
            assert (await rig.post()).status == 200


@pytest.mark.parametrize(
    ("host", "offset", "why"),
    [
        ("127.0.0.1", 60_000, "with the port offset 60000 it would be 72000; choose another offset"),
        ("127.0.0.1", -12_000, "with the port offset -12000 it would be 0; choose another offset"),
        ("127.0.0.1", -20_000, "with the port offset -20000 it would be -8000; choose another offset"),
        ("192.0.2.1", 0, "192.0.2.1:12000: cannot assign requested address; listen on an address of this machine"),
    ],
)
async def test_a_port_that_cannot_be_says_why_and_what_to_do(host: str, offset: int, why: str) -> None:
    listener = HttpListener(host=host, port_offset=offset, allow_unauthenticated=True)
    async with rigged() as rig:
        with pytest.raises(SourceRefused, match=f"{why}$"):
            await listener.add(rig.webhook(port="12000"), rig.emit)


async def test_the_port_offset_moves_every_port_but_the_free_ones() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = probe.getsockname()[1]
    async with rigged(port_offset=1) as rig:
        await rig.serve(rig.webhook(port=str(number - 1)))
        assert rig.port == number
        assert (await rig.post()).status == 200
        with pytest.raises(SourceRefused, match="65536"):
            await rig.listener.add(rig.webhook("high", port="65535"), rig.emit)


async def test_adding_and_removing_routes_leaves_kept_connections_alone() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("a", endpoint="/a"))
        async with connected(rig.port) as (reader, writer):
            for path, expected in (("/a", 200), ("/b", 404)):
                writer.write(request(path, b"{}"))
                assert (await read_answer(reader)).status == expected
            await rig.serve(rig.webhook("b", endpoint="/b"))
            await rig.listener.remove(Road("default", "src", "a"))
            await rig.listener.remove(Road("default", "src", "nobody"))
            for path, expected in (("/a", 404), ("/b", 200)):
                writer.write(request(path, b"{}"))
                assert (await read_answer(reader)).status == expected


async def test_adding_the_same_event_again_replaces_it_in_place() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("a", endpoint="/a"), rig.webhook("b", endpoint="/b"))
        port = rig.port
        await rig.serve(rig.webhook("a", endpoint="/a2", method="PUT"))
        assert rig.port == port
        assert [(await rig.post("/a")).status, (await rig.post("/a2", method="PUT")).status] == [404, 200]


async def test_a_change_that_is_refused_leaves_the_old_route_serving() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("a", endpoint="/a"))
        with pytest.raises(SourceRefused, match="authSecret"):
            await rig.serve(rig.webhook("a", endpoint="/new", authSecret={"name": "nowhere", "key": "k"}))
        assert (await rig.post("/a")).status == 200


async def test_removing_the_last_route_closes_the_port_after_its_answers() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}"))
            await until(lambda: rig.at_gate)
            removing = asyncio.create_task(rig.listener.remove(Road("default", "src", "hook")))
            await asyncio.sleep(0.1)  # in which it may not end
            assert not removing.done()
            rig.gate.set()
            assert (await read_answer(reader)).status == 200
            await removing
        with pytest.raises(ConnectionRefusedError):
            await rig.post()


async def test_stopping_finishes_what_is_in_flight_and_turns_away_the_rest() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        async with connected(rig.port) as (reader, writer), connected(rig.port) as (late_reader, late_writer):
            writer.write(request("/hook", b"{}"))
            await until(lambda: rig.at_gate)
            stopping = asyncio.create_task(rig.listener.stop(grace_s=5.0))
            await asyncio.sleep(0.1)
            late_writer.write(request("/hook", b"{}"))
            said = await read_answer(late_reader)
            assert (said.status, said.headers["connection"]) == (503, "close")
            assert int(said.headers["retry-after"]) >= 1
            with pytest.raises(ConnectionRefusedError):
                await rig.post()
            rig.gate.set()
            assert (await read_answer(reader)).status == 200
            await stopping
            assert await reader.read() == b""
        with pytest.raises(SourceRefused, match="stopped"):
            await rig.listener.add(rig.webhook(), rig.emit)


async def test_a_drain_does_not_outlast_its_grace() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}"))
            await until(lambda: rig.at_gate)
            async with asyncio.timeout(5):
                await rig.listener.stop(grace_s=0.1)
            assert await reader.read() == b""
        rig.gate.set()


async def test_a_client_that_leaves_early_does_not_stop_its_event() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        async with connected(rig.port) as (_, writer):
            writer.write(request("/hook", b"{}"))
            await until(lambda: rig.at_gate)
        rig.gate.set()
        await until(lambda: rig.events)


async def test_connections_over_the_limit_are_turned_away_until_one_closes() -> None:
    async with rigged(Limits(connections=2)) as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port), connected(rig.port):
            await asyncio.sleep(0.05)
            said = await rig.send(b"")
            assert (said.status, said.headers["retry-after"]) == (503, "5")
        await asyncio.sleep(0.05)
        assert (await rig.post()).status == 200


async def test_connections_that_flood_one_port_leave_some_for_the_others() -> None:
    async with rigged(Limits(connections=4, reserved=1)) as rig:
        await rig.serve(rig.webhook("noisy"))
        noisy = rig.port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        await rig.serve(rig.webhook("quiet", port=str(free)))
        quiet = rig.port
        assert noisy != quiet
        async with connected(noisy), connected(noisy), connected(noisy):
            await asyncio.sleep(0.05)
            async with connected(noisy) as (reader, _):
                assert (await read_answer(reader)).status == 503
            async with connected(quiet) as (reader, writer):
                writer.write(request("/hook", b"{}"))
                assert (await read_answer(reader)).status == 200


async def test_an_endpoint_for_anyone_is_refused_off_loopback_unless_that_is_said() -> None:
    async with rigged(host="0.0.0.0") as rig:
        with pytest.raises(SourceRefused, match=r"tocsin.dev/unauthenticated: \"true\""):
            await rig.serve(rig.webhook())
        await rig.serve(rig.webhook("guarded", endpoint="/g", authSecret={"name": "token", "key": "t"}))
        await rig.serve(rig.github("signed", webhookSecret={"name": "hub", "key": "k"}))
        with pytest.raises(SourceRefused):
            await rig.serve(rig.github("unsigned", endpoint="/u"))
        spec = WebhookSpec.model_validate({"endpoint": "/said", "port": "0"})
        said = rig.context("said", Dialect.ARGO, tocsin_dev__unauthenticated="one, said")
        await rig.serve(Webhook(spec, said))
        with pytest.raises(SourceRefused):
            await rig.serve(Webhook(spec, rig.context("other", Dialect.ARGO, tocsin_dev__unauthenticated="one, said")))
    async with rigged(host="0.0.0.0", allow_unauthenticated=True) as rig:
        await rig.serve(rig.webhook())


@pytest.mark.parametrize("name", ["empty", "nowhere"])
async def test_a_secret_that_is_missing_or_empty_refuses_to_start(name: str) -> None:
    async with rigged() as rig:
        ref = {"name": name, "key": "k"}
        for source in (rig.webhook(authSecret=ref), rig.github(webhookSecret=ref), rig.github(webhookSecrets=[ref])):
            with pytest.raises(SourceRefused, match=r"empty|not found"):
                await rig.serve(source)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "cert.pem").read_text(), (folder / "key.pem").read_text()


def _tls(rig: Rig, name: str, certificate: tuple[str, str], **spec: object) -> Webhook:
    rig.values.secrets |= {"cert": certificate[0], "key": certificate[1]}
    refs = {"serverCertSecret": {"name": "cert", "key": "c"}, "serverKeySecret": {"name": "key", "key": "k"}}
    return rig.webhook(name, **{**refs, **spec})


async def test_certificate_and_key_make_the_port_speak_tls(certificate: tuple[str, str]) -> None:
    async with rigged() as rig:
        await rig.serve(_tls(rig, "a", certificate), _tls(rig, "b", certificate, endpoint="/b"))
        trust = ssl.create_default_context(cadata=certificate[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, ssl=trust)
        writer.write(request("/b", b"{}"))
        assert (await read_answer(reader)).status == 200
        writer.close()
        await writer.wait_closed()


async def test_two_tls_settings_on_one_port_are_refused_naming_both(certificate: tuple[str, str]) -> None:
    async with rigged() as rig:
        await rig.serve(_tls(rig, "secure", certificate))
        with pytest.raises(SourceRefused, match=r"default/src/secure.*default/src/plain"):
            await rig.serve(rig.webhook("plain", endpoint="/p"))


async def test_a_certificate_that_cannot_be_used_is_refused_without_showing_it(certificate: tuple[str, str]) -> None:
    async with rigged() as rig:
        for broken in (("not a certificate", certificate[1]), (certificate[0], "sensitive key text"), certificate[::-1]):
            with pytest.raises(SourceRefused, match="serverCertSecret") as refused:
                await rig.serve(_tls(rig, "a", broken))
            assert "sensitive" not in str(refused.value)


class Broken(Webhook):
    def receive(self, request: Received) -> Event:
        raise KeyError("a fault with a secret in it")


async def test_a_fault_of_ours_is_answered_500_without_details_and_the_next_request_is_served() -> None:
    async with rigged() as rig:
        await rig.serve(
            rig.webhook(), Broken(WebhookSpec.model_validate({"endpoint": "/broken", "port": "0"}), rig.context("broken"))
        )
        said = await rig.post("/broken")
        assert (said.status, b"secret" in said.body) == (500, False)
        assert (await rig.post()).status == 200


async def test_every_answer_is_counted_by_its_status() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        await rig.post()
        await rig.post(body=b"x")
        await rig.post("/nowhere")
        assert list(rig.listener.answers()) == [(Road("default", "src", "hook"), {200: 1, 400: 1})]
        assert rig.listener.unrouted() == {rig.port: {404: 1}}
