"""`policy.k8s`: an object has to come to have labels, as a sign that what it stands for is done.

Semantics: `pkg/sensors/policy` of Argo Events; between two looks the object is watched, so that nothing waits in vain.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from cluster.api import Cluster, Json, said
from manifests.fields import Backoff
from manifests.objects import K8sPolicy
from sensors.errors import TriggerUnavailable
from sensors.retry import MAX_DELAY_S, RetryPolicy
from sensors.triggers.k8s.acting import Done

_SUMMED = 1000
"""Looks whose times are added up one by one: who declares a thousand million of them is not to keep the service from starting."""


class LabelPolicy:
    """Labels to wait for, and for how long."""

    def __init__(self, policy: K8sPolicy) -> None:
        self._labels: Mapping[str, str] = policy.labels or {}
        self._schedule = RetryPolicy.of(policy.backoff or Backoff())
        self._fails = policy.error_on_backoff_timeout

    @property
    def longest_s(self) -> float:
        """Seconds that waiting can take; of a schedule with very many looks, no less than that."""
        whole = replace(self._schedule, jitter=0.0)
        looks = whole.attempts - 1
        delays = [whole.delay_s("", look) or 0.0 for look in range(1, min(looks, _SUMMED) + 1)]
        last_s = MAX_DELAY_S if whole.factor > 1.0 else (delays or [0.0])[-1]
        return (sum(delays) + (looks - len(delays)) * last_s) * (1.0 + max(0.0, self._schedule.jitter))

    async def wait(self, cluster: Cluster, done: Done, found: Json, firing: str) -> str:
        """Return what to say once the labels of `found` are there, or time is up and that is no failure.

        Raises `TriggerUnavailable` where it is one, and what reading the object raises.
        """
        name = str(found["metadata"]["name"])
        for look in range(1, self._schedule.attempts + 1):
            if self._fits(found):
                return "the labels are there"
            delay_s = self._schedule.delay_s(firing, look)
            if delay_s is None:
                break
            found = await self._next(cluster, done, found, delay_s)
        missing = ", ".join(f"{label}={text}" for label, text in self._labels.items() if _labels(found).get(label) != text)
        waited = f"{said(done.kind, done.namespace, name)} did not come to have the labels {missing}"
        if self._fails:
            raise TriggerUnavailable(f"{waited} in time")
        return f"{waited} in time, which counts as success without errorOnBackoffTimeout"

    async def _next(self, cluster: Cluster, done: Done, seen: Json, delay_s: float) -> Json:
        """The object as it is after `delay_s`, or as soon as it has the labels."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay_s
        while (left_s := until - loop.time()) > 0:
            newer = await cluster.changed(done.kind, done.namespace, seen, timeout_s=left_s)
            if self._fits(newer):
                return newer
            if newer is seen:
                await asyncio.sleep(max(0.0, until - loop.time()))  # the watch broke off, or nothing came
            seen = newer
        return await cluster.get(done.kind, done.namespace, str(seen["metadata"]["name"]))

    def _fits(self, found: Json) -> bool:
        labels = _labels(found)
        return all(labels.get(label) == text for label, text in self._labels.items())


def _labels(found: Json) -> Mapping[str, str]:
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels
