"""Hostile senders against the running process: memory and log stay bounded, everything stays askable, the next is served."""

import gzip
import json
import re
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from service_process import Service, Target, ask, calling, free_port, running, webhook

from sources.http.signatures import hub_signature

MIB = 1024 * 1024
SECRET = "only-for-this-test"
CHUNKED = "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n{}\r\n"


class Running(NamedTuple):
    """A service with an open webhook, a signed GitHub endpoint and a sensor that looks at every body."""

    service: Service
    port: int

    @property
    def api_port(self) -> int:
        return int(self.service.api.rsplit(":", 1)[1])

    def peak_mib(self) -> float:
        """The largest the process has ever been."""
        status = Path(f"/proc/{self.service.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def forget_peak(self) -> float:
        """Begin the peak anew at what the process takes now; return that."""
        Path(f"/proc/{self.service.process.pid}/clear_refs").write_text("5")
        return self.peak_mib()

    def post(self, body: bytes, path: str = "/push", **headers: str) -> tuple[int, bytes]:
        named = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        status, _, said = ask(f"http://127.0.0.1:{self.port}{path}", method="POST", body=body, headers=named)
        return status, said


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hostile")
    port = free_port()
    github = f"""
apiVersion: v1
kind: Secret
metadata: {{name: hub}}
stringData: {{key: {SECRET}}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: github}}
spec:
  github:
    code:
      webhook: {{endpoint: /github, port: "{port}", method: POST}}
      organizations: [o]
      events: ["*"]
      webhookSecret: {{name: hub, key: key}}
"""
    with Target().serving() as target:
        url = f"http://127.0.0.1:{target.port}/"
        looks = calling("looks", url).replace(
            '{path: body.ref, type: string, value: ["^refs/heads/main$"]}',
            '{path: body.a.b.0, type: string, value: ["x"], template: "{{ .Input | upper }}"},'
            ' {path: body.n, type: number, comparator: ">", value: ["3"]}',
        )
        code = calling("code", url, source="github", event="code")
        (folder / "m.yaml").write_text("---".join([github, webhook("hooks", port), looks, code]))
        with running(str(folder / "m.yaml"), data=folder / "data") as service:
            yield Running(service, port)
            assert service.stop() == 0
            assert "Traceback" not in service.said()


def _flood(port: int, head: str) -> tuple[int, bytes]:
    """Send a gigabyte in chunks until refused; return how much was taken and the answer."""
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(head.encode())
            while sent < 1024 * MIB:
                connection.sendall(piece)
                sent += len(piece)
        except ConnectionError:
            pass
        try:
            while got := connection.recv(65536):
                answer += got
        except ConnectionError:
            return sent, answer
    return sent, answer


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        pytest.param("/push", "", id="open"),
        pytest.param("/push", "Content-Type: application/x-www-form-urlencoded\r\n", id="form"),
        pytest.param("/push", "Content-Type: multipart/form-data; boundary=b\r\n", id="multipart"),
        pytest.param("/github", "X-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\n", id="unsigned"),
        pytest.param(
            "/github",
            f"X-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\nX-Hub-Signature-256: sha256={'0' * 64}\r\n",
            id="wrongly signed",
        ),
        pytest.param("/nowhere", "", id="no endpoint"),
    ],
)
def test_a_gigabyte_without_a_length_is_refused_while_the_process_stays_small(hostile: Running, path: str, fields: str) -> None:
    before = hostile.forget_peak()
    sent, answer = _flood(hostile.port, CHUNKED.format(path, fields))
    assert sent < 16 * MIB
    assert not answer or re.match(rb"HTTP/1\.1 (413|401|404|415|400) ", answer)
    assert hostile.peak_mib() - before < 16
    assert hostile.post(b"{}")[0] == 200


