"""Firings, attempts and outcomes: what was decided, what was tried, how it ended."""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, NewType

import msgspec

from eventbus.event import Identity

FiringId = NewType("FiringId", str)
"""32 hexadecimal digits, derived from what was decided; the idempotency key of every attempt."""


class TriggerRef(NamedTuple):
    """Names one trigger of one sensor."""

    namespace: str
    sensor: str
    trigger: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.sensor}/{self.trigger}"


class Cause(NamedTuple):
    """One event that a firing was decided on, and the dependency it was taken for."""

    dependency: str
    position: int
    identity: Identity


class Firing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One decision that a trigger must run."""

    id: FiringId
    trigger: TriggerRef
    revision: str
    """Hash of the sensor's content that decided; the request is rendered from it, however late."""
    causes: tuple[Cause, ...]
    """Sorted by dependency, then event."""
    decided_us: int
    """The decision's clock, microseconds since 1970 UTC; templates see it as `now`."""
    replay: int = 0
    order_key: str | None = None
    """Firings of one trigger and one order key run one at a time, in the order decided; None: no order."""
    record_start: bool = False
    """True where the manifest says `atLeastOnce: false`: the start is recorded first, a crash after it ends as `unknown`."""
    correlation: str = ""
    hops: int = 0


class OutcomeKind(StrEnum):
    """How a firing ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Part of the contract, but no firing ends so in this version: it is a dead letter. Nor do any as superseded or timed out."""
    DEAD_LETTERED = "dead-lettered"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    TIMED_OUT = "timed-out"
    UNKNOWN = "unknown"
    """`atLeastOnce: false`, and the process ended between the start and the record."""
    LOOPED = "looped"
    """Stopped before it began, because too many firings had led to it, each causing the next."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One try of a firing."""

    number: int
    """From 1."""
    started_us: int
    ended_us: int
    succeeded: bool
    reason: str = ""
    """What went wrong; of a success what the target said of it, where it did. In one line without secrets."""
    status: int = 0
    """The target's status code, where it has such; 0 where it gave none."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """How a firing ended, and why."""

    kind: OutcomeKind
    reason: str = ""


class FiringEnded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A firing that ended, for those who read outcomes."""

    number: int = 0
    """Greater than that of every firing that ended before it. From 1."""
    firing: Firing
    outcome: Outcome
    attempts: int
    """Number of the last attempt; 0 where none was made."""
    status: int = 0
    """The target's last status code; 0 where it gave none."""
    closed_us: int
    """When it ended, microseconds since 1970 UTC."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A firing handed out for its next attempt."""

    firing: Firing
    attempt: int
    """Number of the attempt to make, from 1."""
    request: bytes | None
    """The request as rendered before the first attempt; None until one was stored."""


def firing_id(trigger: TriggerRef, causes: Sequence[tuple[str, Identity]], replay: int = 0) -> FiringId:
    """Derive a firing's id: the same decision has the same id after any crash, on any worker.

    Every part is length-prefixed, so that no two different decisions share their text.
    """
    parts = [*trigger]
    for dependency, identity in sorted(causes):
        parts.append(dependency)
        parts.extend(identity)
    parts.append(str(replay))
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return FiringId(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest())
