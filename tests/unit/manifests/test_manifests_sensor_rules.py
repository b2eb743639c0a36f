"""Every rule of a sensor: what refuses it, and what only disables a trigger."""

import pytest
from manifest_toys import ARGO, OURS, read, sensor_text
from pydantic import ConfigDict

from manifests.features import Feature
from manifests.fields import Spec
from manifests.kinds import Kind, Kinds
from manifests.known import known_kinds
from manifests.load import load_text
from manifests.problems import Severity

ALL = frozenset(Feature)
DEPENDENCY = "[{name: a, eventSourceName: g, eventName: p%s}]"


class Anything(Spec):
    model_config = ConfigDict(extra="allow")


def all_built() -> Kinds:
    """Every known trigger kind, with a spec that takes anything: only the loader's own rules are left."""
    return Kinds([Kind(key=one.key, role="trigger", spec=Anything) for one in known_kinds() if one.role == "trigger"])


def check(text: str, path: str, words: str, *, refused: bool) -> None:
    loaded = load_text(text, all_built(), features=ALL)
    assert [(one.path, words in one.message) for one in loaded.errors] == [(path, True)], loaded.errors
    assert bool(loaded.failed) is refused
    if not refused:
        (sensor,) = loaded.sensors.values()
        assert sensor.triggers == ()


@pytest.mark.parametrize(
    ("dependencies", "path", "words"),
    [
        ("[]", "", "missing; a sensor needs at least one"),
        ("", "", "missing; a sensor needs at least one"),
        ("{a: b}", "", "expected a list, got a mapping"),
        ("text", "", "expected a list, got text"),
        ("[text]", "[0]", "expected a mapping, got text"),
        ("[{eventSourceName: g, eventName: p}]", "[0].name", "a dependency needs a name"),
        ("[{name: '', eventSourceName: g, eventName: p}]", "[0].name", "a dependency needs a name"),
        ("[{name: a, eventName: p}]", "[0].eventSourceName", "needs the name of an event source"),
        ("[{name: a, eventSourceName: g}]", "[0].eventName", "needs the name of an event"),
        ("[{name: 5, eventSourceName: g, eventName: p}]", "[0].name", "expected text in quotes, got the number 5"),
        (DEPENDENCY % ", filtersLogicalOperator: xor", "[0].filtersLogicalOperator", "expected 'and' or 'or', got 'xor'"),
        (DEPENDENCY % ", filtersLogicalOperator: AND", "[0].filtersLogicalOperator", "(did you mean 'and'?)"),
        (DEPENDENCY % ", filters: {exprLogicalOperator: no-thing}", "[0].filters.exprLogicalOperator", "expected 'and' or 'or'"),
        (DEPENDENCY % ", filters: {dataLogicalOperator: Or}", "[0].filters.dataLogicalOperator", "(did you mean 'or'?)"),
        (DEPENDENCY % ", filters: {exprs: [{fields: [{path: p, name: q}]}]}", "[0].filters.exprs[0].expr", "missing"),
        (DEPENDENCY % ", filters: {exprs: [{expr: e}]}", "[0].filters.exprs[0].fields", "at least one field"),
        (DEPENDENCY % ", filters: {exprs: [{expr: e, fields: [{name: q}]}]}", "[0].filters.exprs[0].fields[0].path", "missing"),
        (DEPENDENCY % ", filters: {exprs: [{expr: e, fields: [{path: q}]}]}", "[0].filters.exprs[0].fields[0].name", "missing"),
        (
            DEPENDENCY % ", filters: {data: [{path: x, type: string, value: [v], comparator: '=='}]}",
            "[0].filters.data[0].comparator",
            "expected '=', '!=', '>', '>=', '<' or '<=', got '=='",
        ),
        (DEPENDENCY % ", filters: {data: [{type: string, value: [v]}]}", "[0].filters.data[0].path", "missing"),
        (DEPENDENCY % ", filters: {data: [{path: x, value: [v]}]}", "[0].filters.data[0].type", "missing"),
        (DEPENDENCY % ", filters: {data: [{path: x, type: string}]}", "[0].filters.data[0].value", "at least one value"),
        (
            DEPENDENCY % ", filters: {data: [{path: x, type: string, value: [v, '']}]}",
            "[0].filters.data[0].value[1]",
            "not empty",
        ),
        (
            DEPENDENCY % ", filters: {data: [{path: x, type: number, value: [5]}]}",
            "[0].filters.data[0].value[0]",
            "expected text in quotes, got the number 5",
        ),
        (DEPENDENCY % ", filters: {context: {}}", "[0].filters.context", "it would discard every event"),
        (DEPENDENCY % ", filters: {context: {id: x}}", "[0].filters.context", "at least one of 'type', 'subject'"),
        (
            DEPENDENCY % ", filters: {time: {start: '1:00:00', stop: '02:00:00', timezone: Mars/Phobos}}",
            "[0].filters.time.timezone",
            "not a known time zone",
        ),
        (
            DEPENDENCY % ", filters: {time: {start: '25:00:00', stop: '02:00:00'}}",
            "[0].filters.time.start",
            "expected a time of day",
        ),
        (DEPENDENCY % ", filters: {time: {start: '01:00:00', stop: '2:00'}}", "[0].filters.time.stop", "expected a time of day"),
        (DEPENDENCY % ", filters: {time: {start: '1:00:00', stop: '01:00:00'}}", "[0].filters.time.stop", "the window is empty"),
    ],
)
def test_a_dependency_that_upstream_refuses_refuses_the_sensor(dependencies: str, path: str, words: str) -> None:
    check(sensor_text(dependencies or " "), f"spec.dependencies{path}", words, refused=True)


