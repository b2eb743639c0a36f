"""How much acting at a time: rate limits of triggers, concurrency, and each trigger's share of it."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Self

from manifests.objects import RateLimit, TocsinTriggerHead, TriggerHead
from sensors.hops import MAX_HOPS

SAVED_SLOTS = 10
"""Slots that an idle trigger saves up, as upstream."""

_UNIT_S = {"Second": 1.0, "Minute": 60.0, "Hour": 3600.0}


class TriggerLimits(NamedTuple):
    """Bounds of one trigger, as it is declared now."""

    concurrency: int = 0
    """Attempts at a time; 0: the service's default."""
    rate: RateLimit | None = None

    @classmethod
    def of(cls, head: TriggerHead, usual: int = 0) -> Self:
        """What `head` declares; `usual` is what its kind makes of a concurrency that it does not."""
        own = head.concurrency if isinstance(head, TocsinTriggerHead) else 0
        return cls(own or usual, head.rate_limit)


UNDECLARED = TriggerLimits()
"""Of a trigger that is not there any more, and has open firings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActingLimits:
    """Bounds of one dispatcher."""

    running: int = 256
    """Attempts at a time, over all triggers."""
    running_per_trigger: int = 32
    """Attempts at a time of one trigger where neither its declaration nor its kind says how many."""
    starts_per_turn: int = 16
    """Attempts started in one turn of the event loop: what answers senders and other triggers get theirs in between."""
    held: int = 1024
    """Firings taken from the outbox and not yet recorded, those being carried out included."""
    batch: int = 64
    """Firings taken from the outbox at once."""
    timeout_s: float = 60.0
    """Seconds for one attempt of a trigger that has no deadline of its own."""
    max_hops: int = MAX_HOPS
    """Firings in a row, each caused by the one before, where a trigger does not say its own `maxHops`."""
    grace_s: float = 20.0
    """Seconds that attempts in flight are given to end when the dispatcher stops."""

    def concurrency(self, own: TriggerLimits) -> int:
        """Attempts at a time of a trigger with these limits."""
        return own.concurrency or self.running_per_trigger


class Pace:
    """A rate limit: evenly spaced starts, with up to `SAVED_SLOTS` saved up while idle.

    Saved slots never add to the bound: in any stretch of one unit at most `per_unit` attempts start. Upstream lets ten
    more through after an idle time. Times are seconds of one monotonic clock.
    """

    __slots__ = ("_next", "_per_unit", "_spacing_s", "_starts", "_unit_s")

    def __init__(self, limit: RateLimit, now: float) -> None:
        # Zero or less cannot be meant as "never" by anyone who declares a trigger: the most careful reading is one.
        self._per_unit = max(1, limit.requests_per_unit)
        self._unit_s = _UNIT_S.get(limit.unit, 1.0)
        self._spacing_s = self._unit_s / self._per_unit
        self._next = now
        self._starts: deque[float] = deque()

    def free_at(self, now: float) -> float:
        """When the next attempt may start; not later than `now` where a slot is free."""
        starts = self._starts
        while starts and starts[0] + self._unit_s <= now:
            starts.popleft()
        if len(starts) < self._per_unit:
            return self._next
        return max(self._next, starts[0] + self._unit_s)

    def take(self, now: float) -> None:
        """Use the slot that `free_at` said is free."""
        self._next = max(self._next, now - SAVED_SLOTS * self._spacing_s) + self._spacing_s
        self._starts.append(now)


def pace_of(own: TriggerLimits, now: float) -> Pace | None:
    """The rate limit of a trigger, fresh; None where it has none."""
    return None if own.rate is None else Pace(own.rate, now)


def share(limit: int, *, free: int) -> int:
    """How many of `limit` places one trigger may use while `free` of all places are free.

    Never more than what is still free, but always one: however many triggers hang, each leaves as much free for others
    as it holds itself, so that a healthy trigger always finds room (dynamic thresholds, as switches share buffers).
    """
    return min(limit, max(1, free))
