"""Minutes at full speed with a small disk: what grows, and should not."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import declare
from benchmarks.accepting import Figures
from benchmarks.acting import all_the_way, road
from benchmarks.processes import free_port, load
from benchmarks.scale import Scale
from benchmarks.service import Service, helper, running, work_folder
from benchmarks.table import Row

PART_S = 20.0
"""Seconds of sending that are measured by themselves."""
SHARE = 0.6
"""Of the rate at which events get all the way: what can go on for ever, beside the sender and the target on this machine."""
FLAT_MIB = 0.3
"""Growth of memory, in MiB a minute, that is none: the allocator's, and the measuring's."""


@dataclass(slots=True)
class Samples:
    """What was seen each second."""

    at_s: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    disk_mib: list[float] = field(default_factory=list)

    def slope_mib(self) -> float:
        """Growth of memory in MiB a minute over the second half, when every bound is reached."""
        half = len(self.at_s) // 2
        return 60 * slope(self.at_s[half:], self.rss_mib[half:])


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The line of least squares' rise; 0 for fewer than two points."""
    if len(xs) < 2:
        return 0.0
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0


def soak(scale: Scale) -> list[Row]:
    """Events all the way at full speed, with retention at work most of the time."""
    port = free_port()
    with helper("target") as (_, target_port), work_folder() as folder:
        manifests = declare.write(folder / "manifests", road(port, target_port))
        with running(manifests, folder, "--retain-bytes", f"{scale.soak_limit_mib}Mi") as service:
            all_the_way(service, port, target_port, 500)
            rate = SHARE * all_the_way(service, port, target_port, scale.events // 2)["rate"]
            with sampling(service, folder / "data") as seen:
                sent = list(_parts(port, rate, scale.soak_seconds))
            service.drain()
            removed = service.metric("tocsin_retention_removed_total")
    events = sum(part["requests"] for part in sent)
    return [_memory(scale, seen, events), _disk(scale, seen, removed), _files(seen), _latency(sent)]


def _parts(port: int, rate: float, seconds: float) -> Iterator[Figures]:
    """Send for so long, part by part: where the machine has less to give for a while, what was not sent then is not caught up."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        yield load(port, rate=rate, seconds=min(PART_S, max(1.0, left)), connections=16)


def _memory(scale: Scale, seen: Samples, events: float) -> Row:
    grown = seen.slope_mib()
    return Row(
        measure=f"memory over {scale.soak_seconds:.0f} s at full speed, {events:,.0f} events",
        result=f"{seen.rss_mib[0]:.0f} MiB → {seen.rss_mib[-1]:.0f} MiB; {grown:+.2f} MiB a minute in the second half",
        goal="flat: ≤ 0.3 MiB a minute",
        # A short run ends before the caches are full.
        met=grown <= FLAT_MIB if scale.soak_seconds >= 300 else None,
        figures={"mib_a_minute": grown, "rss_mib": seen.rss_mib[-1], "events": events},
    )


def _disk(scale: Scale, seen: Samples, removed: float) -> Row:
    largest = max(seen.disk_mib)
    return Row(
        measure=f"… disk, with --retain-bytes {scale.soak_limit_mib}Mi",
        result=f"at most {largest:.0f} MiB; {removed:,.0f} times something was removed",
        goal="within the limit",
        met=largest <= scale.soak_limit_mib,
        figures={"mib": largest, "removed": removed},
    )


def _files(seen: Samples) -> Row:
    settled = seen.files[len(seen.files) // 4]
    return Row(
        measure="… open files",
        result=f"{settled} → {seen.files[-1]}, at most {max(seen.files)}",
        goal="no growth",
        met=seen.files[-1] <= settled,
        figures={"first": settled, "last": seen.files[-1]},
    )


def _latency(sent: Sequence[Figures]) -> Row:
    figures = {key: median(part[key] for part in sent) for key in ("p50_ms", "p99_ms", "rate")}
    return Row(
        measure="… accepting meanwhile",
        result=f"p50 {figures['p50_ms']:.1f}, p99 {figures['p99_ms']:.1f} ms at {figures['rate']:,.0f}/s (medians)",
        goal="p99 ≤ 30 ms",
        met=figures["p99_ms"] <= 30,
        figures=figures,
    )


@contextmanager
def sampling(service: Service, data: Path) -> Iterator[Samples]:
    """Look at the process and its folder each second while the block runs."""
    seen, done, began = Samples(), threading.Event(), time.monotonic()

    def look() -> None:
        while True:
            seen.at_s.append(time.monotonic() - began)
            seen.rss_mib.append(service.process.rss_mib())
            seen.files.append(service.process.open_files())
            seen.disk_mib.append(sum(file.stat().st_size for file in data.iterdir()) / (1 << 20))
            if done.wait(1.0):
                return

    thread = threading.Thread(target=look, name="sampling", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