def trigger(rest: str = "", *, template: str = "name: t, log: {}") -> str:
    return f"[{{template: {{{template}}}{rest}}}]"


PARAMETER = "[{src: {dependencyName: a}, dest: d}]"


@pytest.mark.parametrize(
    ("triggers", "path", "words"),
    [
        ("[]", "", "missing; a sensor needs at least one"),
        ("[text]", "[0]", "expected a mapping, got text"),
        ("[{}]", "[0].template", "missing; a trigger needs a template"),
        ("[{template: null}]", "[0].template", "missing; a trigger needs a template"),
        ("[{template: 5}]", "[0].template", "expected a mapping, got a number"),
        (trigger(template="log: {}"), "[0].template.name", "missing; a trigger needs a name"),
        (trigger(template="name: 5, log: {}"), "[0].template.name", "expected text in quotes"),
        (trigger(template="name: t, conditions: [a], log: {}"), "[0].template.conditions", "expected text in quotes, got a list"),
        ("[{template: {name: t, log: {}}}, {template: {name: t, log: {}}}]", "[1].template.name", "taken by spec.triggers[0]"),
        (trigger(template="name: t, log: {}, conditionsReset: [{}]"), "[0].template.conditionsReset[0].byTime", "missing"),
        (
            trigger(template="name: t, log: {}, conditionsReset: [{byTime: {cron: '* * * *'}}]"),
            "[0].template.conditionsReset[0].byTime.cron",
            "expected five fields",
        ),
        (
            trigger(template="name: t, log: {}, conditionsReset: [{byTime: {cron: '@daily'}}]"),
            "[0].template.conditionsReset[0].byTime.cron",
            "expected five fields",
        ),
        (
            trigger(template="name: t, log: {}, conditionsReset: [{byTime: {cron: '0 0 * * 7'}}]"),
            "[0].template.conditionsReset[0].byTime.cron",
            "the day of week must be 0 to 6",
        ),
        (
            trigger(template="name: t, log: {}, conditionsReset: [{byTime: {cron: '0 0 * * *', timezone: No/Where}}]"),
            "[0].template.conditionsReset[0].byTime.timezone",
            "not a known time zone",
        ),
        (trigger(", policy: {k8s: {}}", template="name: t, k8s: {}"), "[0].policy.k8s.labels", "needs the labels"),
        (trigger(", policy: {k8s: {}}", template="name: t, argoWorkflow: {}"), "[0].policy.k8s.labels", "needs the labels"),
        (trigger(", policy: {status: {}}", template="name: t, http: {}"), "[0].policy.status.allow", "needs the status codes"),
        (trigger(", policy: {status: {}}", template="name: t, awsLambda: {}"), "[0].policy.status.allow", "needs the status"),
        (
            trigger(", policy: {status: {allow: ['200']}}"),
            "[0].policy.status.allow[0]",
            "expected a whole number, got the text '200'",
        ),
        (
            "[{template: {name: t, log: {}}, dlqTrigger: {template: {name: u, log: {}}, atLeastOnce: true}}]",
            "[0].atLeastOnce",
            "expected true: a trigger with a dlqTrigger needs atLeastOnce: true",
        ),
        (
            "[{template: {name: t, log: {}}, atLeastOnce: true, dlqTrigger: {template: {name: u, log: {}}}}]",
            "[0].dlqTrigger.atLeastOnce",
            "expected true: a dlqTrigger needs atLeastOnce: true",
        ),
        (
            "[{template: {name: t, log: {}}, atLeastOnce: true, dlqTrigger: {template: {log: {}}, atLeastOnce: true}}]",
            "[0].dlqTrigger.template.name",
            "missing; a trigger needs a name",
        ),
        (
            "[{template: {name: t, log: {}}, atLeastOnce: true, dlqTrigger: {atLeastOnce: true}}]",
            "[0].dlqTrigger.template",
            "missing; a trigger needs a template",
        ),
        (trigger(", parameters: [{dest: d}]"), "[0].parameters[0].src", "missing; a parameter needs a source"),
        (trigger(", parameters: [{src: {}, dest: d}]"), "[0].parameters[0].src.dependencyName", "needs the name of a dependency"),
        (
            trigger(", parameters: [{src: {dependencyName: a}}]"),
            "[0].parameters[0].dest",
            "missing; a parameter needs a destination",
        ),
        (
            trigger(", parameters: [{src: {dependencyName: a}, dest: d, operation: apend}]"),
            "[0].parameters[0].operation",
            "expected 'append', 'prepend' or 'overwrite', got 'apend' (did you mean 'append'?)",
        ),
        (trigger(", retryStrategy: 5"), "[0].retryStrategy", "expected a mapping, got a number"),
        (trigger(", retryStrategy: {steps: '3'}"), "[0].retryStrategy.steps", "write it without quotes"),
        (trigger(", rateLimit: {requestsPerUnit: '3'}"), "[0].rateLimit.requestsPerUnit", "expected a whole number"),
        (trigger(", atLeastOnce: 'true'"), "[0].atLeastOnce", "expected true or false"),
    ],
)
def test_a_trigger_that_upstream_refuses_refuses_the_sensor(triggers: str, path: str, words: str) -> None:
    check(sensor_text(triggers=triggers), f"spec.triggers{path}", words, refused=True)


