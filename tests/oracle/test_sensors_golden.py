"""Whole sensors and events through `simulate`, against what Argo Events' own code was recorded to make of them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from sensor_answers import accepted_otherwise, differences, ours, validated

GOLDEN = Path(__file__).parent.parent / "golden"


def recorded(name: str) -> list[dict[str, Any]]:
    with gzip.open(GOLDEN / f"sensors-{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", ["filter", "payload", "cluster", "message", "joined", "odd"])
def test_every_recorded_sensor_of_the_original_does_the_same_here(name: str) -> None:
    cases = recorded(name)
    wrong = []
    for case, here in zip(cases, ours(cases), strict=True):
        wrong += [f"{json.dumps(case['sensor'])}\n{found}" for found in differences(case, case["answer"], here)]
    assert len(cases) > 400
    assert not wrong, f"{len(wrong)} differ, such as\n" + "\n".join(wrong[:3])


def test_every_recorded_sensor_is_taken_and_refused_as_the_original_does() -> None:
    cases = recorded("fault")
    answered = zip(cases, validated(cases), strict=True)
    wrong = [f"{json.dumps(case['sensor'])}\n{found}" for case, here in answered if (found := accepted_otherwise(case["answer"], here))]
    assert len(cases) > 400
    assert not wrong, f"{len(wrong)} differ, such as\n" + "\n".join(wrong[:3])
