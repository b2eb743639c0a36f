"""The limit of open files: raised to what the system allows, and said where that is few."""

import resource
import subprocess
from pathlib import Path

import pytest
from service_process import QUIET_ENV, TOCSIN, free_port, running, webhook

from tocsin import descriptors


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "m.yaml"
    path.write_text(webhook("hooks", free_port()))
    return path


def test_the_limit_is_raised_to_what_the_system_allows(manifest: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, descriptors.WANTED) if hard != resource.RLIM_INFINITY else descriptors.WANTED
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # what is started inherits it
    try:
        with running(str(manifest), data=manifest.parent / "data") as service:
            assert resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE) == (wanted, hard)
            assert "few_descriptors" not in service.said()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_system_that_allows_few_is_named(manifest: Path) -> None:
    command = [*TOCSIN, "run", str(manifest), "--data", str(manifest.parent / "data"), "--api", "127.0.0.1:0"]
    limited = ["/bin/sh", "-c", 'ulimit -n 100; exec "$@"', "sh", *command]
    with subprocess.Popen(limited, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=QUIET_ENV, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "few_descriptors" in line)
        process.terminate()
    assert '"limit":100' in line
