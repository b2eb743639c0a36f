"""TLS material that changes while it is used: rotated by hand, it is half old and half new for a moment, and may stay broken."""

import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from clients.tls import TLSMaterial, tls_context
from manifests.secrets import SecretMissing

logger = structlog.get_logger("tls")


class KeptTLS:
    """Gives the newest material that can be used. What is in use stays so until something better is there."""

    def __init__(self, who: str = "") -> None:
        """`who` uses it, for the log."""
        self.who = who
        self.problem = ""
        """Why the newest cannot be used, while an older one is; empty where it can."""
        self.since_us = 0
        """When that began, microseconds since 1970 UTC."""
        self._good: TLSMaterial | None = None
        self._refused: TLSMaterial | None = None
        self._why_refused = ""
        self._read: Callable[[], TLSMaterial] | None = None

    def usable(self, read: Callable[[], TLSMaterial]) -> TLSMaterial:
        """What `read` gives where that can be used, else what could be used last.

        Raises what `read` raises, `SecretMissing` and `ValueError`, and `ValueError` without showing the material, where nothing
        could ever be used.
        """
        self._read = read
        try:
            material = read()
            if material == self._good:
                self._well("")
                return material
            if material == self._refused:
                raise ValueError(self._why_refused)
            self._check(material)
        except (SecretMissing, ValueError) as exc:
            if self._good is None:
                raise
            self._unwell(str(exc))
            return self._good
        changed, self._good, self._refused = self._good is not None, material, None
        self._well("changed" if changed else "")
        return material

    def expect(self, read: Callable[[], TLSMaterial]) -> None:
        """Say how it is read, so that `look` knows something good before the first use."""
        self._read = read

    def look(self) -> str:
        """Read again what was asked for before; `problem` as it is then."""
        if self._read is not None:
            with suppress(SecretMissing, ValueError):  # nothing was good so far: whoever uses it is told
                self.usable(self._read)
        return self.problem

    def _check(self, material: TLSMaterial) -> None:
        try:
            tls_context(material)
        except ValueError as exc:
            self._refused, self._why_refused = material, str(exc)
            raise

    def _unwell(self, problem: str) -> None:
        if problem != self.problem:
            kept = "what was read before is used on; put the files right, or both parts in place"
            logger.error("certificates_kept", user=self.who, reason=problem, hint=kept)
            self.since_us = self.since_us if self.problem else time.time_ns() // 1000
        self.problem = problem

    def _well(self, how: str) -> None:
        if how or self.problem:
            logger.info("certificates_changed" if how else "certificates_well", user=self.who)
        self.problem, self.since_us = "", 0
