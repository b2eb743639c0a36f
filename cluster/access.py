"""How a cluster is reached: a kubeconfig and its context, or the service account of the pod that this runs in."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clients.extras import needs_extra
from cluster.faults import ClusterUnavailable

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient, Configuration

NOT_INSTALLED = needs_extra("Kubernetes", "k8s")
_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_HOME = Path("~/.kube/config")


class Access(NamedTuple):
    """Which cluster, as which user. All empty: what `kubectl` would use here, and in a pod its service account."""

    kubeconfig: str = ""
    """One file, or several as `$KUBECONFIG` names them."""
    context: str = ""
    """Of the kubeconfig; empty: its current one."""

    @property
    def files(self) -> str:
        """The kubeconfig that counts; empty where there is none, and then only a service account can be used."""
        if self.kubeconfig:
            return self.kubeconfig
        if named := os.environ.get("KUBECONFIG"):
            return named
        home = _HOME.expanduser()
        return str(home) if home.is_file() else ""

    def missing(self) -> list[str]:
        """The files asked for that do not exist."""
        return [path for path in self.kubeconfig.split(os.pathsep) if path and not Path(path).expanduser().is_file()]

    def __str__(self) -> str:
        context = f", context {self.context}" if self.context else ""
        return f"kubeconfig {self.files}{context}" if self.files else "the service account of this pod"


def is_installed() -> bool:
    """Whether the library is there; it is not imported."""
    return find_spec("kubernetes") is not None


async def open_client(access: Access) -> "ApiClient":
    """A client with the credentials as they are now. Raises `ClusterUnavailable` saying what is wrong with them."""
    try:
        from kubernetes.aio.client import ApiClient, Configuration  # noqa: PLC0415 - half a second: only who needs it pays
    except ImportError as exc:
        raise ClusterUnavailable(NOT_INSTALLED) from exc
    configuration = Configuration()
    # Repeats are ours: the library repeats deletions and updates that may have been carried out.
    configuration.retries = None
    configuration.connection_pool_maxsize = 0
    await _load(access, configuration)
    try:
        client = ApiClient(configuration)
    except (OSError, ValueError) as exc:
        raise ClusterUnavailable(f"the certificates of {access} cannot be used: {exc}") from exc
    client.user_agent = "tocsin"
    return client


async def _load(access: Access, configuration: "Configuration") -> None:
    from kubernetes.aio import config  # noqa: PLC0415 - see above

    files = access.files
    if missing := access.missing():
        raise ClusterUnavailable(f"the kubeconfig {missing[0]} does not exist; name another with --kubeconfig")
    try:
        if files:
            # Tokens are refreshed in memory: the file belongs to its user.
            await config.load_kube_config(
                config_file=files,
                context=access.context or None,
                client_configuration=configuration,
                persist_config=False,
            )
        elif os.environ.get(_SERVICE_HOST):
            config.load_incluster_config(configuration)
        else:
            raise ClusterUnavailable(
                "no cluster is configured: there is no kubeconfig and this is no pod; name a kubeconfig with --kubeconfig"
            )
    except ClusterUnavailable:
        raise
    except Exception as exc:  # the library trips over what is malformed in as many ways as there are
        lines = str(exc).splitlines() or [type(exc).__name__]
        raise ClusterUnavailable(f"{access} cannot be used: {lines[0]}") from exc
