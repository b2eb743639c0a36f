"""A calendar through kills of the process: nothing missed, nothing doubled."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL

from service_process import running, tocsin

MANIFEST = """
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {name: clock}
spec:
  calendar:
    tick: {interval: 1s, catchUp: all}
    late: {schedule: "0 0 29 2 *", timezone: Asia/Singapore}
"""


def test_a_calendar_misses_and_doubles_nothing_when_it_is_killed(tmp_path: Path) -> None:
    manifest, data = tmp_path / "clock.yaml", tmp_path / "data"
    manifest.write_text(MANIFEST)
    for count in (2, 4, 6):
        with running(str(manifest), data=data) as service:
            service.wait_for("/api/v1/events?limit=100", lambda page, count=count: len(page["items"]) >= count)
            assert service.stop(SIGKILL) == -SIGKILL
    with running(str(manifest), data=data) as service:
        found = service.wait_for("/api/v1/events?limit=100", lambda page: len(page["items"]) >= 8)["items"]
        assert service.stop() == 0
    times = sorted(datetime.fromisoformat(event["id"]) for event in found)
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [timedelta(seconds=1)] * (len(times) - 1)


def test_problems_of_a_calendar_have_their_place(tmp_path: Path) -> None:
    manifest = tmp_path / "clock.yaml"
    manifest.write_text(MANIFEST.replace("Asia/Singapore", "Asia/Singapur").replace("interval: 1s", "interval: 1d"))
    done = tocsin("validate", str(manifest))
    assert done.returncode == 2
    assert "clock.yaml:8:46: spec.calendar.late.timezone: not a known time zone" in done.stdout + done.stderr
    assert "clock.yaml:7:22: spec.calendar.tick.interval: expected a duration" in done.stdout + done.stderr
