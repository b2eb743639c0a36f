"""Whatever a file holds, loading ends with objects and printable problems, and soon."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_toys import ARGO, OURS, read, toy_kinds

from manifests.features import Feature
from manifests.load import Loaded, load_object
from manifests.problems import ManifestError, Problem
from manifests.revision import revision_of
from manifests.schema import json_schema

RELAXED = settings(deadline=5000, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def known_words() -> list[str]:
    """Every field name of the language, so that random objects get past the first check."""

    def names(schema: Any) -> set[str]:
        if isinstance(schema, dict):
            return set(schema.get("properties", {})).union(*map(names, schema.values()))
        return set().union(*map(names, schema)) if isinstance(schema, list) else set()

    return sorted(names(json_schema(None, toy_kinds())))


WORDS = [*known_words(), "a", "b", "n", "", "<<", "a.b", "\u202e", "🔔"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [ARGO, OURS, "v1", "Sensor", "EventSource", "EventBus", "Secret", "List", "a", "b", "a || b", "a && b", "1s"]
    ),
    st.text(max_size=10),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)
NAMED = st.fixed_dictionaries({"name": st.sampled_from(["a", "b", "a-b"])}, optional={"namespace": SCALARS, "labels": VALUES})
DEPENDENCY = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "eventSourceName": st.just("gate"), "eventName": st.just("push")},
    optional={"filters": VALUES, "transform": VALUES, "filtersLogicalOperator": SCALARS},
)
TEMPLATE = st.fixed_dictionaries(
    {"name": st.sampled_from(["t", "u"])},
    optional={"conditions": SCALARS, "http": VALUES, "log": VALUES, "k8s": VALUES, "conditionsReset": VALUES},
)
TRIGGER = st.fixed_dictionaries(
    {"template": TEMPLATE | VALUES},
    optional={"parameters": VALUES, "policy": VALUES, "retryStrategy": VALUES, "rateLimit": VALUES, "dlqTrigger": VALUES},
)
SENSOR = st.fixed_dictionaries({"dependencies": st.lists(DEPENDENCY, max_size=3), "triggers": st.lists(TRIGGER, max_size=3)})
SOURCE = st.dictionaries(st.sampled_from(["webhook", "calendar", "kafka", "bell", "eventBusName", "x"]), VALUES, max_size=3)
OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from([ARGO, OURS]),
        "kind": st.sampled_from(["Sensor", "EventSource", "EventBus"]),
        "metadata": NAMED | VALUES,
        "spec": SENSOR | SOURCE | VALUES,
    }
)


def check(loaded: Loaded) -> None:
    for problem in loaded.problems:
        assert str(problem).isprintable()
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
    for ref, one in (*loaded.event_sources.items(), *loaded.sensors.items()):
        assert ref not in loaded.failed
        again = load_object(json.loads(json.dumps(one.content)), toy_kinds())
        assert revision_of(again.content) == revision_of(one.content)


@RELAXED
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_load(data: bytes) -> None:
    check(read(data))


@RELAXED
@given(
    st.lists(
        st.sampled_from([*list("{}[]:,-&*!|>'\"%@`#?~ \n\t\\ax0"), "---\n", "<<: ", "*a", "&a ", "!!str ", "\\u"]), max_size=60
    )
)
def test_any_punctuation_loads(parts: list[str]) -> None:
    check(read("".join(parts)))


@RELAXED
@given(OBJECTS)
def test_any_object_loads_and_builds_again(value: dict[str, Any]) -> None:
    check(read(json.dumps(value)))
    read(json.dumps(value), strict=True, features=frozenset(Feature))


@RELAXED
@given(VALUES)
def test_any_content_builds_or_is_refused_with_problems(value: Any) -> None:
    content = (
        value if isinstance(value, dict) else {"apiVersion": ARGO, "kind": "Sensor", "metadata": {"name": "s"}, "spec": value}
    )
    problems: tuple[Problem, ...] | None = None
    try:
        load_object(content, toy_kinds())
    except ManifestError as exc:
        problems = exc.problems
    assert problems != ()
    assert all(problem.line == 0 for problem in problems or ())


@RELAXED
@given(OBJECTS, st.data())
def test_damaged_manifests_load(value: dict[str, Any], data: st.DataObject) -> None:
    text = bytearray(json.dumps(value, indent=1).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    check(read(bytes(text)))
