"""Manifests edited while the service runs, as editors and mounts change files."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from service_process import Service, Target, calling, free_port, running, sent, webhook
from waiting import wait_until

JSON = {"Content-Type": "application/json"}


def state(service: Service, sensor: str = "deploy") -> str:
    found = {item["name"]: item["state"] for item in service.get("/api/v1/sensors")["items"]}
    return str(found.get(sensor, "gone"))


class Bench:
    """A watched folder with one source and one sensor."""

    def __init__(self, folder: Path, port: int, target: Target) -> None:
        self.folder, self.port, self.target = folder, port, target
        self.sensor = folder / "deploy.yaml"
        folder.mkdir()
        (folder / "hooks.yaml").write_text(webhook("hooks", port))
        self.sensor.write_text(self.text("main"))

    def text(self, ref: str) -> str:
        return calling("deploy", f"http://127.0.0.1:{self.target.port}/{ref}", ref=f"^{ref}$")

    def fires_for(self, ref: str) -> bool:
        """Whether an event of `ref` is acted on by now; sends one more."""
        before = len(self.target.received)
        sent(self.port, {"ref": ref})
        until = time.monotonic() + 0.3
        while time.monotonic() < until and len(self.target.received) == before:
            time.sleep(0.01)
        return len(self.target.received) > before


@contextmanager
def watched(tmp_path: Path) -> Iterator[tuple[Service, Bench]]:
    with Target().serving() as target:
        bench = Bench(tmp_path / "manifests", free_port(), target)
        with running(str(bench.folder), "--watch", data=tmp_path / "data") as service:
            yield service, bench


def rename_over(path: Path, text: str) -> None:
    """Vim, sed -i, most editors: a new file in the place of the old one."""
    fresh = path.with_name(f".{path.name}.swp")
    fresh.write_text(text)
    fresh.replace(path)


def truncate_and_write(path: Path, text: str) -> None:
    """Nano, cp, a shell: the same file is emptied and filled, here slowly."""
    with path.open("w") as file:
        file.flush()
        time.sleep(0.2)
        for start in range(0, len(text), 100):
            file.write(text[start : start + 100])
            file.flush()
            time.sleep(0.02)


def backup_first(path: Path, text: str) -> None:
    """Emacs: the old file becomes a backup, and for a moment there is none."""
    path.rename(path.with_name(f"{path.name}~"))
    time.sleep(0.15)
    path.write_text(text)


@pytest.mark.parametrize("save", [rename_over, truncate_and_write, backup_first])
def test_whichever_way_an_editor_saves_the_edit_is_applied_and_nothing_is_withdrawn(
    tmp_path: Path, save: Callable[[Path, str], None]
) -> None:
    with watched(tmp_path) as (service, bench):
        assert bench.fires_for("main")
        save(bench.sensor, bench.text("dev"))
        wait_until(lambda: bench.fires_for("dev"))
        assert not bench.fires_for("main")
        said = service.said()
        assert "sensor_withdrawn" not in said
        assert '"changed":"Sensor/default/deploy"' in said
        assert state(service) == "running"


def test_a_mount_that_swaps_a_link_is_applied(tmp_path: Path) -> None:
    with Target().serving() as target:
        bench = Bench(tmp_path / "one", free_port(), target)
        shutil.copytree(bench.folder, tmp_path / "two")
        (tmp_path / "two" / "deploy.yaml").write_text(bench.text("dev"))
        mount = tmp_path / "mount"
        mount.mkdir()
        (mount / "..data").symlink_to("../one")
        for name in ("hooks.yaml", "deploy.yaml"):
            (mount / name).symlink_to(f"..data/{name}")
        with running(str(mount), "--watch", data=tmp_path / "data") as service:
            assert bench.fires_for("main")
            (mount / "..data_tmp").symlink_to("../two")
            (mount / "..data_tmp").replace(mount / "..data")
            wait_until(lambda: bench.fires_for("dev"))
            assert "sensor_withdrawn" not in service.said()


def test_a_folder_that_vanishes_keeps_what_it_declared_until_it_is_back(tmp_path: Path) -> None:
    with watched(tmp_path) as (service, bench):
        bench.folder.rename(tmp_path / "elsewhere")
        wait_until(lambda: state(service) == "last-good")
        assert bench.fires_for("main")
        assert f"{bench.folder}:0:0: cannot be read: there is no such file or folder" in service.said()
        (tmp_path / "elsewhere").rename(bench.folder)
        wait_until(lambda: state(service) == "running")
        assert bench.fires_for("main")


def test_what_is_wrong_is_said_with_its_place_and_the_rest_is_applied(tmp_path: Path) -> None:
    with watched(tmp_path) as (service, bench):
        bench.sensor.write_text(bench.text("dev").replace("url:", "uri:"))
        (bench.folder / "more.yaml").write_text(calling("more", f"http://127.0.0.1:{bench.target.port}/more", ref="^more$"))
        wait_until(lambda: bench.fires_for("more"))
        assert bench.fires_for("main"), "the last good revision runs on"
        said = service.said()
        line = bench.sensor.read_text()[: bench.sensor.read_text().index("uri:")].count("\n") + 1
        assert f"{bench.sensor}:{line}:" in said
        assert '"added":"Sensor/default/more"' in said
        assert '"not_in_order":1' in said
        bench.sensor.write_text(bench.text("dev"))
        wait_until(lambda: bench.fires_for("dev"))
        bench.sensor.unlink()
        wait_until(lambda: state(service) == "gone")
        assert not bench.fires_for("dev")
        assert '"removed":"Sensor/default/deploy"' in service.said()


def test_the_same_content_written_again_applies_nothing_and_changes_nothing(tmp_path: Path) -> None:
    with watched(tmp_path) as (service, bench):
        revision = service.get("/api/v1/sensors/deploy")["revision"]
        bench.sensor.write_text("# a comment\n" + bench.text("main"))
        os.utime(bench.folder / "hooks.yaml")
        wait_until(lambda: "manifests_applied" in service.said())
        said = service.said()
        assert '"unchanged":2,"not_in_order":0' in said
        assert not any(word in said for word in ('"changed"', '"removed"', '"added"', "source_stopped", "sensor_withdrawn"))
        assert service.get("/api/v1/sensors/deploy")["revision"] == revision
        assert service.get("/api/v1/firings")["items"] == []
