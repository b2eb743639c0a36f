"""What a joined condition costs an event, beside a trigger that one event is enough for."""

import subprocess
import time

from benchmarks.accepting import Figures
from benchmarks.declare import Object, http_trigger, sensor, source
from benchmarks.processes import ROOT, environment, free_port, get, load, module
from benchmarks.scale import Scale
from benchmarks.service import Service, helper, middle, serving, target_stats
from benchmarks.table import Row


def _on_number(name: str, digits: str, source_name: str) -> Object:
    """A dependency on the requests whose number ends in one of `digits`."""
    filters = {"data": [{"path": "body.seq", "type": "string", "value": [f"[{digits}]$"]}]}
    return {"name": name, "eventSourceName": source_name, "eventName": "push", "filters": filters}


def _alone(url: str) -> Object:
    return sensor("alone", [_on_number("each", "0-9", "hooks-alone")], [http_trigger("call", url, "each")])


def _joined(url: str) -> Object:
    sides = [_on_number("even", "02468", "hooks-joined"), _on_number("odd", "13579", "hooks-joined")]
    return sensor("joined", sides, [http_trigger("call", url, "even", "even && odd")])


def _run(service: Service, port: int, target_port: int, count: int) -> Figures:
    """Send `count` events at full speed; time and CPU an event until all is decided and every firing has its outcome."""
    get(f"http://127.0.0.1:{target_port}/reset")
    before, began = service.process.cpu_s(), time.monotonic()
    load(port, count=count)
    service.drain()
    took = time.monotonic() - began
    cpu_us = 1e6 * (service.process.cpu_s() - before) / count
    return {"rate": count / took, "cpu_us": cpu_us, "fired": target_stats(target_port)["keys"] / count}


def joining(scale: Scale) -> list[Row]:
    """`even && odd` at full speed beside one dependency, and what deciding alone costs."""
    ports = {"alone": free_port(), "joined": free_port()}
    results: dict[str, list[Figures]] = {name: [] for name in ports}
    with helper("target") as (_, target_port):
        url = f"http://127.0.0.1:{target_port}/act"
        objects = [source(f"hooks-{name}", {"push": ("/push", port)}) for name, port in ports.items()]
        with serving([*objects, _alone(url), _joined(url)]) as service:
            for port in ports.values():
                _run(service, port, target_port, 500)
            for _ in range(scale.rounds):
                for name, port in ports.items():
                    results[name].append(_run(service, port, target_port, scale.events // 2))
    alone, joined = middle(results["alone"]), middle(results["joined"])
    ratio = joined["rate"] / alone["rate"]
    return [
        Row(
            measure="joined condition `a && b`, webhook → pair → HTTP trigger",
            result=f"{joined['rate']:,.0f}/s = {100 * ratio:.0f} % of one dependency ({alone['rate']:,.0f}/s), "
            f"{joined['cpu_us']:.0f} µs an event, {joined['fired']:.2f} firings an event",
            goal="≥ 70 % of the single-dependency rate per event",
            met=ratio >= 0.7,
            figures={f"alone_{key}": value for key, value in alone.items()} | joined | {"ratio": ratio},
        ),
        _deciding(),
    ]


def _deciding() -> Row:
    command = module("joining_micro")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT, env=environment())
    if done.returncode:
        raise RuntimeError(f"deciding joined conditions: {done.stderr[-2000:]}")
    alone, joined = map(float, done.stdout.split())
    return Row(
        measure="deciding one event of a joined condition, state included",
        result=f"{joined:.1f} µs (one dependency, a firing each: {alone:.1f} µs)",
        goal="–",
        met=None,
        figures={"alone_us": alone, "joined_us": joined},
    )
