"""The scenarios of the examples, by the command as users run it."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tocsin.scenarios.testing import play_text

ROOT = Path(__file__).resolve().parents[2]


def test_the_scenarios_of_the_examples_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tocsin", "-o", "json", "test", str(ROOT / "examples" / "scenarios")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["failed"] == 0
    assert found["problems"] == []
    assert {scenario["name"] for scenario in found["scenarios"]} >= {"push-to-main-deploys-once", "both-are-needed"}
    assert list(tmp_path.iterdir()) == []


def test_the_scenario_on_the_page_passes() -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    found = re.search(r"^```yaml\n(apiVersion.*?kind: Scenario.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    tested = play_text(found[1], str(ROOT / "examples" / "scenarios" / "page.yaml"))
    assert [str(problem) for problem in tested.problems] == []
    assert [result.view()["failures"] for result in tested.results] == [[]]
