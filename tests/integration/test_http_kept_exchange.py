"""A request on a connection that is kept already: the same on the wire as on a new one, whatever the answer is like."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from multidict import CIMultiDict
from yarl import URL

from sensors.errors import TriggerUnavailable
from sensors.web import exchange, session
from sensors.web.call import Call
from sensors.web.client import Web

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Scripted:
    """Answers the n-th request with the n-th answer, and notes what it was sent on which connection."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = iter(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"Expect" in head:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                self.requests.append(head + await reader.readexactly(length))
                writer.write(next(self._answers))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[tuple[Scripted, Web]]:
    target, web = Scripted(answers), Web()
    server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target, web
    finally:
        await web.aclose()
        server.close()
        await server.wait_closed()


def a_call(target: Scripted, *, method: str = "POST", path: str = "/a%20b?c=d", body: bytes = b"{}", **headers: str) -> Call:
    url = URL(f"http://127.0.0.1:{target.port}{path}", encoded=True)
    plain = {"User-Agent": "tocsin", "Accept": "*/*", "Accept-Encoding": "identity"}
    return Call(method=method, url=url, headers=CIMultiDict(plain | headers), body=body)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls that went over a kept connection without a session."""
    calls: list[Call] = []
    real = exchange.exchange

    async def noted(connection: object, call: Call) -> object:
        calls.append(call)
        return await real(connection, call)  # type: ignore[arg-type]

    monkeypatch.setattr(session, "exchange", noted)
    return calls


@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [
        ("POST", b'{"n":1}', {"Content-Type": "application/json", "x-lower": "1"}),
        ("POST", b"without a type", {}),
        ("PUT", b"", {"Host": "other.example"}),
        ("GET", b"with a body", {"X-Text": "gr\u00fc\u00dfe"}),
        ("DELETE", b"x" * exchange.MOST_BYTES, {"Authorization": "Basic eDp5"}),
    ],
)
async def test_it_is_the_same_on_the_wire_as_the_first(
    method: str, body: bytes, headers: dict[str, str], kept: list[Call]
) -> None:
    async with scripted(OK, OK) as (target, web):
        for _ in range(2):
            answer = await web.send(a_call(target, method=method, body=body, **headers))
            assert answer.status == 200
        first, second = target.requests
        assert first == second
        assert (target.connections, len(kept)) == (1, 1)


@pytest.mark.parametrize("header", [{"Expect": "100-continue"}, {"Connection": "close"}, {"Content-Encoding": "gzip"}])
async def test_what_frames_a_message_is_left_to_a_session(header: dict[str, str], kept: list[Call]) -> None:
    async with scripted(OK, OK) as (target, web):
        for _ in range(2):
            assert (await web.send(a_call(target, **header))).status == 200
    assert kept == []


async def test_a_body_too_large_for_one_piece_is_left_to_a_session(kept: list[Call]) -> None:
    async with scripted(OK, OK) as (target, web):
        for _ in range(2):
            await web.send(a_call(target, body=b"x" * (exchange.MOST_BYTES + 1)))
        assert (target.connections, kept) == (1, [])


@pytest.mark.parametrize(
    ("answer", "status", "excerpt"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nwhy?", 500, b"why?"),
        (b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5\r\n here\r\n0\r\n\r\n", 404, b"not here"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 400 Bad\r\nContent-Length: 1\r\n\r\n!", 400, b"!"),
        (b"HTTP/1.1 502 Long\r\nContent-Length: 3000\r\n\r\n" + b"y" * 3000, 502, b"y" * 1024),
    ],
)
async def test_a_whole_answer_is_read_and_the_connection_used_again(
    answer: bytes, status: int, excerpt: bytes, kept: list[Call]
) -> None:
    async with scripted(OK, answer, OK) as (target, web):
        await web.send(a_call(target))
        said = await web.send(a_call(target))
        assert (said.status, said.excerpt) == (status, excerpt)
        assert (await web.send(a_call(target))).status == 200
        assert (target.connections, len(kept)) == (1, 2)


async def test_the_answer_to_head_has_no_body_to_wait_for(kept: list[Call]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    async with scripted(answer, answer, OK) as (target, web):
        for _ in range(2):
            assert (await web.send(a_call(target, method="HEAD"))).status == 200
        await web.send(a_call(target))
        assert (target.connections, len(kept)) == (1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"z" * 70_000,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_cannot_be_used_again_is_closed(answer: bytes, kept: list[Call]) -> None:
    async with scripted(OK, answer, OK) as (target, web):
        for _ in range(3):
            assert (await web.send(a_call(target))).status == 200
        assert (target.connections, len(kept)) == (2, 1)


async def test_an_answer_that_is_not_http_is_a_failure_that_may_pass_and_ends_the_connection(kept: list[Call]) -> None:
    async with scripted(OK, b"SSH-2.0-OpenSSH_9.6\r\n\r\n", OK) as (target, web):
        await web.send(a_call(target))
        with pytest.raises(TriggerUnavailable, match="the answer is not HTTP"):
            await web.send(a_call(target))
        assert (await web.send(a_call(target))).status == 200
        assert (target.connections, len(kept)) == (2, 1)


async def test_a_cancelled_exchange_closes_its_connection_whose_answer_nobody_else_may_read(kept: list[Call]) -> None:
    async with scripted(OK, b"", OK) as (target, web):
        await web.send(a_call(target))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await web.send(a_call(target))
        assert (await web.send(a_call(target))).status == 200
        assert (target.connections, len(kept)) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\nok", 204, id="a body where none may be"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay", 200, id="more than was announced"),
        pytest.param(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 500, id="no chunk"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n" + OK.partition(b"\r\n")[2], 200, id="a long header"
        ),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nok", 204, id="behind an interim answer"),
    ],
)
async def test_the_status_counts_whatever_follows_it_and_in_however_many_packets(answer: bytes, status: int) -> None:
    async with scripted(answer, OK, answer, OK) as (target, web):
        found = [(await web.send(a_call(target))).status for _ in range(4)]
    assert found == [status, 200, status, 200]


async def test_a_body_that_is_wanted_and_cannot_be_read_is_a_failure() -> None:
    async with scripted(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") as (target, web):
        with pytest.raises(TriggerUnavailable, match="not HTTP"):
            await web.send(replace(a_call(target), keep=1000))
