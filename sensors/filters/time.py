"""The `time` filter: a daily window that the event's own time must lie in.

Semantics: upstream's `filterTime`: start and stop stand on the event's date in the zone (UTC where none is given); the window
holds its start and not its stop, and goes across midnight where it does not start before it stops. An event without a time
has the first second of year 1. Local times that a change of clocks leaves out or repeats are read as Go's `time.Date` does.
"""

import time
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from manifests.clock_rules import time_of_day
from manifests.objects import TimeFilter
from sensors.bound import EventView
from sensors.filters.held import Held, Needs, shown
from sensors.languages.gotimes import rfc3339_nanoseconds

_SECOND = 1_000_000_000
_DAY_S = 86_400
_YEAR_1 = -62_135_596_800 * _SECOND
_EARLIEST_S, _LATEST_S = -62_135_510_400, 253_402_214_400
"""What a zone can be asked about: a day inside what Python's calendar holds."""


class Time:
    """A compiled `time` filter."""

    __slots__ = ("_spec", "_start", "_stop", "_zone")
    needs: Needs = None

    def __init__(self, spec: TimeFilter) -> None:
        self._spec = spec
        self._start, self._stop = _nanoseconds(spec.start), _nanoseconds(spec.stop)
        self._zone = _zone(spec.timezone)

    def holds(self, view: EventView) -> Held:
        """Whether the event's time lies in the window."""
        moment = self._moment(view)
        if moment is None or self._start is None or self._stop is None:
            return Held.ERROR
        start, stop = self._on_day_of(moment, self._start), self._on_day_of(moment, self._stop)
        inside = start <= moment < stop if start < stop else moment >= start or moment < stop
        return Held.YES if inside else Held.NO

    def why(self, view: EventView) -> str:
        """The event's time and the window."""
        if self._moment(view) is None:
            return f"time: the event's time {shown(str(view.event.time))} is no RFC 3339 time"
        if self._start is None or self._stop is None:
            return f"time: {shown(self._spec.start)} to {shown(self._spec.stop)} is no window of times of day"
        moment = self._moment(view) or 0
        zone = self._spec.timezone or "UTC"
        local = self._local_clock(moment)
        return f"time: {local} ({zone}) is not between {self._spec.start.strip()} and {self._spec.stop.strip()}"

    def _moment(self, view: EventView) -> int | None:
        time = view.event.time
        return _YEAR_1 if time is None else rfc3339_nanoseconds(time)

    def _on_day_of(self, moment: int, clock: int) -> int:
        """The clock time on the local date of `moment`."""
        seconds = moment // _SECOND
        day_s = (seconds + self._offset_s(seconds)) // _DAY_S * _DAY_S
        wall_s = day_s + clock // _SECOND
        # As Go: the offset in force at that number taken for UTC is tried first, then the one where that leads.
        offset_s = self._offset_s(wall_s)
        if offset_s:
            offset_s = self._offset_s(wall_s - offset_s)
        return (wall_s - offset_s) * _SECOND + clock % _SECOND

    def _offset_s(self, seconds: int) -> int:
        if self._zone is UTC:
            return 0
        asked = min(max(seconds, _EARLIEST_S), _LATEST_S)
        if self._zone is None:
            return time.localtime(asked).tm_gmtoff
        offset = datetime.fromtimestamp(asked, self._zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    def _local_clock(self, moment: int) -> str:
        seconds = moment // _SECOND
        of_day = (seconds + self._offset_s(seconds)) % _DAY_S
        return f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"


def _nanoseconds(text: str) -> int | None:
    found = time_of_day(text)
    if found is None:
        return None
    hours, minutes, seconds = found
    return (hours * 3600 + minutes * 60) * _SECOND + round(seconds * _SECOND)


def _zone(name: str) -> tzinfo | None:
    """The zone; None is the machine's."""
    if name == "Local":
        return None
    return UTC if name in ("", "UTC") else ZoneInfo(name)
