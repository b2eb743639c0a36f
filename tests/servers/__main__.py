"""`python -m servers`: get the programs of all servers that tests use; name those that cannot be had here."""

import os
import sys

from servers import argo_events, artemis, azure, kafka, kubernetes, openssh, pulsar, workflows
from servers.cache import Missing

_SERVERS = {
    "a server that plays Azure": azure.fetch,
    "Artemis": artemis.fetch,
    "Kafka": kafka.fetch,
    "Pulsar": pulsar.fetch,
    "OpenSSH": openssh.fetch,
    "the Kubernetes API server": kubernetes.fetch,
    "the controller of Argo Workflows": workflows.fetch,
    "Argo Events' own code": argo_events.fetch,
}


def main() -> int:
    """Fetch them all; 1 in CI where one is missing."""
    missing = 0
    for name, fetch in _SERVERS.items():
        try:
            fetch()
        except Missing as exc:
            missing += 1
            print(f"tests that need {name} will be skipped: {exc}", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") == "true" else 0


sys.exit(main())
