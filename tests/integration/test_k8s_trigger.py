"""The k8s trigger on a real API server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_rig import SECOND_MS, Custom, Rig, a_bound, define, firing_id, rig_of, set_from
from servers.kubernetes import PLAIN, KubernetesServer
from waiting import until

from cluster.marks import EVENTS, FIRINGS
from manifests.fields import Backoff
from manifests.objects import K8sPolicy, Parameter, Policy, TocsinTriggerHead
from sensors.errors import RenderError, TriggerRefused, TriggerUnavailable
from sensors.triggers.k8s.trigger import K8sKind

pytestmark = pytest.mark.kubernetes

APPS = "apps/v1"


@pytest.fixture
async def rig(kubernetes_server: KubernetesServer, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_of(kubernetes_server, tmp_path) as made:
        yield made


def config_map(name: str = "note", **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def writing(operation: str, resource: Any, *parameters: Any, **more: Any) -> dict[str, Any]:
    return {"operation": operation, "source": {"resource": resource}, "parameters": list(parameters), **more}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "shop:1"}]}}
    whole = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod} | spec
    return {"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": name}, "spec": whole}


# Create


async def test_an_object_is_created_in_the_sensors_namespace_with_its_labels_and_its_firing(rig: Rig) -> None:
    trigger = rig.trigger(K8sKind, writing("create", config_map(who="?"), set_from("who", "data.who")))
    firing = firing_id()
    done = await rig.fire(trigger, firing, who="me")
    assert (done.status, done.detail) == (201, f"created ConfigMap {rig.namespace}/note")
    found = await rig.look("note")
    assert found["data"] == {"who": "me"}
    assert found["metadata"]["labels"] == {
        "events.argoproj.io/sensor": "shop",
        "events.argoproj.io/trigger": "act",
        "events.argoproj.io/action-timestamp": str(SECOND_MS),
    }
    assert found["metadata"]["annotations"] == {FIRINGS: firing, EVENTS: "hooks/push/e1"}


async def test_a_repeat_finds_its_own_object_and_makes_no_second_one(rig: Rig) -> None:
    resource = config_map()
    resource["metadata"] = {"generateName": "note-"}
    trigger = rig.trigger(K8sKind, writing("create", resource))
    firing = firing_id()
    first, again = [await rig.fire(trigger, firing) for _ in range(2)]
    assert first.detail == f"created ConfigMap {rig.namespace}/note-{firing[:10]}"
    assert again.detail == f"ConfigMap {rig.namespace}/note-{firing[:10]} was written by an earlier attempt"
    await rig.fire(trigger)
    assert len(await rig.names()) == 2


async def test_an_object_that_someone_else_made_is_not_taken_for_ours(rig: Rig) -> None:
    await rig.config_map("note")
    trigger = rig.trigger(K8sKind, writing("create", config_map()))
    with pytest.raises(TriggerRefused, match=r"ConfigMap \S+/note exists already, made by someone else"):
        await rig.fire(trigger)
    await rig.fire(rig.trigger(K8sKind, writing("create", config_map("other"))), "a" * 32)
    with pytest.raises(TriggerRefused, match=f"exists already, made by {'a' * 32}"):
        await rig.fire(rig.trigger(K8sKind, writing("create", config_map("other"))))


async def test_twenty_at_once_make_one_object(rig: Rig) -> None:
    trigger = rig.trigger(K8sKind, writing("create", config_map()))
    firing = firing_id()
    done = await asyncio.gather(*[rig.fire(trigger, firing) for _ in range(20)])
    assert sorted({one.status for one in done}) == [200, 201]
    assert [one.status for one in done].count(201) == 1


async def test_text_in_the_manifest_is_an_object_too(rig: Rig) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: note\ndata:\n  mode: '0644'\n---\nkind: Ignored\n"
    trigger = rig.trigger(K8sKind, {"source": {"inline": text}, "parameters": [set_from("who", "data.who")]})
    await rig.fire(trigger, who="me")
    assert (await rig.look("note"))["data"] == {"mode": "0644", "who": "me"}


async def test_an_irregular_plural_and_a_kind_without_namespace_are_found_by_discovery(
    kubernetes_server: KubernetesServer, tmp_path: Path
) -> None:
    async with rig_of(kubernetes_server, tmp_path, allow=("create:PriorityClass.scheduling.k8s.io:*", "*:*:.")) as rig:
        endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "ends"}}
        await rig.fire(rig.trigger(K8sKind, writing("create", endpoints)))
        assert "ends" in await rig.names("endpoints")
        name = f"p-{rig.namespace}"
        urgent = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 7}
        done = await rig.fire(rig.trigger(K8sKind, writing("create", urgent)))
        assert done.detail == f"created PriorityClass {name}"


async def test_a_kind_that_is_installed_while_running_is_found(rig: Rig) -> None:
    group, kind = f"{rig.namespace}.example.com", "Shop"
    trigger = rig.trigger(
        K8sKind, writing("create", {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "one"}, "spec": {"n": 5}})
    )
    with pytest.raises(TriggerRefused, match=rf"the cluster does not serve '{group}/v1'; is its custom resource definition"):
        await rig.fire(trigger)
    await asyncio.to_thread(define, rig.server, Custom(f"{group}/v1", kind, "shops"))
    done = None
    async with asyncio.timeout(30):
        while done is None:
            try:
                done = await rig.fire(trigger)
            except (TriggerRefused, TriggerUnavailable):
                await asyncio.sleep(0.2)  # discovery is behind, by the API server's own caches
    assert done.detail == f"created Shop {rig.namespace}/one"
    assert (await rig.look("one", "shops", f"{group}/v1"))["spec"] == {"n": 5}


# Update


async def test_an_update_goes_over_what_is_there_and_leaves_the_rest(rig: Rig) -> None:
    await rig.call("POST", rig.path("deployments", group=APPS), deployment())
    change = {"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 0, "paused": True}}
    trigger = rig.trigger(K8sKind, writing("update", change, set_from("n", "spec.replicas", useRawData=True)))
    done = await rig.fire(trigger, n=5)
    assert done.detail == f"updated Deployment {rig.namespace}/web"
    found = await rig.look("web", "deployments", APPS)
    assert (found["spec"]["replicas"], found["spec"]["paused"]) == (5, True)
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:1"
    assert "labels" not in found["metadata"]


async def test_an_update_of_nothing_creates(rig: Rig) -> None:
    done = await rig.fire(rig.trigger(K8sKind, writing("update", config_map(a="1"))))
    assert done.status == 201
    assert (await rig.look("note"))["metadata"]["labels"]["events.argoproj.io/sensor"] == "shop"


async def test_a_live_object_is_changed_where_it_stands_once_for_each_firing(rig: Rig) -> None:
    await rig.config_map("note", log="a", kept="yes")
    trigger = rig.trigger(
        K8sKind, writing("update", config_map(), set_from("x", "data.log", operation="append"), liveObject=True)
    )
    firing = firing_id()
    await rig.fire(trigger, firing, x="b")
    again = await rig.fire(trigger, firing, x="b")
    assert again.detail.endswith("was written by an earlier attempt")
    await rig.fire(trigger, x="c")
    found = await rig.look("note")
    assert found["data"] == {"log": "abc", "kept": "yes"}
    assert found["metadata"]["annotations"][FIRINGS].split(",")[1] == firing


async def test_a_live_object_that_is_not_there_is_an_error(rig: Rig) -> None:
    trigger = rig.trigger(K8sKind, writing("update", config_map(), liveObject=True))
    with pytest.raises(TriggerRefused, match=r"there is no ConfigMap \S+/note; it has to be there"):
        await rig.fire(trigger)


async def test_writers_at_the_same_time_all_get_their_change_in(rig: Rig) -> None:
    await rig.config_map("note", log="")
    trigger = rig.trigger(
        K8sKind, writing("update", config_map(), set_from("x", "data.log", operation="append"), liveObject=True)
    )
    done = await asyncio.gather(*[rig.fire(trigger, x=letter) for letter in "abc"], return_exceptions=True)
    assert [one for one in done if isinstance(one, BaseException)] == []
    assert sorted((await rig.look("note"))["data"]["log"]) == ["a", "b", "c"]


# Patch


async def test_a_merge_patch_removes_what_is_null(rig: Rig) -> None:
    await rig.config_map("note", a="1", b="2")
    done = await rig.fire(rig.trigger(K8sKind, writing("patch", config_map(a=None, c="3"))))
    assert done.detail == f"patched ConfigMap {rig.namespace}/note"
    assert (await rig.look("note"))["data"] == {"b": "2", "c": "3"}


async def test_a_strategic_patch_merges_lists_by_their_keys(rig: Rig) -> None:
    await rig.call("POST", rig.path("deployments", group=APPS), deployment())
    side = {"template": {"spec": {"containers": [{"name": "side", "image": "log:1"}]}}}
    change = {"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": "web"}, "spec": side}
    how = "application/strategic-merge-patch+json"
    await rig.fire(rig.trigger(K8sKind, writing("patch", change, patchStrategy=how)))
    containers = (await rig.look("web", "deployments", APPS))["spec"]["template"]["spec"]["containers"]
    assert {one["name"] for one in containers} == {"main", "side"}


async def test_a_json_patch_is_a_list_of_operations_done_once_for_each_firing(rig: Rig) -> None:
    await rig.config_map("note", a="1")
    resource = {**config_map(), "patch": [{"op": "move", "from": "/data/a", "path": "/data/b"}]}
    del resource["data"]
    trigger = rig.trigger(K8sKind, writing("patch", resource, patchStrategy="application/json-patch+json"))
    firing = firing_id()
    await rig.fire(trigger, firing)
    assert (await rig.fire(trigger, firing)).detail.endswith("was written by an earlier attempt")
    assert (await rig.look("note"))["data"] == {"b": "1"}
    with pytest.raises(TriggerRefused, match="422"):
        await rig.fire(trigger)  # there is no `a` to move any more


async def test_a_json_patch_of_nothing_or_without_operations_says_so(rig: Rig) -> None:
    how = "application/json-patch+json"
    with pytest.raises(TriggerRefused, match=r"there is no ConfigMap \S+/note to patch"):
        await rig.fire(rig.trigger(K8sKind, writing("patch", {**config_map(), "patch": []}, patchStrategy=how)))
    with pytest.raises(TriggerRefused, match="needs its operations, a list, as `patch`"):
        await rig.fire(rig.trigger(K8sKind, writing("patch", config_map(), patchStrategy=how)))


async def test_an_apply_takes_its_fields_over_and_makes_what_is_missing(rig: Rig) -> None:
    how = "application/apply-patch+yaml"
    trigger = rig.trigger(K8sKind, writing("patch", config_map(), set_from("v", "data.v"), patchStrategy=how))
    await rig.fire(trigger, v="1")
    await rig.call(
        "PATCH", rig.path("configmaps", "note"), {"data": {"v": "x", "w": "x"}}, content_type="application/merge-patch+json"
    )
    await rig.fire(trigger, v="2")
    assert (await rig.look("note"))["data"] == {"v": "2", "w": "x"}


async def test_a_patch_of_nothing_creates(rig: Rig) -> None:
    assert (await rig.fire(rig.trigger(K8sKind, writing("patch", config_map(a="1"))))).status == 201


# Delete


async def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(rig: Rig) -> None:
    await rig.config_map("note")
    trigger = rig.trigger(K8sKind, writing("delete", config_map("?"), set_from("name", "metadata.name")))
    assert (await rig.fire(trigger, name="note")).detail == f"deleted ConfigMap {rig.namespace}/note"
    assert (await rig.fire(trigger, name="note")).detail == f"ConfigMap {rig.namespace}/note was not there"
    assert await rig.names() == []


# What is refused, and what is tried again


async def test_other_namespaces_and_guarded_kinds_need_to_be_allowed(rig: Rig) -> None:
    elsewhere = config_map()
    elsewhere["metadata"]["namespace"] = "default"
    with pytest.raises(TriggerRefused, match="rules may not create ConfigMap in namespace default; to allow it, run with "):
        await rig.fire(rig.trigger(K8sKind, writing("create", elsewhere)))
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "all"}, "rules": []}
    with pytest.raises(TriggerRefused, match=r"--k8s-allow 'create:Role\.rbac\.authorization\.k8s\.io:"):
        await rig.fire(rig.trigger(K8sKind, writing("create", role)))
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rig.namespace}}
    with pytest.raises(TriggerRefused, match="rules may not delete Namespace without a namespace"):
        await rig.fire(rig.trigger(K8sKind, writing("delete", namespace)))


async def test_a_name_or_kind_from_an_event_does_not_lead_past_what_is_allowed(rig: Rig) -> None:
    await rig.config_map("note")
    named = rig.trigger(K8sKind, writing("delete", config_map("?"), set_from("name", "metadata.name")))
    for name in ("..", "note/../../.."):
        with pytest.raises(TriggerRefused, match="no name that an object can have"):
            await rig.fire(named, name=name)
    role = {"apiVersion": "?", "kind": "Role", "metadata": {"name": "all"}}
    of_kind = rig.trigger(K8sKind, writing("delete", role, set_from("version", "apiVersion")))
    with pytest.raises(RenderError, match="is no apiVersion"):
        await rig.fire(of_kind, version="x/../rbac.authorization.k8s.io/v1")
    for version in ("..", "../v1", "x/.."):
        with pytest.raises(TriggerRefused, match="is no apiVersion"):
            await rig.fire(of_kind, version=version)
    assert await rig.names() == ["note"]
    assert (await rig.call("GET", f"/api/v1/namespaces/{rig.namespace}"))["status"]["phase"] == "Active"


async def test_what_an_update_would_create_has_to_be_allowed_to_be_created(
    kubernetes_server: KubernetesServer, tmp_path: Path
) -> None:
    async with rig_of(kubernetes_server, tmp_path, allow=("update:ConfigMap:.",)) as rig:
        with pytest.raises(TriggerRefused, match="rules may not create ConfigMap"):
            await rig.fire(rig.trigger(K8sKind, writing("update", config_map())))


async def test_a_user_without_the_right_is_told_which_one(kubernetes_server: KubernetesServer, tmp_path: Path) -> None:
    async with rig_of(kubernetes_server, tmp_path, token=PLAIN) as rig:
        with pytest.raises(TriggerRefused, match=r'403 Forbidden: .*User "plain" cannot create resource "configmaps"') as refused:
            await rig.fire(rig.trigger(K8sKind, writing("create", config_map())))
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (config_map("Not A Name"), "422 Invalid"),
        ({**config_map(), "kind": "ConfigMop"}, r"serves no kind 'ConfigMop' in 'v1' \(did you mean 'ConfigMap'\?\)"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "the ConfigMap has no metadata.name"),
    ],
)
async def test_an_object_that_cannot_be_is_refused_with_the_reason(rig: Rig, resource: Any, why: str) -> None:
    with pytest.raises(TriggerRefused, match=why):
        await rig.fire(rig.trigger(K8sKind, writing("create", resource)))


# Policy


def waiting(*, fails: bool, steps: int = 3) -> TocsinTriggerHead:
    backoff = Backoff.model_validate({"duration": "200ms", "jitter": 0, "steps": steps})
    policy = K8sPolicy(labels={"done": "yes"}, backoff=backoff, error_on_backoff_timeout=fails)
    return TocsinTriggerHead(policy=Policy(k8s=policy))


async def test_an_object_is_waited_for_until_it_has_the_labels(rig: Rig) -> None:
    trigger = rig.trigger(K8sKind, writing("create", config_map()), head=waiting(fails=True, steps=300))
    began = asyncio.get_running_loop().time()
    firing = asyncio.create_task(rig.fire(trigger))
    await until(lambda: rig.has("note"), every_s=0.02)
    merge = "application/merge-patch+json"
    await rig.call("PATCH", rig.path("configmaps", "note"), {"metadata": {"labels": {"other": "x"}}}, content_type=merge)
    await rig.call("PATCH", rig.path("configmaps", "note"), {"metadata": {"labels": {"done": "yes"}}}, content_type=merge)
    assert (await firing).detail == f"created ConfigMap {rig.namespace}/note; the labels are there"
    assert asyncio.get_running_loop().time() - began < 20


async def test_labels_that_do_not_come_fail_only_where_that_is_asked_for(rig: Rig) -> None:
    patient = rig.trigger(K8sKind, writing("create", config_map("a")), head=waiting(fails=False))
    assert "counts as success" in (await rig.fire(patient)).detail
    strict = rig.trigger(K8sKind, writing("create", config_map("b")), head=waiting(fails=True))
    with pytest.raises(TriggerUnavailable, match="did not come to have the labels done=yes in time"):
        await rig.fire(strict)


async def test_an_object_that_is_deleted_while_it_is_waited_for_is_an_error(rig: Rig) -> None:
    trigger = rig.trigger(K8sKind, writing("create", config_map()), head=waiting(fails=False, steps=300))
    firing = asyncio.create_task(rig.fire(trigger))
    await until(lambda: rig.has("note"), every_s=0.02)
    await rig.call("DELETE", rig.path("configmaps", "note"))
    with pytest.raises(TriggerRefused, match=r"it was deleted|not found"):
        await firing


async def test_parameters_of_the_trigger_rewrite_its_declaration(rig: Rig) -> None:
    head = TocsinTriggerHead(
        parameters=[
            Parameter.model_validate(set_from("what", "k8s.operation")),
            Parameter.model_validate(set_from("name", "k8s.source.resource.metadata.name")),
        ]
    )
    trigger = rig.trigger(K8sKind, writing("create", config_map(), set_from("name", "data.name")), head=head)
    await rig.fire(trigger, what="create", name="first")
    assert (await rig.look("first"))["data"] == {"name": "first"}
    await rig.fire(trigger, what="delete", name="first")
    assert await rig.names() == []
    shown = trigger.show(trigger.render(a_bound(what="delete", name="first")))
    assert shown["operation"] == "delete"
