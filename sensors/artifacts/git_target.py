"""Which repositories may be named: schemes that reach over a network, hosts that calls may reach, nothing that is an option."""

import asyncio
import re
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from sensors.errors import TriggerUnavailable
from sensors.web.egress import Egress

SCHEMES = frozenset({"https", "http", "ssh", "git"})
_SCP = re.compile(r"(?P<user>(?!-)[\w.-]+)@(?P<host>(?!-)[\w.-]+):(?P<path>[^\s:-][^\s]*)")
"""`git@example.com:team/repository.git`"""
_HOST = re.compile(r"(?!-)[\w.:-]+")


class GitTarget(NamedTuple):
    """A repository over a network."""

    url: str
    scheme: str
    host: str
    port: int | None
    shown: str
    """Without user and password."""

    async def check(self, egress: Egress) -> list[str]:
        """The addresses of its host. Raises `EgressDenied` where it, or one of them, may not be called."""
        egress.check_host(self.host)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as exc:
            raise TriggerUnavailable(f"{self.shown}: the name cannot be resolved") from exc
        addresses = list(dict.fromkeys([str(address[0]) for *_, address in found]))
        for address in addresses:
            egress.check_address(address)
        return addresses


def checked_target(url: str) -> GitTarget:
    """The repository that `url` names. Raises `ValueError` saying what is expected."""
    if found := _SCP.fullmatch(url):
        return GitTarget(url, "ssh", found["host"], None, f"{found['host']}:{found['path']}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if url.startswith("-") or parts.scheme not in SCHEMES or not _HOST.fullmatch(host) or re.search(r"[\s\0]", url):
        raise ValueError(f"url: expected {', '.join(sorted(SCHEMES))} with a host, or user@host:path")
    if parts.password:
        raise ValueError("url holds a password; give it as creds")
    return GitTarget(url, parts.scheme, host, port, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
