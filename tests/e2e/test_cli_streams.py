"""What the command line does where its own streams are closed, full, or read by nobody."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from service_process import QUIET_ENV, TOCSIN, Service, free_port, webhook
from waiting import wait_until

FULL = Path("/dev/full")
"""A device on which every write fails as on a full disk; Linux has it."""


def closing(*numbers: int) -> str:
    """A shell's way to run a command with some of its standard streams closed."""
    return 'exec "$@" ' + " ".join(f"{number}>&-" for number in numbers)


def shell(script: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *TOCSIN, *args], capture_output=True, text=True, timeout=60, env=QUIET_ENV, check=False
    )


@contextmanager
def started(folder: Path, script: str) -> Iterator[Service]:
    """A service that `script` runs; killed with it at the end."""
    service = Service(manifests(folder), data=folder / "data", log=folder / "log", shell=script)
    try:
        yield service.ready()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait(10)


def manifests(folder: Path) -> str:
    (folder / "m.yaml").write_text(webhook("hooks", free_port()))
    return str(folder / "m.yaml")


@pytest.mark.parametrize("numbers", [(1,), (2,), (0, 1, 2)])
def test_a_command_whose_streams_are_closed_does_its_work(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    done = shell(closing(*numbers), "validate", manifests(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_service_whose_streams_are_closed_runs_and_prints_into_no_socket(tmp_path: Path) -> None:
    with started(tmp_path, closing(0, 1, 2)) as service:
        held = {number: os.readlink(f"/proc/{service.process.pid}/fd/{number}") for number in (0, 1, 2)}
        assert held == dict.fromkeys((0, 1, 2), os.devnull)
        assert service.stop() == 0


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("args", [["validate", "-o", "json"], ["schema"], ["version"]])
def test_results_that_cannot_be_written_are_a_failure_and_no_fault(tmp_path: Path, args: list[str]) -> None:
    done = shell('exec "$@" > /dev/full', *args, *([manifests(tmp_path)] if args[0] == "validate" else []))
    assert (done.returncode, done.stderr) == (1, "Error: the results cannot be written: No space left on device\n")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_messages_that_cannot_be_written_change_no_exit_code(tmp_path: Path) -> None:
    assert shell('exec "$@" 2> /dev/full', "validate", manifests(tmp_path)).returncode == 0
    assert shell('exec "$@" 2> /dev/full', "nonsense").returncode == 2


@pytest.mark.parametrize("script", ['exec "$@" > /dev/full', '"$@" | true'], ids=["full", "unread"])
def test_a_service_runs_on_where_nobody_can_be_told_what_it_listens_to(tmp_path: Path, script: str) -> None:
    with started(tmp_path, script) as service:
        wait_until(lambda: "what is listened to could not be written" in service.said(), service.said)
        assert service.get("/readyz")["ready"]
