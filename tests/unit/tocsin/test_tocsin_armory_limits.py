"""How many attempts at a time a declared trigger is given."""

import json
from typing import Any

from eventbus.firing import TriggerRef
from eventbus.memory.bus import MemoryBus
from manifests.objects import ObjectRef, RateLimit, Sensor
from sensors.limits import UNDECLARED, TriggerLimits
from sensors.triggers.kafka import AT_A_TIME
from sensors.web.client import Web
from tocsin.armory import Armory
from tocsin.declared import object_of
from tocsin.kinds import trigger_kinds
from tocsin.secrets import LocalValues

DEPENDENCY = {"name": "d", "eventSourceName": "hooks", "eventName": "push"}
RECORD = {"url": "broker:9092", "topic": "t", "payload": [{"src": {"dependencyName": "d", "dataKey": "who"}, "dest": "who"}]}


def sensor(*triggers: dict[str, Any]) -> Sensor:
    declared = {
        "apiVersion": "tocsin.dev/v1",
        "kind": "Sensor",
        "metadata": {"name": "s"},
        "spec": {"dependencies": [DEPENDENCY], "triggers": triggers},
    }
    made = object_of(json.dumps(declared).encode())
    assert isinstance(made, Sensor)
    return made


async def test_a_trigger_has_its_own_limits_and_else_those_of_its_kind() -> None:
    armory = Armory(MemoryBus().journal, trigger_kinds(), LocalValues(), Web())
    declared = sensor(
        {"template": {"name": "line", "log": {}}, "rateLimit": {"requestsPerUnit": 7}},
        {"template": {"name": "record", "kafka": RECORD}},
        {"template": {"name": "few-records", "kafka": RECORD}, "concurrency": 2},
    )
    await armory.declare([(declared, armory.compile(declared))])
    try:
        found = {name: armory.limits(TriggerRef("default", "s", name)) for name in ("line", "record", "few-records", "gone")}
    finally:
        await armory.declare([], [ObjectRef("Sensor", "default", "s")])
        await armory.aclose()
    assert found == {
        "line": TriggerLimits(0, RateLimit(requests_per_unit=7)),
        "record": TriggerLimits(AT_A_TIME),
        "few-records": TriggerLimits(2),
        "gone": UNDECLARED,
    }
    assert armory.limits(TriggerRef("default", "s", "record")) == UNDECLARED
