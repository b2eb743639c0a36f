"""Which repositories may be named: schemes that reach over a network, hosts that calls may reach, nothing that is an option."""

import asyncio
import re
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from sensors.errors import TriggerUnavailable
from sensors.web.egress import Egress

SCHEMES = frozenset({"https", "http", "ssh", "git"})
HTTP = frozenset({"https", "http"})
_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
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
    has_user: bool = True
    """Whether the URL says as whom to log in."""

    @property
    def at(self) -> int:
        """The port that is connected to."""
        return self.port or _PORTS[self.scheme]

    @property
    def github_api(self) -> str:
        """Where GitHub's API is that belongs to this repository: at github.com itself, or at a server of one's own."""
        if self.host == "github.com":
            return "https://api.github.com"
        return f"{self.scheme}://{self.host}{f':{self.port}' if self.port else ''}/api/v3"

    async def check(self, egress: Egress) -> list[str]:
        """The addresses of its host. Raises `EgressDenied` where it, or one of them, may not be called."""
        egress.check_host(self.host)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self.at, type=socket.SOCK_STREAM)
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
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return GitTarget(url, parts.scheme, host, port, shown, bool(parts.username))
