"""When a failed attempt is tried again: pure functions of the declaration, the firing and the attempt's number."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from manifests.fields import Backoff
from manifests.objects import Dialect, TriggerHead

MAX_DELAY_S = 3600.0
"""Longest time between two attempts, whatever the declaration or the target asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How many attempts a firing gets and the time between them."""

    attempts: int = 5
    """In all, the first included; at least one."""
    first_s: float = 1.0
    """Seconds after the first failed attempt."""
    factor: float = 4.0
    """Multiplies the delay after each further attempt."""
    jitter: float = 0.5
    """Adds a share of the delay, up to this many times it."""

    @classmethod
    def of(cls, backoff: Backoff) -> Self:
        """The policy that a `retryStrategy` writes."""
        return cls(
            attempts=backoff.attempts,
            first_s=backoff.duration.total_seconds(),
            factor=backoff.factor,
            jitter=backoff.jitter,
        )

    def delay_s(self, firing: str, attempt: int, *, retry_after_s: float | None = None) -> float | None:
        """Seconds from the end of `attempt` (from 1) until the next is due; None where it was the last.

        What the target asked for is a floor. Both are capped at `MAX_DELAY_S`. The jitter follows from the firing's id
        and the attempt, so that the same failure always gives the same time, and many firings do not come back at once.
        """
        if attempt >= self.attempts:
            return None
        delay = self._grown(attempt) * (1.0 + max(0.0, self.jitter) * _share(firing, attempt))
        return _bounded(max(_bounded(delay), retry_after_s or 0.0))

    def _grown(self, attempt: int) -> float:
        try:
            return float(self.first_s * max(0.0, self.factor) ** (attempt - 1))
        except OverflowError:
            return MAX_DELAY_S


ONCE = RetryPolicy(attempts=1)
"""One attempt, as Argo Events makes where a trigger has no `retryStrategy`."""

_DEFAULT = RetryPolicy()


def retry_policy(head: TriggerHead, dialect: Dialect) -> RetryPolicy:
    """The policy of a trigger: its `retryStrategy` always counts, whatever `atLeastOnce` says.

    Without one, `argoproj.io` manifests get upstream's single attempt and so does an explicit `atLeastOnce: false`, which
    asks for no repeats; ours get five attempts over about a minute and a half.
    """
    if head.retry_strategy is not None:
        return RetryPolicy.of(head.retry_strategy)
    if dialect is Dialect.ARGO or head.at_least_once is False:
        return ONCE
    return _DEFAULT


def _bounded(delay_s: float) -> float:
    # Written so that a NaN ends at the cap too.
    return max(0.0, delay_s) if delay_s < MAX_DELAY_S else MAX_DELAY_S


def _share(firing: str, attempt: int) -> float:
    """A number from 0 up to 1 that follows from the firing and the attempt."""
    digest = blake2b(f"{firing}:{attempt}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
