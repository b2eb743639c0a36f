"""What rules may do to a cluster: an allow-list of verbs, kinds and namespaces, beside what the cluster itself permits.

A rule reads `VERBS:KINDS:NAMESPACES`, each a list with commas:

- verbs: `create`, `update`, `patch`, `delete`, or `*`;
- kinds: `Job.batch`, `Pod` (the core group), `*.argoproj.io`, or `*`; kinds that decide who may do what, or what this service
  does, count only where they are named exactly;
- namespaces: `team-a`, `team-*`, `*`, or `.` for the sensor's own. Kinds without a namespace need `*` here and their exact
  name before it.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from cluster.kinds import group_of

VERBS = ("create", "update", "patch", "delete")
OWN = "."

_GUARDED_GROUPS = frozenset(
    {
        "rbac.authorization.k8s.io",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "certificates.k8s.io",
        "tocsin.dev",
    }
)
_GUARDED_KINDS = frozenset({"Sensor.argoproj.io", "EventSource.argoproj.io", "EventBus.argoproj.io"})


class Rule(NamedTuple):
    """One line of the list."""

    verbs: tuple[str, ...]
    kinds: tuple[str, ...]
    namespaces: tuple[str, ...]

    def allows(self, verb: str, kind: str, namespace: str | None, own: str) -> bool:
        """Whether it covers the verb on `kind`, as `Job.batch`, in `namespace`, which is None where the kind has none."""
        if verb not in self.verbs and "*" not in self.verbs:
            return False
        exact = kind in self.kinds
        if not exact and (namespace is None or _guarded(kind) or not any(fnmatchcase(kind, one) for one in self.kinds)):
            return False
        if namespace is None:
            return "*" in self.namespaces
        return any(namespace == own if one == OWN else fnmatchcase(namespace, one) for one in self.namespaces)


class Allowed:
    """The list; the default allows every kind, but for guarded ones, in the sensor's own namespace."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = tuple(rules) or (DEFAULT,)

    def fault(self, verb: str, api_version: str, kind: str, *, namespace: str | None, own: str) -> str | None:
        """Why a sensor of the namespace `own` may not; None where it may."""
        named = full_name(api_version, kind)
        if any(rule.allows(verb, named, namespace, own) for rule in self._rules):
            return None
        where = "without a namespace" if namespace is None else f"in namespace {namespace}"
        rule = f"{verb}:{named}:{'*' if namespace is None else namespace}"
        return f"rules may not {verb} {named} {where}; to allow it, run with --k8s-allow '{rule}'"


def full_name(api_version: str, kind: str) -> str:
    """A kind as rules name it: `Job.batch`, `Pod`."""
    group = group_of(api_version)
    return f"{kind}.{group}" if group else kind


def parse_rule(text: str) -> Rule:
    """Read one rule. Raises `ValueError` saying what is expected."""
    parts = [tuple(filter(None, (word.strip() for word in part.split(",")))) for part in text.split(":")]
    if len(parts) != 3 or not all(parts):
        raise ValueError(
            f"{text!r} is no rule; expected VERBS:KINDS:NAMESPACES such as 'create,patch:Workflow.argoproj.io:team-*'"
        )
    verbs, kinds, namespaces = parts
    for verb in verbs:
        if verb not in (*VERBS, "*"):
            raise ValueError(f"{text!r}: {verb!r} is no verb; expected {', '.join(VERBS)} or *")
    for kind in kinds:
        if kind != "*" and not (kind[0].isupper() or kind.startswith("*.")):
            raise ValueError(f"{text!r}: {kind!r} is no kind; expected such as Job.batch, Pod, *.argoproj.io or *")
    return Rule(verbs, kinds, namespaces)


def _guarded(kind: str) -> bool:
    return kind in _GUARDED_KINDS or kind.partition(".")[2] in _GUARDED_GROUPS


DEFAULT = Rule(("*",), ("*",), (OWN,))
