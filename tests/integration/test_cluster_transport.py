"""Requests to a real API server, with faults before it that it does not make by itself."""

import asyncio
import contextlib
import json
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_proxy import Proxy, Said, proxying
from kubernetes_rig import Rig, firing_id, rig_of, set_from
from servers.kubernetes import ADMIN, KubernetesServer

from cluster.access import Access
from cluster.api import Cluster
from cluster.faults import ClusterRefused, ClusterUnavailable
from cluster.kinds import Kind
from cluster.transport import Request, Transport
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.k8s.hand import Hand
from sensors.triggers.k8s.trigger import K8sKind

pytestmark = pytest.mark.kubernetes

NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"log": "a"}}


@pytest.fixture
def proxy(kubernetes_server: KubernetesServer) -> Iterator[Proxy]:
    with proxying(kubernetes_server) as made:
        yield made


@pytest.fixture
async def rig(kubernetes_server: KubernetesServer, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Rig]:
    """Triggers that act through the proxy."""
    async with rig_of(kubernetes_server, tmp_path) as made:
        await made.shared.aclose()
        made.hand = Hand(Access(str(kubernetes_server.kubeconfig(tmp_path / "proxied", url=proxy.url))))
        made.shared.put(made.hand)
        yield made


def first(proxy: Proxy, method: str, said: Said, times: int = 1) -> None:
    """Answer the first requests of a method instead of the server."""
    left = [said] * times
    proxy.before = lambda asked, path: left.pop() if asked == method and left else None


def asked(proxy: Proxy, method: str) -> int:
    return sum(one == method for one, _ in proxy.seen)


def creating(rig: Rig) -> Any:
    return rig.trigger(K8sKind, {"source": {"resource": NOTE}})


async def test_a_server_that_throttles_is_waited_for(rig: Rig, proxy: Proxy) -> None:
    first(proxy, "POST", Said(429, headers=(("Retry-After", "1"),)), times=2)
    began = asyncio.get_running_loop().time()
    assert (await rig.fire(creating(rig))).status == 201
    assert asyncio.get_running_loop().time() - began >= 2
    assert asked(proxy, "POST") == 3


async def test_a_long_pause_is_left_to_who_tries_again(rig: Rig, proxy: Proxy) -> None:
    body = json.dumps({"kind": "Status", "reason": "TooManyRequests", "message": "slow down"}).encode()
    first(proxy, "POST", Said(429, body, (("Retry-After", "60"),)))
    with pytest.raises(TriggerUnavailable, match="429 TooManyRequests: slow down") as failed:
        await rig.fire(creating(rig))
    assert (failed.value.retry_after_s, failed.value.status) == (60.0, 429)
    assert asked(proxy, "POST") == 1


async def test_only_reading_is_repeated_where_nobody_knows_what_happened(rig: Rig, proxy: Proxy) -> None:
    first(proxy, "GET", Said(500), times=2)
    await rig.fire(creating(rig))
    first(proxy, "PUT", Said(500))
    with pytest.raises(TriggerUnavailable, match=r"update ConfigMap \S+/note: 500"):
        await rig.fire(rig.trigger(K8sKind, {"operation": "update", "source": {"resource": NOTE}}))
    assert asked(proxy, "PUT") == 1


@pytest.mark.parametrize("operation", ["create", "update", "patch", "delete"])
async def test_an_answer_that_is_lost_is_made_good_by_the_next_attempt(rig: Rig, proxy: Proxy, operation: str) -> None:
    if operation != "create":
        await rig.call("POST", rig.path("configmaps"), NOTE)
    lost: list[str] = []

    def lose(method: str, path: str) -> bool:
        fresh = method != "GET" and not lost
        if fresh:
            lost.append(method)
        return fresh

    proxy.after = lose
    live = {"liveObject": True} if operation == "update" else {}
    parameters = [set_from("x", "data.log", operation="append")]
    trigger = rig.trigger(K8sKind, {"operation": operation, "source": {"resource": NOTE}, "parameters": parameters, **live})
    firing = firing_id()
    # What may be sent twice without harm is sent again by the connection itself; the rest is left to the next attempt.
    with contextlib.suppress(TriggerUnavailable):
        await rig.fire(trigger, firing, x="b")
    assert lost
    done = await rig.fire(trigger, firing, x="b")
    if operation == "delete":
        assert done.detail.endswith("was not there")
        return
    assert done.detail.endswith("was written by an earlier attempt")
    assert (await rig.look("note"))["data"] == {"log": "ab"}


async def test_a_server_that_hangs_is_given_up_on(rig: Rig, proxy: Proxy) -> None:
    going = threading.Event()

    def hang(method: str, path: str) -> None:
        going.wait(30)

    proxy.before = hang
    transport = Transport(rig.hand.cluster.access)
    try:
        with pytest.raises(ClusterUnavailable, match=r"look: no answer within 0\.3s"):
            await transport.send(Request("POST", "/api/v1", "look", body={}, timeout_s=0.3))
    finally:
        going.set()
        await transport.aclose()


async def test_what_is_no_api_server_is_told_from_one(rig: Rig, proxy: Proxy) -> None:
    proxy.before = lambda method, path: Said(200, b"<html>")
    with pytest.raises(TriggerUnavailable, match="the answer is not JSON; is this an API server"):
        await rig.fire(creating(rig))


