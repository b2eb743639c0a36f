"""The `calendar` source on a virtual clock."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from eventbus.contract import Appended
from eventbus.errors import BusUnavailable
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.calendar import Calendar
from sources.calendar_spec import CalendarSpec
from sources.source import SourceContext
from sources.state import SourceState

START = datetime(2026, 1, 5, 8, 59, 30, tzinfo=UTC)


class NoValues:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


class Over(Exception):
    """The time that a test looks at has passed."""


class VirtualClock:
    """Goes on when somebody sleeps; `jumps` change it after that many sleeps, `early` makes each timer wake early."""

    look_again_s = 15.0

    def __init__(self, now: datetime, *, until: timedelta, jumps: dict[int, timedelta] | None = None, early: float = 0.0) -> None:
        self.time, self._end, self._jumps, self._early, self._sleeps = now, until, jumps or {}, early, 0
        self._slept = timedelta(0)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        passed = timedelta(seconds=max(seconds - self._early, 0.001))
        self._slept += passed
        self._sleeps += 1
        self.time += passed + self._jumps.get(self._sleeps, timedelta(0))
        if self._slept > self._end:
            raise Over


class Log:
    """Keeps each identity once, as the bus does; `fails` makes that many appends fail."""

    def __init__(self, fails: int = 0, dies_at: str = "") -> None:
        self.events: dict[str, Event] = {}
        self.asked: list[str] = []
        self._fails, self._dies_at = fails, dies_at

    async def __call__(self, event: Event) -> Appended:
        self.asked.append(event.id)
        if self._fails:
            self._fails -= 1
            raise BusUnavailable("the disk is full")
        self.events.setdefault(event.id, event)
        if event.id == self._dies_at:
            raise Over
        return None  # type: ignore[return-value]

    @property
    def times(self) -> list[str]:
        return [f"{id[8:10]} {id[11:16]}" for id in self.events]


def made(spec: dict[str, Any], clock: VirtualClock, state: SourceState | None = None) -> Calendar:
    road = Road("default", "s", "e")
    context = SourceContext(road=road, dialect=Dialect.TOCSIN, values=NoValues(), clock=clock, state=state or SourceState())
    return Calendar(CalendarSpec.model_validate(spec), context)


async def run(spec: dict[str, Any], *, log: Log | None = None, state: SourceState | None = None, **clock: Any) -> Log:
    log = log or Log()
    time = VirtualClock(clock.pop("start", START), until=clock.pop("until", timedelta(hours=3)), **clock)
    with pytest.raises(Over):
        await made(spec, time, state).run(log)
    return log


async def test_an_event_has_the_shape_that_sensors_know() -> None:
    log = await run({"schedule": "0 9 * * *", "metadata": {"b": "2", "a": "1"}})
    (event,) = log.events.values()
    assert (event.id, event.type, event.time) == ("2026-01-05T09:00:00Z", "calendar", "2026-01-05T09:00:00Z")
    assert msgspec.json.decode(event.data or b"") == {
        "eventTime": "2026-01-05 09:00:00 +0000 UTC",
        "metadata": {"a": "1", "b": "2"},
    }


@pytest.mark.parametrize(
    ("spec", "times"),
    [
        ({"schedule": "0 * * * *"}, ["05 09:00", "05 10:00", "05 11:00"]),
        ({"schedule": "@hourly"}, ["05 09:00", "05 10:00", "05 11:00"]),
        ({"interval": "45m"}, ["05 09:00", "05 09:45", "05 10:30", "05 11:15"]),
        ({"interval": "1s", "schedule": "0 10 * * *"}, ["05 10:00"]),
        ({"interval": "1d", "schedule": "0 10 * * *"}, ["05 10:00"]),
        ({"schedule": "0 18 * * *", "timezone": "Asia/Singapore"}, ["05 10:00"]),
        ({"schedule": "0 * * * *", "exclusionDates": ["EXDATE:20250101T000000Z,20260105T235959Z"]}, []),
        ({"schedule": "0 * * * *", "timezone": "Pacific/Auckland", "exclusionDates": ["2026-01-05"]}, ["05 11:00"]),
    ],
)
async def test_runs_come_when_they_are_due(spec: dict[str, Any], times: list[str]) -> None:
    assert (await run(spec)).times == times


async def test_a_timer_that_wakes_early_makes_no_run_early_or_twice() -> None:
    log = await run({"schedule": "*/30 * * * *"}, early=0.4)
    assert log.asked == [f"2026-01-05T{time}:00Z" for time in ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30")]


async def test_a_clock_that_is_put_back_repeats_no_run() -> None:
    log = await run({"schedule": "0 * * * *"}, jumps={20: timedelta(minutes=-50)}, until=timedelta(hours=2, minutes=55))
    assert log.asked == ["2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z"]


async def test_a_clock_that_was_days_ahead_does_not_silence_the_schedule() -> None:
    log = await run({"schedule": "0 9 * * *"}, jumps={4: timedelta(days=-9)}, until=timedelta(hours=26))
    assert log.asked == ["2026-01-05T09:00:00Z", "2025-12-28T09:00:00Z"]


@pytest.mark.parametrize(
    ("catch_up", "times"),
    [
        ("none", ["05 09:00", "05 10:00", "05 15:00"]),
        ("last", ["05 09:00", "05 14:00", "05 15:00"]),
        ("all", ["05 09:00", "05 10:00", "05 11:00", "05 12:00", "05 13:00", "05 14:00", "05 15:00"]),
    ],
)
async def test_a_machine_that_was_suspended_treats_what_passed_as_missed(catch_up: str, times: list[str]) -> None:
    spec = {"schedule": "0 * * * *", "catchUp": catch_up}
    assert (await run(spec, jumps={10: timedelta(hours=5)}, until=timedelta(hours=1, minutes=10))).times == times


DAYS = {"schedule": "0 9 * * *", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("spec", "days"),
    [
        ({}, []),
        ({"catchUp": "none"}, []),
        ({"catchUp": "last"}, ["08 09:00"]),
        ({"catchUp": "all"}, ["06 09:00", "07 09:00", "08 09:00"]),
        ({"catchUp": "all", "catchUpLimit": 2}, ["07 09:00", "08 09:00"]),
        ({"catchUp": "all", "exclusionDates": ["2026-01-07"]}, ["06 09:00", "08 09:00"]),
        ({"persistence": {"catchup": {"enabled": True}}}, ["06 09:00", "07 09:00", "08 09:00"]),
        ({"persistence": {"catchup": {"enabled": True, "maxDuration": "30h"}}}, ["07 09:00", "08 09:00"]),
        ({"persistence": {"catchup": {"enabled": False}, "configMap": {"name": "x", "createIfNotExist": True}}}, []),
    ],
)
async def test_runs_missed_while_the_service_was_down(spec: dict[str, Any], days: list[str]) -> None:
    state = SourceState()
    await run(DAYS | spec, state=state, until=timedelta(hours=1))
    later = START + timedelta(days=3, hours=1)
    assert (await run(DAYS | spec, state=state, start=later, until=timedelta(hours=1))).times == days


async def test_what_another_schedule_missed_is_not_due() -> None:
    state = SourceState()
    await run(DAYS | {"catchUp": "all"}, state=state, until=timedelta(hours=1))
    edited = {"schedule": "0 7 * * *", "catchUp": "all"}
    log = await run(edited, state=state, start=START + timedelta(days=3), until=timedelta(hours=1))
    assert log.times == []


async def test_a_crash_between_the_event_and_its_position_repeats_the_same_event() -> None:
    state, log = SourceState(), Log(dies_at="2026-01-05T10:00:00Z")
    spec = {"schedule": "0 * * * *", "catchUp": "all"}
    await run(spec, state=state, log=log)
    log._dies_at = ""
    await run(spec, state=state, log=log, start=START + timedelta(hours=2), until=timedelta(minutes=50))
    assert log.times == ["05 09:00", "05 10:00", "05 11:00"]
    assert log.asked.count("2026-01-05T10:00:00Z") == 2


async def test_a_run_waits_for_a_log_that_cannot_take_it() -> None:
    log = await run({"schedule": "0 9 * * *"}, log=Log(fails=8))
    assert log.asked == ["2026-01-05T09:00:00Z"] * 9
    assert log.times == ["05 09:00"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "missing schedule or interval"),
        ({"schedule": "0 0 30 2 *"}, "never comes due"),
        ({"schedule": "0 0 * * 7"}, "Sunday is 0"),
        ({"interval": "100ms"}, "expected a period of at least 1s"),
        ({"interval": "soon"}, "expected a duration"),
        ({"schedule": "0 9 * * *", "timezone": "Mars/Olympus"}, "not a known time zone"),
        ({"schedule": "0 9 * * *", "exclusionDates": ["EXDATE:tomorrow"]}, "expected EXDATE:2025"),
        ({"schedule": "0 9 * * *", "exclusionDates": ["EXDATE:20261341T000000Z"]}, "expected EXDATE:2025"),
        ({"schedule": "0 9 * * *", "catchUp": "some"}, "'all', 'last' or 'none'"),
        ({"schedule": "0 9 * * *", "catchUpLimit": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CalendarSpec.model_validate(spec)


async def test_the_other_behaviour_at_changes_of_the_clock() -> None:
    def autumn(change: str) -> dict[str, Any]:
        return {
            "schedule": "30 1 * * *", "timezone": "America/New_York", "clockChange": change
        }  # fmt: skip

    night = datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert (await run(autumn("once"), start=night)).times == ["01 05:30"]
    assert (await run(autumn("robfig"), start=night)).times == ["01 05:30", "01 06:30"]
