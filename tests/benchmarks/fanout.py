"""One event that fires a hundred triggers, each in its own order, beside as many events that fire one."""

import time

from benchmarks.accepting import Figures
from benchmarks.acting import MAIN, all_the_way
from benchmarks.declare import Object, http_trigger, on_ref, sensor, source
from benchmarks.processes import free_port, get, load
from benchmarks.scale import Scale
from benchmarks.service import Service, helper, middle, serving, target_stats, wait_quiet
from benchmarks.table import Row

TRIGGERS = 100


def fan_out(scale: Scale) -> list[Row]:
    """Firings a second either way, until every recorded outcome, and whether each trigger's firings came in order."""
    wide, single = free_port(), free_port()
    many: list[Figures] = []
    one: list[Figures] = []
    with helper("target") as (_, target), serving(_objects(wide, single, target)) as service:
        all_the_way(service, single, target, 1_000)
        for _ in range(scale.rounds):
            one.append(all_the_way(service, single, target, scale.events))
            wait_quiet(service.process)
            many.append(_all_fired(service, wide, target, scale.events // TRIGGERS))
            wait_quiet(service.process)
    own, other = middle(many), middle(one)
    ratio, disordered = own["rate"] / other["rate"], sum(figures["disordered"] for figures in many)
    return [
        Row(
            measure=f"fan-out: one event fires {TRIGGERS} triggers, each in order",
            result=f"{own['rate']:,.0f}/s = {ratio:.2f} × single events ({other['rate']:,.0f}/s); {disordered:.0f} out of order",
            goal="as many firings a second as single events; order kept",
            met=ratio >= 0.95 and disordered == 0,
            figures=own | {"ratio": ratio, "single_rate": other["rate"]},
        )
    ]


def _objects(wide: int, single: int, target: int) -> list[Object]:
    address = f"http://127.0.0.1:{target}/act"
    triggers = [http_trigger(f"call-{n}", f"{address}/{n}", "main") | {"atLeastOnce": True} for n in range(TRIGGERS)]
    return [
        source("wide", {"push": ("/push", wide)}),
        sensor("wide", [on_ref("main", MAIN, source_name="wide")], triggers),
        source("hooks", {"push": ("/push", single)}),
        sensor("road", [on_ref("main", MAIN)], [http_trigger("call", address, "main")]),
    ]


def _all_fired(service: Service, port: int, target: int, events: int) -> Figures:
    """Send `events` over one connection, so that they come in the order of their numbers; firings until all are recorded."""
    get(f"http://127.0.0.1:{target}/reset")
    firings, began = events * TRIGGERS, time.monotonic()
    load(port, count=events, connections=1)
    while target_stats(target)["keys"] < firings and time.monotonic() - began < 300:
        time.sleep(0.1)
    service.drain()
    took, stats = time.monotonic() - began, target_stats(target)
    return {"rate": firings / took, "calls": stats["count"] / firings, "disordered": stats["disordered"]}
