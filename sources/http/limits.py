"""What one listener accepts at most. Every bound has a default, and none can be turned off."""

from dataclasses import dataclass


class Saturated(Exception):
    """More request bytes are held in memory than the listener may hold; the sender should try again soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one listener, shared by all its ports."""

    connections: int = 1024
    """Open connections; one more is answered 503 and closed. Each further port has `reserved` of them, up to half, for itself."""
    reserved: int = 32
    body_bytes: int = 128 * 1024 * 1024
    """Bytes of bodies held at a time, from the first byte read to the answer. One request alone may exceed it, and of several
    no endpoint holds more than it leaves free for others, which is half where it is the only one."""
    headers: int = 100
    """Header fields of one request, trailers included."""
    header_bytes: int = 8190
    """Bytes of one header field, and of the request line."""
    head_bytes: int = 64 * 1024
    """Bytes of all header fields of one request."""
    head_timeout_s: float = 30.0
    """Seconds from the first byte of a request to the end of its headers."""
    body_timeout_s: float = 30.0
    """Seconds for a body to arrive, beside what its size adds at `body_rate`."""
    body_rate: int = 64 * 1024
    """Bytes a second that a sender of a large body must reach on average."""
    write_timeout_s: float = 30.0
    """Seconds for a client to take its answer."""
    idle_timeout_s: float = 75.0
    """Seconds a kept connection may be silent; longer than usual load balancers wait, so that they close first."""
    linger_s: float = 1.0
    """Seconds to go on discarding what a refused client still sends, so that it can read its answer."""
    linger_bytes: int = 2 * 1024 * 1024


class Budget:
    """Counts the body bytes in memory."""

    __slots__ = ("_most", "used")

    def __init__(self, most: int) -> None:
        self._most = most
        self.used = 0

    def take(self, size: int) -> None:
        """Count `size` bytes more; raises `Saturated` where others hold the room. The taker gives back what it took."""
        if self.used and self.used + size > self._most:
            raise Saturated
        self.used += size

    def give_back(self, size: int) -> None:
        """Forget `size` bytes taken before."""
        self.used -= size

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return self._most - self.used


class Part:
    """One endpoint's part of a budget: it holds no more than it leaves free, so that a flood at one does not close the others."""

    __slots__ = ("_budget", "used")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.used = 0

    def take(self, size: int) -> None:
        """Count `size` bytes more; raises `Saturated` where there is no room. What comes first is this part's due."""
        if self.used and self.used + size > self._budget.free - size:
            raise Saturated
        self._budget.take(size)
        self.used += size

    def give_back(self, size: int) -> None:
        """Forget `size` bytes taken before."""
        self._budget.give_back(size)
        self.used -= size
