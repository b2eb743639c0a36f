"""Our engines against the original Go engines, on questions that the golden files do not hold.

The same questions each time, so that a run can be trusted to repeat; `make oracle` asks others each time.
"""

import os
import subprocess

import pytest
from answers import disagreement
from asking import ask, binary
from cases import GENERATORS

pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("built")]

SEED = int(os.environ.get("ORACLE_SEED", "20240705"))


@pytest.fixture(scope="module")
def built(golang: str) -> None:
    try:
        binary()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the Go program cannot be built here: {exc}")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("engine", ["gjson", "sjson", "regexp", "strconv", "condition", "expr", "sprig", "jq-functions", "lua-functions"])
def test_the_original_says_the_same_to_new_questions(engine: str) -> None:
    cases = list(GENERATORS[engine](SEED, 1500))
    wrong = [found for case, theirs in zip(cases, ask(cases), strict=True) if (found := disagreement(case, theirs))]
    assert not wrong, f"ORACLE_SEED={SEED}: {len(wrong)} of {len(cases)} differ, such as\n" + "\n".join(wrong[:5])


@pytest.mark.timeout(400)
def test_the_original_says_the_same_to_the_listed_templates() -> None:
    cases = list(GENERATORS["template"](0, 0))
    wrong = [found for case, theirs in zip(cases, ask(cases), strict=True) if (found := disagreement(case, theirs))]
    assert not wrong, f"{len(wrong)} of {len(cases)} differ, such as\n" + "\n".join(wrong[:5])
