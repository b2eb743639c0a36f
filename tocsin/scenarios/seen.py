"""What happened in a play, as expectations are compared with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventbus.firing import Attempt, OutcomeKind
from eventbus.journal import FiringFilter, FiringRecord
from tocsin.scenarios.house import House
from tocsin.views import Json, state_of

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One firing. Times are microseconds after the start."""

    trigger: str
    """`SENSOR/TRIGGER`."""
    events: tuple[str, ...]
    """Ids, each once, sorted."""
    at_us: int
    attempts: tuple[Attempt, ...]
    tried_us: tuple[int, ...]
    outcome: str
    reason: str
    """Why it did not succeed: how it ended, or what the last attempt failed on."""
    ended_us: int | None
    request: Mapping[str, Any] | None
    """None where it was not, or could not be, rendered."""

    def name(self) -> str:
        """For messages."""
        return f"{self.trigger} of {', '.join(self.events)}"

    def view(self) -> Json:
        """As JSON."""
        return {
            "trigger": self.trigger,
            "events": list(self.events),
            "at": span(self.at_us),
            "attempts": [_attempt(attempt, at) for attempt, at in zip(self.attempts, self.tried_us, strict=True)],
            "outcome": self.outcome,
            "reason": self.reason,
            "ended": None if self.ended_us is None else span(self.ended_us),
            "request": None if self.request is None else dict(self.request),
        }


def _attempt(attempt: Attempt, at_us: int) -> Json:
    return {"at": span(at_us), "succeeded": attempt.succeeded, "status": attempt.status or None, "reason": attempt.reason}


async def firings(house: House, namespace: str) -> list[Seen]:
    """All firings of `namespace` so far, in the order decided."""
    found: list[FiringRecord] = []
    cursor: str | None = None
    while True:
        page = await house.bus.journal.firings(FiringFilter(namespace=namespace), limit=PAGE, cursor=cursor)
        found += page.items
        if (cursor := page.next) is None:
            return [await _seen(record, house) for record in reversed(found)]


async def _seen(record: FiringRecord, house: House) -> Seen:
    firing, start_us = record.firing, house.clock.start_us
    request = None
    if record.request is not None:
        request = await house.armory.shown(firing.trigger, firing.revision, record.request)
    failed = [attempt.reason for attempt in record.attempts if attempt.reason]
    return Seen(
        trigger=f"{firing.trigger.sensor}/{firing.trigger.trigger}",
        events=tuple(sorted({cause.identity.id for cause in firing.causes})),
        at_us=firing.decided_us - start_us,
        attempts=record.attempts,
        tried_us=tuple(attempt.started_us - start_us for attempt in record.attempts),
        outcome=state_of(record),
        reason="" if record.outcome is OutcomeKind.SUCCEEDED else record.reason or (failed[-1] if failed else ""),
        ended_us=None if record.closed_us is None else record.closed_us - start_us,
        request=request,
    )


def span(us: int) -> str:
    """So many microseconds as a duration is written: `1h30m`, `2.5s`, to the millisecond."""
    seconds, sign = round(abs(us) / 1e6, 3), "-" if us < 0 else ""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(f"{hours:.0f}h", hours), (f"{minutes:.0f}m", minutes), (f"{round(left, 3):g}s", left)]
    return sign + ("".join(text for text, amount in parts if amount) or "0s")


def spans(many: Sequence[int]) -> list[str]:
    """Each of them."""
    return [span(one) for one in many]
