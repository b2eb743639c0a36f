"""Memory and start-up."""

import json
import time
import urllib.error
import urllib.request
from statistics import median

from benchmarks.declare import Object, log_trigger, on_ref, sensor, source, write
from benchmarks.processes import ROOT, Process, free_port
from benchmarks.scale import Scale
from benchmarks.service import TOCSIN, running, serving, wait_quiet, work_folder
from benchmarks.table import Row


def memory(scale: Scale) -> list[Row]:
    """Resident memory when idle: the quickstart; 50 sources and 1,000 sensors."""
    with work_folder() as folder, running(ROOT / "examples" / "quickstart", folder) as service:
        wait_quiet(service.process)
        small = service.process.rss_mib()
    with serving(_many()) as service:
        wait_quiet(service.process)
        large = service.process.rss_mib()
    return [
        Row(
            measure="memory, quickstart idle",
            result=f"{small:.0f} MiB",
            goal="≤ 70 MiB",
            met=small <= 70,
            figures={"rss_mib": small},
        ),
        Row(
            measure="memory, 50 sources and 1,000 sensors",
            result=f"{large:.0f} MiB",
            goal="≤ 150 MiB",
            met=large <= 150,
            figures={"rss_mib": large},
        ),
    ]


def _many() -> list[Object]:
    port = free_port()
    objects = [source(f"hooks-{n}", {"push": (f"/push-{n}", port)}) for n in range(50)]
    for n in range(1_000):
        dependency = on_ref("main", f"^refs/heads/branch-{n}$", source_name=f"hooks-{n % 50}")
        objects.append(sensor(f"sensor-{n}", [dependency], [log_trigger("say-so")]))
    return objects


def start(scale: Scale) -> list[Row]:
    """From the start of the process to its first 200 for an event."""
    times = [_first_accepted_s() for _ in range(scale.starts)]
    own = median(times)
    return [
        Row(
            measure="`tocsin run` to first accepted event",
            result=f"{own:.2f} s ({min(times):.2f}–{max(times):.2f})",
            goal="≤ 0.7 s",
            met=own <= 0.7,
            figures={"seconds": own},
        )
    ]


def _first_accepted_s() -> float:
    port = free_port()
    objects = [
        source("hooks", {"push": ("/push", port)}),
        sensor("main", [on_ref("main", "^refs/heads/main$")], [log_trigger("say-so")]),
    ]
    with work_folder() as folder:
        path = write(folder / "manifests", objects)
        command = [*TOCSIN, "run", str(path), "--data", str(folder / "data"), "--api", f"127.0.0.1:{free_port()}"]
        began = time.monotonic()
        with Process(command, log=folder / "service.log") as process:
            process.wait_for(lambda: _accepted(port), "the first accepted event", every_s=0.005)
            return time.monotonic() - began


def _accepted(port: int) -> bool:
    body = json.dumps({"ref": "refs/heads/main"}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/push", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # loopback only
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
