"""Whole sensors and events through `simulate`, against Argo Events' own code, on questions that the golden files do not hold.

The same questions each time, so that a run can be trusted to repeat; `make oracle` asks others each time.
"""

import json
import os

import pytest
from sensor_answers import accepted_otherwise, differences, ours, validated
from sensor_cases import SLICES
from sensor_faults import fault_cases
from source_filter_cases import passes_here, source_filter_cases
from upstream_asking import ask

pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("argo_events")]

SEED = int(os.environ.get("ORACLE_SEED", "20240706"))
COUNT = int(os.environ.get("ORACLE_SENSORS", "500"))


@pytest.mark.timeout(1800)  # the first time, the program is built
@pytest.mark.parametrize("name", sorted(SLICES))
def test_the_original_makes_the_same_of_new_sensors(name: str) -> None:
    cases = list(SLICES[name](SEED, COUNT))
    wrong = []
    for case, theirs, here in zip(cases, ask(cases), ours(cases), strict=True):
        if not theirs["invalid"]:
            wrong += [f"{json.dumps(case)}\n{found}" for found in differences(case, theirs, here)]
    assert not wrong, f"ORACLE_SEED={SEED}: {len(wrong)} differ, such as\n" + "\n".join(wrong[:3])


@pytest.mark.timeout(1800)
def test_the_original_takes_and_refuses_the_same_new_sensors() -> None:
    cases = list(fault_cases(SEED, 2 * COUNT))
    answered = zip(cases, ask(cases), validated(cases), strict=True)
    wrong = [f"{json.dumps(case)}\n{found}" for case, theirs, here in answered if (found := accepted_otherwise(theirs, here))]
    assert not wrong, f"ORACLE_SEED={SEED}: {len(wrong)} differ, such as\n" + "\n".join(wrong[:3])


@pytest.mark.timeout(1800)
def test_the_original_lets_the_same_pass_by_new_filters_of_event_sources() -> None:
    cases = list(source_filter_cases(SEED, 2 * COUNT))
    wrong = [
        f"{case['filter']}: theirs {theirs['passes']} {theirs.get('error', '')}"
        for case, theirs in zip(cases, ask(cases), strict=True)
        if not theirs.get("error", "").startswith("panic: ") and theirs["passes"] is not passes_here(case)
    ]
    assert not wrong, f"ORACLE_SEED={SEED}: {len(wrong)} differ, such as\n" + "\n".join(wrong[:3])
