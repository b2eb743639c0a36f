"""What `tocsin run` is told."""

from dataclasses import dataclass, field
from pathlib import Path

from cluster.access import Access
from cluster.allowed import Rule
from eventbus.retention import Retention
from sensors.hops import MAX_HOPS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run of the service on one machine."""

    paths: tuple[Path, ...]
    data: Path
    host: str = "127.0.0.1"
    """Address of the webhook listeners."""
    port_offset: int = 0
    """Added to every source's own port."""
    api: tuple[str, int] | None = ("127.0.0.1", 7070)
    """None: no API."""
    retention: Retention = field(default_factory=Retention)
    cluster: Access = field(default_factory=Access)
    """The Kubernetes cluster that triggers act on."""
    allowed: tuple[Rule, ...] = ()
    """What they may do to it; none: everything harmless in the sensor's own namespace."""
    max_hops: int = MAX_HOPS
    """Firings in a row, each caused by the one before, after which a chain is stopped as a loop."""
    strict: bool = False
    watch: bool = False
    allow_unauthenticated: bool = False
    verbose: int = 0
    grace_s: float = 20.0
    """Seconds that what is in flight is given to end when the service stops."""


def parse_address(text: str) -> tuple[str, int] | None:
    """`host:port`, `:port` or `port` as a pair; None for `off`. Raises `ValueError` saying what was expected."""
    if text in ("off", ""):
        return None
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"{text!r} is no address such as 127.0.0.1:7070, and not off")
    return host.strip("[]") or "127.0.0.1", int(port)
