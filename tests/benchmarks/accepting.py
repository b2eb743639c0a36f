"""Accepting: the rate, latency and CPU of answering 200 for a durable event."""

from benchmarks.declare import log_trigger, on_template, sensor, source
from benchmarks.processes import Process, free_port, load
from benchmarks.scale import Scale
from benchmarks.service import helper, middle, serving, wait_quiet
from benchmarks.table import Row

Figures = dict[str, float]


def measured(process: Process, port: int, **options: object) -> Figures:
    """One load against a process: its figures and the CPU of that process per request, in microseconds."""
    before = process.cpu_s()
    figures = load(port, **options)
    cpu_s = process.cpu_s() - before
    return {key: figures[key] for key in ("rate", "p50_ms", "p99_ms", "requests")} | {"cpu_us": 1e6 * cpu_s / figures["requests"]}


def accept(scale: Scale) -> list[Row]:
    """64 kept connections, 1 KiB JSON, as fast as the answers come; round by round beside the plain handler."""
    port = free_port()
    ours: list[Figures] = []
    plain: list[Figures] = []
    with helper("peer") as (peer, peer_port), serving([source("hooks", {"push": ("/push", port)})]) as service:
        load(peer_port, seconds=1)
        load(port, seconds=1)
        for _ in range(scale.rounds):
            plain.append(measured(peer, peer_port, seconds=scale.seconds))
            ours.append(measured(service.process, port, seconds=scale.seconds))
            service.drain()
            wait_quiet(service.process)
        rss = service.process.rss_mib()
    ratio = middle([{"ratio": a["rate"] / b["rate"], "cpu": a["cpu_us"] / b["cpu_us"]} for a, b in zip(ours, plain, strict=True)])
    own, peer_figures = middle(ours), middle(plain)
    result = f"{own['rate']:,.0f}/s = {100 * ratio['ratio']:.0f} % of plain ({peer_figures['rate']:,.0f}/s)"
    latency = (
        f"p50 {own['p50_ms']:.1f}, p99 {own['p99_ms']:.1f} ms (plain {peer_figures['p50_ms']:.1f}, {peer_figures['p99_ms']:.1f})"
    )
    cpu = f"{own['cpu_us']:.0f} µs = {ratio['cpu']:.2f} × plain ({peer_figures['cpu_us']:.0f} µs)"
    return [
        Row(
            measure="accept a webhook, 64 connections, synced",
            result=result,
            goal="≥ 80 % of plain",
            met=ratio["ratio"] >= 0.8,
            figures=own | {"ratio": ratio["ratio"], "plain_rate": peer_figures["rate"], "rss_mib": rss},
        ),
        Row(
            measure="… its latency",
            result=latency,
            goal="p99 ≤ 30 ms",
            met=own["p99_ms"] <= 30,
            figures={"p99_ms": own["p99_ms"]},
        ),
        Row(
            measure="CPU per accepted event",
            result=cpu,
            goal="≤ 160 µs where plain takes 110: ≤ 1.45 × plain",
            met=ratio["cpu"] <= 1.45,
            figures={"cpu_us": own["cpu_us"], "plain_cpu_us": peer_figures["cpu_us"], "ratio": ratio["cpu"]},
        ),
    ]


def accept_while_busy(scale: Scale) -> list[Row]:
    """100 webhooks a second on one endpoint, while events on another keep 300 templates busy without a pause."""
    port = free_port()
    events = {"quiet": ("/quiet", port), "push": ("/noise", port)}
    dependencies = [on_template(f"d{n}", n, source_name="hooks") for n in range(300)]
    sensors = [sensor(f"hostile-{n}", [dependency], [log_trigger("never")]) for n, dependency in enumerate(dependencies)]
    rounds: list[Figures] = []
    with serving([source("hooks", events), *sensors]) as service:
        for _ in range(scale.rounds):
            noise = load(port, path="/noise", count=_enough(service.process, port, scale.paced_seconds), connections=8)
            before = service.process.cpu_s()
            figures = load(port, path="/quiet", rate=100, seconds=scale.paced_seconds, connections=16)
            busy = (service.process.cpu_s() - before) / figures["seconds"]
            left = service.metric("tocsin_events_undecided")
            rounds.append(
                {"p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"], "busy": busy, "left": left, "noise": noise["p99_ms"]}
            )
            service.drain(timeout_s=180)
    own = middle(rounds)
    latency = f"p50 {own['p50_ms']:.1f}, p99 {own['p99_ms']:.1f} ms"
    result = f"{latency}; process {100 * own['busy']:.0f} % busy, {own['left']:.0f} events left to decide"
    return [
        Row(
            measure="accept while rules keep the interpreter busy",
            result=result,
            goal="p99 ≤ 60 ms",
            met=own["p99_ms"] <= 60,
            figures=own,
        )
    ]


def _enough(process: Process, port: int, seconds: float) -> int:
    """How many noisy events keep deciding busy for `seconds` and a third more, from what 20 of them cost."""
    before = process.cpu_s()
    load(port, path="/noise", count=20, connections=1)
    wait_quiet(process)
    each_s = max(0.0002, (process.cpu_s() - before) / 20)
    return max(50, int(1.35 * seconds / each_s))
