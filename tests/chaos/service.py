"""The service as a process: started, killed, stopped, and asked."""

import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Vitals(NamedTuple):
    """What a process holds."""

    rss_bytes: int
    descriptors: int


class Service:
    """`tocsin run` on one data folder, one process at a time."""

    def __init__(
        self,
        manifests: Path,
        data: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        *,
        options: Sequence[str] = ("--strict",),
    ) -> None:
        self.api = f"127.0.0.1:{free_port()}"
        self._command = [
            sys.executable,
            "-m",
            "tocsin",
            "run",
            str(manifests),
            "--data",
            str(data),
            "--api",
            self.api,
            *options,
        ]
        self._log = log
        self._env = {**os.environ, "NO_COLOR": "1", **(env or {})}
        self._child: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        return self._running().pid

    async def start(self) -> None:
        """Start the process; it may not be ready yet."""
        with self._log.open("ab") as out:
            self._child = await asyncio.create_subprocess_exec(*self._command, stdout=out, stderr=out, env=self._env)

    async def ready(self, session: aiohttp.ClientSession, *, timeout_s: float = 30.0) -> None:
        """Return when the service says that it is ready. Raises `RuntimeError` with its last words when it is not."""
        until = time.monotonic() + timeout_s
        while True:
            if self._running().returncode is not None or time.monotonic() > until:
                raise RuntimeError(f"the service is not ready (exit code {self._running().returncode}): {self.last_words()}")
            if await self.is_ready(session):
                return
            await asyncio.sleep(0.02)

    async def is_ready(self, session: aiohttp.ClientSession) -> bool:
        """Whether it says so now."""
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with session.get(f"http://{self.api}/readyz") as answer:
                return answer.status == 200
        return False

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._running().send_signal(signal.SIGKILL)
        await self._running().wait()

    def pause(self) -> None:
        """Stop it in mid-air, as a machine that is suspended does."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def vitals(self) -> Vitals:
        """What the process holds now; nothing where it is gone."""
        process = Path("/proc") / str(self._running().pid)
        try:
            pages = int((process / "statm").read_text().split()[1])
            return Vitals(pages * resource.getpagesize(), len(list((process / "fd").iterdir())))
        except OSError:
            return Vitals(0, 0)

    async def exited(self, *, timeout_s: float) -> int | None:
        """The exit code, where it ends by itself within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._running().wait()
        except TimeoutError:
            return None

    async def stop(self, *, timeout_s: float = 30.0) -> int:
        """Ask it to drain and end; return its exit code."""
        self._running().send_signal(signal.SIGTERM)
        async with asyncio.timeout(timeout_s):
            return await self._running().wait()

    async def end(self) -> None:
        """Leave no process behind, whatever happened."""
        if self._child is not None and self._child.returncode is None:
            self.resume()
            await self.kill()

    def last_words(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(errors="replace")[-3000:]

    async def items(self, session: aiohttp.ClientSession, path: str, **wanted: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list of the API, page by page."""
        cursor: str | None = None
        while True:
            parameters = wanted | {"limit": "500"} | ({"cursor": cursor} if cursor else {})
            async with session.get(f"http://{self.api}/api/v1/{path}", params=parameters) as answer:
                page = json.loads(await answer.read())
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {page}")
            for item in page["items"]:
                yield item
            cursor = page["next"]
            if cursor is None:
                return

    async def work_left(self, session: aiohttp.ClientSession) -> float:
        """Undecided events and open firings, as the metrics page counts them."""
        async with session.get(f"http://{self.api}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        counts = [line.split() for line in lines if line.startswith(("tocsin_events_undecided ", "tocsin_firings_open "))]
        return sum(float(value) for _, value in counts)

    def _running(self) -> asyncio.subprocess.Process:
        if self._child is None:
            raise RuntimeError("the service was not started")
        return self._child
