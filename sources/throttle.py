"""Keeps a log line that a stranger can provoke from being written as often as it is provoked."""

from time import monotonic


class Throttle:
    """Admits one line for each key in a span of time, and counts the rest."""

    def __init__(self, *, every_s: float, most_keys: int = 64) -> None:
        self._every_s = every_s
        self._most_keys = most_keys
        self._until: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def admits(self, key: str) -> int | None:
        """How many lines of `key` were held back since the last one admitted; None where this one is held back, too."""
        now = monotonic()
        if now < self._until.get(key, 0.0) or (key not in self._until and len(self._until) >= self._most_keys):
            self._held[key] = self._held.get(key, 0) + 1
            return None
        self._until[key] = now + self._every_s
        return self._held.pop(key, 0)
