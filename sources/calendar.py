"""The `calendar` source: an event whenever a schedule is due.

A run is named by the moment it is due. So whatever repeats it (a crash between the event and the position, a clock that is
put back, the same manifest applied again) makes the same event, which the log keeps once.
"""

from collections import deque
from datetime import datetime, timedelta

import msgspec
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential_jitter

from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event
from manifests.wall_clock import wall, zone_of
from sources.calendar_spec import CalendarSpec
from sources.http.payload import metadata_tail
from sources.source import Emit, Source, SourceContext, sources

logger = structlog.get_logger()

LATE_S = 15.0
"""A run that is so many seconds late was waited for, and not missed."""
SET_BACK = timedelta(days=1)
"""A position that lies further ahead is the work of a clock that was wrong, not something to wait for."""

_POSITION = "position"
_INSTANT = timedelta(microseconds=1)


class _Position(msgspec.Struct, frozen=True):
    """Where a schedule has got to."""

    schedule: str
    due: datetime


@sources.register("calendar", spec=CalendarSpec, active_passive=True)
class Calendar(Source[CalendarSpec]):
    """Emits `{"eventTime": …, "metadata": …}`, once for each time that is due.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/calendar`; what differs is in `docs/sources/calendar.md`.
    """

    members = frozenset(("eventTime", "metadata"))

    def __init__(self, spec: CalendarSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        self._schedule = spec.when()
        self._zone = zone_of(self._schedule.zone)
        self._excluded = spec.excluded
        self._tail = metadata_tail(spec.metadata)
        self._log = logger.bind(source=str(context.road))

    def warnings(self) -> list[str]:
        """Say where the position is kept."""
        said = []
        if self.spec.persistence is not None and self.spec.persistence.config_map is not None:
            said.append("persistence.configMap: the position is kept in the data folder, not in a config map")
        return said

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. What was emitted and not yet noted is emitted again, as the same event."""
        after = await self._resume()
        while (due := self._next(after)) is not None:
            if not await self._reached(due, after):
                after = self.context.clock.now()
                continue
            for run in self._runs(due):
                await self._emit(emit, run)
                after = run
            after = self._forgiven(after)
        self._log.warning("schedule_ended", schedule=self._schedule.text)
        while True:  # nothing is due in 50 years; ending would count as a failure
            await self.context.clock.sleep(3600.0)

    async def _resume(self) -> datetime:
        """The moment after which runs are due: the stored position where missed runs count, else the present."""
        now = self.context.clock.now()
        if self.spec.missed == "none":
            return now
        kept = await self._kept()
        if kept is None or kept > now + SET_BACK:
            if kept is not None:
                self._log.warning("position_in_the_future", position=kept.isoformat())
            await self._note(now)
            return now
        bound = self.spec.horizon(now)
        return kept if bound is None else max(kept, bound)

    async def _kept(self) -> datetime | None:
        """The stored position, unless it is that of another schedule: what that one missed is not due now."""
        raw = await self.context.state.get(_POSITION)
        if raw is None:
            return None
        position = msgspec.json.decode(raw, type=_Position)
        return position.due if position.schedule == self._name() else None

    def _name(self) -> str:
        return f"{self._schedule.zone} {self._schedule.text} {self._schedule.clock_change}"

    async def _note(self, due: datetime) -> None:
        await self.context.state.put(_POSITION, msgspec.json.encode(_Position(self._name(), due)))

    def _next(self, after: datetime) -> datetime | None:
        """The first run after `after` on a day that is not excluded."""
        due = self._schedule.next_after(after)
        while due is not None and wall(due, self._zone).date() in self._excluded:
            due = self._schedule.next_after(due)
        return due

    def _previous(self, before: datetime) -> datetime | None:
        """The last run before `before` on a day that is not excluded."""
        due = self._schedule.previous_before(before)
        while due is not None and wall(due, self._zone).date() in self._excluded:
            due = self._schedule.previous_before(due)
        return due

    async def _reached(self, due: datetime, after: datetime) -> bool:
        """Wait until the clock shows `due`; False where it was put back by more than a day meanwhile."""
        clock = self.context.clock
        while (now := clock.now()) < due:
            if now < after - SET_BACK:
                self._log.warning("clock_put_back", now=now.isoformat(), last=after.isoformat())
                return False
            await clock.sleep(min((due - now).total_seconds(), clock.look_again_s))
        return True

    def _runs(self, due: datetime) -> list[datetime]:
        """The runs to make now, oldest first: `due`, or what passed since as far as it is made up for."""
        if self.spec.missed == "none":
            return [due]
        most = 1 if self.spec.missed == "last" else self.spec.catch_up_limit
        runs: deque[datetime] = deque()
        run = self._previous(self.context.clock.now() + _INSTANT)
        while run is not None and run >= due and len(runs) < most:
            runs.appendleft(run)
            run = self._previous(run)
        if run is not None and run >= due:
            self._log.warning("runs_skipped", first=due.isoformat(), last=run.isoformat(), made=len(runs))
        return list(runs) or [due]

    def _forgiven(self, after: datetime) -> datetime:
        """Where to go on: behind `after`, or behind the present where missed runs do not count."""
        following, now = self._next(after), self.context.clock.now()
        if self.spec.missed != "none" or following is None or following >= now - timedelta(seconds=LATE_S):
            return after
        self._log.warning("runs_skipped", first=following.isoformat(), last=now.isoformat(), made=1)
        return now

    async def _emit(self, emit: Emit, due: datetime) -> None:
        """Hand over one run and note it, again and again while the log cannot take it."""
        event = self._event(due)
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(BusUnavailable),
            wait=wait_exponential_jitter(multiplier=0.1, max=10.0),
            before_sleep=lambda state: self._log.warning("run_waits_for_the_log", due=event.id, attempt=state.attempt_number),
            sleep=self.context.clock.sleep,
        ):
            with attempt:
                try:
                    await emit(event)
                except EventRejected as exc:
                    self._log.error("run_rejected", due=event.id, reason=str(exc))
                if self.spec.missed != "none":
                    await self._note(due)

    def _event(self, due: datetime) -> Event:
        moment = due.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = due.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
        return self.event(id=moment, time=moment, data=b'{"eventTime":"%b"%b' % (text.encode(), self._tail))
