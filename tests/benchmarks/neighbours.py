"""Bad neighbours: what a source, rule or target that misbehaves costs the others."""

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from benchmarks import declare
from benchmarks.accepting import Figures
from benchmarks.acting import MAIN
from benchmarks.declare import Object, http_trigger, log_trigger, on_ref, on_template, sensor, source
from benchmarks.processes import ROOT, environment, free_port, get, load, module
from benchmarks.scale import Scale
from benchmarks.service import Service, helper, running, target_stats, work_folder
from benchmarks.table import Row

RATE = 100
"""Events a second of the quiet source."""
FLOOD = 10 * RATE
NEIGHBOURS = {
    "hang": ("a target that hangs", RATE),
    "rule": ("a rule that errs on every event", RATE),
    "poison": ("events on which a script runs to its limit", 5),
    "flood": ("a source that sends 10 × as much", FLOOD),
    "costly": ("a source that sends as fast as it is answered, with rules of some 4 ms", 0),
}
"""What each is, and how many events a second it gets; 0: as many as are answered."""
MOST_WAITED = 0.1
"""Share of the time for which the service may wait for a processor. Where it waited longer the row is not judged: it tells more
of what else the machine did."""
FLOODS = ("flood", "costly")
BUSY_MS = 10.0
"""Less than this for the others' p99 is good enough, whatever it was before: below it the machine's own hiccups decide."""


class Rig(NamedTuple):
    """What runs while the others are measured."""

    service: Service
    log: Path
    quiet: int
    noisy: int
    target: int


@contextmanager
def rigged(noise: Sequence[Object], noisy: int) -> Iterator[Rig]:
    """A service with a quiet road and the neighbours of `noise`, which listens on port `noisy`."""
    quiet = free_port()
    with helper("target") as (_, target), work_folder() as folder:
        objects = [
            source("hooks", {"push": ("/push", quiet)}),
            sensor("quiet", [on_ref("main", MAIN)], [http_trigger("call", f"http://127.0.0.1:{target}/act", "main")]),
            *noise,
        ]
        manifests = declare.write(folder / "manifests", objects)
        with running(manifests, folder) as service:
            yield Rig(service, folder / "service.log", quiet, noisy, target)


def noise_of(kind: str, noisy: int, target: int) -> list[Object]:
    """A source on port `noisy` and a sensor that misbehaves on its events in the way of `kind`."""
    dependency = on_ref("main", MAIN, source_name="noise")
    if kind == "rule":
        dependency = dependency | {"filters": {"script": "return event.body.none.there == 1"}}
    if kind == "poison":
        dependency = dependency | {"filters": {"script": "while true do end"}}
    if kind == "costly":
        rules = [on_template(f"d{n}", n, source_name="noise") for n in range(40)]
        return [source("noise", {"push": ("/push", noisy)}), sensor("noise", rules, [log_trigger("never")])]
    trigger = http_trigger("call", f"http://127.0.0.1:{target}/act", "main")
    return [source("noise", {"push": ("/push", noisy)}), sensor("noise", [dependency], [trigger])]


@contextmanager
def sending(port: int, *, rate: float, seconds: float) -> Iterator[None]:
    """Send events to `port` beside the block, and end with it."""
    command = module("load", port=port, rate=rate, seconds=seconds, connections=16)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, env=environment()) as child:
        try:
            yield
        finally:
            child.terminate()
            child.communicate()


def others(rig: Rig, seconds: float, beside: AbstractContextManager[None]) -> Figures:
    """What the quiet road takes, in milliseconds, while `beside` goes on."""
    get(f"http://127.0.0.1:{rig.target}/reset")
    lines, process, began = rig.log.read_bytes().count(b"\n"), rig.service.process, time.monotonic()
    cpu_s, waited_s = process.cpu_s(), process.waited_s()
    with beside:
        accepted = load(rig.quiet, rate=RATE, seconds=seconds, connections=8)
        until = time.monotonic() + 30
        while target_stats(rig.target)["keys"] < accepted["requests"] and time.monotonic() < until:
            time.sleep(0.1)
    acted, took_s = target_stats(rig.target), time.monotonic() - began
    return {
        "cores": (process.cpu_s() - cpu_s) / took_s,
        "waited": (process.waited_s() - waited_s) / took_s,
        "accept_p50_ms": accepted["p50_ms"],
        "accept_p99_ms": accepted["p99_ms"],
        "sender_late_p99_ms": accepted["late_p99_ms"],
        "act_p50_ms": acted["p50_ms"],
        "act_p99_ms": acted["p99_ms"],
        "lines": (rig.log.read_bytes().count(b"\n") - lines) * 60 / seconds,
        "rss_mib": rig.service.process.rss_mib(),
    }


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        yield listening.getsockname()[1]


def neighbours(scale: Scale) -> list[Row]:
    """A quiet road alone, and beside each bad neighbour."""
    rows = []
    for kind, (name, rate) in NEIGHBOURS.items():
        noisy = free_port()
        with silent() as port, rigged(noise_of(kind, noisy, port), noisy) as rig:
            load(rig.quiet, count=3 * RATE, rate=RATE, seconds=3, connections=4)
            rig.service.drain()
            seconds = scale.flood_seconds if kind in FLOODS else scale.paced_seconds
            alone = others(rig, seconds, nullcontext())
            beside = others(rig, seconds, sending(noisy, rate=rate, seconds=seconds + 60))
            rows.append(_row(name, alone, beside))
    return rows


def _row(name: str, alone: Figures, beside: Figures) -> Row:
    parts = [f"{what} p99 {alone[f'{key}_p99_ms']:.1f} → {beside[f'{key}_p99_ms']:.1f} ms" for key, what in _PARTS.items()]
    grown = beside["rss_mib"] - alone["rss_mib"]
    kept = all(beside[f"{key}_p99_ms"] <= max(BUSY_MS, 2 * alone[f"{key}_p99_ms"]) for key in _PARTS)
    return Row(
        measure=f"others beside {name}",
        result=f"{', '.join(parts)}; {grown:+.0f} MiB, {beside['lines']:,.0f} lines a minute;"
        f" it had {beside['cores']:.2f} of a processor and waited for one {100 * beside['waited']:.0f} % of the time",
        goal="p99 at most doubles; memory flat",
        met=None if max(alone["waited"], beside["waited"]) > MOST_WAITED else kept and grown < 32,
        figures={f"alone_{key}": value for key, value in alone.items()} | beside,
    )


_PARTS = {"accept": "accepted", "act": "acted"}