CHECKED = [(one.key, field) for one in known_kinds() for field in one.checked_parameters]


def test_the_lists_that_upstream_checks_are_those_of_its_validator() -> None:
    assert sorted(CHECKED) == sorted(
        [(key, "parameters") for key in ["k8s", "argoWorkflow", "http", "openWhisk", "awsLambda", "slack", "email", "custom"]]
        + [(key, "payload") for key in ["http", "openWhisk", "awsLambda", "kafka", "nats"]]
    )


@pytest.mark.parametrize(("key", "field"), CHECKED)
def test_a_malformed_parameter_of_a_kind_refuses_the_sensor(key: str, field: str) -> None:
    text = sensor_text(triggers=trigger(template=f"name: t, {key}: {{{field}: [{{dest: d}}]}}"))
    check(text, f"spec.triggers[0].template.{key}.{field}[0].src", "needs a source", refused=True)


@pytest.mark.parametrize(
    ("key", "field"), [("kafka", "parameters"), ("http", "dynamicHeaders"), ("custom", "payload"), ("pulsar", "payload")]
)
def test_a_malformed_parameter_that_upstream_lets_pass_disables_its_trigger(key: str, field: str) -> None:
    text = sensor_text(triggers=trigger(template=f"name: t, {key}: {{{field}: [{{src: {{dependencyName: a}}}}]}}"))
    check(text, f"spec.triggers[0].template.{key}.{field}[0].dest", "needs a destination", refused=False)


def test_only_the_payload_of_http_may_be_one_whole_value() -> None:
    whole = "payload: [{src: {dependencyName: a}}]"
    assert load_text(sensor_text(triggers=trigger(template=f"name: t, http: {{{whole}}}")), all_built()).problems == ()
    text = sensor_text(triggers=trigger(template=f"name: t, kafka: {{{whole}}}"))
    check(text, "spec.triggers[0].template.kafka.payload[0].dest", "needs a destination", refused=True)


