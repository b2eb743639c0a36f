"""What all triggers of a cluster share: the cluster itself, what rules may do to it, and how its faults are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.access import Access
from cluster.allowed import Allowed
from cluster.faults import ClusterRefused, ClusterUnavailable
from cluster.kinds import Kind
from sensors.errors import TriggerRefused, TriggerUnavailable

if TYPE_CHECKING:
    from cluster.api import Cluster


class Hand:
    """The service's hand on a cluster. Close it with `aclose`."""

    def __init__(self, access: Access | None = None, allowed: Allowed | None = None) -> None:
        self._access = access
        self._allowed = allowed or Allowed()
        self._cluster: Cluster | None = None

    @property
    def cluster(self) -> "Cluster":
        """The cluster, which connects when it is first used."""
        if self._cluster is None:
            from cluster.api import Cluster  # noqa: PLC0415 - each service has a hand, and few have a cluster

            self._cluster = Cluster(self._access)
        return self._cluster

    def allow(self, verb: str, kind: Kind, namespace: str, own: str) -> None:
        """Raise `TriggerRefused` where a sensor of the namespace `own` may not do this."""
        fault = self._allowed.fault(verb, kind.api_version, kind.name, namespace=namespace if kind.namespaced else None, own=own)
        if fault is not None:
            raise TriggerRefused(fault)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._cluster is not None:
            await self._cluster.aclose()


@contextmanager
def told() -> Iterator[None]:
    """Faults of the cluster come out of the block as errors of a trigger."""
    try:
        yield
    except ClusterUnavailable as exc:
        raise TriggerUnavailable(str(exc), retry_after_s=exc.retry_after_s, status=exc.status) from exc
    except ClusterRefused as exc:
        raise TriggerRefused(str(exc), status=exc.status) from exc
