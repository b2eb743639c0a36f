"""Files that arrive in a folder, with the service as a process."""

import signal
from pathlib import Path

from service_process import running


def test_a_file_that_arrives_is_an_event(tmp_path: Path) -> None:
    manifest, folder = tmp_path / "file.yaml", tmp_path / "incoming"
    manifest.write_text(f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: file}}
spec:
  file:
    arrived:
      eventType: CREATE
      watchPathConfig: {{directory: {folder}, pathRegexp: "json$"}}
""")
    with running(str(manifest), data=tmp_path / "data") as service:
        folder.mkdir()
        (folder / "a.csv").touch()
        (folder / "a.json").write_text("1")
        (event,) = service.wait_for("/api/v1/events", lambda page: page["items"])["items"]
        assert (event["source"], event["name"], event["type"]) == ("file", "arrived", "file")
        assert service.stop() == 0


def test_files_that_arrive_while_the_service_is_dead_are_events_once(tmp_path: Path) -> None:
    manifest, folder, data = tmp_path / "file.yaml", tmp_path / "incoming", tmp_path / "data"
    folder.mkdir()
    manifest.write_text(f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: file}}
spec:
  file:
    arrived:
      eventType: CREATE
      polling: true
      watchPathConfig: {{directory: {folder}, pathRegexp: "json$"}}
""")
    for round_ in range(3):
        (folder / f"{round_}-while-dead.json").write_text("1")
        with running(str(manifest), data=data) as service:
            expected = 2 * round_
            service.wait_for("/api/v1/events", lambda page, wanted=expected: len(page["items"]) == wanted)
            (folder / f"{round_}-while-alive.json").write_text("1")
            service.wait_for("/api/v1/events", lambda page, wanted=expected + 1: len(page["items"]) == wanted)
            service.stop(signal.SIGKILL)
