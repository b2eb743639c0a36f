"""A request that meets a connection which its server is closing: no failed attempt where the server cannot have looked at it."""

import asyncio
import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from acting_fakes import Acting, a_firing, acting, http_trigger
from multidict import CIMultiDict
from yarl import URL

from eventbus.firing import OutcomeKind
from manifests.objects import Dialect, TriggerHead
from sensors.errors import TriggerUnavailable
from sensors.web import connection
from sensors.web.call import Call
from sensors.web.client import Web
from sensors.web.connection import KeptConnection, NotProcessed

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
"""An answer after which the connection is kept."""


def a_call(port: int, body: bytes, *, repeatable: bool = True) -> Call:
    url = URL(f"http://127.0.0.1:{port}/")
    return Call(method="POST", url=url, headers=CIMultiDict({"Idempotency-Key": "k"}), body=body, repeatable=repeatable)


Second = Callable[[socket.socket], None]
"""What the server does with a connection after the first answer on it."""


class Server:
    """Answers the first request of its first connection, ends that connection as told, and answers everything on later ones."""

    def __init__(self, second: Second) -> None:
        self._second = second
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.read: list[bytes] = []
        """Requests that were read."""
        self.connections = 0
        self.ended = threading.Event()
        """Set when the first connection has been dealt with."""
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._client = client
            with client:
                if self.connections == 1:
                    self._answer(client)
                    self._second(client)
                    client.close()
                    self.ended.set()
                else:
                    while self._answer(client):
                        pass

    def _answer(self, client: socket.socket) -> bool:
        request = read_request(client)
        if request:
            self.read.append(request)
            client.sendall(OK)
        return bool(request)

    @contextlib.contextmanager
    def serving(self) -> Iterator["Server"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            with contextlib.suppress(OSError):  # it is closed already
                self._client.shutdown(socket.SHUT_RDWR)
            self._thread.join(5)


def read_request(client: socket.socket) -> bytes:
    """One request whose body is as long as its `Content-Length`; empty where there is none."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = client.recv(65536)
        if not more:
            return b""
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def close_at_once(client: socket.socket) -> None:
    """As a server whose idle timeout is over."""


def close_when_a_request_comes(client: socket.socket) -> None:
    """As one whose timeout is over in that moment: what came is not read, so its system resets the connection."""
    select.select([client], [], [], 10)


def reset_after_reading(client: socket.socket) -> None:
    """As a program that acts, and then breaks the connection on purpose."""
    read_request(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def close_after_reading(client: socket.socket) -> None:
    """As a server that dies while it acts."""
    read_request(client)


async def test_a_connection_that_was_closed_while_idle_is_not_used_even_before_the_loop_hears_of_it(client: Web) -> None:
    with Server(close_at_once).serving() as server:
        await client.send(a_call(server.port, b"1"))
        server.ended.wait(10)  # without giving the loop a turn
        assert (await client.send(a_call(server.port, b"2"))).status == 200
        assert [request[-1:] for request in server.read] == [b"1", b"2"]
        assert server.connections == 2


@pytest.mark.parametrize("size", [1, 3_000_000])
async def test_a_request_that_was_not_read_before_the_reset_is_sent_again_at_once(client: Web, size: int) -> None:
    with Server(close_when_a_request_comes).serving() as server:
        await client.send(a_call(server.port, b"1"))
        assert (await client.send(a_call(server.port, b"2" * size))).status == 200
        assert [len(request.partition(b"\r\n\r\n")[2]) for request in server.read] == [1, size]


async def test_where_a_repeat_could_do_harm_a_reset_is_a_failure(client: Web) -> None:
    with Server(reset_after_reading).serving() as server:
        await client.send(a_call(server.port, b"1"))
        with pytest.raises(TriggerUnavailable, match="the connection ended before an answer"):
            await client.send(a_call(server.port, b"2", repeatable=False))
        assert server.connections == 1


async def test_a_request_that_was_read_is_never_sent_again_behind_the_back_of_the_outbox(client: Web) -> None:
    with Server(close_after_reading).serving() as server:
        await client.send(a_call(server.port, b"1"))
        with pytest.raises(TriggerUnavailable, match="it may or may not have acted"):
            await client.send(a_call(server.port, b"2"))
        assert server.connections == 1


async def test_the_first_request_of_a_connection_is_never_sent_again(client: Web) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    connections = []

    def refuse() -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                connections.append(1)
                select.select([one], [], [], 10)
                one.close()

    thread = threading.Thread(target=refuse)
    thread.start()
    try:
        with pytest.raises(TriggerUnavailable, match="the connection ended before an answer"):
            await client.send(a_call(listener.getsockname()[1], b"1"))
        assert len(connections) == 1
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


async def test_a_single_attempt_is_not_spent_on_a_connection_that_was_closing() -> None:
    async with acting() as run:
        with Server(close_when_a_request_comes).serving() as server:
            trigger = http_trigger({"url": f"http://127.0.0.1:{server.port}/"}, head=TriggerHead())
            ref = run.armory.add("call", trigger, TriggerHead(), Dialect.ARGO)
            await fired(run, a_firing(ref, 1))
            await fired(run, a_firing(ref, 2))
            assert [(row.outcome and row.outcome.kind, len(row.attempts)) for row in run.outbox.closed] == [
                (OutcomeKind.SUCCEEDED, 1)
            ] * 2
            await trigger.aclose()


async def fired(run: Acting, firing: object) -> None:
    run.outbox.put(firing)  # type: ignore[arg-type]
    await run.all_closed()


class Ends:
    """A transport whose connection ends with some of what was sent not acknowledged."""

    def __init__(self, its_socket: socket.socket) -> None:
        self._socket = its_socket

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> socket.socket:
        return self._socket

    def is_closing(self) -> bool:
        return False


@pytest.mark.parametrize(("requests", "left", "answered", "again"), [
    (2, 1, False, True), (2, 0, False, False), (1, 1, False, False), (2, 1, True, False),
])  # fmt: skip
async def test_an_end_that_did_not_acknowledge_the_request_shows_that_it_was_not_processed(
    monkeypatch: pytest.MonkeyPatch, requests: int, left: int, answered: bool, again: bool
) -> None:
    monkeypatch.setattr(connection.fcntl, "ioctl", lambda fd, request, buffer: left.to_bytes(4, "little"))
    kept = KeptConnection(asyncio.get_running_loop())
    with socket.socket() as its_socket:
        kept.transport = Ends(its_socket)  # type: ignore[assignment]
        for _ in range(requests):
            kept.set_response_params()
        if answered:
            kept.data_received(b"HTTP/1.1 2")
        kept.eof_received()
        kept.connection_lost(None)
    found = kept.exception()
    assert isinstance(found, NotProcessed) is again
    assert not isinstance(found, NotProcessed) or found.certain


@pytest.mark.parametrize(("at_least_once", "closed"), [(None, OutcomeKind.SUCCEEDED), (False, OutcomeKind.DEAD_LETTERED)])
async def test_a_trigger_that_must_not_repeat_leaves_it_to_people_where_the_server_may_have_acted(
    at_least_once: bool | None, closed: OutcomeKind
) -> None:
    head = TriggerHead(atLeastOnce=at_least_once)
    async with acting() as run:
        with Server(reset_after_reading).serving() as server:
            trigger = http_trigger({"url": f"http://127.0.0.1:{server.port}/"}, head=head)
            ref = run.armory.add("call", trigger, head, Dialect.ARGO)
            await fired(run, a_firing(ref, 1))
            await fired(run, a_firing(ref, 2))
            assert [row.outcome.kind for row in run.outbox.closed if row.outcome] == [OutcomeKind.SUCCEEDED, closed]
            await trigger.aclose()
