"""Microseconds to decide an event for one dependency, and for `a && b`: `python -m benchmarks.joining_micro`.

In the process, without disk or network; events are parsed already. Prints the two figures, the best of several batches.
"""

import time
from importlib import import_module
from typing import Literal

from benchmarks.matching import NoValues
from eventbus.event import Event, Recorded
from manifests.objects import DeclaredTrigger, Dependency, Dialect, ObjectRef, Sensor, TriggerHead
from sensors.compile import compile_sensor
from sensors.decide import Decider
from sensors.triggers.trigger import triggers

EVENTS = 5_000
BATCHES = 9

Conditions = Literal["a", "a && b"]


def decider(conditions: Conditions) -> Decider:
    """One sensor on the events `a` and `b`."""
    import_module("sensors.triggers.log")  # registers the kind
    spec = triggers.make("log").spec()
    template = {"name": "say-so", "conditions": conditions, "log": {}}
    trigger = DeclaredTrigger(name="say-so", kind="log", spec=spec, template=template, head=TriggerHead(), conditions=conditions)
    sensor = Sensor(
        ref=ObjectRef("Sensor", "default", "sensor"),
        dialect=Dialect.ARGO,
        dependencies=tuple(Dependency(name=name, event_source_name="hooks", event_name=name) for name in "ab"),
        triggers=(trigger,),
        content={},
    )
    return Decider([compile_sensor(sensor, triggers, NoValues())])


def events(names: str) -> list[Recorded]:
    """Events called `names` in turn."""
    made = []
    for position in range(1, EVENTS + 1):
        name = names[position % len(names)]
        event = Event(
            namespace="default", source="hooks", name=name, id=str(position), type="webhook", time=None, data=b"{}", tree={}
        )
        made.append(Recorded(position, 0, event))
    return made


def batch_us(conditions: Conditions, names: str) -> float:
    """Microseconds an event, the best of the batches."""
    deciding, recorded = decider(conditions), events(names)
    best = min(_batch_s(deciding, recorded) for _ in range(BATCHES))
    return 1e6 * best / EVENTS


def _batch_s(deciding: Decider, recorded: list[Recorded]) -> float:
    began, fired = time.perf_counter(), 0
    for one in recorded:
        fired += len(deciding.decide(one, now_us=0).firings)
        deciding.passed(one.position)
    took = time.perf_counter() - began
    if not fired:
        raise RuntimeError("nothing fired")
    return took


if __name__ == "__main__":
    print(f"{batch_us('a', 'aa'):.2f} {batch_us('a && b', 'ab'):.2f}")
