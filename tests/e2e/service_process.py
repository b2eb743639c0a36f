"""`tocsin` as a process, and a target that it can call."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from waiting import wait_until

TOCSIN = (sys.executable, "-m", "tocsin")
QUIET_ENV = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}


def tocsin(*args: str, env: Mapping[str, str] | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*TOCSIN, *args], capture_output=True, text=True, timeout=60, env=QUIET_ENV | (env or {}), input=stdin, check=False
    )


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(
    url: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str, bytes]:
    """One request: status, content type, body."""
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers.get_content_type(), refused.read()


def sent(port: int, data: object, path: str = "/push", headers: Mapping[str, str] | None = None) -> str:
    """Send `data` as JSON to a webhook, which has to take it; return the event's id."""
    named = {"Content-Type": "application/json"} | dict(headers or {})
    status, _, answer = ask(f"http://127.0.0.1:{port}{path}", method="POST", body=json.dumps(data).encode(), headers=named)
    assert status == 200, answer
    return str(json.loads(answer)["id"])


def all_ended(count: int) -> Callable[[Any], bool]:
    """Whether a page of firings has `count` of them, and none is open."""
    return lambda page: len(page["items"]) == count and all(item["state"] != "open" for item in page["items"])


class Service:
    """A running `tocsin run`."""

    def __init__(self, *args: str, data: Path, log: Path, env: Mapping[str, str] | None = None, shell: str = "") -> None:
        """`shell`: a script that runs the command, its `"$@"`; its process group has the number of `process`."""
        self.data = data
        self._log = log
        self._shell = ("/bin/sh", "-c", shell, "sh") if shell else ()
        self._run = ("run", *args, "--data", str(data), "--api")
        self._env = QUIET_ENV | (env or {})
        self._start()

    def _start(self) -> None:
        self.api = f"http://127.0.0.1:{free_port()}"
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                [*self._shell, *TOCSIN, *self._run, self.api.removeprefix("http://")],
                stdout=out,
                stderr=out,
                env=self._env,
                start_new_session=bool(self._shell),
            )

    def ready(self) -> "Service":
        """Wait until it says that it is ready."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.process.poll() is not None:
                if f"cannot listen on {self.api.removeprefix('http://')}: address already in use" not in self.said():
                    break
                self._start()  # another process took the port since it was found free
            try:
                if ask(f"{self.api}/readyz")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"not ready: {self.said()}")

    def get(self, path: str) -> Any:
        """A JSON answer of the API."""
        status, _, body = ask(self.api + path)
        assert status == 200, body
        return json.loads(body)

    def figure(self, name: str) -> float:
        """The sum of a metric's samples; `name` may have labels."""
        lines = ask(f"{self.api}/metrics")[2].decode().splitlines()
        found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        assert found, name
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def wait_for(self, path: str, holds: Any) -> Any:
        """Ask `path` until `holds` of the answer."""
        found: Any = None

        def asked() -> bool:
            nonlocal found
            found = self.get(path)
            return bool(holds(found))

        wait_until(asked, lambda: found)
        return found

    def said(self) -> str:
        """Everything it wrote."""
        return self._log.read_text(errors="replace")

    def cli(self, *args: str) -> Any:
        """The JSON that a command prints for this service's data folder."""
        done = tocsin(*args, "-o", "json", "--data", str(self.data))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def running(*args: str, data: Path, log: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[Service]:
    """A service that is ready; killed at the end if it is still there."""
    service = Service(*args, data=data, log=log or data.parent / "service.log", env=env)
    try:
        yield service.ready()
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait(10)


class Target:
    """Records what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.port = 0

    @contextmanager
    def serving(self, going: threading.Event | None = None, *, port: int = 0) -> Iterator["Target"]:
        """Serve on `port` (0: a free one); answers wait until `going` is set, where it is given."""
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                target.received.append((dict(self.headers), body))
                if going is not None:
                    going.wait(30)
                self.send_response(target.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            server.daemon_threads = True
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def webhook(name: str, port: int, event: str = "push") -> str:
    """An event source without authentication, on loopback."""
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: {name}}}
spec:
  webhook:
    {event}: {{endpoint: /{event}, port: "{port}", method: POST}}
"""


def calling(
    name: str, target: str, *, source: str = "hooks", event: str = "push", ref: str = "^refs/heads/main$", more: str = ""
) -> str:
    """A sensor that calls `target` with `body.ref` for events whose `body.ref` matches `ref`."""
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: {name}}}
spec:
  dependencies:
    - name: main
      eventSourceName: {source}
      eventName: {event}
      filters: {{data: [{{path: body.ref, type: string, value: ["{ref}"]}}]}}
  triggers:
    - template:
        name: call
        http:
          url: {target}
          method: POST
          payload: [{{src: {{dependencyName: main, dataKey: body.ref}}, dest: ref}}]
{more}
"""
