"""Schedules: which texts are one, when they are due, and what a change of the clock does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from manifests.cron import ClockChange, Schedule, every, parse

NEW_YORK, LORD_HOWE, SINGAPORE = "America/New_York", "Australia/Lord_Howe", "Asia/Singapore"
ZONES = (NEW_YORK, LORD_HOWE, SINGAPORE)
MINUTE = timedelta(minutes=1)


def due(schedule: Schedule, start: datetime, count: int) -> list[str]:
    """The next `count` due moments after `start`, as clocks in the schedule's zone show them."""
    zone, moment, seen = ZoneInfo(schedule.zone or "UTC"), start, []
    for _ in range(count):
        following = schedule.next_after(moment)
        assert following is not None
        moment = following
        seen.append(moment.astimezone(zone).strftime("%d %H:%M %z"))
    return seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 4 * * *", ["01 04:00 +0000", "01 04:20 +0000", "01 04:40 +0000"]),
        ("50/5 4 1 * ?", ["01 04:50 +0000", "01 04:55 +0000", "01 04:50 +0000"]),
        ("0 12 * JAN-mar mon,Wed", ["01 12:00 +0000", "06 12:00 +0000", "08 12:00 +0000"]),
        ("0 0 13 * 5", ["03 00:00 +0000", "10 00:00 +0000", "13 00:00 +0000"]),  # either day field
        ("0 0 */10 * 5", ["03 00:00 +0000", "10 00:00 +0000", "11 00:00 +0000"]),  # a star with a step restricts
        ("0 0 1-31 * 5", ["02 00:00 +0000", "03 00:00 +0000", "04 00:00 +0000"]),  # so does a range, though of all
        ("0 0,, 13 * 5,", ["03 00:00 +0000", "10 00:00 +0000", "13 00:00 +0000"]),  # what is empty in a list is nothing
        ("0 0 5,* * 5", ["03 00:00 +0000", "10 00:00 +0000", "17 00:00 +0000"]),  # a list with a star does not
    ],
)
def test_fields_mean_what_the_standard_parser_says(text: str, expected: list[str]) -> None:
    assert due(parse(text, "UTC"), datetime(2025, 1, 1, tzinfo=UTC), 3) == expected


@pytest.mark.parametrize(
    ("text", "clock_change", "expected"),
    [
        ("30 2 * * *", "once", ["08 03:00 -0400", "09 02:30 -0400"]),
        ("30 2 * * *", "shown", ["09 02:30 -0400", "10 02:30 -0400"]),
        ("0 2,3 * * *", "once", ["08 03:00 -0400", "09 02:00 -0400"]),
        ("30 * * * *", "once", ["08 00:30 -0500", "08 01:30 -0500", "08 03:30 -0400"]),
    ],
)
def test_a_time_that_the_clock_leaves_out(text: str, clock_change: ClockChange, expected: list[str]) -> None:
    schedule = parse(text, NEW_YORK, clock_change=clock_change)
    assert due(schedule, datetime(2026, 3, 8, 5, tzinfo=UTC), len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "clock_change", "expected"),
    [
        ("30 1 * * *", "once", ["01 01:30 -0400", "02 01:30 -0500"]),
        ("30 1 * * *", "shown", ["01 01:30 -0400", "01 01:30 -0500", "02 01:30 -0500"]),
        ("30 * * * *", "once", ["01 00:30 -0400", "01 01:30 -0400", "01 01:30 -0500", "01 02:30 -0500"]),
        ("30 0-23 * * *", "once", ["01 00:30 -0400", "01 01:30 -0400", "01 01:30 -0500", "01 02:30 -0500"]),
    ],
)
def test_a_time_that_the_clock_repeats(text: str, clock_change: ClockChange, expected: list[str]) -> None:
    schedule = parse(text, NEW_YORK, clock_change=clock_change)
    assert due(schedule, datetime(2026, 11, 1, 4, tzinfo=UTC), len(expected)) == expected


def test_a_change_of_half_an_hour() -> None:
    back = datetime(2026, 4, 4, 14, tzinfo=UTC)  # 5 April 01:00 +1100; at 02:00 the clock goes back to 01:30
    assert due(parse("45 1 * * *", LORD_HOWE), back, 2) == ["05 01:45 +1100", "06 01:45 +1030"]
    assert due(parse("*/30 1,2 * * *", LORD_HOWE), back, 4) == [
        "05 01:30 +1100",
        "05 01:30 +1030",
        "05 02:00 +1030",
        "05 02:30 +1030",
    ]
    forward = datetime(2026, 10, 3, 15, tzinfo=UTC)  # 4 October 01:30; 02:00 becomes 02:30
    assert due(parse("15 2 * * *", LORD_HOWE), forward, 2) == ["04 02:30 +1100", "05 02:15 +1100"]


