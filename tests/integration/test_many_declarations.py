"""Thousands of sensors applied at once, and one edit among them."""

import json
from pathlib import Path

from eventbus.sqlite import open_bus
from manifests.objects import Sensor
from sensors.web.client import Web
from tocsin.armory import Armory
from tocsin.changes import Changes
from tocsin.declared import object_of, several
from tocsin.kinds import trigger_kinds
from tocsin.metrics import Metrics
from tocsin.running_sensors import RunningSensors
from tocsin.secrets import LocalValues


def named(number: int, ref: str = "main") -> Sensor:
    dependency = {"name": "d", "eventSourceName": "hooks", "eventName": "push"}
    filters = {"data": [{"path": "ref", "type": "string", "value": [ref]}]}
    declared = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": f"s{number}"},
        "spec": {"dependencies": [dependency | {"filters": filters}], "triggers": [{"template": {"name": "t", "log": {}}}]},
    }
    sensor = object_of(json.dumps(declared).encode())
    assert isinstance(sensor, Sensor)
    return sensor


async def test_more_sensors_than_the_log_takes_writes_at_once_are_applied_and_an_edit_touches_one(tmp_path: Path) -> None:
    bus = await open_bus(tmp_path / "data")
    armory = Armory(bus.journal, trigger_kinds(), LocalValues(), Web())
    sensors = RunningSensors(bus, armory, Metrics(), Changes(), grace_s=1.0)
    try:
        wanted = {sensor.ref: sensor for sensor in map(named, range(8500))}
        first = dict(await sensors.apply(wanted))
        assert len(first) == len(await bus.journal.in_force(None)) == 8500
        edited = named(42, "edited")
        second = await sensors.apply(wanted | {edited.ref: edited})
        assert [ref.name for ref in first if second[ref] is not first[ref]] == ["s42"]
        assert len(await bus.journal.in_force(None)) == 8500
    finally:
        await armory.aclose()
        await bus.aclose()


def test_several_gives_everything_in_order_and_never_more_than_asked() -> None:
    assert list(several(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(several([], 3)) == []
