"""Loading: what runs, what is refused, what is disabled, and each problem at its place."""

import json
from typing import Any

import pytest
from manifest_toys import ARGO, OURS, Call, Hook, read, sensor_text, source_text, toy_kinds, where

from manifests.features import Feature
from manifests.fields import Spec
from manifests.kinds import Kind, Kinds
from manifests.known import known_kinds
from manifests.load import load_object, load_text
from manifests.objects import Dialect, EventSource, ObjectRef, Sensor, TocsinTriggerHead
from manifests.problems import ManifestError, Problem, Severity
from manifests.report import MAX_PROBLEMS
from manifests.revision import canonical_json, revision_of

GOOD = """\
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: gate, labels: {team: a}, annotations: {note: b}}
spec:
  eventBusName: yard
  template: {serviceAccountName: x}
  service: {ports: []}
  replicas: 2
  webhook:
    push: {endpoint: /push, maxBytes: 5}
    pull:
      endpoint: /pull
      every: 1m30s
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: ship}
spec:
  dependencies:
    - {name: pushed, eventSourceName: gate, eventName: push}
    - {name: pulled, eventSourceName: gate, eventName: pull}
  triggers:
    - template:
        name: call
        conditions: pushed || pulled
        http:
          url: http://example.com
          headers:
          payload: [{src: {dependencyName: pushed, dataKey: a}, dest: b}]
          resource: {kind: Pod, spec: {nodeName: null}}
      retryStrategy: {steps: 3, duration: 2s}
      atLeastOnce: true
"""


def messages(problems: tuple[Problem, ...]) -> list[str]:
    return [one.message for one in problems]


def test_valid_objects_come_out_typed_and_without_problems() -> None:
    loaded = read(GOOD)
    assert loaded.problems == ()
    assert loaded.failed == frozenset()
    assert loaded.files == ("shop.yaml",)
    source = loaded.event_sources[ObjectRef("EventSource", "default", "gate")]
    assert [(event.kind, event.name, event.path) for event in source.events] == [
        ("webhook", "pull", "spec.webhook.pull"),
        ("webhook", "push", "spec.webhook.push"),
    ]
    hook = source.events[0].spec
    assert isinstance(hook, Hook)
    assert hook.every is not None
    assert hook.every.total_seconds() == 90
    assert (source.bus, source.labels, source.annotations) == ("yard", {"team": "a"}, {"note": "b"})
    sensor = loaded.sensors[ObjectRef("Sensor", "default", "ship")]
    assert [one.name for one in sensor.dependencies] == ["pushed", "pulled"]
    (trigger,) = sensor.triggers
    assert isinstance(trigger.spec, Call)
    assert (trigger.name, trigger.kind, trigger.conditions, trigger.path) == (
        "call",
        "http",
        "pushed || pulled",
        "spec.triggers[0]",
    )
    assert trigger.head.at_least_once is True
    assert trigger.head.retry_strategy is not None
    assert trigger.head.retry_strategy.attempts == 3
    assert sensor.bus == "default"


def test_a_template_is_given_without_what_the_dialect_ignores_and_with_nulls_of_free_objects() -> None:
    (sensor,) = read(GOOD).sensors.values()
    template = sensor.triggers[0].template
    assert template["conditions"] == "pushed || pulled"
    assert "headers" not in template["http"]
    assert template["http"]["resource"] == {"kind": "Pod", "spec": {"nodeName": None}}


