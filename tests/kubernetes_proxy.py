"""A proxy before an API server, for what a real one cannot be made to do: throttle, hang, lose answers on the way back."""

import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from servers.kubernetes import KubernetesServer

_PASSED_ON = ("Authorization", "Content-Type", "Accept")


class Said(NamedTuple):
    """An answer instead of the server's."""

    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


Before = Callable[[str, str], "Said | None"]
"""Told method and path; what it returns is answered, and the server does not see the request."""
After = Callable[[str, str], bool]
"""Told method and path once the server has acted; true: the answer is lost and the connection closed."""


class Proxy:
    """Forwards to `server`. `seen` are the requests, in order."""

    def __init__(self, server: KubernetesServer) -> None:
        self._server = server
        self.seen: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.before: Before = lambda method, path: None
        self.after: After = lambda method, path: False
        self.url = ""

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Said:
        request = urllib.request.Request(self._server.url + path, data=body, headers=headers, method=method)
        context = ssl.create_default_context(cafile=str(self._server.authority))
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return Said(answer.status, answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Said(refused.code, refused.read())


@contextmanager
def proxying(server: KubernetesServer) -> Iterator[Proxy]:
    """A proxy that serves."""
    proxy = Proxy(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length) if length else None
            proxy.seen.append((self.command, self.path))
            proxy.tokens.append(self.headers.get("Authorization", ""))
            said = proxy.before(self.command, self.path)
            if said is None:
                headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
                said = proxy.forward(self.command, self.path, headers, body)
                if proxy.after(self.command, self.path):
                    self.close_connection = True
                    return
            try:
                self.send_response(said.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said.body)))
                for name, text in said.headers:
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(said.body)
            except OSError:
                self.close_connection = True  # whoever asked has gone

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815 - named by the library

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads = False  # closing waits for them, and with them for their sockets
        proxy.url = f"http://127.0.0.1:{served.server_address[1]}"
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            served.shutdown()
            thread.join()