def test_a_gigabyte_for_the_api_is_refused_while_the_process_stays_small(hostile: Running) -> None:
    token = (hostile.service.data / "api-token").read_text().strip()
    for fields in ("", f"Authorization: Bearer {token}\r\n"):
        for path in ("/api/v1/dead-letters/none/redrive", "/api/v1/events", "/nonsense"):
            before = hostile.forget_peak()
            sent, _ = _flood(hostile.api_port, CHUNKED.format(path, fields))
            assert sent < 512 * MIB, path
            assert hostile.peak_mib() - before < 16, path
    assert ask(f"{hostile.service.api}/readyz")[0] == 200


def test_compressed_bombs_are_refused_while_the_process_stays_small(hostile: Running) -> None:
    before = hostile.forget_peak()
    for name, bits in (("gzip", 31), ("deflate", 15), ("deflate", -15)):
        packer = zlib.compressobj(9, wbits=bits)
        bomb = b"".join([packer.compress(b"0" * MIB) for _ in range(200)]) + packer.flush()
        assert hostile.post(bomb, Content_Encoding=name)[0] == 413
        assert hostile.post(gzip.compress(bomb), Content_Encoding=f"{name}, gzip")[0] == 415
        signed = {"X_GitHub_Event": "push", "X_GitHub_Delivery": "b", "X_Hub_Signature_256": "sha256=" + "0" * 64}
        assert hostile.post(bomb, "/github", Content_Encoding=name, **signed)[0] in (401, 413, 415)
    assert hostile.peak_mib() - before < 16


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


