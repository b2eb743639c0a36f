"""Random whole sensors and events for the original's own code and ours, from a seed."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from sensor_events import event
from sensor_rules import Json, dependency
from sensor_triggers import Sending


def case(name: str, dependencies: list[Json], triggers: list[Json], events: list[str]) -> Json:
    """One question; `name` is the sensor's and the event source's, so that many can be asked at once."""
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Sensor", "metadata": {"name": name}}
    return {"sensor": head | {"spec": {"dependencies": dependencies, "triggers": triggers}}, "events": events}


def filter_cases(seed: int, count: int) -> Iterator[Json]:
    """One dependency, one event: does it pass?"""
    chance = random.Random(f"filters {seed}")
    for number in range(count):
        name = f"f{number}"
        seen = event(chance, number, name)
        trigger: Any = {"template": {"name": "t", "log": {}}}
        yield case(name, [dependency(chance, "d", name, seen)], [trigger], [seen.line])


def request_cases(seed: int, count: int, kinds: Sequence[str]) -> Iterator[Json]:
    """Events that pass, and one trigger of `kinds`: what is sent?"""
    chance = random.Random(f"requests {kinds} {seed}")
    for number in range(count):
        name = f"r{number}"
        joined = chance.choice([1, 1, 1, 2])
        seen = {f"d{at}": event(chance, number * 10 + at, f"{name}-{at}") for at in range(joined)}
        dependencies = [dependency(chance, key, f"{name}-{at}", one, filtered=0.0) for at, (key, one) in enumerate(seen.items())]
        yield case(name, dependencies, [Sending(chance, seen).trigger(kinds)], [one.line for one in seen.values()])


def payload_cases(seed: int, count: int) -> Iterator[Json]:
    return request_cases(seed, count, ["http"])


def cluster_cases(seed: int, count: int) -> Iterator[Json]:
    return request_cases(seed, count, ["k8s", "argoWorkflow"])


def message_cases(seed: int, count: int) -> Iterator[Json]:
    return request_cases(seed, count, ["kafka", "nats", "slack", "email", "openWhisk", "log"])


SLICES = {"filter": filter_cases, "payload": payload_cases, "cluster": cluster_cases, "message": message_cases}