TEXTS = st.builds(
    lambda minute, hour, day, weekday: f"{minute} {hour} {day} * {weekday}",
    st.sampled_from(["*", "*/7", "0", "30", "15,45", "0-58/3", "59"]),
    st.sampled_from(["*", "*/2", "1", "2", "1,2", "0-3", "3"]),
    st.sampled_from(["*", "?", "1-7", "8"]),
    st.sampled_from(["*", "0", "MON-FRI"]),
)
NEAR_CHANGES = st.builds(
    lambda start, seconds, micro: start + timedelta(seconds=seconds, microseconds=micro),
    st.sampled_from([datetime(2026, month, day, 12, tzinfo=UTC) for month, day in ((3, 7), (4, 4), (10, 3), (10, 31), (6, 1))]),
    st.integers(0, 86_400),
    st.sampled_from([0, 0, 1, 999_999]),
)


@given(text=TEXTS, zone=st.sampled_from(ZONES), clock_change=st.sampled_from(["once", "shown"]), moment=NEAR_CHANGES)
@example(text="30 1 * * *", zone=NEW_YORK, clock_change="once", moment=datetime(2026, 11, 1, 6, 15, tzinfo=UTC))
def test_what_comes_next_and_what_came_before_are_inverse(
    text: str, zone: str, clock_change: ClockChange, moment: datetime
) -> None:
    schedule = parse(text, zone, clock_change=clock_change)
    following, before = schedule.next_after(moment), schedule.previous_before(moment)
    assert following is not None
    assert before is not None
    assert before < moment < following
    assert schedule.previous_before(following) in {before, moment}
    assert schedule.next_after(before) in {following, moment}
    assert following.second == following.microsecond == 0


@given(text=TEXTS, zone=st.sampled_from(ZONES), moment=NEAR_CHANGES)
def test_a_schedule_by_the_clock_is_due_whenever_the_clock_shows_it(text: str, zone: str, moment: datetime) -> None:
    schedule = parse(text, zone, clock_change="shown")
    daily = parse(f"* * {text.split(maxsplit=2)[2]}", zone)
    minutes, hours = ({int(n) for n in _listed(part, top)} for part, top in zip(text.split()[:2], (60, 24), strict=True))
    start = moment.replace(second=0, microsecond=0)
    wanted = []
    for count in range(1, 6 * 60):
        at = start + count * MINUTE
        shown = at.astimezone(ZoneInfo(zone))
        if at > moment and shown.minute in minutes and shown.hour in hours and daily.next_after(at - MINUTE) == at:
            wanted.append(at)
    got, at = [], moment
    while (following := schedule.next_after(at)) is not None and following < start + 6 * 60 * MINUTE:
        got.append(following)
        at = following
    assert got == wanted


def _listed(part: str, top: int) -> list[int]:
    found: list[int] = []
    for item in part.split(","):
        span, _, step = item.partition("/")
        first, dash, last = span.partition("-")
        low, high = (0, top - 1) if span == "*" else (int(first), int(last) if dash else int(first))
        found += range(low, high + 1, int(step or 1))
    return found


@pytest.mark.parametrize("text", ["@daily", "@midnight", "TZ=Asia/Singapore @daily"])
def test_words_for_schedules_are_read_where_they_are_allowed(text: str) -> None:
    assert due(parse(text, SINGAPORE, descriptors=True), datetime(2026, 1, 1, tzinfo=UTC), 2) == [
        "02 00:00 +0800",
        "03 00:00 +0800",
    ]
    with pytest.raises(ValueError, match="five fields"):
        parse(text, SINGAPORE)


def test_a_period_is_due_at_its_multiples() -> None:
    schedule = parse("@every 1h30m", descriptors=True)
    assert due(schedule, datetime(2026, 1, 1, tzinfo=UTC), 3) == ["01 01:30 +0000", "01 03:00 +0000", "01 04:30 +0000"]
    assert schedule == every(timedelta(minutes=90))
    at = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)
    assert schedule.previous_before(at) == at - timedelta(minutes=90)
    assert schedule.previous_before(at + timedelta(microseconds=1)) == at


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0 0 30 2 *", "never comes due"),
        ("0 0 * * 7", "Sunday is 0"),
        ("0 0 0 * * *", "no field for seconds"),
        ("@sometimes", "expected one of @yearly"),
        ("@every 100ms", "at least 1s"),
        ("@every soon", "expected a duration"),
        ("9 25 * * *", "the hour must be 0 to 23"),
        ("TZ=Mars/Olympus 0 0 * * *", "not a known time zone"),
        ("9-3 * * * *", "smaller to the larger"),
        (", * * * *", "the minute must be 0 to 59"),
        ("*/0 * * * *", "above 0"),
    ],
)
def test_what_is_wrong_is_said(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse(text, descriptors=True)


def test_a_zone_in_front_wins_and_no_zone_is_utc() -> None:
    assert parse("0 9 * * *") == parse("CRON_TZ=UTC 0 9 * * *", SINGAPORE)
    assert parse("0 9 * * *", SINGAPORE).next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", SINGAPORE)
    assert parse("0 9 * * *", "Local").next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_the_search_ends_with_the_calendar() -> None:
    assert parse("0 0 1 1 *").next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert parse("0 0 1 1 *").previous_before(datetime(1, 1, 1, tzinfo=UTC)) is None
