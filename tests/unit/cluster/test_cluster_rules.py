"""What is decided about a cluster without asking it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.access import Access, open_client
from cluster.allowed import Allowed, parse_rule
from cluster.faults import (
    AlreadyExists,
    ClusterRefused,
    ClusterUnavailable,
    Conflict,
    NotFound,
    UnknownKind,
    fault_of,
)
from cluster.kinds import Kind, root_of
from cluster.marks import EVENTS, FIRINGS, HOPS, KEPT, Written, annotations_of, firings_of, generated_name, labelled, marked

ROLE = "rbac.authorization.k8s.io/v1"


def fault(rules: tuple[str, ...], verb: str, api_version: str, kind: str, namespace: str | None = "own") -> str | None:
    return Allowed(parse_rule(rule) for rule in rules).fault(verb, api_version, kind, namespace=namespace, own="own")


# What is allowed


@pytest.mark.parametrize(
    ("rules", "verb", "api_version", "kind", "namespace", "allowed"),
    [
        ((), "create", "batch/v1", "Job", "own", True),
        ((), "delete", "v1", "Pod", "own", True),
        ((), "create", "batch/v1", "Job", "other", False),
        ((), "create", ROLE, "RoleBinding", "own", False),
        ((), "create", "argoproj.io/v1alpha1", "Sensor", "own", False),
        ((), "create", "argoproj.io/v1alpha1", "Workflow", "own", True),
        ((), "create", "tocsin.dev/v1", "Sensor", "own", False),
        ((), "create", "v1", "Namespace", None, False),
        (("create:Job.batch:team-*",), "create", "batch/v1", "Job", "team-a", True),
        (("create:Job.batch:team-*",), "create", "batch/v1beta1", "Job", "team-a", True),
        (("create:Job.batch:team-*",), "patch", "batch/v1", "Job", "team-a", False),
        (("create:Job.batch:team-*",), "create", "batch/v1", "Job", "own", False),
        (("create:Job.batch:team-*",), "create", "v1", "Job", "team-a", False),
        (("*:*.argoproj.io:*",), "patch", "argoproj.io/v1alpha1", "Rollout", "x", True),
        (("*:*.argoproj.io:*",), "patch", "argoproj.io/v1alpha1", "EventSource", "x", False),
        (("*:EventSource.argoproj.io:*",), "patch", "argoproj.io/v1alpha1", "EventSource", "x", True),
        (("*:*:*",), "create", ROLE, "ClusterRoleBinding", None, False),
        (("*:ClusterRole.rbac.authorization.k8s.io:*",), "create", ROLE, "ClusterRole", None, True),
        (("*:Namespace:team-*",), "create", "v1", "Namespace", None, False),
        (("*:Namespace:*",), "create", "v1", "Namespace", None, True),
        (("create,patch:Pod,Job.batch:a,b",), "patch", "v1", "Pod", "b", True),
        (("create:Pod:a", "delete:Pod:b"), "delete", "v1", "Pod", "a", False),
    ],
)
def test_what_rules_allow(
    rules: tuple[str, ...], verb: str, api_version: str, kind: str, namespace: str | None, allowed: bool
) -> None:
    assert (fault(rules, verb, api_version, kind, namespace) is None) is allowed


@given(
    verb=st.sampled_from(("create", "update", "patch", "delete")),
    kind=st.sampled_from((("batch/v1", "Job"), (ROLE, "Role"), ("v1", "Namespace"), ("argoproj.io/v1alpha1", "Sensor"))),
    namespace=st.sampled_from(("own", "other", "team-a", None)),
)
def test_the_rule_that_a_refusal_names_allows_what_was_refused(verb: str, kind: tuple[str, str], namespace: str | None) -> None:
    said = fault(("create:Nothing:nowhere",), verb, *kind, namespace)
    assert said is not None
    rule = said.rpartition("'")[0].rpartition("'")[2]
    assert fault((rule,), verb, *kind, namespace) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("create:Pod", "is no rule; expected VERBS:KINDS:NAMESPACES"),
        ("create::x", "is no rule"),
        ("make:Pod:x", "'make' is no verb; expected create, update, patch, delete or"),
        ("create:pods:x", "'pods' is no kind; expected such as Job.batch"),
    ],
)
def test_a_rule_that_is_none_says_what_is_expected(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_rule(text)


# Faults


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "BadRequest", ClusterRefused),
        (403, "Forbidden", ClusterRefused),
        (404, "NotFound", NotFound),
        (409, "Conflict", Conflict),
        (409, "AlreadyExists", AlreadyExists),
        (410, "Expired", ClusterRefused),
        (422, "Invalid", ClusterRefused),
        (429, "TooManyRequests", ClusterUnavailable),
        (500, "InternalError", ClusterUnavailable),
        (504, "Timeout", ClusterUnavailable),
        (418, "", ClusterRefused),
    ],
)
def test_an_answer_is_the_fault_that_says_what_can_be_done(status: int, reason: str, kind: type[Exception]) -> None:
    found = fault_of("get Pod a/b", status, {"reason": reason, "message": "no\n  luck"}, None)
    assert type(found) is kind
    assert str(found).startswith(f"get Pod a/b: {status}{' ' * bool(reason)}{reason}: no luck")
    assert found.status == status


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [("7", {}, 7.0), (None, {"details": {"retryAfterSeconds": 3}}, 3.0), ("soon", {}, None), (None, {"details": "x"}, None)],
)
def test_the_time_that_the_server_asks_for_is_kept(header: str | None, body: dict[str, object], seconds: float | None) -> None:
    found = fault_of("x", 429, body, header)
    assert isinstance(found, ClusterUnavailable)
    assert found.retry_after_s == seconds


# Marks and names


def test_the_last_firings_are_kept_each_once_the_latest_first() -> None:
    found = None
    for number in range(KEPT + 3):
        found = marked({"metadata": {"annotations": {"kept": "yes"}}}, found, Written(f"f{number}"))
    assert firings_of(found or {}) == tuple(f"f{number}" for number in range(KEPT + 2, 2, -1))
    again = annotations_of(found, Written("f5", ("a/b/1", "a/c/2"), "first", 3))
    assert again[FIRINGS].split(",")[0] == "f5"
    assert again[FIRINGS].count("f5") == 1
    assert (again[EVENTS], again[HOPS]) == ("a/b/1 a/c/2", "3")


def test_many_events_are_cut_short() -> None:
    told = annotations_of(None, Written("f", tuple(f"source/name/{n}" for n in range(500))))
    assert told[EVENTS].endswith("source/name/31 …")


@given(
    prefix=st.text(alphabet="abc-", min_size=1, max_size=80),
    firing=st.text(alphabet="0123456789abcdef", min_size=32, max_size=32),
)
def test_a_generated_name_follows_from_the_firing_and_fits(prefix: str, firing: str) -> None:
    name = generated_name(prefix, firing)
    assert name == generated_name(prefix, firing)
    assert len(name) <= 63
    assert name.endswith(firing[:10])


def test_names_that_no_label_can_hold_are_left_out() -> None:
    made = labelled({"metadata": {"labels": {"a": "b"}}}, sensor="s" * 64, trigger="not a label", at_ms=5)
    assert made["metadata"]["labels"] == {"a": "b", "events.argoproj.io/action-timestamp": "5"}


def test_paths_of_objects_are_escaped() -> None:
    kind = Kind("apps/v1", "Deployment", "deployments", namespaced=True)
    assert kind.path("a?b", "..x y#") == "/apis/apps/v1/namespaces/a%3Fb/deployments/..x%20y%23"
    assert Kind("v1", "Node", "nodes", namespaced=False).path("ignored", "n") == "/api/v1/nodes/n"


@pytest.mark.parametrize("name", [".", "..", "web/scale", "a/../../b", "%2e%2e", "web%2Fexec"])
def test_a_name_that_would_lead_to_another_object_is_no_path(name: str) -> None:
    kind = Kind("v1", "ConfigMap", "configmaps", namespaced=True)
    for namespace, named in (("own", name), (name, "x")):
        with pytest.raises(ClusterRefused, match="no name that an object can have"):
            kind.path(namespace, named)


@pytest.mark.parametrize(
    "text", ["x/../rbac.authorization.k8s.io/v1", "./v1", "../v1", "apps//v1", "apps/..", "v1/", "apps/v1?a", "%2e/v1"]
)
def test_an_api_version_that_would_lead_to_another_group_is_no_kind(text: str) -> None:
    with pytest.raises(UnknownKind, match="is no apiVersion; expected such as"):
        root_of(text)


def test_groups_and_versions_are_served_where_the_cluster_has_them() -> None:
    roots = [
        root_of(one) for one in ("v1", "apps/v1", "batch/v1beta1", "rbac.authorization.k8s.io/v1", "x-y.example.com/v1alpha1")
    ]
    assert roots[:3] == ["/api/v1", "/apis/apps/v1", "/apis/batch/v1beta1"]
    assert roots[3:] == ["/apis/rbac.authorization.k8s.io/v1", "/apis/x-y.example.com/v1alpha1"]


# Access


async def test_a_kubeconfig_that_is_not_there_or_no_kubeconfig_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ClusterUnavailable, match=r"no cluster is configured: .*--kubeconfig"):
        await open_client(Access())
    with pytest.raises(ClusterUnavailable, match="/nowhere does not exist; name another with --kubeconfig"):
        await open_client(Access("/nowhere"))
    broken = folder / "broken"
    for text in ("", "[]", "kind: Config", "a: [", "current-context: x\ncontexts: []\nclusters: []\nusers: []"):
        broken.write_text(text)
        with pytest.raises(ClusterUnavailable, match=rf"kubeconfig {broken}, context prod cannot be used"):
            await open_client(Access(str(broken), "prod"))


def test_a_service_that_uses_no_cluster_imports_nothing_for_one() -> None:
    program = (
        "import sys; from sensors.triggers.k8s.hand import Hand; hand = Hand(); assert 'cluster.transport' not in sys.modules; "
        "assert hand.cluster is hand.cluster; assert 'cluster.transport' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
