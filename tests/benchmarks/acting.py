"""The whole road: webhook, filter, HTTP trigger with two parameters, recorded outcome."""

import time

from benchmarks.accepting import Figures, measured
from benchmarks.declare import Object, http_trigger, on_ref, sensor, source
from benchmarks.processes import free_port, get, load
from benchmarks.scale import Scale
from benchmarks.service import Service, helper, middle, serving, target_stats, wait_quiet
from benchmarks.table import Row

MAIN = "^refs/heads/main$"


def road(port: int, target_port: int) -> list[Object]:
    """A webhook, and a sensor that calls the target for each of its events."""
    trigger = http_trigger("call", f"http://127.0.0.1:{target_port}/act", "main")
    return [source("hooks", {"push": ("/push", port)}), sensor("road", [on_ref("main", MAIN)], [trigger])]


def all_the_way(service: Service, port: int, target_port: int, count: int, **options: object) -> Figures:
    """Send `count` events at full speed; time and CPU until each has its recorded outcome."""
    get(f"http://127.0.0.1:{target_port}/reset")
    before, began = service.process.cpu_s(), time.monotonic()
    load(port, count=count, **options)
    while target_stats(target_port)["keys"] < count and time.monotonic() - began < 300:
        time.sleep(0.1)
    service.drain()
    took = time.monotonic() - began
    cpu_us = 1e6 * (service.process.cpu_s() - before) / count
    return {"rate": count / took, "cpu_us": cpu_us, "calls": target_stats(target_port)["count"] / count}


def fire(scale: Scale) -> list[Row]:
    """Events at full speed until every recorded outcome, beside the plain handler taking the same requests."""
    port = free_port()
    ours: list[Figures] = []
    plain: list[Figures] = []
    with helper("peer") as (peer, peer_port), helper("target") as (_, target_port), serving(road(port, target_port)) as service:
        all_the_way(service, port, target_port, 1_000)
        for _ in range(scale.rounds):
            plain.append(measured(peer, peer_port, seconds=scale.seconds))
            ours.append(all_the_way(service, port, target_port, scale.events))
            wait_quiet(service.process)
        rss = service.process.rss_mib()
    own, peer_figures = middle(ours), middle(plain)
    ratio, cpu = own["rate"] / peer_figures["rate"], own["cpu_us"] / peer_figures["cpu_us"]
    return [
        Row(
            measure=f"webhook → filter → HTTP trigger, {scale.events:,} events until every outcome",
            result=f"{own['rate']:,.0f}/s = {100 * ratio:.0f} % of plain ({peer_figures['rate']:,.0f}/s)",
            goal="≥ 30 % of plain",
            met=ratio >= 0.3,
            figures=own | {"ratio": ratio, "plain_rate": peer_figures["rate"], "rss_mib": rss},
        ),
        Row(
            measure="CPU per fired event, all parts",
            result=f"{own['cpu_us']:.0f} µs = {cpu:.1f} × plain ({peer_figures['cpu_us']:.0f} µs)",
            goal="towards 450 µs where plain takes 110: 4.1 × plain",
            met=cpu <= 4.1,
            figures={"cpu_us": own["cpu_us"], "plain_cpu_us": peer_figures["cpu_us"]},
        ),
    ]


def latency(scale: Scale) -> list[Row]:
    """Webhook sent → target received, at 50 events a second."""
    port = free_port()
    rounds: list[Figures] = []
    with helper("target") as (_, target_port), serving(road(port, target_port)) as service:
        load(port, count=200, rate=50, seconds=4, connections=4)
        for _ in range(scale.rounds):
            service.drain()
            get(f"http://127.0.0.1:{target_port}/reset")
            load(port, rate=50, seconds=scale.paced_seconds, connections=4)
            service.drain()
            stats = target_stats(target_port)
            rounds.append({"p50_ms": stats["p50_ms"], "p99_ms": stats["p99_ms"]})
    own = middle(rounds)
    return [
        Row(
            measure="webhook → target received, at 50/s",
            result=f"p50 {own['p50_ms']:.1f}, p99 {own['p99_ms']:.1f} ms",
            goal="p50 ≤ 2 ms, p99 ≤ 6 ms",
            met=own["p50_ms"] <= 2 and own["p99_ms"] <= 6,
            figures=own,
        )
    ]


def many_dependencies(scale: Scale) -> list[Row]:
    """One sensor with 100 dependencies of which one matches, beside one with a single dependency."""
    with helper("target") as (_, target_port):
        ports = {1: free_port(), 100: free_port()}
        objects: list[Object] = []
        for count, port in ports.items():
            names = [f"d{n}" for n in range(count)]
            patterns = [MAIN if n == count // 2 else f"^refs/heads/feature-{n}$" for n in range(count)]
            dependencies = [
                on_ref(name, pattern, source_name=f"hooks-{count}") for name, pattern in zip(names, patterns, strict=True)
            ]
            trigger = http_trigger("call", f"http://127.0.0.1:{target_port}/act", names[count // 2], " || ".join(names))
            objects += [source(f"hooks-{count}", {"push": ("/push", port)}), sensor(f"with-{count}", dependencies, [trigger])]
        results: dict[int, list[Figures]] = {1: [], 100: []}
        with serving(objects) as service:
            for port in ports.values():
                all_the_way(service, port, target_port, 500)
            for _ in range(scale.rounds):
                for count, port in ports.items():
                    results[count].append(all_the_way(service, port, target_port, scale.events // 4))
    one, hundred = middle(results[1]), middle(results[100])
    ratio = hundred["cpu_us"] / one["cpu_us"]
    return [
        Row(
            measure="one sensor with 100 dependencies, one matches",
            result=f"{hundred['cpu_us']:.0f} µs an event, {hundred['rate']:,.0f}/s (one: {one['cpu_us']:.0f} µs)",
            goal="within 20 %",
            met=ratio <= 1.2,
            figures={"ratio": ratio, "one_cpu_us": one["cpu_us"], "hundred_cpu_us": hundred["cpu_us"]},
        )
    ]
