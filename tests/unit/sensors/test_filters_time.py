"""The `time` filter; its arithmetic is held to the original's answers in `tests/oracle`."""

import pytest
from deciding_helpers import a_dependency, an_event

from sensors.bound import EventView
from sensors.filters.combine import compile_filters
from sensors.filters.held import Held

YES, NO, ERROR = Held.YES, Held.NO, Held.ERROR


def asked(start: str, stop: str, time: str | None, zone: str = "") -> tuple[Held, str]:
    view = EventView(an_event({}, time=time))
    clause = compile_filters(a_dependency(filters={"time": {"start": start, "stop": stop, "timezone": zone}}))
    held = clause.holds(view)
    return held, "" if held is YES else clause.why(view)


@pytest.mark.parametrize(
    ("start", "stop", "time", "zone", "expected"),
    [
        ("22:00:00", "06:00:00", "2024-07-05T05:59:59Z", "", YES),
        ("22:00:00", "06:00:00", "2024-07-05T06:00:00Z", "", NO),
        ("22:00:00", "06:00:00", "2024-07-05T22:00:00Z", "", YES),
        ("09:00:00", "17:00:00", "2024-07-05T13:00:00Z", "America/New_York", YES),
        ("09:00:00", "17:00:00", "2024-07-05T12:59:59.999Z", "America/New_York", NO),
        ("09:00:00", "17:00:00", "2024-07-05T17:00:00Z", "", NO),
        ("09:00:00", "17:00:00", "2024-07-05T11:00:00+02:00", "", YES),
        (" 9:00:00", "17:00:00", "2024-07-05T09:00:00Z", "", YES),
    ],
)
def test_a_window_holds_its_start_and_not_its_stop(start: str, stop: str, time: str, zone: str, expected: Held) -> None:
    assert asked(start, stop, time, zone)[0] is expected


def test_an_event_without_a_time_is_of_the_first_second_of_year_1() -> None:
    assert asked("00:00:00", "00:00:01", None)[0] is YES
    assert asked("09:00:00", "17:00:00", None)[0] is NO


def test_a_time_that_cannot_be_read_is_an_error() -> None:
    held, why = asked("00:00:00", "01:00:00", "yesterday")
    assert held is ERROR
    assert why == 'time: the event\'s time "yesterday" is no RFC 3339 time'


def test_the_reason_shows_the_local_time_and_the_window() -> None:
    assert asked("09:00:00", "17:00:00", "2024-07-05T12:00:00Z", "America/New_York")[1] == (
        "time: 08:00:00 (America/New_York) is not between 09:00:00 and 17:00:00"
    )


def test_the_machines_own_zone_follows_its_changes_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert asked("09:00:00", "17:00:00", "2024-07-05T13:00:00Z", "Local")[0] is YES
        assert asked("09:00:00", "17:00:00", "2024-12-05T13:00:00Z", "Local")[0] is NO
    finally:
        monkeypatch.undo()
        time.tzset()
