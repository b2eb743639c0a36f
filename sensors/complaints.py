"""Log lines about faults that may repeat with every event: one a minute for each place, with the number left out."""

import time
from collections.abc import Callable

import structlog

from eventbus.contract import DependencyRef

logger = structlog.get_logger("sensors")

QUIET_S = 60.0
PLACES = 1024
"""So many places are told apart; past that the oldest is forgotten."""


class Complaints:
    """Lets one line a minute through for each place."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, tuple[float, int]] = {}

    def left_out(self, place: str) -> int | None:
        """Lines left out about `place` since the last one, when it is time for one; None when it is not."""
        now = self._clock()
        said, count = self._said.get(place, (now - QUIET_S, 0))
        if now - said < QUIET_S:
            self._said[place] = (said, count + 1)
            return None
        self._said.pop(place, None)
        if len(self._said) >= PLACES:
            del self._said[next(iter(self._said))]
        self._said[place] = (now, 0)
        return count

    def rule_broke(self, dependency: DependencyRef, error: Exception) -> None:
        """Log that the rule of `dependency` broke on an event."""
        left_out = self.left_out("/".join(dependency))
        if left_out is not None:
            logger.error(
                "rule_broke",
                namespace=dependency.namespace,
                sensor=dependency.sensor,
                dependency=dependency.dependency,
                reason=f"{type(error).__name__}: {error}"[:500],
                left_out=left_out,
            )
