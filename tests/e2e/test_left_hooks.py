"""Hooks of an event source whose manifest is taken away while no service runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from service_process import free_port, running
from waiting import wait_until

TOKEN = {"TOCSIN_SECRET_LAB_TOKEN": "glpat-1"}


class Lab:
    """The hooks of one project at a GitLab."""

    def __init__(self) -> None:
        self.url, self.hooks = "", list[dict[str, Any]]()

    def until(self, count: int) -> None:
        """Wait until there are so many hooks."""
        wait_until(lambda: len(self.hooks) == count, lambda: self.hooks)

    @contextmanager
    def serving(self) -> Iterator["Lab"]:
        lab = self

        class Handler(BaseHTTPRequestHandler):
            def answered(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status = 200 if self.headers["PRIVATE-TOKEN"] == "glpat-1" else 401
                if status == 200 and self.command == "POST":
                    lab.hooks.append({"id": 1, **json.loads(body)})
                if status == 200 and self.command == "DELETE":
                    lab.hooks.clear()
                found = json.dumps(lab.hooks).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def do_GET(self) -> None:
                self.answered()

            def do_POST(self) -> None:
                self.answered()

            def do_DELETE(self) -> None:
                self.answered()

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def source(kind: str, event: dict[str, Any]) -> str:
    declared = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": kind},
        "spec": {kind: {"push": event}},
    }
    return json.dumps(declared)


def test_a_hook_goes_with_a_manifest_that_went_while_no_service_ran_and_is_named_where_it_cannot(tmp_path: Path) -> None:
    manifests, data, port = tmp_path / "manifests", tmp_path / "data", str(free_port())
    manifests.mkdir()
    (manifests / "stays.json").write_text(source("webhook", {"endpoint": "/stays", "port": port, "method": "POST"}))
    with Lab().serving() as lab:
        goes = {
            "webhook": {"endpoint": "/lab", "port": port, "url": "https://tocsin.example.net"},
            "gitlabBaseURL": lab.url,
            "accessToken": {"name": "lab", "key": "token"},
            "events": ["PushEvents"],
            "projects": ["7"],
            "deleteHookOnFinish": True,
        }
        (manifests / "goes.json").write_text(source("gitlab", goes))
        with running(str(manifests), data=data, env=TOKEN) as service:
            lab.until(1)
            service.process.kill()
        (manifests / "goes.json").unlink()

        with running(str(manifests), data=data) as service:
            service.wait_for("/readyz", lambda found: found["degraded"])
            (left,) = [one for one in service.cli("sources", "list")["items"] if one["name"] == "gitlab"]
            assert (left["state"], left["message"]) == (
                "stopped",
                "it is no longer declared, and left something that could not be undone",
            )
            (trouble,) = left["troubles"]
            assert (trouble["part"], trouble["what"]) == ("event push", "left")
            assert f"{lab.url}/api/v4/projects/7/hooks to https://tocsin.example.net/lab" in trouble["reason"]
            assert "delete it at the provider by hand" in trouble["hint"]
            assert service.cli("sources", "show", "gitlab")["troubles"] == [trouble]
            service.process.kill()
        assert len(lab.hooks) == 1

        with running(str(manifests), data=data, env=TOKEN) as service:
            lab.until(0)
            service.wait_for("/readyz", lambda found: not found["degraded"])
            assert [one["name"] for one in service.cli("sources", "list")["items"]] == ["webhook"]
            assert service.stop() == 0
