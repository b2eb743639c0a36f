"""Our engines against recorded answers of the original Go engines."""

import gzip
import json
from pathlib import Path

import pytest
from answers import disagreement
from cases import GENERATORS

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.mark.parametrize("engine", sorted(GENERATORS))
def test_every_recorded_answer_of_the_original_is_ours_too(engine: str) -> None:
    with gzip.open(GOLDEN / f"{engine}.jsonl.gz", "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    wrong = [found for case in cases if (found := disagreement(case, case.pop("answer")))]
    assert len(cases) > 400
    assert not wrong, f"{len(wrong)} of {len(cases)} differ, such as\n" + "\n".join(wrong[:5])
