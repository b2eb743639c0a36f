"""What comes to event sources: what is recorded of Argo Events' own code, and what it says to new questions."""

import gzip
import json
import os
from pathlib import Path

import pytest
from declared_cases import declared_cases
from hook_answers import Json, differences
from hook_cases import hook_cases
from source_answers import difference, refusal
from source_cases import source_cases
from upstream_asking import ask

GOLDEN = Path(__file__).parent.parent / "golden"
SEED = int(os.environ.get("ORACLE_SEED", "20240706"))
COUNT = int(os.environ.get("ORACLE_HOOKS", "150"))
SOURCES = int(os.environ.get("ORACLE_SOURCES", "40"))
"""Each folder takes the original two seconds."""


def recorded(name: str) -> list[Json]:
    with gzip.open(GOLDEN / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


async def compare(cases: list[Json], answers: list[Json]) -> None:
    wrong = []
    for case, answer in zip(cases, answers, strict=True):
        wrong += [f"{json.dumps(case)}\n{found}" for found in await differences(case, answer)]
    _none_of(wrong)


async def compare_sources(cases: list[Json], answers: list[Json]) -> None:
    pairs = [(case, await difference(case, answer)) for case, answer in zip(cases, answers, strict=True)]
    _none_of([f"{json.dumps(case)}\n{found}" for case, found in pairs if found])


def compare_declared(cases: list[Json], refusals: list[str]) -> None:
    pairs = [(case, there, refusal(case)) for case, there in zip(cases, refusals, strict=True)]
    _none_of([f"{json.dumps(case)}\nthere {there}\nhere  {here}" for case, there, here in pairs if bool(there) != bool(here)])


def _none_of(wrong: list[str]) -> None:
    assert not wrong, f"ORACLE_SEED={SEED}: {len(wrong)} differ, such as\n" + "\n".join(wrong[:3])


async def test_every_recorded_request_becomes_the_same_data_here() -> None:
    cases = recorded("hooks")
    assert len(cases) > 300
    assert {case["kind"] for case in cases} == {"webhook", "github", "gitlab", "bitbucket", "bitbucketserver"}
    await compare(cases, [case["answer"] for case in cases])


async def test_every_recorded_record_message_folder_and_calendar_becomes_the_same_events_here() -> None:
    cases = recorded("sources")
    kinds = [case["record"]["kind"] if "record" in case else next(iter(case)) for case in cases]
    assert all(kinds.count(kind) >= 30 for kind in ("kafka", "generic", "files", "calendar"))
    await compare_sources(cases, [case["answer"] for case in cases])


def test_what_the_original_takes_is_taken_here_and_what_it_refuses_is_not() -> None:
    cases = recorded("declared")
    assert 400 < sum(not case["refused"] for case in cases) < 600
    compare_declared(cases, [case["refused"] for case in cases])


@pytest.mark.oracle
@pytest.mark.usefixtures("argo_events")
@pytest.mark.timeout(1800)  # the first time, the program is built
async def test_the_original_makes_the_same_of_new_requests() -> None:
    cases = list(hook_cases(SEED, COUNT))
    await compare(cases, ask({"delivery": case} for case in cases))


@pytest.mark.oracle
@pytest.mark.usefixtures("argo_events")
@pytest.mark.timeout(1800)
async def test_the_original_makes_the_same_events_of_new_records_messages_folders_and_calendars() -> None:
    cases = list(source_cases(SEED, SOURCES))
    await compare_sources(cases, ask(cases))


@pytest.mark.oracle
@pytest.mark.usefixtures("argo_events")
@pytest.mark.timeout(1800)
def test_the_original_takes_and_refuses_new_declarations_as_is_done_here() -> None:
    cases = list(declared_cases(SEED, 10 * COUNT))
    compare_declared(cases, [answer["invalid"] for answer in ask(cases)])
