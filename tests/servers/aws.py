"""AWS, as far as moto plays it: Lambda, whose functions answer what they are asked, and STS."""

import json
import shutil
import sys
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.request import Request, urlopen

from servers.cache import Missing
from servers.process import Child, Server, free_ports


def fetch() -> str:
    """The program, which comes with the development dependencies. Raises `Missing`."""
    program = shutil.which("moto_server", path=str(Path(sys.executable).parent))
    if program is None:
        raise Missing("moto_server not found; it is among the development dependencies: make .venv/.dev")
    return program


class Asked(NamedTuple):
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    """By names in lower case."""
    body: str


class AwsServer(Server):
    """A server that keeps everything in memory and remembers what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._program, (self._port,) = folder, fetch(), free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Start it, and return when it answers."""
        command = [self._program, "-H", "127.0.0.1", "-p", str(self._port)]
        self._child = Child(command, log=self._folder / "moto.log")
        self._child.wait_for(self._answers, "moto server")
        self._call("/moto-api/config", {"lambda": {"use_docker": False}})
        return self

    def forget(self) -> None:
        """Forget what was asked, and remember from now on."""
        self._call("/moto-api/recorder/reset-recording")
        self._call("/moto-api/recorder/start-recording")

    async def asked(self) -> list[Asked]:
        """What was asked since."""
        lines = self._call("/moto-api/recorder/download-recording", method="GET").splitlines()
        return [_asked(json.loads(line)) for line in lines]

    def _answers(self) -> bool:
        with suppress(OSError):
            return bool(self._call("/moto-api/", method="GET"))
        return False

    def _call(self, path: str, body: Any = None, method: str = "POST") -> str:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.url + path, data=data, method=method), timeout=10) as answer:
            return str(answer.read().decode())


def _asked(line: Mapping[str, Any]) -> Asked:
    headers = {name.lower(): value for name, value in line["headers"].items()}
    return Asked(line["url"].partition("://")[2].partition("/")[2], headers, b64decode(line.get("body") or "").decode())
