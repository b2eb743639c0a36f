"""Hostile and slow clients: everything is bounded, nothing hangs, the next client is served."""

import asyncio
import gzip
import logging
import resource
import zlib

import pytest
from http_rig import Rig, connected, read_answer, request, rigged
from waiting import until

from sources.http.limits import Limits

MIB = 1024 * 1024
CHUNKED = b"POST /hook HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _still_serves(rig: Rig) -> bool:
    return (await rig.post()).status == 200


async def test_a_declared_length_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(b"POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n")
            said = await asyncio.wait_for(read_answer(reader), 2)
            assert (said.status, said.headers["connection"]) == (413, "close")
            assert "maxPayloadSize" in said.json["detail"]
            assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(maxPayloadSize=100))
        assert (await rig.post(body=b'"%b"' % (b"x" * 98))).status == 200
        assert (await rig.post(body=b'"%b"' % (b"x" * 99))).status == 413
        for size, expected in ((98, 200), (99, 413)):
            body = b'"%b"' % (b"x" * size)
            assert (await rig.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))).status == expected
            assert (await rig.post(body=gzip.compress(body), content_encoding="gzip")).status == expected


@pytest.mark.parametrize("form", [False, True])
async def test_an_endless_chunked_body_is_refused_at_the_limit_and_memory_stays_flat(form: bool) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        kind = b"Content-Type: application/x-www-form-urlencoded\r\n" if form else b""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sent = 0
        async with connected(rig.port) as (reader, writer):
            writer.write(CHUNKED[:-2] + kind + b"\r\n")
            piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            try:
                while sent < 1024 * MIB:
                    writer.write(piece)
                    await asyncio.wait_for(writer.drain(), 5)
                    sent += len(piece)
            except (ConnectionError, TimeoutError):
                pass
            else:
                pytest.fail("a gigabyte was swallowed")
            assert b" 413 " in await _rest(reader)
        assert sent < 16 * MIB
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 * 1024
        assert await _still_serves(rig)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What arrived before the connection ended or was reset."""
    got = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65536), 5):
            got += piece
    except ConnectionError:
        return got + bytes(reader._buffer)  # type: ignore[attr-defined]
    return got


@pytest.mark.parametrize("name", ["gzip", "deflate"])
async def test_a_compressed_bomb_is_refused_at_the_limit(name: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        packer = zlib.compressobj(9, wbits=31 if name == "gzip" else 15)
        bomb = b"".join([packer.compress(b"0" * MIB) for _ in range(300)]) + packer.flush()
        assert len(bomb) < MIB
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert (await rig.post(body=bomb, content_encoding=name)).status == 413
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 * 1024
        assert await _still_serves(rig)


async def test_multipart_is_no_way_around_the_limit() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n%b\r\n' % (b"x" * 1000)
        kind = "multipart/form-data; boundary=b"
        assert (await rig.post(body=part * 2000, content_type=kind)).status == 413
        assert (await rig.post(body=part, content_type=kind)).status == 400


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(b"".join(b"X-%d: 1\r\n" % n for n in range(200)), 431, id="far too many"),
        pytest.param(b"".join(b"X-%d: 1\r\n" % n for n in range(100)), 431, id="one too many, with Host"),
        pytest.param(b"X-Long: " + b"x" * 9000 + b"\r\n", 431, id="too long"),
        pytest.param(b"X" * 9000 + b": 1\r\n", 431, id="name too long"),
        pytest.param(b"X-Bad\x00: 1\r\n", 400, id="NUL"),
        pytest.param(b"X-Bad : 1\r\n", 400, id="space before the colon"),
        pytest.param(b"X-Bad: a\rb\r\n", 400, id="bare CR"),
        pytest.param(b" folded: 1\r\n", 400, id="folded"),
        pytest.param(b"Content-Length: 2\r\nContent-Length: 3\r\n", 400, id="two lengths"),
        pytest.param(b"Content-Length: -1\r\n", 400, id="negative length"),
        pytest.param(b"Content-Length: 99999999999999999999999\r\n", 400, id="length too large"),
        pytest.param(b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 400, id="length and chunked"),
        pytest.param(b"Transfer-Encoding: gzip, chunked, x\r\n", 400, id="odd transfer encoding"),
        pytest.param(b"Host: again\r\n", 400, id="two hosts"),
    ],
)
async def test_bad_headers_get_a_short_answer_that_echoes_nothing(fields: bytes, expected: int) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        said = await rig.send(b"POST /hook HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n{}")
        assert (said.status, said.headers["connection"]) == (expected, "close")
        assert len(said.body) < 300
        assert b"xxx" not in said.body
        assert rig.events == []
        assert await _still_serves(rig)


async def test_a_flood_of_trailers_is_refused() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        trailers = b"".join(b"X-T%d: %b\r\n" % (n, b"x" * 4000) for n in range(500))
        said = await rig.send(CHUNKED + b"2\r\n{}\r\n0\r\n" + trailers + b"\r\n")
        assert said.status in (400, 431)
        assert rig.events == []
        assert await _still_serves(rig)


async def test_headers_that_trickle_are_bounded_in_bytes_and_in_time() -> None:
    async with rigged(Limits(head_bytes=4096, head_timeout_s=0.3)) as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(b"POST /hook HTTP/1.1\r\nHost: h\r\n")
            assert (await asyncio.wait_for(read_answer(reader), 3)).status == 408
        async with connected(rig.port) as (reader, writer):
            writer.write(b"POST /hook HTTP/1.1\r\nHost: h\r\n")
            for n in range(10):
                writer.write(b"X-%d: %b\r\n" % (n, b"x" * 1000))
                await asyncio.sleep(0.01)
            assert b" 431 " in await _rest(reader)
        assert await _still_serves(rig)


async def test_a_body_that_trickles_is_ended_by_its_deadline() -> None:
    async with rigged(Limits(body_timeout_s=0.3, body_rate=MIB)) as rig:
        await rig.serve(rig.webhook(maxPayloadSize=1000))
        for head in (b"POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{", CHUNKED + b"5\r\n{"):
            async with connected(rig.port) as (reader, writer):
                writer.write(head)
                said = await asyncio.wait_for(read_answer(reader), 3)
                assert (said.status, said.headers["connection"]) == (408, "close")


async def test_an_idle_connection_is_closed() -> None:
    async with rigged(Limits(idle_timeout_s=0.3)) as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}"))
            assert (await read_answer(reader)).status == 200
            assert await asyncio.wait_for(reader.read(), 3) == b""
        async with connected(rig.port) as (reader, _):
            assert await asyncio.wait_for(reader.read(), 3) == b""


@pytest.mark.parametrize("rest", [b"zz\r\n{}", b"2\r\n{}xx", b"-2\r\n", b"ffffffffffffffffff\r\n"])
async def test_bad_chunks_are_answered_400_at_once(rest: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(CHUNKED)
            await asyncio.sleep(0.05)
            writer.write(rest)
            assert (await asyncio.wait_for(read_answer(reader), 3)).status == 400
        assert await _still_serves(rig)


async def test_garbage_behind_a_whole_request_does_not_spoil_it() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            rig.gate.clear()
            writer.write(request("/hook", b"{}"))
            await until(lambda: rig.at_gate)
            writer.write(b"\x00\x01garbage\r\n\r\n")
            await asyncio.sleep(0.05)
            rig.gate.set()
            assert [(await read_answer(reader)).status, (await read_answer(reader)).status] == [200, 400]
        assert len(rig.events) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\r\n" * 5 + b"?\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\x00" * 1000],
)
async def test_what_is_not_http_is_answered_400(garbage: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        assert (await rig.send(garbage)).status == 400
        assert await _still_serves(rig)


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(b"".join(request("/hook", b"%d" % n) for n in range(200)))
            ids = [(await asyncio.wait_for(read_answer(reader), 5)).json["id"] for _ in range(200)]
        assert ids == [event.id for event in rig.events]
        assert [event.tree["body"] for event in rig.events] == list(range(200))  # type: ignore[index]


async def test_a_refused_request_with_a_whole_body_keeps_the_connection() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            for body, expected in ((b"x", 400), (b"{}", 200)):
                writer.write(request("/hook", body))
                assert (await read_answer(reader)).status == expected


async def test_a_sender_that_asks_first_is_told_to_go_on_or_not_to() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(maxPayloadSize=10))
        for length, expected in ((2, 200), (11, 413)):
            async with connected(rig.port) as (reader, writer):
                writer.write(b"POST /hook HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % length)
                if expected == 200:
                    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2) == b"HTTP/1.1 100 Continue\r\n\r\n"
                    writer.write(b"{}")
                assert (await asyncio.wait_for(read_answer(reader), 2)).status == expected
        assert (await rig.post(expect="miracles")).status == 417


@pytest.mark.parametrize(
    ("coding", "expected"),
    [("chunked", 200), ("Chunked", 200), ("gzip, chunked", 501), ("gzip\r\nTransfer-Encoding: chunked", 400)],
)
async def test_chunks_of_something_coded_are_not_taken_for_the_body(coding: str, expected: int) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(b"POST /hook HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: %s\r\n\r\n2\r\n{}\r\n0\r\n\r\n" % coding.encode())
            assert (await asyncio.wait_for(read_answer(reader), 2)).status == expected


async def test_http_1_0_and_connection_close_are_honoured() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(b"POST /hook HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
            assert (await read_answer(reader)).headers["connection"] == "close"
            assert await reader.read() == b""
        async with connected(rig.port) as (reader, writer):
            for _ in range(2):
                writer.write(b"POST /hook HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
                assert (await read_answer(reader)).headers["connection"] == "keep-alive"


async def test_bodies_in_memory_are_bounded_and_others_are_told_to_come_back() -> None:
    async with rigged(Limits(body_bytes=100_000)) as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        body = b'"%b"' % (b"x" * 60_000)
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", body))
            await until(lambda: rig.at_gate)
            said = await rig.post(body=body)
            assert (said.status, said.headers["retry-after"]) == (503, "1")
            assert (await rig.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))).status == 503
            rig.gate.set()
            assert (await read_answer(reader)).status == 200
        assert (await rig.post(body=body)).status == 200
        assert (await rig.post(body=b'"%b"' % (b"x" * 200_000))).status == 200, "one alone may be larger"


async def test_a_client_that_takes_no_answers_is_cut_off() -> None:
    async with rigged(Limits(write_timeout_s=0.3)) as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (_, writer):
            writer.transport.pause_reading()
            with pytest.raises(ConnectionError):
                await _send_for_ever(writer, request("/nowhere", b"{}") * 500)
        assert await _still_serves(rig)


async def _send_for_ever(writer: asyncio.StreamWriter, piece: bytes) -> None:
    async with asyncio.timeout(20):
        while True:
            writer.write(piece)
            await writer.drain()


async def test_hostile_requests_leave_few_log_lines(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    async with rigged() as rig:
        await rig.serve(rig.webhook(authSecret={"name": "token", "key": "t"}))
        for _ in range(100):
            await rig.send(b'POST /hook HTTP/1.1\r\nHost: h\r\nCookie: a=\xff\xfe;;=;"\r\nX-\xe2\x80\xae: \xe2\x80\xae\r\n\r\n')
            await rig.send(b"\x00\x01\r\n\r\n")
            await rig.post("/hook" + "?" + "%0a" * 50)
            await rig.post("/nowhere", body=b"x")
        said = capsys.readouterr()
        assert len(caplog.text) + len(said.out) + len(said.err) < 2_000


async def test_an_upgrade_is_just_a_request() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        assert (await rig.post(connection="Upgrade", upgrade="websocket")).status in (200, 400)
        assert (await rig.send(b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n")).status in (400, 404)
        assert await _still_serves(rig)


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "tcp"])
async def test_no_answer_is_taken_for_that_of_another_request_after_an_upgrade(protocol: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}", connection="Upgrade", upgrade=protocol) + request("/hook", b"{}"))
            said = await asyncio.wait_for(read_answer(reader), 5)
            assert (said.status, said.headers["connection"]) == (200, "close")
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert len(rig.events) == 1


async def test_a_client_that_closed_its_side_gets_every_answer() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}") * 3)
            writer.write_eof()
            await asyncio.sleep(0.1)
            rig.gate.set()
            answers = [await asyncio.wait_for(read_answer(reader), 5) for _ in range(3)]
            assert [said.status for said in answers] == [200, 200, 200]
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert len(rig.events) == 3


async def test_a_client_that_closed_its_side_within_a_body_is_gone() -> None:
    async with rigged() as rig:
        source = rig.webhook()
        await rig.serve(source)
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}")[:-1])
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert rig.events == []
        assert dict(rig.listener.answers())[source.context.road] == {0: 1}


async def test_a_network_that_fails_within_a_body_is_no_fault_of_the_service() -> None:
    async with rigged() as rig:
        source = rig.webhook()
        await rig.serve(source)
        async with connected(rig.port) as (_, writer):
            writer.write(request("/hook", b"{}")[:-1])
            (port,) = rig.listener._ports.values()
            held = await until(lambda: [one for one in port._server.connections if one._current_request is not None])
            held[0]._current_request._cancel(OSError(113, "No route to host"))
            await until(lambda: dict(rig.listener.answers())[source.context.road])
        assert dict(rig.listener.answers())[source.context.road] == {0: 1}
