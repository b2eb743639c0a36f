"""The SQLite bus while the clock on the wall is set to another time: nothing is lost, repeated, or waits for the old time."""

from pathlib import Path

import pytest
from bus_rig import some_events

from eventbus.journal import EventFilter
from eventbus.sqlite import SqliteOptions, open_bus

HOUR_US = 3_600_000_000
START_US = 1_795_000_000_000_000


class Clock:
    """Says what it is set to, a microsecond later each time."""

    def __init__(self) -> None:
        self.us = START_US

    def __call__(self) -> int:
        self.us += 1
        return self.us


@pytest.mark.parametrize("step_us", [-HOUR_US, HOUR_US, -2_000_000])
async def test_every_page_of_a_list_ends_and_shows_each_event_once_across_a_step_of_the_clock(
    tmp_path: Path, step_us: int
) -> None:
    clock = Clock()
    bus = await open_bus(tmp_path, options=SqliteOptions(now_us=clock))
    for start in (1, 31, 61):
        await bus.append(some_events(30, start=start))
        clock.us += step_us
    found: list[str] = []
    cursor = None
    for _ in range(20):
        page = await bus.journal.events(EventFilter(), limit=7, cursor=cursor)
        found += [one.event.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == [str(number) for number in range(90, 0, -1)]
    await bus.aclose()
