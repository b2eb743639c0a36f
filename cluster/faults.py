"""What can go wrong with a cluster, grouped by what the catcher can do.

ClusterFault           any of these
├── ClusterUnavailable   transient: again, later
└── ClusterRefused       permanent: the same request will be refused again
    ├── NotFound           there is no such object
    ├── AlreadyExists      there is one of that name
    ├── Conflict           it changed since it was read
    └── UnknownKind        the cluster does not serve such a kind
"""

import re
from collections.abc import Mapping
from typing import Any

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST = 400


class ClusterFault(Exception):
    """A request did not succeed. `status` is the API server's status code, 0 where it gave none; `reason` its one-word reason."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class ClusterUnavailable(ClusterFault):
    """Transient. `retry_after_s` is what the server asked for."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, status=status, reason=reason)
        self.retry_after_s = retry_after_s


class ClusterRefused(ClusterFault):
    """Permanent."""


class NotFound(ClusterRefused):
    """There is no such object."""


class AlreadyExists(ClusterRefused):
    """There is an object of that name."""


class Conflict(ClusterRefused):
    """The object changed since it was read, or another owns the field."""


class UnknownKind(ClusterRefused):
    """The cluster serves no such kind."""


_BY_STATUS: Mapping[int, tuple[type[ClusterRefused], str]] = {
    400: (ClusterRefused, ""),
    401: (ClusterRefused, "the credentials are not accepted; look at the user of the kubeconfig, or the service account"),
    403: (ClusterRefused, "give the user a Role that permits it"),
    404: (NotFound, ""),
    409: (Conflict, ""),
    415: (ClusterRefused, "the kind does not take this kind of patch; custom resources take merge, JSON and apply patches"),
    422: (ClusterRefused, ""),
}


def fault_of(what: str, status: int, body: Mapping[str, Any], retry_after: str | None) -> ClusterFault:
    """The fault that an answer is. `body` is the server's `Status`, empty where it sent none."""
    reason = str(body.get("reason") or "")
    said = " ".join(str(body.get("message") or "").split())[:_LONGEST]
    text = f"{what}: {status}{f' {reason}' if reason else ''}{f': {said}' if said else ''}"
    if status in _TRANSIENT:
        return ClusterUnavailable(text, status=status, reason=reason, retry_after_s=_seconds(retry_after, body))
    kind, advice = _BY_STATUS.get(status, (ClusterRefused, ""))
    if reason == "AlreadyExists":
        kind = AlreadyExists
    return kind(f"{text}; {advice}" if advice else text, status=status, reason=reason)


def _seconds(header: str | None, body: Mapping[str, Any]) -> float | None:
    """`Retry-After` in seconds, or what the server says in its body. The API server never sends a date."""
    if header is not None and re.fullmatch(r"\d{1,6}", header.strip()):
        return float(header)
    details = body.get("details")
    asked = details.get("retryAfterSeconds") if isinstance(details, Mapping) else None
    return float(asked) if isinstance(asked, int) and asked > 0 else None
