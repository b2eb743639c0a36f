"""The certificate that a port serves: read again for every connection, so that a rotated one needs no restart."""

import ssl
from collections.abc import Callable
from typing import NamedTuple

import structlog

from sources.http.tls import server_context
from sources.source import SourceRefused

logger = structlog.get_logger(__name__)


class Pair(NamedTuple):
    """A certificate (PEM, with its chain) and its key. It never prints its key."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Pair()"


class ServedCertificate:
    """The newest pair that can be used; connections that are open keep theirs."""

    def __init__(self, read: Callable[[], Pair], *, where: str) -> None:
        """`read` gives the pair as it is now and raises `SourceRefused`; `where` names the port. Raises `SourceRefused`."""
        self._read, self._where = read, where
        self._pair = read()
        self._refused: Pair | None = None
        self.problem = ""
        """Why the newest pair cannot be used, while an older one is; empty where it can."""
        self._newest = _context(self._pair)
        self.context = _context(self._pair)
        """For the port. A connection that begins gets the newest."""
        self.context.sni_callback = self._begins

    def look(self) -> str:
        """Read the pair again; `problem` as it is then."""
        try:
            pair = self._read()
            if pair == self._pair:
                self._well("certificate_well")
            elif pair != self._refused:
                self._take(pair)
        except SourceRefused as exc:
            self._unwell(str(exc))
        return self.problem

    def _begins(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        """Called in every handshake, before a certificate is shown. With OpenSSL also where the client names no server."""
        self.look()
        connection.context = self._newest

    def _take(self, pair: Pair) -> None:
        try:
            self._newest = _context(pair)
        except SourceRefused:
            self._refused = pair
            raise
        self._pair, self._refused, self.problem = pair, None, ""
        logger.info("certificate_changed", port=self._where)

    def _well(self, said: str) -> None:
        if self.problem:
            logger.info(said, port=self._where)
        self.problem, self._refused = "", None

    def _unwell(self, problem: str) -> None:
        if problem != self.problem:
            hint = "the certificate of before is served on; put the files right, or both parts in place"
            logger.error("certificate_kept", port=self._where, reason=problem, hint=hint)
        self.problem = problem


def _context(pair: Pair) -> ssl.SSLContext:
    try:
        return server_context(*pair)
    except ValueError as exc:
        raise SourceRefused(f"serverCertSecret, serverKeySecret: {exc}") from None
