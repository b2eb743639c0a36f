"""The controller of Argo Workflows, built once by Go. It makes pods; no node runs them."""

import uuid
from pathlib import Path
from typing import Self

from servers.cache import cached
from servers.golang import FAST_BUILD, build, key_of
from servers.kubernetes import KubernetesServer
from servers.process import Child, Server

_SOURCES = tuple(Path(__file__).with_name(f"workflows.{kind}") for kind in ("mod", "sum", "go"))
_PROGRAMS = {"workflow-controller": "."}
_FLAGS = [*FAST_BUILD, "-ldflags=-s -w"]

_SETTINGS = ["DEFAULT_REQUEUE_TIME=1s", "RECENTLY_STARTED_POD_DURATION=1s"]
"""What it waits for by the clock is short here."""


def fetch() -> Path:
    """The folder with the program, which takes 2 to 8 minutes the first time. Raises `Missing`."""
    return cached(key_of("workflows", _SOURCES, _PROGRAMS, _FLAGS), lambda folder: build(folder, _SOURCES, _PROGRAMS, _FLAGS))


class WorkflowController(Server):
    """A controller that runs the workflows of all namespaces of `server`, which has to know their kinds."""

    def __init__(self, server: KubernetesServer, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._program = fetch() / "workflow-controller"
        self._namespace = f"argo-{uuid.uuid4().hex[:8]}"

    def start(self) -> Self:
        """Start it; what was submitted before is run too."""
        settings = "settings"
        for path, body in (
            ("/api/v1/namespaces", {"metadata": {"name": self._namespace}}),
            (f"/api/v1/namespaces/{self._namespace}/configmaps", {"metadata": {"name": settings}, "data": {}}),
        ):
            status, answer = self._server.call("POST", path, body)
            assert status == 201, answer
        kubeconfig = self._server.kubeconfig(self._folder / "controller.kubeconfig")
        command = [
            "env",
            *_SETTINGS,
            str(self._program),
            f"--kubeconfig={kubeconfig}",
            f"--namespace={self._namespace}",
            f"--configmap={settings}",
        ]
        self._child = Child(command, log=self._folder / "workflow-controller.log")
        return self