BODIES = {
    "nested 50": _nested(50),
    "nested 200": _nested(200),
    "nested 900": _nested(900),
    "nested 5000": _nested(5000),
    "lists in lists": b'{"a":{"b":' + b"[" * 400 + b"]" * 400 + b"}}",
    "many keys": b"{" + b",".join(b'"%x":0' % n for n in range(80_000)) + b"}",
    "many values": b'{"a":{"b":[' + b"1," * 400_000 + b"1]}}",
    "one key often": b'{"n":1,' + b",".join(b'"a":{"b":["x"]}' for _ in range(1000)) + b',"n":4}',
    "a long integer": b'{"a":{"b":["x"]},"n":' + b"9" * 100_000 + b"}",
    "a long fraction": b'{"a":{"b":["x"]},"n":0.' + b"9" * 100_000 + b"}",
    "a number out of range": b'{"a":{"b":["x"]},"n":1e999999999}',
    "a negative number out of range": b'{"a":{"b":["x"]},"n":-1e999999999}',
    "not a number": b'{"a":{"b":["x"]},"n":NaN}',
    "infinity": b'{"a":{"b":["x"]},"n":Infinity}',
    "a long text": b'{"a":{"b":["%b"]},"n":4}' % (b"x" * 1_000_000),
    "a lone surrogate": rb'{"a":{"b":["x\ud800"]},"n":4,"ref":"\udfff"}',
    "a lone surrogate as a key": rb'{"\ud800":1,"a":{"b":["x"]},"n":4}',
    "NUL and controls": rb'{"a":{"b":["x\u0000\u001b[2J\u0007"]},"n":4,"ref":"\u0000"}',
    "right to left": '{"a":{"b":["x\u202e\u2066\ufeff"]},"n":4,"ref":"\u202e"}'.encode(),
    "overlong": b'{"a":{"b":["x\xc0\xaf"]},"n":4}',
    "not UTF-8": b'{"a":{"b":["\xff"]},"n":4}',
    "not an object": b'["a","b"]',
    "null": b"null",
    "wrong types": b'{"a":[{"b":{"0":null}}],"n":{"n":[]},"ref":7}',
    "empty parts": b'{"a":{"b":[]},"n":"","ref":null,"commits":[],"repository":null}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_whatever_json_comes_it_is_refused_or_can_be_asked_about(hostile: Running, body: bytes) -> None:
    _taken_or_refused(hostile, hostile.post(body))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_whatever_a_provider_signs_is_refused_or_can_be_asked_about(hostile: Running, body: bytes) -> None:
    delivery = f"d-{zlib.crc32(body):x}"
    signature = hub_signature("sha256", SECRET.encode(), body)
    headers = {"X_GitHub_Event": "push", "X_GitHub_Delivery": delivery, "X_Hub_Signature_256": signature}
    _taken_or_refused(hostile, hostile.post(body, "/github", **headers))


def _taken_or_refused(hostile: Running, said: tuple[int, bytes]) -> None:
    status, answer = said
    assert status in (200, 400, 413), answer
    assert len(answer) < 500
    if status == 200:
        event = json.loads(answer)["id"]
        service = hostile.service
        service.wait_for(f"/api/v1/explain?id={event}", lambda found: "not decided" not in found.get("note", ""))
        for path in ("events/{}", "explain?id={}", "trace?id={}", "events/{}/explain"):
            status, _, page = ask(f"{service.api}/api/v1/{path.format(event)}")
            assert status == 200, page
            json.loads(page)
    assert ask(f"{hostile.service.api}/readyz")[0] == 200


def _raw(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        got = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                got += piece
        except ConnectionError:
            return got
    return got


HOSTILE_HEADS = [
    b'Cookie: a=\xff\xfe;;=;"\x80\r\nContent-Length: 0\r\n',
    b"Cookie: " + b"=;,\\" * 1500 + b"\r\nContent-Length: 0\r\n",
    b"X-\xe2\x80\xae: \xe2\x80\xae\r\nContent-Length: 0\r\n",
    b"X: \x00\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    b"Content-Type: multipart/form-data; boundary=" + b"b" * 5000 + b"\r\nContent-Length: 0\r\n",
    b"Content-Type: application/json; charset=\xed\xa0\x80\r\nContent-Length: 2\r\n",
    b"Authorization: Bearer \xff\xfe\r\nContent-Length: 0\r\n",
    b"X-Forwarded-For: ${jndi:ldap://x}\r\nUser-Agent: \x1b[31m{}%s%n\r\nContent-Length: 0\r\n",
    b"".join(b"X-%d: %b\r\n" % (n, b"x" * 100) for n in range(300)),
]


def test_hostile_requests_to_either_port_leave_few_log_bytes(hostile: Running) -> None:
    before = len(hostile.service.said())
    for port, path in ((hostile.port, b"/push"), (hostile.port, b"/github"), (hostile.api_port, b"/api/v1/events")):
        for fields in HOSTILE_HEADS:
            for _ in range(25):
                answer = _raw(port, b"POST %b?%%00%%0a HTTP/1.1\r\nHost: 127.0.0.1\r\n%b\r\n{}" % (path, fields))
                assert not re.match(rb"HTTP/1\.1 5", answer), fields
    assert len(hostile.service.said()) - before < 2_000
    assert hostile.post(b"{}")[0] == 200


ODD_NAMES = [
    "%ED%A0%80",
    "%00",
    "%ff",
    "%C0%AF",
    "%E2%80%AE",
    "%2e%2e%2f",
    "%0d%0aX-Injected:1",
    "\u202e".encode().hex(),
    "%25s%25n",
]


def test_odd_text_in_a_question_is_answered_with_a_problem_and_no_line_of_log(hostile: Running) -> None:
    before = len(hostile.service.said())
    roads = [
        "events/{}",
        "firings/{}",
        "sources/{}",
        "sensors/{}",
        "why?id={}",
        "explain?id={}",
        "trace?id={}",
        "explain?id=x&sensor={}",
    ]
    lists = ["events?source={}", "events?cursor={}", "events?after={}", "firings?sensor={}", "dead-letters?trigger={}"]
    for text in [*ODD_NAMES, "x" * 6000]:
        for road in [*roads, *lists]:
            status, kind, page = ask(f"{hostile.service.api}/api/v1/{road.format(text)}")
            assert (status, kind) == (200, "application/json") or (400 <= status < 500), (road, text, status)
            assert len(page) < 20_000
    assert len(hostile.service.said()) - before < 2_000
