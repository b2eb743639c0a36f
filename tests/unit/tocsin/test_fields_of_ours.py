"""Fields that only our dialect has are named where they stand in a manifest of Argo Events, whatever else is wrong with it."""

import pytest

from manifests.load import load_text
from manifests.objects import Dialect
from tocsin.kinds import BuiltKinds

PAYLOAD = "payload: [{src: {dependencyName: d, dataKey: a}, dest: a}]"
GIT = "git: {url: 'ssh://git@h/r.git', filePath: a, knownHosts: h k}"
DECLARED = [
    (f"pulsar: {{url: 'pulsar://h:6650', topic: t, {PAYLOAD}, properties: {{a: b}}}}", "pulsar.properties"),
    (f"pulsar: {{url: 'pulsar://h:6650', topic: t, {PAYLOAD}, deduplicate: true}}", "pulsar.deduplicate"),
    (f"nats: {{url: 'nats://h:4222', subject: s, {PAYLOAD}, headers: {{a: b}}}}", "nats.headers"),
    (f"nats: {{url: 'nats://h:4222', subject: s, {PAYLOAD}, jetstream: {{stream: s}}}}", "nats.jetstream"),
    (f"kafka: {{url: 'h:9092', topic: t, {PAYLOAD}, cloudEvents: {{mode: binary}}}}", "kafka.cloudEvents"),
    (f"kafka: {{url: 'h:9092', topic: t, {PAYLOAD}, awsMskIamAuth: {{region: us-east-1}}}}", "kafka.awsMskIamAuth"),
    (f"argoWorkflow: {{operation: submit, source: {{{GIT}}}}}", "argoWorkflow.source.git.knownHosts"),
    (f"k8s: {{operation: create, source: {{{GIT}}}}}", "k8s.source.git.knownHosts"),
]


def _loaded(template: str, dialect: Dialect) -> list[tuple[str, str]]:
    # The other trigger refuses the whole sensor, so that nothing of it is compiled.
    text = (
        f"apiVersion: {dialect}\nkind: Sensor\nmetadata: {{name: s}}\nspec:\n"
        "  dependencies: [{name: d, eventSourceName: e, eventName: x}]\n"
        f"  triggers:\n  - template: {{name: t, {template}}}\n  - template: {{name: broken, log: 1}}\n"
    )
    found = load_text(text, BuiltKinds()).problems
    return [(problem.path, problem.message) for problem in found if "triggers[1]" not in problem.path]


@pytest.mark.parametrize(("template", "field"), DECLARED)
def test_a_field_of_ours_in_a_manifest_of_argo_events_is_a_problem_at_the_field(template: str, field: str) -> None:
    ((path, message),) = _loaded(template, Dialect.ARGO)
    assert path == f"spec.triggers[0].template.{field}"
    assert message.startswith("only in manifests of apiVersion tocsin.dev/v1")
    assert message.endswith("the trigger does not run")


@pytest.mark.parametrize(("template", "field"), DECLARED)
def test_it_is_none_in_our_dialect(template: str, field: str) -> None:
    assert _loaded(template, Dialect.TOCSIN) == []
