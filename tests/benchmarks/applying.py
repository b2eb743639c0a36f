"""Ten thousand sensors: how long they take to apply, and one edit among them, also while events come in."""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import declare
from benchmarks.declare import Object, http_trigger, on_ref, sensor, source
from benchmarks.processes import Process, free_port, get, load
from benchmarks.scale import Scale
from benchmarks.service import TOCSIN, wait_quiet, work_folder
from benchmarks.table import Row

A_FILE = 100
"""Sensors of one file."""
APPLY_S = 10.0
EDIT_MS = 100.0
RATE = 500.0
"""Events a second while edits are made."""
EDITS_APART_S = 0.5


class Manifests:
    """A folder of sensors, and the edits that are made to it."""

    def __init__(self, folder: Path, port: int, count: int) -> None:
        self.folder, self._count = folder, count
        folder.mkdir(parents=True)
        self._write("source.yaml", [source("hooks", {"push": ("/push", port)})])
        for number in range(-(-count // A_FILE)):
            self._write(self._name(number), self._sensors(number))

    def edit(self, round_: int) -> None:
        """Save one file anew, in which one sensor wants another branch: as editors do, by a rename over it."""
        number = round_ * 7 % -(-self._count // A_FILE)
        sensors = self._sensors(number)
        sensors[round_ % len(sensors)] = _sensor(number * A_FILE + round_ % len(sensors), f"edited-{round_}")
        self._write("saving.tmp", sensors)
        os.rename(self.folder / "saving.tmp", self.folder / self._name(number))

    def _sensors(self, number: int) -> list[Object]:
        first = number * A_FILE
        return [_sensor(n, f"branch-{n}") for n in range(first, min(first + A_FILE, self._count))]

    def _name(self, number: int) -> str:
        return f"sensors-{number:04}.yaml"

    def _write(self, name: str, objects: list[Object]) -> None:
        (self.folder / name).write_bytes(declare.documents(objects))


def _sensor(number: int, branch: str) -> Object:
    return sensor(
        f"sensor-{number}", [on_ref("main", f"^refs/heads/{branch}$")], [http_trigger("call", "http://127.0.0.1:9/act", "main")]
    )


def applying(scale: Scale) -> list[Row]:
    """Start with all of them, then edit one at a time: alone, and beside events."""
    port = free_port()
    with work_folder() as folder:
        manifests = Manifests(folder / "manifests", port, scale.edited_sensors)
        api, log = f"127.0.0.1:{free_port()}", folder / "service.log"
        began = time.monotonic()
        command = [*TOCSIN, "run", str(manifests.folder), "--data", str(folder / "data"), "--api", api, "--watch"]
        with Process(command, log=log) as process:
            process.wait_for(lambda: get(f"http://{api}/readyz") is not None, "ready", timeout_s=120)
            started_s = time.monotonic() - began
            wait_quiet(process)
            alone = [_edit(process, manifests, log, round_) for round_ in range(scale.edits)]
            calm = load(port, rate=RATE, seconds=scale.paced_seconds, connections=16)
            with _edited(process, manifests, log) as under_load:
                edited = load(port, rate=RATE, seconds=scale.paced_seconds, connections=16)
            rss = process.rss_mib()
    return [_start(scale, started_s, rss), _alone(scale, alone), _loaded(under_load, calm["p99_ms"], edited["p99_ms"])]


def _start(scale: Scale, started_s: float, rss: float) -> Row:
    return Row(
        measure=f"start with {scale.edited_sensors:,} sensors, until ready",
        result=f"{started_s:.1f} s; {rss:.0f} MiB",
        goal=f"≤ {APPLY_S:g} s",
        met=started_s <= APPLY_S,
        figures={"seconds": started_s, "rss_mib": rss},
    )


def _alone(scale: Scale, times: list[float]) -> Row:
    median = statistics.median(times)
    return Row(
        measure=f"one edit among {scale.edited_sensors:,} sensors, from saved to applied",
        result=f"median {median:.0f}, most {max(times):.0f} ms",
        goal=f"≤ {EDIT_MS:g} ms",
        met=median <= EDIT_MS,
        figures={"median_ms": median, "max_ms": max(times)},
    )


def _loaded(times: list[float], calm_ms: float, edited_ms: float) -> Row:
    median = statistics.median(times)
    return Row(
        measure=f"… at {RATE:.0f} events a second, an edit every {EDITS_APART_S:g} s",
        result=f"applied after {median:.0f} ms (median); accepting p99 {edited_ms:.1f} ms (without edits: {calm_ms:.1f})",
        goal="accepting p99 at most doubles",
        met=edited_ms <= 2 * calm_ms,
        figures={"median_ms": median, "p99_ms": edited_ms, "calm_p99_ms": calm_ms},
    )


def _edit(process: Process, manifests: Manifests, log: Path, round_: int) -> float:
    """Milliseconds from a saved edit to the line that says it is applied."""
    before, began = _applied(log), time.monotonic()
    manifests.edit(round_)
    process.wait_for(lambda: _applied(log) > before, "an edit applied", every_s=0.001)
    took_ms = 1000 * (time.monotonic() - began)
    time.sleep(EDITS_APART_S)
    return took_ms


def _applied(log: Path) -> int:
    """How often something was applied."""
    return log.read_bytes().count(b"manifests_applied")


@contextmanager
def _edited(process: Process, manifests: Manifests, log: Path) -> Iterator[list[float]]:
    """Edit again and again while the block runs."""
    times: list[float] = []
    done = threading.Event()

    def edit() -> None:
        while not done.is_set():
            times.append(_edit(process, manifests, log, 1000 + len(times)))

    thread = threading.Thread(target=edit, name="editing", daemon=True)
    thread.start()
    try:
        yield times
    finally:
        done.set()
        thread.join()
