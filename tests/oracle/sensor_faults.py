"""Random sensors, most of them spoiled in one place: is it accepted?"""

import copy
import random
from collections.abc import Iterator
from typing import Any

from sensor_cases import case
from sensor_events import event
from sensor_rules import Json, dependency
from sensor_triggers import TEMPLATE_DESTS, Sending

ODD = ["", "x", "and", "or", "AND", "create", "submit", "POST", "post", "HEAD", "string", "=", "==", "append", "Append", 0, 1, -1, 1.5, 2**40, True, False, None, [], {}, [{}], ["x"], {"name": "n", "key": "k"}, "9:00:00", "25:00:00", "UTC", "Nowhere/Land", "30s", "1d", "* * * * *", "0 0 * *"]  # fmt: skip
EXTRAS: list[tuple[str, Any]] = [
    ("retryStrategy", {"steps": 3, "duration": "2s", "factor": 1.5, "jitter": 0.1}), ("retryStrategy", {}), ("retryStrategy", {"duration": 2000000000}), ("atLeastOnce", True),
    ("rateLimit", {"unit": "Second", "requestsPerUnit": 3}), ("policy", {"status": {"allow": [200]}}), ("policy", {"k8s": {"labels": {"a": "b"}}}), ("policy", {}), ("policy", {"status": {}}), ("policy", {"k8s": {}}),
    ("conditionsReset", [{"byTime": {"cron": "0 2 * * 1-5", "timezone": "Asia/Singapore"}}]),
]  # fmt: skip

CHECKED = sorted(TEMPLATE_DESTS.keys() - {"azureEventHubs", "azureServiceBus", "pulsar"})
"""Kinds that the original's validator looks at."""


class Spoiler:
    """Changes one thing somewhere in an object."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def spoil(self, spec: Json) -> None:
        chance = self.chance
        holder: Any = spec
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = chance.choice(keys)
            inner = holder[key]
            if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
                holder = inner
                continue
            self._change(holder, key)
            return
        if isinstance(holder, dict):
            holder["extra"] = chance.choice(ODD)

    def _change(self, holder: Any, key: Any) -> None:
        chance = self.chance
        kind = chance.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif kind == 2 and isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD))


def fault_cases(seed: int, count: int) -> Iterator[Json]:
    """One sensor each, and no events."""
    chance = random.Random(f"faults {seed}")
    for number in range(count):
        name = f"v{number}"
        seen = event(chance, number, name)
        declared = dependency(chance, "d", name, seen, filtered=0.6)
        trigger = Sending(chance, {"d": seen}).trigger(CHECKED)
        if chance.random() < 0.4:
            field, value = copy.deepcopy(chance.choice(EXTRAS))
            (trigger["template"] if field == "conditionsReset" else trigger)[field] = value
        if chance.random() < 0.1:
            trigger["template"]["conditions"] = chance.choice(["d", "d && d", "d || nope", "d &&", "(d)", ""])
        if chance.random() < 0.08:
            trigger["dlqTrigger"] = {"template": {"name": "dlq", "log": {}}, "atLeastOnce": chance.random() < 0.7}
            trigger["atLeastOnce"] = chance.random() < 0.7
        made = case(name, [declared], [trigger], [])
        if chance.random() < 0.85:
            Spoiler(chance).spoil(made["sensor"]["spec"])
        yield made
