"""One attempt of one firing: find its trigger, render its request once, fire under a deadline, judge the result."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from eventbus.chain import Chain
from eventbus.errors import BusError
from eventbus.firing import Attempt, Firing, Outcome, OutcomeKind, Taken, TriggerRef
from manifests.objects import Dialect, TocsinTriggerHead, TriggerHead
from sensors.binding import bind
from sensors.bound import Bound, EventView
from sensors.deadlines import Deadlines
from sensors.errors import RenderError, TriggerRefused, TriggerUnavailable
from sensors.hops import MAX_HOPS, Lineage, loop_reason, unknown_lineage
from sensors.languages.gjson import Path, Result
from sensors.limits import TriggerLimits
from sensors.parameters.searched import Searched, search
from sensors.retry import MAX_DELAY_S, RetryPolicy, retry_policy
from sensors.transforms import TransformFailed, Transforms
from sensors.triggers.trigger import Delivered, Trigger

_REASON_CHARS = 500
JSON_TYPE = "application/json"
_ASKED_TO_WAIT = frozenset({429, 503})


_NO_TRANSFORMS: Transforms = {}
_NOTHING_SEARCHED: Searched = {}


class Unarmed(Exception):
    """A firing's trigger cannot be had in its revision any more. Permanent; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """A compiled trigger of one revision, with what its declaration says about acting."""

    trigger: Trigger
    retry: RetryPolicy
    timeout_s: float | None
    """Seconds for one attempt; None: the dispatcher's default bounds a trigger that does not end by itself."""
    transforms: Transforms = field(default_factory=dict)
    searched: Searched = field(default_factory=dict)
    """What rendering has to search the text of events for."""
    max_hops: int | None = None
    """Firings in a row that may lead to one of this trigger, itself included; None: the dispatcher's default."""

    @classmethod
    def of(
        cls,
        trigger: Trigger,
        head: TriggerHead,
        dialect: Dialect,
        transforms: Transforms = _NO_TRANSFORMS,
        searched: Searched = _NOTHING_SEARCHED,
    ) -> "Armed":
        """Put together what one declared trigger needs."""
        ours = head if isinstance(head, TocsinTriggerHead) else TocsinTriggerHead()
        return cls(
            trigger=trigger,
            retry=retry_policy(head, dialect),
            timeout_s=ours.timeout.total_seconds() if ours.timeout is not None else trigger.timeout_s,
            transforms=transforms,
            searched=searched,
            max_hops=ours.max_hops or None,
        )


class Armory(Protocol):
    """Where the dispatcher finds triggers."""

    def limits(self, trigger: TriggerRef) -> TriggerLimits:
        """What bounds the trigger as it is declared now; `UNDECLARED` where it is not."""

    async def armed(self, trigger: TriggerRef, revision: str) -> Armed:
        """The trigger as the revision that decided declares it, compiled if need be. Raises `Unarmed`."""


Views = Callable[[int], Awaitable[EventView | None]]
"""The event at a position of the log, parsed or not; None where retention took it."""

Clock = Callable[[], int]
"""Microseconds since 1970 UTC."""


class Ended(NamedTuple):
    """What an attempt leaves to record."""

    attempt: Attempt | None
    """None where none was made."""
    outcome: Outcome | None
    """None where the firing is tried again."""
    due_in_s: float
    """Seconds until the next attempt, where there is one."""
    pause_s: float
    """Seconds that the target asked everyone to wait."""
    request: bytes | None


class _Failure(NamedTuple):
    reason: str
    status: int = 0
    retry_after_s: float | None = None
    permanent: bool = False