async def test_kinds_are_asked_for_once(rig: Rig, proxy: Proxy) -> None:
    await asyncio.gather(*[rig.fire(creating(rig), firing_id("one")) for _ in range(5)])
    await rig.fire(rig.trigger(K8sKind, {"operation": "delete", "source": {"resource": NOTE}}))
    assert [path for _, path in proxy.seen].count("/api/v1") == 1
    for _ in range(3):
        with pytest.raises(TriggerRefused, match="serves no kind 'Nope'"):
            await rig.fire(rig.trigger(K8sKind, {"source": {"resource": {**NOTE, "kind": "Nope"}}}))
    assert [path for _, path in proxy.seen].count("/api/v1") <= 2


async def test_a_cluster_that_is_away_is_acted_on_when_it_is_back(kubernetes_server: KubernetesServer, tmp_path: Path) -> None:
    async with rig_of(kubernetes_server, tmp_path) as rig:
        await rig.fire(creating(rig))
        kubernetes_server.kill()
        try:
            with pytest.raises(TriggerUnavailable, match="the API server cannot be reached"):
                await rig.fire(rig.trigger(K8sKind, {"operation": "delete", "source": {"resource": NOTE}}))
        finally:
            await asyncio.to_thread(kubernetes_server.start)
        assert (await rig.fire(rig.trigger(K8sKind, {"operation": "delete", "source": {"resource": NOTE}}))).detail.startswith(
            "deleted"
        )


# Credentials


def kubeconfig(path: Path, url: str, user: dict[str, Any]) -> Access:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(content))
    return Access(str(path))


async def config_maps(cluster: Cluster) -> Kind:
    return await cluster.kind("v1", "ConfigMap")


async def test_a_token_that_is_rotated_is_read_again_once_for_all(proxy: Proxy, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(ADMIN)
    cluster = Cluster(kubeconfig(tmp_path / "config", proxy.url, {"tokenFile": str(token)}))
    try:
        kind = await config_maps(cluster)
        refused = Said(401, b'{"kind":"Status","reason":"Unauthorized"}')
        old = f"Bearer {ADMIN}"
        token.write_text("rotated")
        proxy.tokens.clear()

        def only_new(method: str, path: str) -> Said | None:
            return refused if proxy.tokens[-1] == old else Said(200, b'{"metadata":{"name":"x"}}')

        proxy.before = only_new
        await asyncio.gather(*[cluster.get(kind, "default", "x") for _ in range(4)])
        assert proxy.tokens.count("Bearer rotated") == 4
        await cluster.get(kind, "default", "x")
        assert proxy.tokens[-1] == "Bearer rotated"
    finally:
        await cluster.aclose()


async def test_credentials_that_are_not_accepted_twice_are_refused(proxy: Proxy, tmp_path: Path) -> None:
    cluster = Cluster(kubeconfig(tmp_path / "config", proxy.url, {"token": "nobody"}))
    try:
        with pytest.raises(ClusterRefused, match="401 Unauthorized: Unauthorized; the credentials are not accepted"):
            await config_maps(cluster)
        assert len(proxy.seen) == 2
    finally:
        await cluster.aclose()


async def test_a_credential_plugin_is_asked(proxy: Proxy, tmp_path: Path) -> None:
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": ADMIN}}
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    cluster = Cluster(kubeconfig(tmp_path / "config", proxy.url, user))
    try:
        assert (await config_maps(cluster)).plural == "configmaps"
    finally:
        await cluster.aclose()


async def test_a_pod_uses_its_service_account_also_after_the_token_was_rotated(
    kubernetes_server: KubernetesServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.aio.config import incluster_config

    token = tmp_path / "token"
    token.write_text("expired")
    host, _, port = kubernetes_server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(kubernetes_server.authority))
    cluster = Cluster()
    try:
        with pytest.raises(ClusterRefused, match="401"):
            await config_maps(cluster)
        token.write_text(ADMIN)
        assert (await config_maps(cluster)).namespaced
    finally:
        await cluster.aclose()


# Reading


async def test_a_watch_from_a_version_that_is_gone_ends_at_once(kubernetes_server: KubernetesServer, tmp_path: Path) -> None:
    async with rig_of(kubernetes_server, tmp_path) as rig:
        cluster = rig.hand.cluster
        seen = {"metadata": {"name": "x", "resourceVersion": "5"}}
        began = asyncio.get_running_loop().time()
        assert await cluster.changed(await config_maps(cluster), rig.namespace, seen, timeout_s=30) is seen
        assert asyncio.get_running_loop().time() - began < 25


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said(410, b'{"kind": "Status", "code": 410, "reason": "Expired"}'), id="gone"),
        pytest.param(Said(403, b'{"kind": "Status", "code": 403, "reason": "Forbidden"}'), id="may read and not watch"),
        pytest.param(Said(405, b'{"kind": "Status", "code": 405, "reason": "MethodNotAllowed"}'), id="cannot be watched"),
        pytest.param(Said(503, b"{}"), id="away"),
        pytest.param(
            Said(200, b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}\n'), id="expired"
        ),
    ],
)
async def test_a_watch_that_cannot_be_had_is_no_fault_and_nothing_is_taken_for_a_change(
    rig: Rig, proxy: Proxy, said: Said
) -> None:
    cluster, seen = rig.hand.cluster, {"metadata": {"name": "x", "resourceVersion": "5"}}
    kind = await config_maps(cluster)
    proxy.before = lambda method, path: said if "watch=true" in path else None
    assert await cluster.changed(kind, rig.namespace, seen, timeout_s=10) is seen
    proxy.before = lambda method, path: Said(401) if "watch=true" in path else None
    with pytest.raises(ClusterRefused):
        await cluster.changed(kind, rig.namespace, seen, timeout_s=10)