def test_content_is_the_object_as_json_and_has_a_stable_revision() -> None:
    (source,) = read(GOOD).event_sources.values()
    assert source.content["metadata"] == {
        "name": "gate",
        "namespace": "default",
        "labels": {"team": "a"},
        "annotations": {"note": "b"},
    }
    assert source.content["spec"]["webhook"]["push"] == {"endpoint": "/push", "maxBytes": 5}
    assert json.loads(canonical_json(source.content)) == source.content
    assert canonical_json({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'.encode()
    assert revision_of({"b": 1, "a": 2}) == revision_of({"a": 2, "b": 1})
    assert len(revision_of(source.content)) == 16
    assert revision_of(source.content) != revision_of({**source.content, "spec": {}})


def test_an_object_is_built_again_from_its_content() -> None:
    loaded = read(GOOD)
    for one in (*loaded.event_sources.values(), *loaded.sensors.values()):
        again = load_object(json.loads(canonical_json(one.content)), toy_kinds())
        assert again == one
        assert revision_of(again.content) == revision_of(one.content)


def test_content_that_is_refused_raises_with_every_problem() -> None:
    (source,) = read(GOOD).event_sources.values()
    broken: dict[str, Any] = json.loads(canonical_json(source.content))
    broken["spec"]["webhook"] = {"push": {"endpoint": 5}, "pull": {}}
    with pytest.raises(ManifestError) as caught:
        load_object(broken, toy_kinds())
    assert [one.path for one in caught.value.problems] == ["spec.webhook.push.endpoint", "spec.webhook.pull.endpoint"]
    with pytest.raises(ManifestError, match="expected an EventSource or a Sensor"):
        load_object({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, toy_kinds())


PLANTED = """\
# line 1
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata:
  name: gate
spec:
  webhook:
    push:
      endpoint: /push
      port: 12000
      metod: GET
      method: PSOT
    pull:
      maxBytes: -1
      jsonBody: "yes"
      endpoint: /x
    other: {endpoint: x}
    third: {endpoint: /x, metadata: {a: 5}, every: 10}
"""


def test_every_planted_mistake_is_shown_at_its_line_column_and_path() -> None:
    loaded = read(PLANTED)
    assert [(*where(one), one.severity.value, one.message) for one in loaded.problems] == [
        (10, 13, "spec.webhook.push.port", "error", "expected text in quotes, got the number 12000"),
        (11, 7, "spec.webhook.push.metod", "warning", "unknown field (did you mean 'method'?); ignored"),
        (
            12,
            15,
            "spec.webhook.push.method",
            "error",
            "expected 'GET' or 'POST', got the text 'PSOT' (did you mean 'POST'?)",
        ),
        (14, 17, "spec.webhook.pull.maxBytes", "error", "the value should be greater than or equal to 0, got the number -1"),
        (15, 17, "spec.webhook.pull.jsonBody", "error", "expected true or false, got the text 'yes'"),
        (17, 12, "spec.webhook.other", "error", "the endpoint must start with a slash"),
        (18, 41, "spec.webhook.third.metadata.a", "error", "expected text in quotes, got the number 5"),
    ]
    assert loaded.event_sources == {}
    assert loaded.failed == {ObjectRef("EventSource", "default", "gate")}
    assert {one.ref for one in loaded.problems} == {ObjectRef("EventSource", "default", "gate")}


def test_a_missing_field_points_at_its_parent() -> None:
    (problem,) = read(source_text("\n  webhook:\n    push:\n      method: GET\n")).problems
    assert where(problem) == (7, 7, "spec.webhook.push.endpoint")
    assert problem.message == "missing, and required"


def test_a_problem_prints_as_file_line_column_path_and_words() -> None:
    first, second, *_ = read(PLANTED).problems
    assert str(first) == "shop.yaml:10:13: spec.webhook.push.port: expected text in quotes, got the number 12000"
    assert str(second).startswith("shop.yaml:11:7: warning: spec.webhook.push.metod: unknown field")


@pytest.mark.parametrize("version", [ARGO, OURS])
def test_unknown_fields_are_warnings_in_the_tolerant_dialect_and_errors_in_ours(version: str) -> None:
    text = source_text("{webhook: {push: {endpoint: /x, prot: '1'}}, evntBusName: b}", version=version) + "extra: 1\n"
    text = text.replace("{name: gate}", "{name: gate, nmae: x}")
    loaded = read(text)
    assert {(one.path, one.message.removesuffix("; ignored")) for one in loaded.problems} == {
        ("extra", "unknown field"),
        ("metadata.nmae", "unknown field (did you mean 'name'?)"),
        ("spec.evntBusName", "unknown field or kind (did you mean 'eventBusName'?)"),
        ("spec.webhook.push.prot", "unknown field (did you mean 'port'?)"),
    }
    tolerant = version == ARGO
    assert {one.severity for one in loaded.problems} == {Severity.WARNING if tolerant else Severity.ERROR}
    assert bool(loaded.event_sources) is tolerant


def test_nulls_count_as_absent_in_the_tolerant_dialect_only() -> None:
    spec = "{webhook: {push: {endpoint: /x, maxBytes: null, filter: null}}}"
    assert read(source_text(spec)).problems == ()
    (problem,) = read(source_text(spec, version=OURS)).problems
    assert problem.message == "expected a whole number, got nothing"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("bell: ''", "empty; expected at least one character"),
        ("melody: []", "empty; expected at least one item"),
        ("rhythm: ['3']", "expected at least 2 items"),
    ],
)
def test_what_is_too_short_is_named_in_plain_words(field: str, message: str) -> None:
    (problem,) = read(source_text(f"{{calendar: {{tower: {{{field}}}}}}}")).problems
    assert problem.message == message


def test_snake_case_is_no_spelling_of_a_field() -> None:
    (warning,) = read(source_text("{webhook: {push: {endpoint: /x, max_bytes: 5}}}")).problems
    assert warning.message == "unknown field (did you mean 'maxBytes'?); ignored"


def test_scalars_are_read_by_the_dialect_of_the_document() -> None:
    spec = "{webhook: {push: {endpoint: /x, maxBytes: 0644, jsonBody: %s}}}"
    loaded = read(source_text(spec % "yes") + "---\n" + source_text(spec % "true", version=OURS).replace("gate", "ours"))
    argo, ours = (source.events[0].spec for source in loaded.event_sources.values())
    assert isinstance(argo, Hook)
    assert isinstance(ours, Hook)
    assert (argo.max_bytes, argo.json_body) == (420, True)
    assert (ours.max_bytes, ours.json_body) == (644, True)
    assert [source.dialect for source in loaded.event_sources.values()] == [Dialect.ARGO, Dialect.TOCSIN]


def test_our_dialect_adds_fields_to_triggers() -> None:
    triggers = "[{template: {name: t, log: {}}, orderBy: body.id, concurrency: 3, timeout: 5s}]"
    (sensor,) = read(sensor_text(triggers=triggers, version=OURS)).sensors.values()
    head = sensor.triggers[0].head
    assert isinstance(head, TocsinTriggerHead)
    assert (head.order_by, head.concurrency) == ("body.id", 3)
    assert len(read(sensor_text(triggers=triggers)).problems) == 3


def test_the_namespace_is_default_unless_written() -> None:
    loaded = read(GOOD.replace("{name: ship}", "{name: ship, namespace: prod}"))
    assert ObjectRef("Sensor", "prod", "ship") in loaded.sensors
    assert ObjectRef("EventSource", "default", "gate") in loaded.event_sources


def test_the_same_object_twice_keeps_the_first_and_names_its_place() -> None:
    loaded = read(source_text("{webhook: {a: {endpoint: /a}}}") + "---\n" + source_text("{webhook: {b: {endpoint: /b}}}"))
    (problem,) = loaded.problems
    assert where(problem) == (8, 18, "metadata.name")
    assert problem.message == "EventSource default/gate is declared already at shop.yaml:1; this one is refused"
    (source,) = loaded.event_sources.values()
    assert source.events[0].name == "a"
    assert loaded.failed == frozenset()


@pytest.mark.parametrize("kind", ["List", "EventSourceList"])
def test_the_items_of_a_list_are_objects_of_their_own(kind: str) -> None:
    good = {"apiVersion": ARGO, "kind": "EventSource", "metadata": {"name": "a"}, "spec": {"webhook": {}}}
    bad = {**good, "metadata": {"name": "b"}, "spec": {"webhook": {"x": {"endpoint": 5}}}}
    if kind != "List":
        del good["kind"], good["apiVersion"], bad["kind"], bad["apiVersion"]
    text = json.dumps({"apiVersion": "v1" if kind == "List" else ARGO, "kind": kind, "items": [good, bad]}, indent=1)
    loaded = read(text)
    assert [ref.name for ref in loaded.event_sources] == ["a"]
    assert [ref.name for ref in loaded.failed] == ["b"]
    (problem,) = loaded.problems
    assert problem.path == "items[1].spec.webhook.x.endpoint"
    assert text.splitlines()[problem.line - 1][problem.column - 1 :] == "5"


def test_a_list_of_something_else_is_refused() -> None:
    (problem,) = read("apiVersion: v1\nkind: List\nitems: {a: b}\n").errors
    assert (problem.line, problem.column, problem.message) == (3, 8, "expected a list of objects")


@pytest.mark.parametrize(
    ("head", "severity", "words"),
    [
        ("apiVersion: apps/v1\nkind: Deployment", "warning", "'Deployment' of 'apps/v1' is not read here; ignored"),
        ("apiVersion: v1\nkind: Service", "warning", "'Service' of 'v1' is not read here; ignored"),
        (f"apiVersion: {ARGO}\nkind: Workflow", "warning", "is not read here; ignored"),
        ("apiVersion: secrets.example.com/v7beta3\nkind: Secret", "warning", "is not read here; ignored"),
        (
            f"apiVersion: {ARGO}\nkind: Senser",
            "error",
            "unknown kind 'Senser'; expected 'EventSource', 'Sensor' or 'EventBus' (did",
        ),
        (f"apiVersion: {OURS}\nkind: Workflow", "error", "unknown kind 'Workflow'"),
        ("apiVersion: argoproj.io/v1beta1\nkind: Sensor", "error", "unknown version 'argoproj.io/v1beta1' of Sensor"),
        ("apiVersion: argoproj.io/v1alpha\nkind: Sensor", "error", "(did you mean 'argoproj.io/v1alpha1'?)"),
        ("apiVersion: argoprj.io/v1alpha1\nkind: Sensor", "error", "(did you mean 'argoproj.io/v1alpha1'?)"),
        ("apiVersion: tocsin.dev/v2\nkind: EventBus", "error", "(did you mean 'tocsin.dev/v1'?)"),
        ("apiVersion: v2\nkind: ConfigMap", "error", "unknown version 'v2' of ConfigMap; expected 'v1'"),
        ("kind: Sensor", "error", "missing; expected 'argoproj.io/v1alpha1' or 'tocsin.dev/v1'"),
        (f"apiVersion: {ARGO}", "error", "missing; expected 'EventSource', 'Sensor' or 'EventBus'"),
        (f"apiVersion: {ARGO}\nkind: [Sensor]", "error", "expected text, got a list"),
        ("a: b", "error", "not a manifest: expected a mapping with apiVersion and kind"),
        ("[1, 2]", "error", "not a manifest: expected a mapping with apiVersion and kind, got a list"),
        ("just text", "error", "got text"),
    ],
)
def test_what_is_not_ours_is_told_from_what_is_misspelled(head: str, severity: str, words: str) -> None:
    tail = "\nmetadata: {name: x}\n" if ":" in head else "\n"
    (problem,) = read(head + tail).problems
    assert (problem.severity.value, words in problem.message) == (severity, True), problem


@pytest.mark.parametrize(
    ("metadata", "path", "words"),
    [
        ("{}", "metadata.name", "missing; an object needs a name"),
        ("", "metadata.name", "missing; an object needs a name"),
        ("{generateName: x-}", "metadata.name", "missing; an object needs a name"),
        ("text", "metadata", "expected a mapping, got text"),
        ("{name: 5}", "metadata.name", "expected text in quotes, got the number 5"),
        ("{name: 'a b'}", "metadata.name", "got 'a b'"),
        ('{name: "a\\nb"}', "metadata.name", "got 'a\\nb'"),
        ('{name: "\\u202ea"}', "metadata.name", "got '\\u202ea'"),
        ("{name: ../x}", "metadata.name", "expected letters, digits, '-', '_' and '.'"),
        (f"{{name: {'x' * 254}}}", "metadata.name", "expected at most 253 characters, got 254"),
        ("{name: x, namespace: a/b}", "metadata.namespace", "expected letters"),
        ("{name: x, labels: {a: 1}}", "metadata.labels.a", "expected text in quotes, got the number 1"),
        ("{name: x, annotations: {a.b/c: true}}", "metadata.annotations['a.b/c']", "expected text in quotes, got true"),
    ],
)
def test_metadata_must_name_the_object(metadata: str, path: str, words: str) -> None:
    loaded = read(f"apiVersion: {ARGO}\nkind: EventSource\nmetadata: {metadata}\nspec: {{webhook: {{}}}}\n")
    (problem,) = loaded.problems
    assert problem.path == path
    assert words in problem.message
    assert problem.severity is Severity.ERROR
    assert loaded.event_sources == {}


def test_a_name_that_only_a_cluster_would_refuse_is_a_warning() -> None:
    (problem,) = read(source_text("{webhook: {}}").replace("gate", "Gate_1")).problems
    assert problem.severity is Severity.WARNING
    assert "a cluster accepts lower-case" in problem.message


def test_an_unknown_event_source_or_event_is_a_warning_when_sources_were_read() -> None:
    def warnings(dependency: str, *, alone: bool = False) -> list[str]:
        text = sensor_text(f"[{{name: a, {dependency}}}]")
        if not alone:
            text += "---\n" + source_text("{webhook: {push: {endpoint: /x}}, kafka: {records: {}}}")
        return [one.message for one in read(text).problems if one.path.startswith("spec.dependencies")]

    assert warnings("eventSourceName: gate, eventName: push") == []
    assert warnings("eventSourceName: gate, eventName: records") == []
    assert warnings("eventSourceName: other, eventName: push", alone=True) == []
    assert warnings("eventSourceName: gaet, eventName: push") == ["no event source 'gaet' in these files (did you mean 'gate'?)"]
    assert warnings("eventSourceName: gate, eventName: psuh") == [
        "the event source 'gate' has no event 'psuh' (did you mean 'push'?)"
    ]


def test_an_event_source_of_another_namespace_is_named() -> None:
    text = sensor_text() + "---\n" + source_text("{webhook: {push: {endpoint: /x}}}").replace("gate}", "gate, namespace: prod}")
    (problem,) = read(text).problems
    assert problem.message == "no event source 'gate' in these files and namespace 'default' (there is one in 'prod')"
    assert problem.severity is Severity.WARNING


def test_a_refused_event_source_is_still_declared() -> None:
    assert [one.path for one in read(sensor_text() + "---\n" + source_text("{webhook: 5}")).problems] == ["spec.webhook"]


def test_strict_refuses_an_object_with_any_error_and_leaves_warnings_alone() -> None:
    text = sensor_text(triggers="[{template: {name: t, log: {}}}, {template: {name: u, kafka: {}}}]")
    (sensor,) = read(text).sensors.values()
    assert [trigger.name for trigger in sensor.triggers] == ["t"]
    strict = read(text, strict=True)
    assert strict.sensors == {}
    assert strict.failed == {ObjectRef("Sensor", "default", "s")}
    assert len(read(text.replace("kafka: {}", "log: {x: 1}"), strict=True).sensors) == 1


def test_an_unreadable_document_is_named_in_failed_and_the_rest_loads() -> None:
    broken = "apiVersion: argoproj.io/v1alpha1\nkind: Sensor\nmetadata: {name: lost}\nspec: [\n"
    loaded = read(broken + "---\n" + sensor_text())
    assert loaded.failed == {ObjectRef("Sensor", "default", "lost")}
    assert [ref.name for ref in loaded.sensors] == ["s"]


def test_a_duplicate_key_refuses_its_object_by_name() -> None:
    loaded = read(sensor_text() + "  triggers: []\n---\n" + GOOD)
    assert loaded.failed == {ObjectRef("Sensor", "default", "s")}
    assert [ref.name for ref in loaded.sensors] == ["ship"]
    (problem,) = loaded.errors
    assert (problem.line, problem.message) == (7, "the key 'triggers' is written twice (first at line 6)")


def test_all_upstream_kinds_are_known_and_none_is_built() -> None:
    kinds = list(known_kinds())
    assert len([one for one in kinds if one.role == "source"]) == 32
    assert len([one for one in kinds if one.role == "source" and one.active_passive]) == 19
    assert [one.key for one in kinds if one.role == "trigger"] == [
        "k8s",
        "argoWorkflow",
        "http",
        "awsLambda",
        "azureEventHubs",
        "azureServiceBus",
        "kafka",
        "pulsar",
        "nats",
        "slack",
        "openWhisk",
        "custom",
        "log",
        "email",
    ]
    assert not any(one.supported for one in kinds)


@pytest.mark.parametrize("key", [one.key for one in known_kinds() if one.role == "source"])
def test_a_known_source_kind_that_is_not_built_disables_its_event_alone(key: str) -> None:
    text = source_text(f"{{{key}: {{x: {{anything: [1]}}}}, ring: {{z: {{}}}}}}")
    loaded = load_text(text, Kinds([Kind(key="ring", role="source", spec=Spec)]))
    (source,) = loaded.event_sources.values()
    assert [event.name for event in source.events] == ["z"]
    (problem,) = loaded.errors
    assert problem.message.startswith(f"Unsupported: the event source kind '{key}' is known but not built into this version")
    assert problem.path == f"spec.{key}.x"
    assert loaded.failed == frozenset()


@pytest.mark.parametrize("key", [one.key for one in known_kinds() if one.role == "trigger"])
def test_a_known_trigger_kind_that_is_not_built_disables_its_trigger_alone(key: str) -> None:
    text = sensor_text(triggers=f"[{{template: {{name: t, {key}: {{anything: 1}}}}}}, {{template: {{name: u, ring: {{}}}}}}]")
    loaded = load_text(text, Kinds([Kind(key="ring", role="trigger", spec=Spec)]))
    (sensor,) = loaded.sensors.values()
    assert [trigger.name for trigger in sensor.triggers] == ["u"]
    (problem,) = loaded.errors
    assert problem.message.startswith(f"Unsupported: the trigger kind '{key}'")
    assert problem.path == f"spec.triggers[0].template.{key}"


def test_a_kind_of_our_dialect_is_unknown_in_the_other() -> None:
    assert len(read(source_text("{bell: {x: {}}}", version=OURS)).event_sources) == 1
    assert [one.message for one in read(source_text("{bell: {x: {}}}")).problems] == [
        "declares no events",
        "unknown field or kind; ignored",
    ]


def test_two_built_owners_of_a_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="two owners of the source kind 'webhook'"):
        toy_kinds().add(Kind(key="webhook", role="source", spec=Hook))


