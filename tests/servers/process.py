"""A server's process: started, killed and stopped by its own id."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on now, all different."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def listens(port: int) -> bool:
    """Whether someone takes connections on `port`."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Child:
    """A program that runs in the background. What it says is appended to `log`."""

    def __init__(self, command: Sequence[str], *, log: Path) -> None:
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_for(self, fact: Callable[[], bool], what: str, *, timeout_s: float = 60.0) -> None:
        """Return once `fact()` holds; raise with the log's end where the child ended or time ran out."""
        until = time.monotonic() + timeout_s
        while not fact():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(
                    f"no {what} (exit code {self._process.poll()}): {self._log.read_text(errors='replace')[-3000:]}"
                )
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait(30)

    def pause(self) -> None:
        """Stop it in mid-air; `resume` lets it go on."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in order; kill it where that takes too long. Does nothing where it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


class Server:
    """A server that is one process; a kind's module starts it."""

    _child: Child | None = None

    def kill(self) -> None:
        """End it as a crash does; where it keeps data, `start` brings it back with them."""
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        """Have it keep its connections and answer nobody, until `resume`."""
        if self._child is not None:
            self._child.pause()

    def resume(self) -> None:
        """Let it go on."""
        if self._child is not None:
            self._child.resume()

    def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            self._child.stop()
