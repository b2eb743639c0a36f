"""Random whole sensors and events for the original's own code and ours, from a seed."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from odd_cases import odd_cases
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
    return request_cases(seed, count, ["kafka", "nats", "slack", "email", "openWhisk", "log", *CLOUDS, "custom"])


def joined_cases(seed: int, count: int) -> Iterator[Json]:
    """Several dependencies, conditions over them, and events in any order: what fires, with which of them?"""
    chance = random.Random(f"joined {seed}")
    for number in range(count):
        name = f"j{number}"
        names = chance.sample(["a", "b-c", "deep_er", "x1", "rates-published"], chance.choice([2, 2, 3, 4]))
        samples = {key: event(chance, 0, f"{name}-{at}") for at, key in enumerate(names)}
        dependencies = [dependency(chance, key, f"{name}-{at}", samples[key], filtered=0.15) for at, key in enumerate(names)]
        lines = []
        for at in range(chance.randrange(3, 9)):
            which = chance.randrange(len(names))
            lines.append(event(chance, number * 10 + at, f"{name}-{which}", samples[names[which]].data).line)
        triggers = []
        for at in range(chance.choice([1, 1, 2])):
            trigger = Sending(chance, samples).trigger(["http", "log"])
            trigger["template"] |= {"name": f"t{at}"} | ({"conditions": condition(chance, names, 2)} if chance.random() < 0.85 else {})
            triggers.append(trigger)
        yield case(name, dependencies, triggers, lines)


def condition(chance: random.Random, names: Sequence[str], depth: int) -> str:
    """A condition that can be read."""
    kind = chance.randrange(5)
    if depth == 0 or kind < 2:
        one = chance.choice(names)
        return one.replace("-", "_") if chance.random() < 0.2 else one
    inner = f" {chance.choice(['&&', '&&', '||'])} ".join(condition(chance, names, depth - 1) for _ in range(chance.choice([2, 2, 3])))
    return f"({inner})" if chance.random() < 0.5 else inner


CLOUDS = ["awsLambda", "pulsar", "azureEventHubs", "azureServiceBus"]
SLICES = {"filter": filter_cases, "payload": payload_cases, "cluster": cluster_cases, "message": message_cases, "joined": joined_cases, "odd": odd_cases}