def test_a_flood_of_mistakes_is_counted_and_not_spelled_out() -> None:
    text = source_text("{webhook: {" + ", ".join(f"e{i}: {{endpoint: 5}}" for i in range(5000)) + "}}")
    problems = read(text).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert "4,800 more problems in this object" in messages(problems)


def test_odd_unicode_in_fields_is_kept_and_shown_escaped() -> None:
    loaded = read(source_text('{webhook: {"pu\\u202esh": {endpoint: "/\\u0000\\U0001F600"}, x: {endpoint: "\\u202e"}}}'))
    (problem,) = loaded.problems
    assert str(problem).isprintable()
    fixed = read(source_text('{webhook: {"pu\\u202esh": {endpoint: "/\\u0000\\U0001F600"}}}'))
    (source,) = fixed.event_sources.values()
    assert source.events[0].name == "pu\u202esh"
    assert source.events[0].path.isprintable()


def test_a_rule_that_quotes_what_does_not_print_is_shown_on_one_line() -> None:
    (problem,) = read(source_text('{webhook: {x: {endpoint: "/\\a\\n' + "v" * 5000 + '"}}}')).problems
    assert problem.message.startswith("no bells in /\\x07\\n")
    assert str(problem).isprintable()
    assert len(problem.message) < 600


