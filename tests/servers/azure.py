"""Azure's messaging: a small AMQP 1.0 server of our own on Apache Qpid Proton, which is built once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from servers.azure_facts import KEY, KEY_NAME
from servers.cache import Missing, cached
from servers.process import Child, free_ports, listens

_REQUIREMENT = "python-qpid-proton==0.40.0"


def fetch() -> Path:
    """The folder that holds the library. Raises `Missing`."""
    version = ".".join(str(part) for part in sys.version_info[:2])
    return cached(f"{_REQUIREMENT.replace('==', '-')}-py{version}", _install)


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "--no-deps"]
    done = subprocess.run([*pip, "--target", str(folder), _REQUIREMENT], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise Missing(f"{_REQUIREMENT} cannot be built; it needs a C compiler: {done.stderr[-500:]}")


def connection_string(port: int, *, name: str = KEY_NAME, key: str = KEY, more: str = "") -> str:
    """How to connect to `port`."""
    return f"Endpoint=sb://127.0.0.1:{port}/;SharedAccessKeyName={name};SharedAccessKey={key}{more}"


PLAIN = ";UseDevelopmentEmulator=true"
"""At the end of a connection string: without TLS."""


class AzureServer:
    """A server that remembers what it takes."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._library = folder, fetch()
        (self.port,) = free_ports(1)
        self._child: Child | None = None

    def start(self) -> Self:
        """Start it, and return when it takes connections. Does nothing where it runs."""
        if self._child is None:
            program = str(Path(__file__).with_name("azure_double.py"))
            command = ["env", f"PYTHONPATH={self._library}", sys.executable, program, str(self.port), str(self._folder)]
            self._child = Child(command, log=self._folder / "azure.log")
            self._child.wait_for(lambda: listens(self.port), "server that plays Azure")
        return self

    def kill(self) -> None:
        """End it as a crash does; `start` brings it back."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            self._child.stop()

    def taken(self, entity: str) -> list[dict[str, Any]]:
        """The messages that went to a queue, topic or hub."""
        lines = (self._folder / "taken.jsonl").read_text().splitlines()
        return [message for line in lines if (message := json.loads(line))["entity"] == entity]
