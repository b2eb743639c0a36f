"""The page about conditions says what happens, and its example runs."""

import re
from pathlib import Path

import pytest
from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor, a_trigger, an_event

from eventbus.event import Recorded
from sensors.compile import compile_sensor
from sensors.decide import Decider
from tocsin.declared import load

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| `([^`]+)` \| ([a-z0-9 ]+) \| (.+?) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "conditions.md").read_text())


@pytest.mark.parametrize(("conditions", "came", "fires"), ROWS)
def test_a_row_of_the_table_is_what_happens(conditions: str, came: str, fires: str) -> None:
    conditions = conditions.replace(r"\|", "|")
    names = sorted(set(re.findall("[a-z]", conditions)))
    sensor = a_sensor(*[a_dependency(name, eventName=name) for name in names], triggers=(a_trigger(conditions=conditions),))
    decider = Decider([compile_sensor(sensor, KINDS, NoValues())])
    fired = []
    for position, id in enumerate(came.split(), 1):
        fired += decider.decide(Recorded(position, 0, an_event({}, name=id[0], id=id)), now_us=0).firings
    (firing,) = fired
    assert [cause.identity.id for cause in firing.causes] == re.findall(r"[a-z]\d", fires.split(";", maxsplit=1)[0])


def test_the_table_has_its_rows() -> None:
    assert len(ROWS) >= 4


def test_the_example_of_the_page_is_valid_as_it_is() -> None:
    declared = load([ROOT / "examples" / "conditions" / "joined.yaml"])
    assert [sensor.ref.name for sensor in declared.sensors] == ["reports"]
    assert not declared.problems
    assert not declared.compiled_problems()
