"""Keeps a log line that a stranger can provoke from being written as often as it is provoked."""

from time import monotonic


class Throttle:
    """Admits one line for each key in a span of time, and counts the rest."""

    def __init__(self, *, every_s: float, most_keys: int = 64) -> None:
        self._every_s = every_s
        self._most_keys = most_keys
        self._until: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self._others = 0
        """Lines held back of keys that are not told apart."""

    def admits(self, key: str) -> int | None:
        """How many lines of `key` were held back since the last one admitted; None where this one is held back, too.

        Strangers may choose keys, so only so many are told apart at a time. What was held back of others counts for the next
        key that there is room for.
        """
        now = monotonic()
        if key in self._until:
            if now < self._until[key]:
                self._held[key] = self._held.get(key, 0) + 1
                return None
            held = self._held.pop(key, 0)
        elif self._has_room(now):
            held, self._others = self._others, 0
        else:
            self._others += 1
            return None
        self._until[key] = now + self._every_s
        return held

    def _has_room(self, now: float) -> bool:
        """Whether one key more can be told apart, once those whose time is over are forgotten."""
        if len(self._until) >= self._most_keys:
            for key in [key for key, until in self._until.items() if until <= now]:
                del self._until[key]
                self._others += self._held.pop(key, 0)
        return len(self._until) < self._most_keys
