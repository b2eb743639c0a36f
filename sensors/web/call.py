"""A request to make, and what was answered."""

import ssl
from dataclasses import dataclass
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL


@dataclass(slots=True, kw_only=True, eq=False)  # not frozen: that costs two microseconds a call
class Call:
    """One request. Not changed once made."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | None
    tls: ssl.SSLContext | None = None
    """None: certificates are verified with the machine's authorities."""
    secret_headers: frozenset[str] = frozenset()
    """Lower-case names of headers that no other origin may see."""
    keep: int = 0
    """Bytes of a success's body to return; where there are more, the call is refused."""
    repeatable: bool = True
    """Whether a repeat does no harm if the server has acted after all; else it is sent again only where it cannot have."""


class Answer(NamedTuple):
    """What the target said."""

    status: int
    headers: CIMultiDictProxy[str]
    excerpt: bytes
    """The start of the body, where the status is not a success."""
    body: bytes = b""
    """The whole body of a success, where the call keeps it."""


def origin(url: URL) -> str:
    """Scheme, host and port, for messages: no path, no query, no user."""
    return str(url.origin()) if url.raw_host else "the target"
