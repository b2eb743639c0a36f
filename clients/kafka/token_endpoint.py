"""Where bearer tokens are fetched."""

from typing import NamedTuple


class TokenEndpoint(NamedTuple):
    """Where tokens are fetched, by the user and the password of the connection."""

    url: str
    scope: str = ""
    ca: bytes = b""
    """PEM of the authority of its certificate; empty: the machine's own."""