def test_a_long_value_passes_unshortened() -> None:
    value = "/" + "v" * 1_000_000
    (source,) = read(source_text(f"{{webhook: {{push: {{endpoint: {value}}}}}}}")).event_sources.values()
    hook = source.events[0].spec
    assert isinstance(hook, Hook)
    assert hook.endpoint == value


def test_a_sensor_may_have_hundreds_of_dependencies_and_wide_conditions() -> None:
    names = [f"d{i}" for i in range(500)]
    dependencies = "[" + ", ".join(f"{{name: {name}, eventSourceName: g, eventName: {name}}}" for name in names) + "]"
    triggers = ", ".join(f"{{template: {{name: t{i}, conditions: {' || '.join(names)}, log: {{}}}}}}" for i in range(20))
    (sensor,) = read(sensor_text(dependencies, f"[{triggers}]")).sensors.values()
    assert len(sensor.dependencies) == 500
    assert len(sensor.triggers) == 20


def test_loaded_objects_and_problems_never_show_a_secret() -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {token: hunter2, pin: 4711, more: [hunter3]}\n"
        "data: {cert: 'hunter4!!'}\nstringDat: {x: hunter5}\nhunter: 6\n"
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: good}\nstringData: {token: hunter2}\n"
        "---\n"
        + source_text("{webhook: {push: {endpoint: /x, authSecret: hunter7}, pull: {endpoint: /y, metadata: {password: 4711}}}}")
    )
    loaded = read(text)
    shown = repr(loaded) + "".join(map(str, loaded.problems)) + repr(loaded.secrets)
    assert "hunter2" not in shown
    for hidden in ("hunter3", "hunter4", "hunter5", "hunter7", "4711"):
        assert hidden not in "".join(map(str, loaded.problems))
    assert [one.path for one in loaded.errors] == [
        "stringData.pin",
        "stringData.more",
        "data.cert",
        "spec.webhook.push.authSecret",
        "spec.webhook.pull.metadata.password",
    ]


