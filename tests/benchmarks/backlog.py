"""A restart with a long backlog: how soon the first decision comes, and how fast the rest follows."""

import json
import time

from benchmarks.acting import all_the_way
from benchmarks.filling import SENSORS, SOURCES, Folder, fill, objects
from benchmarks.processes import Process, free_port, get
from benchmarks.scale import Scale
from benchmarks.service import TOCSIN, Service, helper, serving, work_folder
from benchmarks.table import Row

GOAL_S = 2.0


def backlog(scale: Scale) -> list[Row]:
    """Start on a folder whose events nobody decided, beside the rate of events that come in live."""
    with helper("target") as (_, target_port):
        target = f"http://127.0.0.1:{target_port}/act"
        port = free_port()
        with serving(objects(target, port)) as service:
            spread = {"path": "/push", "paths": SOURCES, "ref": "refs/heads/branch", "refs": SENSORS}
            all_the_way(service, port, target_port, 500, **spread)
            live = all_the_way(service, port, target_port, scale.events, **spread)
        with work_folder() as folder:
            filled = fill(folder, scale.history, decided=False, target=target)
            first_s, drained = _restart(filled, scale)
    return [
        Row(
            measure=f"restart with {scale.history:,} undecided events, to the first decision",
            result=f"{first_s:.2f} s",
            goal=f"≤ {GOAL_S:g} s",
            met=first_s <= GOAL_S,
            figures={"seconds": first_s},
        ),
        Row(
            measure=f"… and from then on, {SENSORS} sensors, until every outcome",
            result=f"{_figures(drained)} (live: {_figures(live)})",
            goal="≥ the live rate",
            met=drained["rate"] >= live["rate"],
            figures=drained | {"live_rate": live["rate"], "live_cpu_us": live["cpu_us"]},
        ),
    ]


def _figures(found: dict[str, float]) -> str:
    return f"{found['rate']:,.0f}/s, {found['cpu_us']:.0f} µs of CPU each"


def _restart(filled: Folder, scale: Scale) -> tuple[float, dict[str, float]]:
    """Seconds from the start of the process to the first firing in the journal; the rate of outcomes afterwards."""
    api = f"127.0.0.1:{free_port()}"
    command = [*TOCSIN, "run", str(filled.manifests), "--data", str(filled.data), "--api", api]
    began = time.monotonic()
    with Process(command, log=filled.data.parent / "restart.log") as process:
        process.wait_for(lambda: _decided(api), "the first decision", every_s=0.005)
        first_s = time.monotonic() - began
        service = Service(process, f"http://{api}")
        before, cpu_s, since = service.metric("tocsin_firings_closed_total"), process.cpu_s(), time.monotonic()
        _wait(service, scale)
        closed, took_s = service.metric("tocsin_firings_closed_total") - before, time.monotonic() - since
        return first_s, {"rate": closed / took_s, "cpu_us": 1e6 * (process.cpu_s() - cpu_s) / closed}


def _wait(service: Service, scale: Scale) -> None:
    """Until the backlog is done, or long enough."""
    until = time.monotonic() + 2 * scale.paced_seconds
    while time.monotonic() < until and service.metric("tocsin_events_undecided") > 0:
        time.sleep(1.0)  # each look costs the service some milliseconds


def _decided(api: str) -> bool:
    page = get(f"http://{api}/api/v1/firings?limit=1")
    return page is not None and bool(json.loads(page)["items"])
