"""The kinds that this version can run, each module imported when a manifest first uses its kind."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from manifests.fields import Spec
from manifests.kinds import Kind, Kinds, Role
from manifests.known import known_kinds

if TYPE_CHECKING:
    from sensors.triggers.trigger import TriggerKinds
    from sources.source import SourceKinds

MODULES: Mapping[tuple[Role, str], str] = {
    ("source", "webhook"): "sources.webhook",
    ("source", "github"): "sources.github",
    ("source", "cloudevents"): "sources.cloudevents",
    ("source", "gitlab"): "sources.gitlab",
    ("source", "bitbucket"): "sources.bitbucket",
    ("source", "bitbucketserver"): "sources.bitbucketserver",
    ("source", "calendar"): "sources.calendar",
    ("source", "file"): "sources.file",
    ("source", "generic"): "sources.generic",
    ("source", "kafka"): "sources.kafka.source",
    ("source", "outcomes"): "sources.outcomes",
    ("trigger", "argoWorkflow"): "sensors.triggers.workflows.trigger",
    ("trigger", "awsLambda"): "sensors.triggers.aws_lambda",
    ("trigger", "azureEventHubs"): "sensors.triggers.azure_event_hubs",
    ("trigger", "azureServiceBus"): "sensors.triggers.azure_service_bus",
    ("trigger", "http"): "sensors.triggers.http",
    ("trigger", "k8s"): "sensors.triggers.k8s.trigger",
    ("trigger", "kafka"): "sensors.triggers.kafka",
    ("trigger", "log"): "sensors.triggers.log",
    ("trigger", "nats"): "sensors.triggers.nats",
    ("trigger", "openWhisk"): "sensors.triggers.openwhisk",
    ("trigger", "custom"): "sensors.triggers.custom",
    ("trigger", "email"): "sensors.triggers.email",
    ("trigger", "pulsar"): "sensors.triggers.pulsar",
    ("trigger", "slack"): "sensors.triggers.slack",
}
"""Where each built kind registers itself; one line a kind."""


OURS = frozenset({"tocsin.dev/v1"})
"""Where kinds may be used that Argo Events does not have."""


class _Built(Kind):
    """A known kind whose spec is imported when it is first looked at."""

    __slots__ = ("_module",)
    _module: str

    def __init__(self, known: Kind, module: str) -> None:
        for name in ("key", "role", "dialects", "active_passive", "checked_parameters", "checked_policies", "whole_payload"):
            object.__setattr__(self, name, getattr(known, name))
        object.__setattr__(self, "_module", module)

    @property
    def spec(self) -> type[Spec]:
        """The spec, from the kind's own module."""
        import_module(self._module)
        registered = source_kinds().kinds() if self.role == "source" else trigger_kinds().kinds()
        return next(kind.spec for kind in registered if kind.key == self.key and kind.spec is not None)

    @property
    def supported(self) -> bool:
        """Always; said without importing anything."""
        return True


class BuiltKinds(Kinds):
    """Every known kind, those that are built with their spec."""

    complete = True

    def __init__(self) -> None:
        super().__init__(())
        for known in known_kinds():
            module = MODULES.get((known.role, known.key))
            self.add(known if module is None else _Built(known, module))
        for role, key in MODULES:
            if self.get(role, key) is None:  # a kind of our own, which Argo Events does not have
                self.add(_Built(Kind(key=key, role=role, spec=None, dialects=OURS), MODULES[role, key]))


def source_kinds() -> "SourceKinds":
    """The registry of source kinds, without those whose module was not imported yet."""
    from sources.source import sources  # noqa: PLC0415 - `simulate` has no sources

    return sources


def trigger_kinds() -> "TriggerKinds":
    """The registry of trigger kinds, without those whose module was not imported yet."""
    from sensors.triggers.trigger import triggers  # noqa: PLC0415 - `validate` on sources needs none

    return triggers
