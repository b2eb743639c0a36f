"""The service under measurement, and the servers beside it."""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import declare
from benchmarks.processes import ROOT, Process, free_port, get, listens, module

TOCSIN = [sys.executable, "-m", "tocsin"]
"""The service of this checkout: child processes run in its root."""


class Service:
    """`tocsin run`, ready."""

    def __init__(self, process: Process, api: str) -> None:
        self.process = process
        self.api = api

    def metric(self, name: str) -> float:
        """The sum of the series of one metric."""
        page = (get(f"{self.api}/metrics") or b"").decode()
        lines = [line for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name]
        if not lines:
            raise RuntimeError(f"no metric {name}")
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def drain(self, *, timeout_s: float = 120.0, every_s: float = 0.02) -> None:
        """Return when every event is decided and every firing has its recorded outcome.

        Asking takes the service some milliseconds: where it is still busy, ask more seldom.
        """
        self.process.wait_for(
            lambda: self.metric("tocsin_events_undecided") == self.metric("tocsin_firings_open") == 0,
            "every outcome",
            timeout_s=timeout_s,
            every_s=every_s,
        )


@contextmanager
def work_folder() -> Iterator[Path]:
    """An empty folder under `build/`, on the disk that the checkout is on; removed afterwards."""
    (ROOT / "build").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "build"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(objects: Iterable[declare.Object], *, timeout_s: float = 60.0) -> Iterator[Service]:
    """Run `objects` on an empty data folder, and wait until the service is ready."""
    with work_folder() as folder:
        path = declare.write(folder / "manifests", objects)
        with running(path, folder, timeout_s=timeout_s) as service:
            yield service


@contextmanager
def running(path: Path, folder: Path, *options: str, timeout_s: float = 60.0) -> Iterator[Service]:
    """Run the manifests at `path` with the data in `folder`, and wait until the service is ready."""
    api = f"127.0.0.1:{free_port()}"
    command = [*TOCSIN, "run", str(path), "--data", str(folder / "data"), "--api", api, *options]
    with Process(command, log=folder / "service.log") as process:
        process.wait_for(lambda: get(f"http://{api}/readyz") is not None, "ready", timeout_s=timeout_s)
        yield Service(process, f"http://{api}")


@contextmanager
def helper(name: str) -> Iterator[tuple[Process, int]]:
    """Run a server of this package (`peer`, `target`) on a free port."""
    port = free_port()
    with work_folder() as folder, Process(module(name, port=port), log=folder / f"{name}.log") as process:
        process.wait_for(lambda: listens(port), name)
        yield process, port


def target_stats(port: int) -> dict[str, Any]:
    """What the target counted."""
    stats: dict[str, Any] = json.loads(get(f"http://127.0.0.1:{port}/stats") or b"{}")
    return stats


def wait_quiet(process: Process, *, timeout_s: float = 20.0) -> None:
    """Return when the process has used almost no CPU for a second."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        before = process.cpu_s()
        time.sleep(1.0)
        if process.cpu_s() - before <= 0.02:
            return


def middle(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds."""
    return {key: median(round_[key] for round_ in rounds) for key in rounds[0]}