class Attempts:
    """Makes attempts. Holds no state of any firing."""

    def __init__(
        self,
        armory: Armory,
        views: Views,
        clock: Clock,
        *,
        timeout_s: float,
        max_hops: int = MAX_HOPS,
        lineage: Lineage = unknown_lineage,
    ) -> None:
        self._max_hops = max_hops
        self._lineage = lineage
        self._armory = armory
        self._views = views
        self._clock = clock
        self._timeout_s = timeout_s
        self._deadlines = Deadlines()

    async def make(self, taken: Taken, started: Callable[[], Awaitable[None]] | None) -> Ended:
        """Make the attempt that `taken` asks for; `started` records its start before anything is sent.

        Every failure is in the answer; only errors of the bus come out as exceptions. If cancelled, the target may or
        may not have acted.
        """
        began = self._clock()
        request = taken.request
        armed: Armed | None = None
        try:
            armed = await self._armory.armed(taken.firing.trigger, taken.firing.revision)
            if taken.firing.hops > (limit := armed.max_hops or self._max_hops):
                return await self._looped(taken.firing, limit)
            if request is None:
                request = armed.trigger.render(await self._bound(taken.firing, armed))
            if started is not None:
                await started()
            result = await self._fire(armed, request, taken.firing)
        except BusError:
            raise
        except Exception as exc:  # whatever a kind raises is the attempt's failure: the firing goes on, and others too
            return self._failed(taken, armed, began, request, _failure(exc))
        attempt = Attempt(
            number=taken.attempt,
            started_us=began,
            ended_us=self._clock(),
            succeeded=True,
            reason=_one_line(result.detail),
            status=result.status,
        )
        return Ended(attempt, Outcome(kind=OutcomeKind.SUCCEEDED), 0.0, 0.0, request)

    async def _looped(self, firing: Firing, limit: int) -> Ended:
        reason = loop_reason(firing, await self._lineage(firing), limit)
        return Ended(None, Outcome(kind=OutcomeKind.LOOPED, reason=reason), 0.0, 0.0, None)

    async def cut_off(self, taken: Taken, began_us: int, outcome: Outcome) -> Ended:
        """What an attempt leaves that was cancelled by `outcome`: whether the target acted nobody knows."""
        attempt = Attempt(
            number=taken.attempt,
            started_us=began_us,
            ended_us=self._clock(),
            succeeded=False,
            reason="cancelled while it was under way; the target may have acted",
        )
        return Ended(attempt, outcome, 0.0, 0.0, taken.request or await self._request(taken.firing))

    async def _request(self, firing: Firing) -> bytes | None:
        """What an attempt sends, rendered again; None where it cannot be, also because the bus is away."""
        try:
            armed = await self._armory.armed(firing.trigger, firing.revision)
            return armed.trigger.render(await self._bound(firing, armed))
        except Exception:  # whatever a kind raises: the outcome stands, and must be recorded
            return None

    async def _bound(self, firing: Firing, armed: Armed) -> Bound:
        views: dict[int, EventView] = {}
        for cause in firing.causes:
            view = await self._views(cause.position)
            if view is None:
                raise RenderError(f"the event {cause.identity.id!r} of dependency {cause.dependency!r} is no longer kept")
            views[cause.position] = view
        try:
            bound = bind(firing, views, armed.transforms)
        except TransformFailed as exc:
            raise RenderError(str(exc)) from exc
        return await _searched(bound, armed.searched) if armed.searched else bound

    async def _fire(self, armed: Armed, request: bytes, firing: Firing) -> Delivered:
        timeout_s = armed.timeout_s if armed.timeout_s is not None else self._timeout_s
        if timeout_s == math.inf:
            return await armed.trigger.fire(request, idempotency_key=firing.id, chain=Chain.of(firing))
        try:
            with self._deadlines.within(timeout_s) as deadline:
                return await armed.trigger.fire(request, idempotency_key=firing.id, chain=Chain.of(firing))
        except TimeoutError as exc:
            if deadline.expired:
                raise TriggerUnavailable(f"timed out after {timeout_s:g}s") from exc
            raise

    def _failed(self, taken: Taken, armed: Armed | None, began: int, request: bytes | None, failure: _Failure) -> Ended:
        attempt = Attempt(
            number=taken.attempt,
            started_us=began,
            ended_us=self._clock(),
            succeeded=False,
            reason=failure.reason,
            status=failure.status,
        )
        pause_s = min(failure.retry_after_s or 0.0, MAX_DELAY_S) if failure.status in _ASKED_TO_WAIT else 0.0
        retry = armed.retry if armed is not None and not failure.permanent else None
        due_in_s = retry.delay_s(taken.firing.id, taken.attempt, retry_after_s=failure.retry_after_s) if retry else None
        if due_in_s is not None:
            return Ended(attempt, None, due_in_s, pause_s, request)
        tried = "" if failure.permanent or taken.attempt == 1 else f" (attempt {taken.attempt}, the last)"
        return Ended(attempt, Outcome(kind=OutcomeKind.DEAD_LETTERED, reason=failure.reason + tried), 0.0, pause_s, request)


async def _searched(bound: Bound, wanted: Searched) -> Bound:
    """`bound` with what a query has to look for in large events: found by a thread, while others run."""
    found: dict[tuple[str, Path], Result] = {}
    for dependency, paths in wanted.items():
        view = bound.events.get(dependency)
        if view is not None and view.large and view.event.datacontenttype == JSON_TYPE:
            there = await asyncio.to_thread(search, view.event.data or b"", paths)
            found.update({(dependency, path): result for path, result in there.items()})
    return replace(bound, found=found) if found else bound


def _failure(exc: Exception) -> _Failure:
    if isinstance(exc, TriggerUnavailable):
        return _Failure(_one_line(exc), exc.status, exc.retry_after_s)
    if isinstance(exc, TriggerRefused):
        return _Failure(_one_line(exc), exc.status, permanent=True)
    if isinstance(exc, (RenderError, Unarmed)):
        return _Failure(_one_line(exc), permanent=True)
    return _Failure(f"{type(exc).__name__}: {_one_line(exc)}")


def _one_line(told: Exception | str) -> str:
    return " ".join(str(told).split())[:_REASON_CHARS]
