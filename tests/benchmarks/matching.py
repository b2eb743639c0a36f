"""What deciding one event costs, among few and among many sensors of which one matches.

In the process, without the service around it: loading 100,000 manifests would take longer than the measure. Each number of
sensors is measured in a process of its own. The patterns are anchored, as users write them: `^refs/heads/branch-7$`.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from importlib import import_module
from itertools import cycle, islice

import msgspec

from benchmarks.processes import ROOT, environment, module
from benchmarks.scale import Scale
from benchmarks.table import Row
from eventbus.event import Event, Recorded
from manifests.objects import DataFilter, DeclaredTrigger, Dependency, Dialect, Filters, ObjectRef, Sensor, TriggerHead
from manifests.secrets import SecretMissing, SecretValue
from sensors.compile import CompiledSensor, compile_sensor
from sensors.decide import Decider
from sensors.triggers.trigger import triggers

EVENTS = 2_000
BATCHES = 7


class NoValues:
    """No secret and no configuration is needed here."""

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        """Always missing."""
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        """Always missing."""
        raise SecretMissing(name)


def compiled(number: int) -> CompiledSensor:
    """A sensor for one branch, with a `log` trigger."""
    clause = DataFilter(path="body.ref", type="string", value=[f"^refs/heads/branch-{number}$"])
    dependency = Dependency(name="push", event_source_name="hooks", event_name="push", filters=Filters(data=[clause]))
    spec = triggers.make("log").spec()
    trigger = DeclaredTrigger(name="say-so", kind="log", spec=spec, template={"name": "say-so", "log": {}}, head=TriggerHead())
    sensor = Sensor(
        ref=ObjectRef("Sensor", "default", f"sensor-{number}"),
        dialect=Dialect.ARGO,
        dependencies=(dependency,),
        triggers=(trigger,),
        content={"number": number},
    )
    return compile_sensor(sensor, triggers, NoValues())


def recorded(position: int, branch: int) -> Recorded:
    """A push to a branch as the `webhook` source emits it: 1 KiB of body, parsed once already."""
    body = {"ref": f"refs/heads/branch-{branch}", "repository": {"full_name": "shop/checkout"}, "pad": "x" * 900}
    tree = {"header": {"Content-Type": ["application/json"]}, "body": body}
    data = msgspec.json.encode(tree)
    event = Event(
        namespace="default", source="hooks", name="push", id=str(position), type="webhook", time=None, data=data, tree=tree
    )
    return Recorded(position, 0, event)


def measure(sensors: int) -> dict[str, float]:
    """Microseconds an event (the best of several batches), seconds to compile and index, and MiB of the process."""
    import_module("sensors.triggers.log")  # registers the kind

    began = time.perf_counter()
    decider = Decider(compiled(number) for number in range(sensors))
    built_s = time.perf_counter() - began
    branches = [round(n * (sensors - 1) / min(sensors, EVENTS)) for n in range(min(sensors, EVENTS))]
    events = [recorded(position, branch) for position, branch in enumerate(islice(cycle(branches), EVENTS), start=1)]
    fired = sum(len(decider.decide(event, now_us=0).firings) for event in events)
    if fired != EVENTS:
        raise RuntimeError(f"{fired} firings of {EVENTS} events: each must match one sensor")
    gc.freeze()
    best = min(_batch_s(decider, events) for _ in range(BATCHES))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"event_us": 1e6 * best / EVENTS, "built_s": built_s, "peak_mib": peak_mib}


def _batch_s(decider: Decider, events: list[Recorded]) -> float:
    began = time.perf_counter()
    for event in events:
        decider.decide(event, now_us=0)
    return time.perf_counter() - began


def matching(scale: Scale) -> list[Row]:
    """Compare the numbers of sensors."""
    found: dict[int, dict[str, float]] = {}
    for count in scale.sensors:
        command = module("matching", sensors=count)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT, env=environment())
        if done.returncode:
            raise RuntimeError(f"deciding among {count} sensors: {done.stderr[-2000:]}")
        found[count] = json.loads(done.stdout)
    few, many = min(found), max(found)
    ratio = found[many]["event_us"] / found[few]["event_us"]
    costs = ", ".join(f"{count:,}: {figures['event_us']:.1f} µs" for count, figures in found.items())
    return [
        Row(
            measure=f"deciding one event, one match, among {', '.join(f'{count:,}' for count in found)} sensors",
            result=f"{costs} (× {ratio:.2f}; {found[many]['built_s']:.1f} s to compile, {found[many]['peak_mib']:.0f} MiB)",
            goal=f"cost at {many:,} ≤ 2 × cost at {few:,}",
            met=ratio <= 2,
            figures={f"event_us_{count}": figures["event_us"] for count, figures in found.items()} | {"ratio": ratio},
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sensors", type=int, required=True)
    json.dump(measure(parser.parse_args().sensors), sys.stdout)
