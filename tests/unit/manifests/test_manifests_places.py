"""What is found after loading is told at its place, too."""

import pytest
from manifest_toys import toy_kinds

from manifests.load import load_text
from manifests.objects import ObjectRef
from manifests.words import path_of, path_text

SENSOR = """\
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  dependencies:
    - {name: d, eventSourceName: a, eventName: b}
  triggers:
    - template:
        name: t
        log: {}
"""


@pytest.mark.parametrize("path", [("spec", "triggers", 0, "template", "http.x", "a b"), ("spec",), (0, 1, "x"), ()])
def test_a_path_is_read_back_from_its_text(path: tuple[str | int, ...]) -> None:
    assert path_of(path_text(path)) == path


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [("spec.dependencies[0].eventName", 6, 48), ("spec.triggers[0].template.nothing.here", 9, 9), ("", 1, 1)],
)
def test_a_path_of_a_loaded_object_is_located_or_its_nearest_parent(path: str, line: int, column: int) -> None:
    loaded = load_text(SENSOR, toy_kinds(), file="s.yaml")
    place = loaded.locate(ObjectRef("Sensor", "default", "s"), path)
    assert place is not None
    assert (place.file, place.line, place.column) == ("s.yaml", line, column)


def test_an_object_that_was_not_read_has_no_place() -> None:
    assert load_text(SENSOR, toy_kinds(), file="s.yaml").locate(ObjectRef("Sensor", "default", "other"), "spec") is None
