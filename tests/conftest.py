"""Fixtures and guards that every test gets."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings
from servers.fixtures import (
    argo_events,
    artemis_broker,
    aws_server,
    azure_server,
    golang,
    kafka_broker,
    kubernetes_server,
    nats_server,
    openssl,
    pulsar_server,
    ssh_server,
    workflow_controller,
)

__all__ = [
    "argo_events",
    "artemis_broker",
    "aws_server",
    "azure_server",
    "golang",
    "kafka_broker",
    "kubernetes_server",
    "nats_server",
    "openssl",
    "pulsar_server",
    "ssh_server",
    "workflow_controller",
]  # fixtures of every test that asks for them

# How long one example takes says more of what else the machine does; `timeout` bounds a test.
settings.register_profile("tocsin", settings.default, deadline=None)
settings.load_profile("tocsin")


def _open_files() -> dict[str, str]:
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue  # the descriptor that listed the folder is gone by now
        if not target.startswith(("/dev/", "anon_inode:", "/proc/", "pipe:")):
            found[fd] = target
    return found


@pytest.fixture(autouse=True)
def no_leaked_descriptors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a file or a socket open."""
    before = _open_files()
    yield
    leaked = {fd: target for fd, target in _open_files().items() if fd not in before}
    if leaked:
        gc.collect()
        leaked = {fd: target for fd, target in _open_files().items() if fd not in before}
    assert not leaked, f"left open: {leaked}"


@pytest_asyncio.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail the test that leaves a task running."""
    yield
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()]
    assert not left, f"tasks left running: {[task.get_name() for task in left]}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data folder."""
    return tmp_path / "data"
