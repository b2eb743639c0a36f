"""The manifests that Argo Events shows its users: each is taken as it is, but for what the original does not take either."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.argo_events import examples

from tocsin.declared import load

pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("argo_events")]

NOT_BUILT = "is known but not built into this version"
WRONG_THERE_TOO = {
    "sensors/trigger-openwhisk.yaml": "names no kind of trigger",
    "tutorials/09-http-trigger/sensor-01.yaml": "url: missing, and required",
    "tutorials/09-http-trigger/sensor-02.yaml": "url: missing, and required",
}
"""Examples that the original refuses: they are of a version before."""


def _manifests() -> Iterator[Path]:
    for path in sorted(examples().glob("**/*")):
        if path.suffix in (".yaml", ".yml") and "rbac" not in path.parts:
            yield path


@pytest.mark.timeout(1800)  # the first time, the program is built
def test_the_examples_of_the_original_are_taken_as_they_are() -> None:
    wrong, seen = [], 0
    for path in _manifests():
        declared = load([str(path)])
        seen += 1
        for problem in [*declared.problems, *declared.compiled_problems()]:
            known = WRONG_THERE_TOO.get(str(path.relative_to(examples())), NOT_BUILT)
            if problem.severity.value == "error" and known not in str(problem) and NOT_BUILT not in str(problem):
                wrong.append(str(problem))
    assert seen > 100
    assert wrong == []