def test_secrets_and_config_maps_give_bytes() -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ntype: Opaque\n"
        'data: {a: aGk=, wrapped: "aGVs\\n bG8=", empty: }\nstringData: {a: over, b: "ü"}\n'
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {url: http://x}\nbinaryData: {bin: /w==}\n"
    )
    loaded = read(text.replace("\\n bG8=", "\\nbG8="))
    assert loaded.problems == ()
    (secret,) = loaded.secrets.values()
    assert secret.data == {"a": b"over", "wrapped": b"hello", "empty": b"", "b": "ü".encode()}
    (config,) = loaded.config_maps.values()
    assert config.data == {"url": b"http://x", "bin": b"\xff"}


def test_features_that_are_built_are_accepted() -> None:
    dependencies = (
        "[{name: a, eventSourceName: g, eventName: p, transform: {jq: .}}, "
        "{name: b, eventSourceName: g, eventName: q, filters: {script: return true}}]"
    )
    (sensor,) = read(sensor_text(dependencies), features=frozenset(Feature)).sensors.values()
    assert isinstance(sensor, Sensor)
    assert len(sensor.triggers) == 1
    assert read(sensor_text(dependencies), features=frozenset()).sensors[sensor.ref].triggers == ()


def test_an_event_source_stays_an_event_source() -> None:
    found = load_object({"apiVersion": ARGO, "kind": "EventSource", "metadata": {"name": "x"}, "spec": {}}, toy_kinds())
    assert isinstance(found, EventSource)
