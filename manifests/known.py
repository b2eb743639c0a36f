"""Every kind that Argo Events has, so that one that is not built yet is named `Unsupported`, not taken for a typing error."""

from collections.abc import Iterator

from manifests.kinds import Kind, Kinds

_SHARED_SOURCES = (
    "mns", "sns", "sqs", "azureQueueStorage", "bitbucket", "bitbucketserver", "gerrit", "github", "gitlab", "slack",
    "storageGrid", "stripe", "webhook",
)  # fmt: skip
_ELECTED_SOURCES = (
    "amqp", "azureEventsHub", "azureServiceBus", "calendar", "emitter", "file", "pubSub", "generic", "hdfs", "kafka", "minio",
    "mqtt", "nats", "nsq", "pulsar", "redis", "redisStream", "resource", "sftp",
)  # fmt: skip

_BOTH = ("parameters", "payload")
_TRIGGERS = (
    # The order is the one in which the original picks when a template has several.
    Kind(key="k8s", role="trigger", spec=None, checked_parameters=("parameters",), checked_policies=("k8s",)),
    Kind(key="argoWorkflow", role="trigger", spec=None, checked_parameters=("parameters",), checked_policies=("k8s",)),
    Kind(
        key="http",
        role="trigger",
        spec=None,
        checked_parameters=_BOTH,
        checked_policies=("status",),
        whole_payload=True,
    ),
    Kind(key="awsLambda", role="trigger", spec=None, checked_parameters=_BOTH, checked_policies=("status",)),
    Kind(key="azureEventHubs", role="trigger", spec=None),
    Kind(key="azureServiceBus", role="trigger", spec=None),
    Kind(key="kafka", role="trigger", spec=None, checked_parameters=("payload",)),
    Kind(key="pulsar", role="trigger", spec=None),
    Kind(key="nats", role="trigger", spec=None, checked_parameters=("payload",)),
    Kind(key="slack", role="trigger", spec=None, checked_parameters=("parameters",)),
    Kind(key="openWhisk", role="trigger", spec=None, checked_parameters=_BOTH),
    Kind(key="custom", role="trigger", spec=None, checked_parameters=("parameters",)),
    Kind(key="log", role="trigger", spec=None),
    Kind(key="email", role="trigger", spec=None, checked_parameters=("parameters",)),
)


def known_kinds() -> Iterator[Kind]:
    """The 32 source kinds and 14 trigger kinds, none of them built."""
    for key in _SHARED_SOURCES:
        yield Kind(key=key, role="source", spec=None)
    for key in _ELECTED_SOURCES:
        yield Kind(key=key, role="source", spec=None, active_passive=True)
    yield from _TRIGGERS


def with_known(kinds: Kinds) -> Kinds:
    """`kinds` and, behind them, every other kind that Argo Events has."""
    if kinds.complete:
        return kinds
    complete = Kinds(known_kinds())
    for role in ("source", "trigger"):
        for kind in kinds.all(role):
            complete.add(kind)
    return complete
