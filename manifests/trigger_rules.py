"""Rules of a trigger apart from its kind's own. Rules: Argo Events, `ValidateSensor`, triggers."""

from collections.abc import Collection, Iterator

from manifests.clock_rules import cron_fault, zone_fault
from manifests.conditions import Condition
from manifests.features import Feature, unsupported
from manifests.fields import Backoff, Spec
from manifests.kinds import Kind
from manifests.objects import ConditionsReset, RateLimit, TriggerHead
from manifests.ours import ONLY_OURS, ours_in
from manifests.report import Fault
from manifests.words import did_you_mean, quoted
from manifests.yaml_values import Path

_STOPS = "the trigger does not run"


def soften(fault: Fault, path: Path) -> Fault:
    """A malformed backoff is found by the original only when it is used, so it disables its trigger and no more."""
    below = fault.path[len(path) :]
    late = below[:1] == ("retryStrategy",) and below[1:2] and below[1] in ("duration", "factor", "jitter")
    late = late or below[:3] == ("policy", "k8s", "backoff")
    return Fault(fault.path, f"{fault.message}; {_STOPS}", fatal=False) if late else fault


def reset_faults(resets: Collection[ConditionsReset], path: Path) -> Iterator[Fault]:
    """Each reset needs a schedule that can be read."""
    for index, reset in enumerate(resets):
        at = (*path, index, "byTime")
        if reset.by_time is None:
            yield Fault(at, "missing; a reset needs a time")
            continue
        if fault := cron_fault(reset.by_time.cron):
            yield Fault((*at, "cron"), fault)
        if fault := zone_fault(reset.by_time.timezone):
            yield Fault((*at, "timezone"), fault)


def policy_faults(head: TriggerHead, kind: Kind, path: Path) -> Iterator[Fault]:
    """A policy that is given must say what it asks for."""
    policy = head.policy
    if policy is None:
        return
    if policy.k8s is not None and "k8s" in kind.checked_policies and not policy.k8s.labels:
        yield Fault((*path, "policy", "k8s", "labels"), "missing; the policy needs the labels to wait for")
    if policy.status is not None and "status" in kind.checked_policies and not policy.status.allow:
        yield Fault((*path, "policy", "status", "allow"), "missing; the policy needs the status codes that count as success")


def rate_faults(limit: RateLimit | None, path: Path) -> Iterator[Fault]:
    """A limit must let something through; the original crashes on 0."""
    if limit is not None and limit.requests_per_unit <= 0:
        at = (*path, "rateLimit", "requestsPerUnit")
        yield Fault(at, f"expected a whole number above 0, got {limit.requests_per_unit}; {_STOPS}", fatal=False)


def ours_faults(spec: Spec, path: Path) -> Iterator[Fault]:
    """Fields of our dialect in a manifest of Argo Events: ignoring them would do something else than was asked for."""
    for at in ours_in(spec):
        yield Fault((*path, *at), f"{ONLY_OURS}; {_STOPS}", fatal=False)


def unit_warning(limit: RateLimit | None) -> str | None:
    """What to say about an unknown unit, which counts as a second."""
    units = ("Second", "Minute", "Hour")
    if limit is None or limit.unit in ("", *units):
        return None
    return f"unknown unit {quoted(limit.unit)}, read as 'Second'{did_you_mean(limit.unit, units)}"


def backoff_warnings(backoff: Backoff | None) -> Iterator[tuple[Path, str]]:
    """What of a `retryStrategy` is below zero and counts as zero, with its place in the trigger."""
    if backoff is None:
        return
    values = {"duration": backoff.duration.total_seconds(), "factor": backoff.factor, "jitter": backoff.jitter}
    for name, value in values.items():
        if value < 0:
            yield ("retryStrategy", name), "is below zero, read as 0"
    if backoff.steps < 0:
        yield ("retryStrategy", "steps"), f"is below zero, read as {backoff.attempts}"


def feature_faults(
    head: TriggerHead,
    resets: Collection[ConditionsReset],
    dlq: bool,
    path: Path,
    features: Collection[Feature],
) -> Iterator[Fault]:
    """What the trigger asks for that this version does not do."""
    parts: tuple[tuple[Feature, bool, Path], ...] = (
        (Feature.CONDITIONS_RESET, bool(resets), ("template", "conditionsReset")),
        (Feature.K8S_POLICY, head.policy is not None and head.policy.k8s is not None, ("policy", "k8s")),
        (Feature.DLQ, dlq, ("dlqTrigger",)),
    )
    for feature, present, at in parts:
        if present and feature not in features:
            yield Fault((*path, *at), unsupported(str(feature), _STOPS), fatal=False)


def condition_faults(
    condition: Condition, written: bool, broken: Collection[str], path: Path, features: Collection[Feature]
) -> Iterator[Fault]:
    """Whether the condition can be waited for: joining is built, and each dependency can be used."""
    at: Path = (*path, "template", "conditions") if written else (*path, "template")
    if condition.joins and Feature.JOIN not in features:
        what = str(Feature.JOIN) if written else f"waiting for all {len(condition.names)} dependencies, as without conditions,"
        yield Fault(at, unsupported(what, _STOPS), fatal=False)
    for name in condition.names:
        if name in broken:
            yield Fault(at, f"needs the dependency {quoted(name)}, which cannot be used; {_STOPS}", fatal=False)