@pytest.mark.parametrize(
    ("triggers", "path", "words"),
    [
        (
            trigger(template="name: t, log: {}, conditions: b"),
            "[0].template.conditions",
            "'b' is not a dependency of this sensor",
        ),
        (trigger(template="name: t, log: {}, conditions: a &"), "[0].template.conditions", "expected && or ||"),
        (trigger(template="name: t"), "[0].template", "names no kind of trigger; expected one of 'k8s'"),
        (trigger(template="name: t, log: "), "[0].template", "write 'log: {}'"),
        (trigger(", rateLimit: {requestsPerUnit: 0}"), "[0].rateLimit.requestsPerUnit", "expected a whole number above 0, got 0"),
        (trigger(", rateLimit: {}"), "[0].rateLimit.requestsPerUnit", "expected a whole number above 0"),
        (trigger(", retryStrategy: {duration: 1d}"), "[0].retryStrategy.duration", "expected a duration such as 30s"),
        (trigger(", retryStrategy: {duration: '10'}"), "[0].retryStrategy.duration", "expected a duration such as 30s"),
        (trigger(", retryStrategy: {factor: '2'}"), "[0].retryStrategy.factor", "expected a number, got the text '2'"),
        (trigger(", retryStrategy: {jitter: x}"), "[0].retryStrategy.jitter", "expected a number"),
        (trigger(", policy: {k8s: {labels: {a: b}, backoff: {duration: x}}}"), "[0].policy.k8s.backoff.duration", "a duration"),
    ],
)
def test_a_fault_that_upstream_accepts_disables_its_trigger_only(triggers: str, path: str, words: str) -> None:
    text = sensor_text(triggers=triggers)
    check(text, f"spec.triggers{path}", words, refused=False)
    strict = load_text(text, all_built(), features=ALL, strict=True)
    assert strict.sensors == {}
    assert len(strict.failed) == 1


def test_a_bad_backoff_does_not_hide_that_firings_are_kept_for_a_dead_letter_trigger() -> None:
    dlq = "dlqTrigger: {template: {name: u, log: {}}, atLeastOnce: true}"
    text = sensor_text(triggers=trigger(f", atLeastOnce: true, retryStrategy: {{duration: x}}, {dlq}"))
    check(text, "spec.triggers[0].retryStrategy.duration", "expected a duration", refused=False)


TOLERATED = [
    (
        sensor_text(triggers=trigger(", parameters: [{src: {dependencyName: b}, dest: d}]")),
        "spec.triggers[0].parameters[0].src.dependencyName",
        "'b' is not a dependency of this sensor",
    ),
    (
        sensor_text(triggers=trigger(template="name: t, http: {payload: [{src: {dependencyName: aa}, dest: d}]}")),
        "spec.triggers[0].template.http.payload[0].src.dependencyName",
        "(did you mean 'a'?); no firing has its event",
    ),
    (
        sensor_text(triggers=trigger(template="name: t, http: {dynamicHeaders: [{src: {dependencyName: b}, dest: d}]}")),
        "spec.triggers[0].template.http.dynamicHeaders[0].src.dependencyName",
        "'b' is not a dependency",
    ),
    (
        sensor_text("[{name: a, eventSourceName: g, eventName: p, filters: {data: [{path: x, type: json, value: [v]}]}}]"),
        "spec.dependencies[0].filters.data[0].type",
        "the clause always errs",
    ),
    (
        sensor_text("[{name: a, eventSourceName: g, eventName: p}, {name: a, eventSourceName: g, eventName: r}]"),
        "spec.dependencies[1].name",
        "of several only the last would count",
    ),
]
"""What means something to Argo Events."""


@pytest.mark.parametrize(("text", "path", "words"), TOLERATED)
def test_what_means_something_upstream_is_a_warning_there_and_an_error_in_our_dialect(text: str, path: str, words: str) -> None:
    loaded = load_text(text, all_built(), features=ALL)
    (sensor,) = loaded.sensors.values()
    assert [one.name for one in sensor.triggers] == ["t"]
    assert not sensor.unusable
    (problem,) = loaded.problems
    assert (problem.severity, problem.path) == (Severity.WARNING, path)
    assert words in problem.message
    strict = load_text(text.replace(ARGO, OURS), all_built(), features=ALL)
    assert [words in one.message for one in strict.errors if one.path == path] == [True]
    (sensor,) = strict.sensors.values()
    assert sensor.triggers == ()


def test_the_other_triggers_run_beside_a_disabled_one() -> None:
    triggers = "[{template: {name: t, log: {}, conditions: nope}}, {template: {name: u, log: {}}}]"
    (sensor,) = read(sensor_text(triggers=triggers)).sensors.values()
    assert [one.name for one in sensor.triggers] == ["u"]
    assert sensor.triggers[0].path == "spec.triggers[1]"


def test_of_several_kinds_the_first_in_upstreams_order_runs_and_the_rest_is_a_warning() -> None:
    loaded = load_text(sensor_text(triggers=trigger(template="name: t, log: {}, http: {}")), all_built())
    (sensor,) = loaded.sensors.values()
    assert sensor.triggers[0].kind == "http"
    assert "log" not in sensor.triggers[0].template
    (problem,) = loaded.problems
    assert problem.severity is Severity.WARNING
    assert problem.message == "a template has one kind; 'http' runs and 'log' is ignored"


def test_an_unknown_unit_counts_as_a_second_and_is_a_warning() -> None:
    (problem,) = read(sensor_text(triggers=trigger(", rateLimit: {unit: minute, requestsPerUnit: 3}"))).problems
    assert problem.severity is Severity.WARNING
    assert problem.message == "unknown unit 'minute', read as 'Second' (did you mean 'Minute'?)"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("duration: -1s", "is below zero, read as 0"),
        ("factor: -2", "is below zero, read as 0"),
        ("jitter: -0.5", "is below zero, read as 0"),
        ("steps: -3", "is below zero, read as 5"),
    ],
)
def test_what_is_below_zero_in_a_retry_strategy_is_a_warning(field: str, message: str) -> None:
    (problem,) = read(sensor_text(triggers=trigger(f", retryStrategy: {{{field}}}"))).problems
    assert (problem.severity, problem.message) == (Severity.WARNING, message)
    assert problem.path.endswith(f"[0].retryStrategy.{field.partition(':')[0]}")


@pytest.mark.parametrize("timeout", ["0s", "-5s", "0"])
def test_an_attempt_needs_time(timeout: str) -> None:
    text = sensor_text(triggers=trigger(f", timeout: {timeout}"), version="tocsin.dev/v1")
    (problem,) = read(text).problems
    assert (problem.severity, problem.message) == (Severity.ERROR, "expected a duration above 0")


TWO = "[{name: a, eventSourceName: g, eventName: p%s}, {name: b, eventSourceName: g, eventName: q}]"


@pytest.mark.parametrize(
    "faulty",
    [
        ", filters: {data: [{path: x, type: json, value: [v]}]}",
        "}, {name: a, eventSourceName: g, eventName: r",
    ],
)
def test_a_dependency_that_cannot_be_used_disables_every_trigger_that_needs_it(faulty: str) -> None:
    triggers = "[" + ", ".join(
        f"{{template: {{name: t{i}, log: {{}}, conditions: {text}}}}}" for i, text in enumerate(["a", "a || b", "b", "(a)"])
    ) + "]"  # fmt: skip
    loaded = read(sensor_text(TWO % faulty, triggers).replace(ARGO, OURS))
    (sensor,) = loaded.sensors.values()
    assert [one.name for one in sensor.triggers] == ["t2"]
    assert [one.name for one in sensor.dependencies] == ["a", "b"]
    assert sensor.unusable == {"a"}
    assert len(loaded.errors) == 4


EXPRS = "filters: {exprs: [{expr: e, fields: [{path: p, name: q}]}]}"
WINDOW = "filters: {time: {start: '01:00:00', stop: '02:00:00'}}"
RESET = "log: {}, conditionsReset: [{byTime: {cron: '0 0 * * *'}}]"
DLQ = ", atLeastOnce: true, dlqTrigger: {template: {name: u, log: {}}, atLeastOnce: true}"
NOT_BUILT = [
    (Feature.EXPRS, f", {EXPRS}", "log: {}", "", "spec.dependencies[0].filters.exprs"),
    (Feature.TIME, f", {WINDOW}", "log: {}", "", "spec.dependencies[0].filters.time"),
    (Feature.SCRIPT, ", filters: {script: return true}", "log: {}", "", "spec.dependencies[0].filters.script"),
    (Feature.TRANSFORM, ", transform: {jq: .}", "log: {}", "", "spec.dependencies[0].transform"),
    (Feature.CONDITIONS_RESET, "", RESET, "", "spec.triggers[0].template.conditionsReset"),
    (Feature.K8S_POLICY, "", "log: {}", ", policy: {k8s: {labels: {a: b}}}", "spec.triggers[0].policy.k8s"),
    (Feature.DLQ, "", "log: {}", DLQ, "spec.triggers[0].dlqTrigger"),
]


