"""Requests to event sources: what is recorded of Argo Events' own code, and what it says to new ones."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hook_answers import Json, differences
from hook_cases import hook_cases
from upstream_asking import ask

GOLDEN = Path(__file__).parent.parent / "golden" / "hooks.jsonl.gz"
SEED = int(os.environ.get("ORACLE_SEED", "20240706"))
COUNT = int(os.environ.get("ORACLE_HOOKS", "150"))


async def compare(cases: list[Json], answers: list[Json]) -> None:
    wrong = []
    for case, answer in zip(cases, answers, strict=True):
        wrong += [f"{json.dumps(case)}\n{found}" for found in await differences(case, answer)]
    assert not wrong, f"ORACLE_SEED={SEED}: {len(wrong)} differ, such as\n" + "\n".join(wrong[:3])


async def test_every_recorded_request_becomes_the_same_data_here() -> None:
    with gzip.open(GOLDEN, "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    assert len(cases) > 300
    await compare(cases, [case["answer"] for case in cases])


@pytest.mark.oracle
@pytest.mark.usefixtures("argo_events")
@pytest.mark.timeout(1800)  # the first time, the program is built
async def test_the_original_makes_the_same_of_new_requests() -> None:
    cases = list(hook_cases(SEED, COUNT))
    await compare(cases, ask({"delivery": case} for case in cases))
