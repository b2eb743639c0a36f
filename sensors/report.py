"""What the dispatcher tells people and metrics. The journal holds every attempt; the log stays bounded."""

import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from eventbus.firing import Attempt, Firing, FiringEnded, Outcome, OutcomeKind, TriggerRef

_log = structlog.stdlib.get_logger("tocsin.sensor")

_WINDOW_US = 1_000_000


class Watch(Protocol):
    """Counts what happens to firings."""

    def attempted(self, firing: Firing, attempt: Attempt) -> None:
        """One attempt ended."""

    def closed(self, firing: Firing, outcome: Outcome) -> None:
        """A firing was closed with `outcome`, recorded."""


class Unwatched:
    """Counts nothing."""

    def attempted(self, firing: Firing, attempt: Attempt) -> None:
        """Do nothing."""

    def closed(self, firing: Firing, outcome: Outcome) -> None:
        """Do nothing."""


class LineLimit:
    """At most `per_second` lines a second of one trigger; the next line says how many were left out."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._window = 0
        self._counts: dict[TriggerRef, int] = {}
        self._left_out: dict[TriggerRef, int] = {}

    def admit(self, trigger: TriggerRef, now_us: int) -> int:
        """-1 where the line is one too many; else how many were left out since the last one."""
        window = now_us // _WINDOW_US
        if window != self._window:
            self._window = window
            self._counts.clear()
        count = self._counts.get(trigger, 0)
        if count >= self._per_second:
            self._left_out[trigger] = self._left_out.get(trigger, 0) + 1
            return -1
        self._counts[trigger] = count + 1
        return self._left_out.pop(trigger, 0) if self._left_out else 0


class Report:
    """Writes the lines that Argo Events' users look for, and hands attempts and outcomes to a `Watch`."""

    def __init__(self, watch: Watch, *, successes_per_s: int = 20, failures_per_s: int = 5) -> None:
        self._watch = watch
        self._successes = LineLimit(successes_per_s)
        self._failures = LineLimit(failures_per_s)

    def attempted(self, firing: Firing, attempt: Attempt, *, due_in_s: float | None) -> None:
        """An attempt ended; `due_in_s` says when the next one comes after a failure, None that there is none."""
        self._watch.attempted(firing, attempt)
        lines = self._successes if attempt.succeeded else self._failures
        left_out = lines.admit(firing.trigger, attempt.ended_us)
        if left_out < 0:
            return
        fields = _fields(firing, attempt, left_out)
        if attempt.succeeded:
            _log.info(f"Successfully processed trigger '{firing.trigger.trigger}'", **fields)
        elif due_in_s is not None:
            _log.warning("Failed to execute a trigger", reason=attempt.reason, due_in_s=round(due_in_s, 3), **fields)
        else:
            _log.error("Failed to execute a trigger", reason=attempt.reason, **fields)

    def closed(self, firing: Firing, outcome: Outcome) -> None:
        """The outcome is recorded."""
        self._watch.closed(firing, outcome)
        if outcome.kind is OutcomeKind.LOOPED:
            self._loop_stopped(firing, outcome)

    def _loop_stopped(self, firing: Firing, outcome: Outcome) -> None:
        left_out = self._failures.admit(firing.trigger, time.time_ns() // 1000)
        if left_out >= 0:
            _log.error(
                "loop_stopped", firing=firing.id, trigger=str(firing.trigger), reason=outcome.reason, lines_left_out=left_out
            )


def cut_off(ended: Sequence[FiringEnded], watch: Watch) -> None:
    """Say and count what the end of the process before has left, of which nobody knows whether the target acted."""
    for one in ended:
        watch.closed(one.firing, one.outcome)
        _log.error("firing_unknown", firing=one.firing.id, trigger=str(one.firing.trigger), reason=one.outcome.reason)


def bus_unavailable(reason: str, *, doing: str, retry_in_s: float) -> None:
    """The bus did not take or give work; it will be tried again."""
    _log.warning("bus_unavailable", doing=doing, reason=reason, retry_in_s=round(retry_in_s, 3))


def drain_timed_out(*, in_flight: int, grace_s: float) -> None:
    """Attempts in flight were cancelled; their firings stay open and come back."""
    _log.warning("drain_timed_out", in_flight=in_flight, grace_s=grace_s)


def _fields(firing: Firing, attempt: Attempt, left_out: int) -> dict[str, object]:
    fields: dict[str, object] = {
        "namespace": firing.trigger.namespace,
        "sensorName": firing.trigger.sensor,
        "triggerName": firing.trigger.trigger,
        "triggeredBy": [cause.dependency for cause in firing.causes],
        "triggeredByEvents": [cause.identity.id for cause in firing.causes],
        "firing": firing.id,
        "attempt": attempt.number,
        "duration_ms": max(0, attempt.ended_us - attempt.started_us) // 1000,
    }
    if left_out:
        fields["lines_left_out"] = left_out
    return fields