@pytest.mark.parametrize(("feature", "dependency", "template", "rest", "path"), NOT_BUILT)
def test_a_feature_that_is_not_built_disables_what_uses_it(
    feature: Feature, dependency: str, template: str, rest: str, path: str
) -> None:
    text = sensor_text(DEPENDENCY % dependency, trigger(rest, template=f"name: t, {template}"))
    loaded = read(text, features=set())
    (sensor,) = loaded.sensors.values()
    assert sensor.triggers == ()
    assert loaded.errors[0].path == path
    assert loaded.errors[0].message.startswith(f"Unsupported: {feature} is known but not built into this version")
    built = read(text, features={feature})
    assert built.problems == ()
    (sensor,) = built.sensors.values()
    assert len(sensor.triggers) == 1


@pytest.mark.parametrize("conditions", ["conditions: a && b, ", ""])
def test_a_version_that_cannot_join_says_so_whether_it_is_written_or_meant(conditions: str) -> None:
    text = sensor_text(TWO % "", trigger(template=f"name: t, {conditions}log: {{}}"))
    loaded = read(text, features=frozenset())
    (problem,) = loaded.errors
    assert problem.path == "spec.triggers[0].template" + (".conditions" if conditions else "")
    assert problem.message.startswith("Unsupported: ")
    assert read(text, features={Feature.JOIN}).problems == ()


def test_a_dead_letter_trigger_is_read_with_its_own_kind_and_no_conditions() -> None:
    text = sensor_text(
        TWO % "",
        "[{template: {name: t, conditions: a, log: {}}, atLeastOnce: true, "
        "dlqTrigger: {template: {name: t, http: {url: x}}, atLeastOnce: true}}]",
    )
    (sensor,) = read(text, features={Feature.DLQ}).sensors.values()
    dlq = sensor.triggers[0].dlq
    assert dlq is not None
    assert (dlq.kind, dlq.path) == ("http", "spec.triggers[0].dlqTrigger")


def test_in_our_dialect_silence_is_at_least_once_for_dead_letters_too() -> None:
    triggers = "[{template: {name: t, log: {}}, dlqTrigger: {template: {name: u, log: {}}}}]"
    assert read(sensor_text(triggers=triggers, version=OURS), features=ALL).problems == ()


def test_the_rest_of_the_spec_is_accepted_as_upstream_declares_it() -> None:
    text = sensor_text() + (
        "  template: {serviceAccountName: x, container: {env: []}}\n  errorOnFailedRound: true\n"
        "  eventBusName: yard\n  replicas: 2\n  revisionHistoryLimit: 1\n  loggingFields: {a: b}\n"
    )
    loaded = read(text)
    assert loaded.problems == ()
    (sensor,) = loaded.sensors.values()
    assert sensor.bus == "yard"
    (problem,) = read(sensor_text() + "  replicas: two\n").problems
    assert problem.path == "spec.replicas"


@pytest.mark.parametrize("spec", ["", "5", "[]"])
def test_a_sensor_without_a_spec_is_refused(spec: str) -> None:
    loaded = read(f"apiVersion: argoproj.io/v1alpha1\nkind: Sensor\nmetadata: {{name: s}}\nspec: {spec}\n")
    (problem,) = loaded.problems
    assert "expected a mapping with dependencies and triggers, got" in problem.message
    assert len(loaded.failed) == 1


def test_a_dependency_that_is_written_when_the_trigger_fires_is_not_looked_for_before() -> None:
    own = "name: t, http: {payload: [{src: {dependencyName: LATER, dataKey: k}, dest: d}]}"
    rewriting = "{src: {dependencyName: a, dataKey: name}, dest: http.payload.0.src.dependencyName}"
    assert load_text(sensor_text(triggers=trigger(f", parameters: [{rewriting}]", template=own)), all_built()).problems == ()
    elsewhere = "{src: {dependencyName: a, dataKey: url}, dest: http.url}"
    text = sensor_text(triggers=trigger(f", parameters: [{elsewhere}]", template=own))
    path = "spec.triggers[0].template.http.payload[0].src.dependencyName"
    (problem,) = load_text(text, all_built()).problems
    assert (problem.path, problem.severity) == (path, Severity.WARNING)
    assert "'LATER' is not a dependency" in problem.message
