"""Processes under measurement: started, asked for their CPU time and memory, and stopped by their id."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def module(name: str, **options: object) -> list[str]:
    """The command line that runs a module of this package."""
    given = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    return [sys.executable, "-m", f"benchmarks.{name}", *given]


def environment() -> dict[str, str]:
    """The environment of a child: this package is found, and nothing is coloured."""
    return os.environ | {"PYTHONPATH": str(ROOT / "tests"), "NO_COLOR": "1"}


class Process:
    """A child process; leaving the block ends it and everything it wrote stays in its log file."""

    def __init__(self, command: Sequence[str], *, log: Path) -> None:
        self._command = command
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("ab") as out:
            self._child = subprocess.Popen(self._command, stdout=out, stderr=out, cwd=ROOT, env=environment())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._child.kill()
        self._child.wait()

    def cpu_s(self) -> float:
        """User and system time used so far, of all threads, in seconds."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def waited_s(self) -> float:
        """Time so far in which the main thread had something to do and the machine no processor for it, in seconds."""
        return int(Path(f"/proc/{self._child.pid}/schedstat").read_text().split()[1]) / 1e9

    def rss_mib(self) -> float:
        """Resident memory now, in MiB."""
        for line in Path(f"/proc/{self._child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no resident size: {self._said()}")

    def open_files(self) -> int:
        """Descriptors open now."""
        return len(os.listdir(f"/proc/{self._child.pid}/fd"))

    def wait_for(self, fact: Callable[[], bool], what: str, *, timeout_s: float = 30.0, every_s: float = 0.02) -> None:
        """Return once `fact()` holds. Raises `RuntimeError` with the log's end when it does not in time, or the child ended."""
        until = time.monotonic() + timeout_s
        while not fact():
            if self._child.poll() is not None:
                raise RuntimeError(f"{self._command[-1]} ended with {self._child.returncode}: {self._said()}")
            if time.monotonic() > until:
                raise RuntimeError(f"waited {timeout_s} s for {what}: {self._said()}")
            time.sleep(every_s)

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


def get(url: str, *, timeout_s: float = 10.0) -> bytes | None:
    """The body of a 200 answer; None where there is none."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # loopback only
            return bytes(answer.read()) if answer.status == 200 else None
    except (urllib.error.URLError, OSError):
        return None


def listens(port: int) -> bool:
    """Whether something accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def load(port: int, **options: object) -> dict[str, Any]:
    """Run the load generator to its end and return its figures."""
    command = module("load", port=port, **options)
    timeout_s = 300 + float(str(options.get("seconds", 0)))
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, cwd=ROOT, env=environment())
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    if set(figures["statuses"]) != {"200"}:
        raise RuntimeError(f"answers other than 200: {figures['statuses']}")
    return figures
